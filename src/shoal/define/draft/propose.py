"""A sentence to a proposal: the rule, why each clause is so, what was not understood, and whom it selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from shoal.define.draft.answer import Answer, Cannot
from shoal.define.draft.grammar import Grammar
from shoal.define.draft.known import Known
from shoal.define.draft.read import Group, Phrase, Reading, read, rule_of
from shoal.define.evaluate import mask
from shoal.define.parse import parse
from shoal.define.relative import Resolved, resolve
from shoal.define.types import Type, types_of
from shoal.define.words import to_text, to_words
from shoal.errors import ExpressionError

EXAMPLES = 5


@dataclass(frozen=True)
class Clause:
    """A phrase and the clause it became; `exact` is False where the data have only something near."""

    phrase: str
    rule: str
    why: str
    exact: bool = True
    others: tuple[tuple[str, str], ...] = ()  # rule, what it says


@dataclass(frozen=True)
class Missing:
    """A phrase that the data cannot answer, why, and the clause that comes nearest."""

    phrase: str
    why: str
    near: str = ""


@dataclass(frozen=True)
class Draft:
    """A proposal. `complete` is False where a phrase is not in the rule; then it may select too many, or too few."""

    text: str
    rule: str
    clauses: tuple[Clause, ...] = ()
    missing: tuple[Missing, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.missing and not self.unknown


@dataclass(frozen=True)
class Reach:
    """Whom a rule selects as of now: its plain form, words, size, share, and some of their ids."""

    rule: str
    words: str
    size: int
    share: float
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def propose(text: str, known: Known, grammar: Grammar | None = None) -> Draft:
    """The rule that a sentence means, by the grammar; give one that was made of `known` to read many sentences.

    >>> from shoal.define.draft.known import survey
    >>> people = pa.table({"orders": [1, 2, 9], "revenue": [5.0, 20.0, 700.0]})
    >>> propose("customers with at least 3 orders", survey(people, {})).rule
    'orders >= 3'
    """
    reading = read(text, grammar or Grammar(known))
    chosen = {phrase.place: phrase.found.rule for phrase in reading.phrases if isinstance(phrase.found, Answer)}
    notes = [*reading.notes, *_loosened(reading, chosen)]
    rule = _canonical(_rule(reading.tree, chosen), known)
    clauses, missing = [], []
    for phrase in reading.phrases:
        if isinstance(phrase.found, Cannot):
            near = phrase.found.near
            missing.append(Missing(phrase.said, phrase.found.why, near.rule if near else ""))
        else:
            clauses.append(_clause(phrase, phrase.found, chosen[phrase.place], known))
    return Draft(text, rule, tuple(clauses), tuple(missing), tuple(reading.unknown), tuple(dict.fromkeys(notes)))


def _rule(tree: Group, chosen: Mapping[int, str]) -> str:
    everybody = dict(chosen)
    if len(everybody) > 1:
        everybody = {place: rule for place, rule in everybody.items() if rule != "true"}
    return rule_of(tree, everybody)


def _clause(phrase: Phrase, found: Answer, rule: str, known: Known) -> Clause:
    others = tuple((_canonical(other.rule, known), other.says) for other in found.others)
    return Clause(phrase.said, _canonical(rule, known), found.why, found.exact, others)


def _loosened(reading: Reading, chosen: dict[int, str]) -> list[str]:
    """Where another phrase says how recently, a word such as loyal does not say it too."""
    notes = []
    for phrase in reading.phrases:
        found = phrase.found
        if not isinstance(found, Answer) or not found.loose:
            continue
        others = [rule for place, rule in chosen.items() if place != phrase.place]
        if any(_says_when(rule) for rule in others):
            chosen[phrase.place] = found.loose
            notes.append(f"'{phrase.said}': how recently is left to the other phrases")
    return notes


def _says_when(rule: str) -> bool:
    """Whether a clause speaks of an absence, which would contradict having been seen lately."""
    return "recency_days >" in rule or ("orders" in rule and "d = 0" in rule)


def _canonical(rule: str, known: Known) -> str:
    """The rule in its one spelling; ranks stay as they are written."""
    if not rule or " in top " in rule or " in bottom " in rule:
        return rule
    return to_text(parse(rule, known.types, expect=Type.BOOL))


def reach(rule: str, table: pa.Table, known: Known, *, examples: int = EXAMPLES) -> Reach:
    """Whom a rule selects in the people's table; ids are taken evenly over those selected.

    Raises ExpressionError where the rule cannot be read.

    >>> from shoal.define.draft.known import survey
    >>> people = pa.table({"profile_id": ["a", "b"], "orders": [1, 9]})
    >>> reach("orders >= 3", people, survey(people, {})).examples
    ('b',)
    """
    found: Resolved = resolve(rule, table)
    expr = parse(found.rule, types_of(table.schema), expect=Type.BOOL)
    member = np.asarray(mask(expr, table), dtype=bool)
    rows = np.flatnonzero(member)
    few = rows[np.linspace(0, len(rows) - 1, min(examples, len(rows))).astype(int)] if len(rows) else rows
    ids = table["profile_id"].take(pa.array(few)).to_pylist() if "profile_id" in table.column_names else []
    said = {"true": "everybody", "false": "nobody"}.get(found.rule) or to_words(expr, known.labels, found.phrases)
    share = len(rows) / table.num_rows if table.num_rows else 0.0
    return Reach(found.rule, said, len(rows), share, tuple(str(one) for one in ids), found.notes)


def sized(rules: Sequence[str], table: pa.Table, known: Known) -> list[int | None]:
    """How many people each clause selects on its own; None where one cannot be read."""
    found: list[int | None] = []
    for rule in rules:
        try:
            found.append(reach(rule, table, known, examples=0).size)
        except ExpressionError:
            found.append(None)
    return found
