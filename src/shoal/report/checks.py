"""Checks arranged for reading: which are counted in the first lines, what failed, and one sheet per kind of subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shoal.report import words
from shoal.summary import Result, Run, Segment, Verdict

_RESULTS: tuple[Result, ...] = ("pass", "warn", "fail", "not enough data")
_OWN = ("discovered", "predictive", "rule")
_NAMED = 4  # checks that failed, in the first lines


def counts(segment: Segment) -> bool:
    """Whether its checks are in the first lines: found, predicted, own, proposed and released segments."""
    return segment.kind in _OWN or (segment.proposed and segment.kind != "micro") or segment.status == "released"


def counted(run: Run) -> list[Verdict]:
    """The checks of the first lines; those of micro-segments and of yardsticks are in the list of all."""
    others = {s.subject for s in run.segments} - {s.subject for s in run.segments if counts(s)}
    kinds = {s.kind for s in run.segments} - {s.kind for s in run.segments if counts(s)}
    return [v for v in run.verdicts if v.subject not in others and v.subject.removeprefix("set:") not in kinds]


def tally(verdicts: Sequence[Verdict]) -> dict[Result, int]:
    """How many came out how."""
    return {result: sum(v.result == result for v in verdicts) for result in _RESULTS}


def failed(verdicts: Sequence[Verdict]) -> str:
    """Which checks failed, the most frequent first; '' where none did.

    >>> failed([Verdict(subject=s, check=c, result="fail") for s, c in (("A", "drift"), ("A", "size"), ("B", "size"))])
    'size (2 segments), drift (A)'
    """
    subjects: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.result == "fail":
            subjects.setdefault(words.title(verdict.check).lower(), []).append(verdict.subject)
    ranked = sorted(subjects, key=lambda check: -len(subjects[check]))
    told = [f"{check} ({_whose(subjects[check])})" for check in ranked[:_NAMED]]
    rest = len(ranked) - _NAMED
    return ", ".join([*told, *([f"and {words.plural(rest, 'check')} more"] if rest > 0 else [])])


def _whose(subjects: Sequence[str]) -> str:
    if len(subjects) == 1:
        return words.subject(subjects[0])
    one = "subject" if any(subject.startswith("set:") for subject in subjects) else "segment"
    return words.plural(len(subjects), one)


@dataclass(frozen=True)
class Sheet:
    """Subjects against checks, each check's threshold said once."""

    title: str
    subjects: dict[str, list[Verdict]]
    folded: bool = False

    @cached_property
    def checks(self) -> dict[str, str]:
        """Every check with the rule that it is held against, as most subjects have it."""
        rules: dict[str, list[str]] = {}
        for about in self.subjects.values():
            for verdict in about:
                rules.setdefault(verdict.check, []).append(verdict.rule)
        return {check: max(dict.fromkeys(said), key=said.count) for check, said in rules.items()}

    def cell(self, subject: str, check: str) -> Verdict | None:
        """What came of one check on one subject."""
        return next((v for v in self.subjects[subject] if v.check == check), None)

    @property
    def remarks(self) -> list[Verdict]:
        """What the marks do not say: a note, or a rule of its own."""
        found = [v for about in self.subjects.values() for v in about]
        return [v for v in found if v.result != "pass" and v.note]


def sheets(run: Run, subjects: dict[str, list[Verdict]]) -> list[Sheet]:
    """The sets, the segments of the first lines, then, folded, the others by kind."""
    kinds = {s.subject: s.kind for s in run.segments if not counts(s)}
    titles = {s: words.kind(kind) for s, kind in kinds.items()}
    groups: dict[str, dict[str, list[Verdict]]] = {"Segments": {}, "Sets of segments": {}}
    for subject, about in subjects.items():
        whole = "Sets of segments" if subject.startswith("set:") else "Segments"
        groups.setdefault(titles.get(subject, whole), {})[subject] = about
    return [Sheet(title, about, title in titles.values()) for title, about in groups.items() if about]
