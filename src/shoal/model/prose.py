"""Names and prose by a language model, from the fact sheet alone; what it adds to the facts is refused.

The model is asked once for the same facts. Whatever fails, the deterministic text stands and a note says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal.define.protected import protected_words
from shoal.errors import LanguageRefused, ShoalError, Terminal
from shoal.language import as_json
from shoal.model.facts import fingerprint, said, sheet, texts
from shoal.summary import Brief, Segment

Ask = Callable[[str, str], str]
LONGEST_NAME = 60
LONGEST = {"headline": 400, "value": 600, "strategies": 400, "risks": 400}
FEWEST = 20  # people: the facts of fewer are nearly those of a person, and are not sent
KEPT = 500  # answers that are remembered
PATIENCE = 2  # calls that fail before the others are not tried
REFUSED = "refused"
SYSTEM = """You write for marketers, in plain, short English. You are given the facts of one customer segment as JSON.
Answer with one JSON object and nothing else:
{"name": "...", "headline": "...", "value": "...", "strategies": ["..."], "risks": ["..."]}
Rules:
- Say only what the facts say. Every number must stand in the facts, written as it is there; compute nothing.
- name: 2 to 6 words for how these people behave, at most 60 characters, no numbers, not one of the names taken.
- headline: one sentence on who they are. value: one sentence on what they are worth, empty if the facts have none.
- strategies and risks: as many as in the facts, in the same order, each said better.
- Nothing about age, gender, origin, religion, health or family. No markup, links, quotes of people or examples."""
_ALLOWED = re.compile(r"(?:[^\x00-\x1f\x7f<>`*_#|{}\[\]\\]|[<>](?= ?\d))*")
_LINK = re.compile(r"https?:|www\.|mailto:|@|\b[a-z0-9-]+\.(?:com|org|net|io|ai|co|example)\b|&\w+;", re.IGNORECASE)


@dataclass(frozen=True)
class Rewritten:
    """The segments in their order; notes in plain words; the answers to remember; new names by the old ones."""

    segments: list[Segment]
    notes: list[str]
    known: dict[str, dict[str, Any]]
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Voice:
    """A language model's endpoint and what notes call it."""

    ask: Ask
    by: str

    def names(
        self, segments: Sequence[Segment], known: Mapping[str, Any], currency: str | None, keep: Collection[str]
    ) -> Rewritten:
        """New names for the discovered segments; those in `keep` keep theirs."""
        return rewrite(segments, self.ask, known=known, by=self.by, currency=currency, keep=keep)

    def tells(self, segments: Sequence[Segment], known: Mapping[str, Any], currency: str | None) -> Rewritten:
        """Prose for the discovered segments under the names that they have."""
        keep = [one.name for one in segments]
        return rewrite(segments, self.ask, known=known, by=self.by, currency=currency, keep=keep)


def rewrite(
    segments: Sequence[Segment],
    ask: Ask,
    *,
    known: Mapping[str, Mapping[str, Any]] = {},
    by: str = "the language model",
    currency: str | None = None,
    keep: Collection[str] = (),
    kinds: Collection[str] = ("discovered",),
) -> Rewritten:
    """The segments with name and prose rewritten where the answer holds up against the facts.

    Args:
        segments: the whole set, for names must be unique in it; of `kinds`, those with 20 people or more are rewritten.
        ask: takes instructions and a text, gives the model's text; may raise ShoalError.
        known: answers of earlier runs by the facts' hash; the same facts are not asked again.
        by: what the model is called in notes; another model is asked anew.
        keep: names of segments that keep their name; only their prose is rewritten.
    """
    work = _Work(segments, ask, known, by, currency, frozenset(keep))
    done = [work.one(segment) if segment.kind in kinds and segment.size >= FEWEST else segment for segment in segments]
    return Rewritten(done, work.told(), _last({**known, **work.answers}), work.renamed)


def _last(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest answers, so that what is remembered does not grow for ever."""
    return {key: dict(answer) for key, answer in list(answers.items())[-KEPT:]}


class _Work:
    """One pass over the segments: names that are taken, answers that are new, calls that failed."""

    def __init__(
        self,
        segments: Sequence[Segment],
        ask: Ask,
        known: Mapping[str, Mapping[str, Any]],
        by: str,
        currency: str | None,
        keep: frozenset[str],
    ) -> None:
        self.ask, self.known, self.by, self.currency, self.keep = ask, known, by, currency, keep
        self.taken = [segment.name for segment in segments]
        self.answers: dict[str, dict[str, Any]] = {}
        self.renamed: dict[str, str] = {}
        self.notes: list[str] = []
        self.failed: list[ShoalError] = []
        self.untried: list[str] = []

    def one(self, segment: Segment) -> Segment:
        facts = sheet(segment, self.currency)
        key = fingerprint(facts, SYSTEM, self.by)
        answer = self.known.get(key) or self._asked(segment, facts)
        if answer is None:
            return segment
        self.answers[key] = dict(answer)
        others = [name for name in self.taken if name != segment.name]
        faults = [str(answer[REFUSED])] if REFUSED in answer else list(faults_of(answer, facts, others))
        if faults:
            self.notes.append(f"segment '{segment.name}': the text of {self.by} was refused: {'; '.join(faults)}")
            return segment
        return self._with(segment, answer)

    def _asked(self, segment: Segment, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """The model's answer; None where there was none to be had."""
        gone = any(isinstance(error, Terminal) for error in self.failed) or len(self.failed) >= PATIENCE
        if gone:
            self.untried.append(segment.name)
            return None
        question = {"facts": facts, "name now": segment.name, "names taken": self._taken_by_others(segment)}
        try:
            text = self.ask(SYSTEM, json.dumps(question, ensure_ascii=False, indent=1))
        except ShoalError as error:
            self.failed.append(error)
            self.untried.append(segment.name)
            return None
        try:
            return {name: value for name, value in as_json(text).items() if name in ("name", *LONGEST)}
        except LanguageRefused as error:
            return {REFUSED: str(error)}

    def _taken_by_others(self, segment: Segment) -> list[str]:
        return [name for name in self.taken if name != segment.name]

    def _with(self, segment: Segment, answer: Mapping[str, Any]) -> Segment:
        name = segment.name if segment.name in self.keep else " ".join(str(answer["name"]).split())
        brief = _brief(segment.brief, answer)
        if name != segment.name:
            self.taken[self.taken.index(segment.name)] = name
            self.renamed[segment.name] = name
        was = f" (by its facts: '{segment.name}')" if name != segment.name else ""
        what = "text" if segment.name in self.keep else "name and text"
        self.notes.append(f"segment '{name}'{was}: {what} rewritten by {self.by} from the facts, every number checked")
        return segment.model_copy(update={"name": name, "brief": brief})

    def told(self) -> list[str]:
        """The notes, with one on the calls that failed."""
        if not self.untried:
            return self.notes
        names = ", ".join(f"'{name}'" for name in self.untried[:3]) + (" and others" if len(self.untried) > 3 else "")
        why = str(self.failed[-1]).rstrip(".")
        return [*self.notes, f"{names}: the text by the facts stands, since {self.by} gave no answer: {why}"]


def faults_of(answer: Mapping[str, Any], facts: Mapping[str, Any], taken: Collection[str]) -> Iterator[str]:
    """Why an answer may not be shown, in plain words; nothing where it may.

    `taken` are the names of the other segments.
    """
    shape = list(_misshapen(answer, facts))
    if shape:
        yield from shape
        return
    name = " ".join(str(answer["name"]).split())
    if not name or len(name) > LONGEST_NAME:
        yield f"a name has 1 to {LONGEST_NAME} characters, got {len(name)}"
    if name.casefold() in {other.casefold() for other in taken}:
        yield f"another segment is called '{name}'"
    written = "\n".join(texts(answer))
    found, given = said(written), said("\n".join(texts(facts)))
    for what, of, allowed in (
        ("the number", found.numbers, given.numbers),
        ("the quantity", found.amounts, given.amounts),
        ("the currency", found.currencies, given.currencies),
    ):
        unknown = sorted(of - allowed)
        if unknown:
            yield f"{what} {', '.join(unknown)} is not in the facts"
    protected = protected_words(written)
    if protected:
        yield f"it speaks of a protected trait ({', '.join(protected)})"
    if _LINK.search(written) or not all(_ALLOWED.fullmatch(text) for text in texts(answer)):
        yield "it has markup, a link or control characters"


def _misshapen(answer: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """What is missing, of another type or too long."""
    for part in ("name", "headline"):
        if not isinstance(answer.get(part), str) or not answer[part].strip():
            yield f"it has no {part}"
    if not isinstance(answer.get("value", ""), str):
        yield "its value is no text"
    for part in ("strategies", "risks"):
        given, told = facts.get(part, []), answer.get(part, [])
        if not isinstance(told, list) or not all(isinstance(one, str) and one.strip() for one in told):
            yield f"its {part} are no list of texts"
        elif len(told) != len(given):
            yield f"it has {len(told)} {part} where the facts have {len(given)}"
    for part, most in LONGEST.items():
        if any(len(text) > most for text in texts(answer.get(part, ""))):
            yield f"its {part} have more than {most} characters"


def _brief(brief: Brief, answer: Mapping[str, Any]) -> Brief:
    """The brief in the answer's words; numbers and traits stay."""
    value = str(answer.get("value", "")).strip()
    return brief.model_copy(
        update={
            "headline": answer["headline"].strip(),
            "value": value if value and brief.value else brief.value,
            "strategies": [one.strip() for one in answer.get("strategies", [])],
            "risks": [one.strip() for one in answer.get("risks", [])],
        }
    )
