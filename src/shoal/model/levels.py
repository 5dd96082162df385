"""Cut-offs that split people into levels, distinct even where most people have the same value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.model import readable
from shoal.model.matrix import Array, missing, numbers, sample
from shoal.model.meta import FeatureMeta

LIMIT = 200_000


@dataclass(frozen=True)
class Basis:
    """The columns that say how recently, how often and how much; activity stands in where there is no revenue."""

    recency: str | None
    frequency: str | None
    monetary: str | None
    money: bool
    people: str

    @property
    def complete(self) -> bool:
        return bool(self.recency and self.frequency and self.monetary)


def behaviour(table: pa.Table, meta: Mapping[str, FeatureMeta]) -> pa.Table:
    """The table without what is recorded of people: a trait called `revenue` is not what they spent here."""
    return table.drop_columns([name for name in table.column_names if name in meta and meta[name].recorded])


def basis(table: pa.Table) -> Basis:
    """Which columns of `table` play recency, frequency and monetary value.

    >>> basis(pa.table({"recency_days": [1.0], "active_days": [3], "events": [9]})).monetary
    'events'
    """
    names = set(table.column_names)

    def first(*wanted: str) -> str | None:
        return next((name for name in wanted if name in names and missing(table, name) < table.num_rows), None)

    money = "revenue" in names and bool((np.nan_to_num(numbers(table, "revenue")) > 0).any())
    buys = "orders" in names and bool((np.nan_to_num(numbers(table, "orders")) > 0).any())
    frequency = first("orders") if buys else first("active_days", "sessions", "events")
    monetary = first("revenue") if money else first("events", "active_days", "sessions")
    return Basis(first("recency_days"), frequency, monetary, money, "customers" if buys else "users")


def cut_offs(values: Array, levels: int, unit: str = "") -> list[float]:
    """At most `levels - 1` rising cut-offs, each a readable number; a level holds the people from one to the next.

    Each level takes an equal part of the people above the last cut-off, so that many equal values (most people
    bought once) fill one level and the others share the rest, instead of cut-offs that fall together.

    >>> cut_offs(np.array([1.0] * 70 + [2.0] * 10 + [3.0] * 10 + [9.0] * 10), 5, "count")
    [2.0, 3.0, 5.0]
    """
    ordered = np.sort(values[np.isfinite(values)])
    found: list[float] = []
    for left in range(levels, 1, -1):
        if not len(ordered) or ordered[0] == ordered[-1]:
            break
        edge = ordered[min(len(ordered) - 1, math.ceil(len(ordered) / left))]
        if edge == ordered[0]:
            edge = ordered[np.searchsorted(ordered, edge, side="right")]
        below = ordered[ordered < edge].max()
        cut = readable.threshold(ordered, float((below + edge) / 2), unit)
        found.append(cut)
        ordered = ordered[ordered >= cut]
    return found


def level_of(values: Array, cuts: Sequence[float]) -> NDArray[np.intp]:
    """The level (from 0) of each value."""
    found: NDArray[np.intp] = np.searchsorted(np.asarray(cuts, dtype=float), values, side="right")
    return found


def bounded(table: pa.Table, name: str, seed: int = 0) -> Array:
    """A column of at most 200,000 seeded people: enough for a cut-off."""
    return numbers(table, name, sample(table.num_rows, LIMIT, seed))
