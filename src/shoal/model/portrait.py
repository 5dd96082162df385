"""A segment against everybody else: the numbers that names and briefs speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.draft.known import Rhythm
from shoal.define.protected import barred
from shoal.model.levels import Basis, basis, behaviour
from shoal.model.lifecycle import rhythm
from shoal.model.matrix import SAMPLE, STANDING, Array, lines_only, numbers, sample, uniform
from shoal.model.meta import FeatureMeta, complete
from shoal.plays import Business


@dataclass(frozen=True)
class Measure:
    """One feature of a sample: values and ranks, the places of those known (None: all), in rising order, and spread."""

    values: Array
    ranks: Array
    known: NDArray[np.bool_] | None
    order: NDArray[np.int64]
    deviation: float

    @classmethod
    def of(cls, values: Array) -> Measure:
        known = ~np.isnan(values)
        ranks = _ranked(values)
        order = np.argsort(values, kind="stable")[: np.count_nonzero(known)]
        deviation = float(ranks[known].std()) if known.any() else 0.0
        return cls(values, ranks, None if known.all() else known, order, deviation)

    def among(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the rows whose value is known."""
        return rows if self.known is None else rows[self.known[rows]]


@dataclass(frozen=True)
class Crowd:
    """Everybody, measured once: a sample's features, the worth of all, the data's rhythm, the kind of business.

    `recorded`: only traits are known, not what people did.
    """

    meta: Mapping[str, FeatureMeta]
    values: Mapping[str, Measure]
    rows: NDArray[np.int64]
    worth: Array
    people: int
    basis: Basis
    rhythm: Rhythm | None
    business: Business | None
    recorded: bool = False
    artefacts: frozenset[str] = frozenset()

    def has(self, *names: str) -> bool:
        return all(name in self.values for name in names)


@dataclass(frozen=True)
class Portrait:
    """One segment's numbers: means, medians and effects by feature, inside and outside.

    An effect is the difference of mean ranks over the standard deviation of all ranks, so outliers do not move it.
    """

    size: int
    share: float
    value_share: float | None
    concentration: float | None
    inside: Mapping[str, float]
    outside: Mapping[str, float]
    medians: Mapping[str, float]
    outside_medians: Mapping[str, float]
    effects: Mapping[str, float]
    ranks: Mapping[str, float]
    known: Mapping[str, float]
    shares: Mapping[str, float] = field(default_factory=dict)


def crowd(
    table: pa.Table, meta: Mapping[str, FeatureMeta], *, seed: int = 0, business: Business | None = None
) -> Crowd:
    """Everybody's numbers, from at most 50,000 seeded people; sums of value over all.

    `business` is the workspace's; where it is not given, what the features tell.
    """
    names = [
        name
        for name in table.column_names
        if name not in STANDING
        and not barred(name)
        and not complete([name], meta)[name].hidden
        and (pa.types.is_integer(table[name].type) or pa.types.is_floating(table[name].type))
    ]
    rows = sample(table.num_rows, SAMPLE, seed)
    values = {name: Measure.of(np.where(np.isfinite(v := numbers(table, name, rows)), v, np.nan)) for name in names}
    known = complete(names, meta)
    done = behaviour(table, meta)
    found = basis(done)
    worth = np.zeros(table.num_rows)
    if found.monetary is not None:
        worth = np.clip(np.nan_to_num(numbers(table, found.monetary), posinf=0.0, neginf=0.0), 0.0, None)
    return Crowd(
        meta=known,
        values=values,
        rows=rows,
        worth=worth,
        people=table.num_rows,
        basis=found,
        rhythm=rhythm(done),
        business=business or _business(names, known, found),
        recorded=_recorded(names, known, found),
        artefacts=frozenset(lines_only(names, known)),
    )


def portrait(everybody: Crowd, member: NDArray[np.bool_]) -> Portrait:
    """The numbers of the people for whom `member` (one entry a person) holds."""
    inside = member[everybody.rows]
    rows, rest = np.flatnonzero(inside), np.flatnonzero(~inside)
    own = everybody.worth[member]
    total, mine = float(everybody.worth.sum()), float(own.sum())
    found: dict[str, dict[str, float]] = {part: {} for part in _MEASURED}
    for name, measure in everybody.values.items():
        for part, number in zip(_MEASURED, _measured(measure, inside, rows, rest), strict=True):
            found[part][name] = number
    return Portrait(
        size=int(member.sum()),
        share=float(member.mean()) if len(member) else 0.0,
        value_share=mine / total if total > 0 else None,
        concentration=_top_tenth(own),
        inside=found["inside"],
        outside=found["outside"],
        medians=found["medians"],
        outside_medians=found["outside_medians"],
        effects=found["effects"],
        ranks=found["ranks"],
        known=found["known"] if len(rows) else {},
        shares=_shares(everybody, inside),
    )


_MEASURED = ("inside", "outside", "medians", "outside_medians", "effects", "ranks", "known")


def _measured(
    measure: Measure, inside: NDArray[np.bool_], rows: NDArray[np.int64], rest: NDArray[np.int64]
) -> tuple[float, ...]:
    """One feature's numbers in the order of `_MEASURED`."""
    here, there = measure.among(rows), measure.among(rest)
    member = inside[measure.order]
    effect, rank = _effect(measure, here, there)
    return (
        _mean(measure.values[here]),
        _mean(measure.values[there]),
        _median(measure, measure.order[member]),
        _median(measure, measure.order[~member]),
        effect,
        rank,
        len(here) / max(len(rows), 1),
    )


def _shares(everybody: Crowd, inside: NDArray[np.bool_]) -> dict[str, float]:
    often = everybody.basis.frequency
    if often is None or not inside.any():
        return {}
    times = np.nan_to_num(everybody.values[often].values[inside])
    return {"none": float((times < 1).mean()), "once": float(((times >= 1) & (times < 2)).mean())}


def _recorded(names: Sequence[str], meta: Mapping[str, FeatureMeta], found: Basis) -> bool:
    return not (found.recency or found.frequency) and any(meta[name].recorded for name in names)


def _business(names: Sequence[str], meta: Mapping[str, FeatureMeta], found: Basis) -> Business | None:
    if _recorded(names, meta, found):
        return None
    if found.people == "customers":
        return "commerce"
    return "media" if "views" in names and not meta["views"].recorded else "saas"


def _ranked(values: Array) -> Array:
    known = ~np.isnan(values)
    ranks = np.full(len(values), np.nan)
    ranks[known] = uniform(values[known])
    return ranks


def _effect(measure: Measure, here: NDArray[np.int64], there: NDArray[np.int64]) -> tuple[float, float]:
    mean = float(measure.ranks[here].mean()) if len(here) else 0.5
    if not len(here) or not len(there) or measure.deviation == 0:
        return 0.0, mean
    return (mean - float(measure.ranks[there].mean())) / measure.deviation, mean


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(measure: Measure, rising: NDArray[np.int64]) -> float:
    """The middle value of rows that stand in rising order."""
    if not len(rising):
        return float("nan")
    return float(measure.values[rising[[(len(rising) - 1) // 2, len(rising) // 2]]].mean())


def _top_tenth(worth: Array) -> float | None:
    total = float(worth.sum())
    if len(worth) < 20 or total <= 0:
        return None
    count = max(1, len(worth) // 10)
    return float(np.partition(worth, len(worth) - count)[-count:].sum()) / total
