"""What is true of some people at an instant: features by the kernel, scores by the models, memberships by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import tables
from shoal.define.change import next_change
from shoal.define.evaluate import Frame, Vector
from shoal.define.passes import Cut
from shoal.define.textual import objects
from shoal.define.types import Type
from shoal.live.definition import Definition
from shoal.live.due import NEVER, Ageing
from shoal.live.layout import Rows
from shoal.live.state import Words

Ints = NDArray[np.int64]
Value = str | float | bool


@dataclass(frozen=True)
class Crowd:
    """Some people with their histories.

    `persons` are their numbers; `rows` their events sorted by (person, at, tie), `place` says whose each row is (from
    0); `traits` has each person's traits by name.
    """

    persons: Ints
    rows: Rows
    place: Ints
    traits: Sequence[Mapping[str, Value]]


@dataclass(frozen=True)
class Evaluated:
    """What is true of them: `values` (people, computed), `mask` (people, words of 64 segments), `due` by person."""

    values: NDArray[np.float64]
    mask: NDArray[np.uint64]
    due: Ints


@dataclass(frozen=True)
class Truth:
    """What is true of some people: `computed` by name as `Definition.computed` lists it, whom each rule holds for."""

    computed: dict[str, Vector]
    holds: list[NDArray[np.bool_]]
    due: Ints


class Evaluator:
    """Evaluates a definition."""

    def __init__(self, definition: Definition, words: Words) -> None:
        self.definition, self.words = definition, words
        plan, read = definition.plan, definition.read
        self._over = [step for name, step in plan.steps.items() if step.feature.operation != "formula"]
        self._moving = [step for step in self._over if step.feature.name in read]
        self._defaulted = [
            step for step in self._moving if step.operation == "days_since" and step.feature.fallback is not None
        ]
        ages = {step.feature.name for step in self._moving if step.operation == "days_since"} | {"as_of"}
        self._ageing = Ageing(definition.inlined, frozenset(ages & (read | {"as_of"})))
        empty = plan.empty()
        self._silent = {name: _single(empty[name], kind) for name, kind in plan.types.items()}

    def evaluate(self, crowd: Crowd, as_of: int) -> Evaluated:
        """Features, scores and memberships of a crowd as of an instant, and when time alone may change them."""
        people = len(crowd.persons)
        truth = self.truth(crowd, as_of)
        values = [np.broadcast_to(self._number(vector), (people,)) for vector in truth.computed.values()]
        packed = np.column_stack(values) if values else np.empty((people, 0))
        return Evaluated(np.ascontiguousarray(packed), packed_bits(truth.holds, people), truth.due)

    def truth(self, crowd: Crowd, as_of: int) -> Truth:
        """The same before it is packed."""
        people = len(crowd.persons)
        features, due, held = self._features(crowd, as_of, people)
        table: dict[str, Vector] = {**features, "as_of": _same(as_of, people)}
        for name, expr in self.definition.derived_exprs.items():
            table[name] = _plain(Frame(table, people).full(expr), expr.type)
        computed = {name: table[name] for name, _ in self.definition.computed if name in table}
        for name, kind in self.definition.traits.items():
            if name not in table:
                table[name] = _trait([one.get(name) for one in crowd.traits], Type(kind))
        for model, vector in self._scores(table, crowd, as_of).items():
            computed[f"score:{model}"] = vector
        for name, model in self.definition.score_columns.items():
            table.setdefault(name, computed[f"score:{model}"])
        frame = Frame(table, people)
        holds = [frame.mask(expr) for expr in self.definition.exprs]
        due = np.minimum(due, self._ageing.next(table, people, as_of, held))
        if self.definition.reads_scores:
            due = np.minimum(due, as_of + self.definition.refresh)
        return Truth(computed, holds, due)

    def _features(
        self, crowd: Crowd, as_of: int, people: int
    ) -> tuple[dict[str, Vector], Ints, dict[str, NDArray[np.bool_]]]:
        """Features by name, the next change by time, and for whom an age is its default, which does not grow.

        A person without an event yet has the features of nothing.
        """
        plan, silent = self.definition.plan, self._silent
        held = {step.feature.name: np.ones(people, bool) for step in self._defaulted}
        if not len(crowd.rows):
            return {name: _repeated(one, people) for name, one in silent.items()}, np.full(people, NEVER), held
        vectors = self.definition.layout.vectors(crowd.rows, self.words.text)
        frame = Frame(vectors, len(crowd.rows), plan.time_zone)
        block = plan.over(frame, crowd.place, np.ascontiguousarray(crowd.rows["at"]))
        cut = Cut(block, as_of)
        found = plan.values(cut)
        moved = next_change(cut, self._moving) if self._moving else np.full(block.people, NEVER)
        waiting = block.at[block.starts]
        moved = np.where(waiting > as_of, np.minimum(moved, waiting), moved)
        here = block.persons[cut.present]
        due = np.full(people, NEVER)
        due[block.persons] = moved
        for step in self._defaulted:
            own = cut.over(step.select.over)
            held[step.feature.name][block.persons] = own.count(own.block.rows(step.select), step.window) == 0
        if len(here) == people:
            return {name: _plain(found[name], kind) for name, kind in plan.types.items()}, due, held
        return (
            {
                name: _scattered(_plain(found[name], kind), cut.present, here, silent[name], people)
                for name, kind in plan.types.items()
            },
            due,
            held,
        )

    def _scores(self, table: Mapping[str, Vector], crowd: Crowd, as_of: int) -> dict[str, Vector]:
        """The scores by model."""
        scoring = self.definition.scoring
        if scoring is None or not scoring.columns:
            return {}
        kinds = self.definition.types
        columns = {name: vector.arrow(kinds[name]) for name, vector in table.items() if name != "as_of"}
        shown = pa.table(
            {
                "person": pa.array(crowd.persons),
                "profile_id": tables.profile_ids(crowd.persons),
                "as_of": table["as_of"].arrow(Type.TIME),
                **columns,
            }
        )
        events = self._events(crowd, as_of, scoring.needs_events) if scoring.needs_events else None
        scores = scoring.score(shown, as_of, events)
        nobody = np.full(len(crowd.persons), np.nan)
        found = {model: scores.get(model, nobody) for model in dict.fromkeys(scoring.columns.values())}
        return {model: Vector(np.nan_to_num(one), np.isfinite(one)) for model, one in found.items()}

    def _events(self, crowd: Crowd, as_of: int, names: Sequence[str]) -> pa.RecordBatch:
        """The events that scoring reads, up to the instant."""
        known = crowd.rows["at"] <= as_of
        rows, layout = crowd.rows[known], self.definition.layout
        vectors = layout.vectors(rows, self.words.text)
        kinds = {"event": Type.TEXT, "at": Type.TIME, **{name: Type(_kind(kind)) for name, kind in layout.columns}}
        made = {
            name: pa.array(crowd.persons[crowd.place[known]]) if name == "person" else vectors[name].arrow(kinds[name])
            for name in names
        }
        return pa.RecordBatch.from_pydict(made)

    def _number(self, vector: Vector) -> NDArray[np.float64]:
        """A vector as it is kept: texts by code, times in microseconds, NaN for what is unknown."""
        if vector.dictionary is not None:
            codes = np.array([self.words.code(str(word)) for word in vector.words], np.float64)
            values = codes[vector.values] if len(codes) else np.zeros(len(vector.valid))
        else:
            values = vector.values.astype(np.float64)
        return np.where(vector.valid, values, np.nan)


def packed_bits(holds: Sequence[NDArray[np.bool_]], people: int) -> NDArray[np.uint64]:
    """Truths by segment as bits by person: (people, words), segment 0 the lowest bit of the first word.

    >>> packed_bits([np.array([True, False]), np.array([True, True])], 2).tolist()
    [[3], [2]]
    """
    words = -(-len(holds) // 64)
    bits = np.zeros((people, words * 64), np.uint8)
    for place, one in enumerate(holds):
        bits[:, place] = one
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").reshape(people, words)


def _kind(kind: str) -> str:
    return "text" if kind == "key" else kind


def _plain(vector: Vector, kind: Type) -> Vector:
    """A vector as it comes back from a table: numbers are floats, finite or unknown."""
    if kind is not Type.NUMBER:
        return vector
    values = np.asarray(vector.values, np.float64)
    finite = np.isfinite(values)
    return Vector(np.where(finite, values, 0.0), vector.valid & finite)


def _same(at: int, people: int) -> Vector:
    return Vector(np.full(people, at, np.int64), np.ones(people, bool))


def _single(value: Any, kind: Type) -> Vector:
    """A value as a vector of one."""
    known = np.array([value is not None])
    if kind is Type.TEXT:
        return Vector(np.zeros(1, np.int32), known, objects([value or ""]))
    if kind is Type.TIME:
        return Vector(np.array([0 if value is None else tables.microseconds(value)], np.int64), known)
    if kind is Type.BOOL:
        return Vector(np.array([bool(value)]), known)
    return Vector(np.array([0.0 if value is None else float(value)]), known)


def _repeated(one: Vector, people: int) -> Vector:
    return Vector(np.repeat(one.values, people), np.repeat(one.valid, people), one.dictionary)


def _scattered(found: Vector, present: NDArray[np.bool_], here: Ints, silent: Vector, people: int) -> Vector:
    """The values of those who are present at their places, and of nothing for the others."""
    if found.dictionary is not None:
        words = objects([*found.words, *silent.words])
        values = np.full(people, len(words) - 1, np.int32)
    else:
        words = None
        values = np.repeat(silent.values.astype(found.values.dtype), people)
    valid = np.repeat(silent.valid, people)
    values[here], valid[here] = found.values[present], np.broadcast_to(found.valid, found.values.shape)[present]
    return Vector(values, valid, words)


def _trait(values: Sequence[Value | None], kind: Type) -> Vector:
    """A trait of each person; a value of another kind is unknown."""
    if kind is Type.TEXT:
        texts = [one if isinstance(one, str) else "" for one in values]
        places = {word: place for place, word in enumerate(dict.fromkeys(texts))}
        codes = np.array([places[one] for one in texts], np.int32)
        return Vector(codes, np.array([isinstance(one, str) for one in values], bool), objects(list(places)))
    if kind is Type.BOOL:
        known = np.array([isinstance(one, bool) for one in values], bool)
        return Vector(np.array([bool(one) for one in values], bool) & known, known)
    known = np.array([isinstance(one, int | float) and not isinstance(one, bool) for one in values], bool)
    numbers = [one if ok else 0 for one, ok in zip(values, known, strict=True)]
    if kind is Type.TIME:
        return Vector(np.array(numbers, np.int64), known)
    floats = np.array(numbers, np.float64)
    return Vector(floats, known & np.isfinite(floats))
