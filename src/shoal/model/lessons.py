"""What people did next, at earlier instants: features at cut-offs and the outcomes of the period after each.

Outcome-informed discovery learns from them. The outcomes of every cut-off are known by the instant that it is for, so
that segments made as of T, and judged on what came after, have seen nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.model.features import DAY
from shoal.model.matrix import STANDING, Array, numbers
from shoal.model.meta import FeatureMeta, complete

NEXT = "next."  # begins the columns that say what happened in the period after
MOST = 8  # cut-offs
PEOPLE = 20_000  # whose past is looked at
ROWS = 10_000  # learned from
FEWEST = 200  # rows that can teach anything
CAP = 0.99  # of revenue: one whale would decide


def instants(first: int, as_of: int, days: int) -> list[int]:
    """The cut-offs in microseconds, newest first: one period before `as_of`, then every half period.

    `first` is the first event's instant, `days` the period. Each has at least half a period of history.

    >>> [at // DAY for at in instants(0, 365 * DAY, 90)]
    [275, 230, 185, 140, 95, 50]
    """
    step = max(days * DAY // 2, DAY)
    found = range(as_of - days * DAY, first + step - 1, -step)
    return list(found)[:MOST]


def share(people: int) -> float:
    """The share of the people whose past is looked at.

    >>> share(1_000), share(80_000)
    (1.0, 0.25)
    """
    return min(1.0, PEOPLE / max(people, 1))


@dataclass(frozen=True)
class Lessons:
    """Features and outcomes of people at earlier instants, row by row.

    `x` is (rows, inputs), without gaps; `y` (rows, outcomes), each with mean 0 and its weight as variance, 0 where it
    is not known; `person` whose row it is; `fills` what stands for a missing value of each input.
    """

    inputs: tuple[str, ...]
    outcomes: tuple[str, ...]
    x: Array
    y: Array
    person: NDArray[np.int64]
    fills: Array

    def points(self, table: pa.Table, rows: NDArray[np.int64] | None = None) -> Array:
        """The inputs of other people (at `rows` of a table), (people, inputs)."""
        return _filled([numbers(table, name, rows) for name in self.inputs], self.fills)

    def counts(self, people: NDArray[np.int64]) -> Array:
        """How often each row counts where people are drawn with replacement; `people` may repeat."""
        whose, times = np.unique(people, return_counts=True)
        place = np.minimum(np.searchsorted(whose, self.person), max(len(whose) - 1, 0))
        counts: Array = np.where(whose[place] == self.person, times[place], 0).astype(np.float64)
        return counts

    @cached_property
    def people(self) -> NDArray[np.int64]:
        """Whom the rows are of."""
        return np.unique(self.person)


def lessons(
    table: pa.Table, meta: Mapping[str, FeatureMeta], *, until: int, inputs: Sequence[str], parts: Collection[str] = ()
) -> Lessons | None:
    """What can be learned from cut-offs up to `until` (microseconds); None where that is too little.

    Args:
        table: one row a person and cut-off, with `person`, `as_of`, features, and outcomes that begin with `next.`.
        inputs: the features to learn from; those that are no numbers, or in which nobody differs, are left out.
        parts: outcomes that only others are made of.
    """
    at = table["as_of"].cast(pa.int64()).to_numpy()
    table = table.filter(pa.array(at <= until))
    if table.num_rows > ROWS:
        table = table.take(pa.array(np.sort(np.random.default_rng(0).choice(table.num_rows, ROWS, replace=False))))
    # By name: their order in a table follows counts of all events, and trees draw inputs by their place.
    own = sorted(set(inputs) & set(table.column_names) - STANDING)
    names = [name for name in own if _number(table, name)]
    if table.num_rows < FEWEST or not names:
        return None
    outcomes = _outcomes(table, parts)
    if not outcomes:
        return None
    found = {name: values for name in names if _differs(values := numbers(table, name))}
    if not found:
        return None
    names, columns = list(found), list(found.values())
    known = complete(names, meta)
    fills = np.array([_fill(column, known[name]) for column, name in zip(columns, names, strict=True)])
    return Lessons(
        inputs=tuple(names),
        outcomes=tuple(outcomes),
        x=_filled(columns, fills),
        y=np.column_stack(list(outcomes.values())),
        person=table["person"].to_numpy(),
        fills=fills,
    )


def _outcomes(table: pa.Table, parts: Collection[str]) -> dict[str, Array]:
    """Value and behaviour of the period after, half of the weight each, as the contest counts them."""
    active = numbers(table, f"{NEXT}active")
    money = f"{NEXT}revenue" in table.column_names
    amount = np.nan_to_num(numbers(table, f"{NEXT}revenue")) if money else np.nan_to_num(active)
    value = {
        "capped": np.minimum(amount, np.quantile(amount, CAP)),
        "log": np.log1p(np.maximum(amount, 0.0)),
        "retained": (active > 0).astype(np.float64),
    }
    skip = {f"{NEXT}{name}" for name in ("active", "revenue", "orders", *parts)}
    names = sorted(name for name in table.column_names if name.startswith(NEXT) and name not in skip)
    behaviour = {
        name.removeprefix(NEXT): np.where(active > 0, numbers(table, name), np.nan)
        for name in names
        if _number(table, name)
    }
    kinds = [
        {name: one for name, y in kind.items() if (one := _standard(y)) is not None} for kind in (value, behaviour)
    ]
    told = [kind for kind in kinds if kind]
    return {name: y * np.sqrt(1 / len(told) / len(kind)) for kind in told for name, y in kind.items()}


def _standard(values: Array) -> Array | None:
    """With mean 0 and variance 1 over those known, 0 for the others; None where all are alike."""
    known = values[np.isfinite(values)]
    spread = float(known.std()) if len(known) else 0.0
    if not spread > 1e-9 * max(1.0, abs(float(known.mean())) if len(known) else 1.0):
        return None
    return np.where(np.isfinite(values), (values - known.mean()) / spread, 0.0)


def _number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind)) and table[name].null_count < table.num_rows


def _differs(values: Array) -> bool:
    """Whether those who have a value differ in it: a category that came up later was nobody's then."""
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool(known.min() < known.max())


def _fill(values: Array, meta: FeatureMeta) -> float:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    return float(known.max() + 1 if meta.days else known.min() - 1)


def _filled(columns: Sequence[Array], fills: Array) -> Array:
    if not columns:
        return np.empty((0, 0))
    points = np.column_stack(columns)
    return np.where(np.isfinite(points), points, fills)


def joined(now: pa.Table, happened: pa.Table, cutoffs: Sequence[int], period: int) -> pa.Table:
    """Features at the cut-offs with what happened in the period after each, `period` in microseconds.

    Both tables hold their instants one after the other within each batch; rows are matched by person and instant.
    """
    parts = []
    for at in cutoffs:
        mine = now.filter(pc.equal(now["as_of"].cast(pa.int64()), at)).sort_by("person")
        then = happened.filter(pc.equal(happened["as_of"].cast(pa.int64()), at + period)).sort_by("person")
        then = then.take(pa.array(np.searchsorted(then["person"].to_numpy(), mine["person"].to_numpy())))
        for name in then.column_names:
            if name not in STANDING:
                mine = mine.append_column(f"{NEXT}{name}", then[name])
        parts.append(mine)
    return pa.concat_tables(parts)
