"""Single conditions on features: what the search for subgroups combines."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.protected import barred
from shoal.define.words import quoted
from shoal.model import boxes
from shoal.model.derived import LABELS
from shoal.model.levels import cut_offs
from shoal.model.matrix import LARGEST, MISSING, SAMPLE, STANDING, Array, lines_only, missing, numbers, sample
from shoal.model.meta import OUTCOME, FeatureMeta, complete, split
from shoal.model.scores import THEME as PREDICTION

LEVELS = 6  # that a number is cut into, fewer where there are many features
MOST = 600  # conditions in all
VALUES = 8  # of a text that become conditions
COMMON = 0.02  # share of the people that a value needs
LONGEST = 60  # characters of a value that is still a name
Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """`low <= column < high`, or a value of a text: then `rule` is how it is written.

    Who has no value fulfils no condition on it.
    """

    column: str
    low: float = -math.inf
    high: float = math.inf
    rule: str = ""

    @property
    def level(self) -> bool:
        return bool(self.rule)


@dataclass(frozen=True)
class Selectors:
    """Conditions over a table: `holds(condition)` is a boolean a row, `values(column)` its numbers."""

    table: pa.Table
    meta: Mapping[str, FeatureMeta]
    conditions: tuple[Condition, ...]
    whole: frozenset[str]
    levels: Mapping[Condition, Callable[[], Bools]]

    def values(self, column: str) -> Array:
        """The numbers of a column; to the rule language an infinite one is none."""
        values = numbers(self.table, column)
        return np.where(np.abs(values) < LARGEST, values, np.nan)

    def holds(self, one: Condition) -> Bools:
        if one.level:
            return self.levels[one]()
        values = self.values(one.column)
        return np.asarray((values >= one.low) & (values < one.high))

    def everywhere(self, conjunction: Sequence[Condition]) -> Bools:
        """Who fulfils all of the conditions."""
        return np.asarray(np.logical_and.reduce([self.holds(one) for one in conjunction]), dtype=bool)

    def matrix(self, rows: Rows) -> NDArray[np.uint8]:
        """1 where a person (row) fulfils a condition (column)."""
        found = np.empty((len(rows), len(self.conditions)), dtype=np.uint8)
        column, values = "", np.empty(0)
        for place, one in enumerate(self.conditions):
            if one.level:
                found[:, place] = self.holds(one)[rows]
                continue
            if one.column != column:
                column, values = one.column, self.values(one.column)[rows]
            found[:, place] = (values >= one.low) & (values < one.high)
        return found

    def rule(self, conjunction: Sequence[Condition]) -> str:
        """A conjunction in the rule language; two bounds of one feature make an interval."""
        box: dict[str, boxes.Bounds] = {}
        for one in conjunction:
            if not one.level:
                box = boxes.narrow(box, one.column, one.low, one.high)
        parts = [boxes.rule([box], [one.column for one in conjunction], whole=self.whole)] if box else []
        return " and ".join([*(one.rule for one in conjunction if one.level), *parts])

    def cuts(self, column: str, levels: int) -> list[float]:
        """Readable cut-offs of a feature."""
        return _cuts(self.table, self.meta[column], levels)


def family(plain: Collection[str], columns: Sequence[str]) -> list[str]:
    """The plain value model's columns and their windows: `orders_90d` says how often, as `orders` does.

    >>> family(["orders", "recency_days"], ["orders_90d", "recency_days", "weekend_share", "orders"])
    ['orders_90d', 'recency_days', 'orders']
    """
    bases = {split(name)[0] for name in plain}
    return [name for name in columns if name in plain or split(name)[0] in bases]


def selectors(
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
    *,
    plain: Collection[str] = (),
    barred: Collection[str] = (),
    levels: int = LEVELS,
) -> Selectors:
    """All single conditions on the features of `table`.

    Left out: protected traits, personal data, hidden features, predictions, what an objective predicts, windows of the
    `plain` columns, counts that are artefacts of a file of order lines, and what is `barred`.

    >>> found = selectors(pa.table({"orders": [1, 2, 3, 4], "age": [1, 2, 3, 4]}), {}, levels=2)
    >>> [found.rule([one]) for one in found.conditions]
    ['orders < 3', 'orders >= 3']
    """
    known = complete(table.column_names, meta)
    names = [name for name in table.column_names if _usable(known[name])]
    barred = {*barred, *lines_only(names, known), *(name for name in family(plain, names) if name not in plain)}
    names = [name for name in names if name not in barred]
    counted = [name for name in names if numeric(table, name) and not known[name].otherwise]
    levels = max(2, min(levels, 1 + MOST // (2 * max(len(counted), 1))))
    rows = sample(table.num_rows, SAMPLE, 0)
    found: list[Condition] = []
    whole: set[str] = set()
    answers: dict[Condition, Callable[[], Bools]] = {}
    for name in names:
        if name in counted:
            cuts = _cuts(table, known[name], levels)
            found += [side for cut in cuts for side in (Condition(name, high=cut), Condition(name, low=cut))]
            if _whole(numbers(table, name, rows)):
                whole.add(name)
        else:
            answers |= dict(_levels(table, known[name]))
    return Selectors(table, known, (*found, *answers), frozenset(whole), answers)


def _usable(meta: FeatureMeta) -> bool:
    name = meta.name
    return not (
        name in STANDING or name in LABELS or meta.hidden or meta.theme in (OUTCOME, PREDICTION) or bool(barred(name))
    )


def numeric(table: pa.Table, name: str) -> bool:
    """Whether a column is numbers."""
    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _cuts(table: pa.Table, meta: FeatureMeta, levels: int) -> list[float]:
    values = numbers(table, meta.name, sample(table.num_rows, SAMPLE, 0))
    values = values[np.abs(values) < LARGEST]
    return [cut for cut in cut_offs(values, levels, meta.unit) if values.min() < cut <= values.max()]


def _whole(values: Array) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool((known >= 0).all()) and bool((known == np.floor(known)).all())


def _levels(table: pa.Table, meta: FeatureMeta) -> Iterator[tuple[Condition, Callable[[], Bools]]]:
    """The conditions of a column that is no amount: a value's rule and its opposite, or each common value."""
    name = meta.name
    if meta.otherwise:
        yield Condition(name, rule=name), lambda: numbers(table, name) == 1
        if not meta.otherwise.startswith("("):  # else nobody's value counts as the opposite
            yield Condition(name, rule=meta.otherwise), lambda: numbers(table, name) == 0
        return
    kind = table.schema.field(name).type
    if pa.types.is_boolean(kind):
        for value in (True, False):
            yield Condition(name, rule=f"{quoted(name)} = {str(value).lower()}"), _equals(table, name, value)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found = _common(table, name)
        known = missing(table, name) <= MISSING * table.num_rows  # else "not Pro" would mean that it is known at all
        for text in found:
            spelt = text.replace("'", "''")
            yield Condition(name, rule=f"{quoted(name)} = '{spelt}'"), _equals(table, name, text)
            if len(found) > 2 and known:
                yield Condition(name, rule=f"{quoted(name)} <> '{spelt}'"), _equals(table, name, text, other=True)


def _common(table: pa.Table, name: str) -> list[str]:
    """The most common values of a text that are short enough to be names."""
    counts = [(one["counts"], one["values"]) for one in pc.value_counts(table[name]).to_pylist()]
    ranked = sorted(((-count, value) for count, value in counts if value), key=lambda one: (one[0], one[1]))
    least = max(1.0, COMMON * table.num_rows)
    return [value for count, value in ranked if -count >= least and len(value) <= LONGEST][:VALUES]


def _equals(table: pa.Table, name: str, value: str | bool, *, other: bool = False) -> Callable[[], Bools]:
    """Whether people have a value, or an `other` one; not known is neither."""

    def found() -> Bools:
        compare = pc.not_equal if other else pc.equal
        same = compare(table[name], pa.scalar(value, table.schema.field(name).type))
        return np.asarray(pc.fill_null(same, False).to_numpy(), dtype=bool)

    return found
