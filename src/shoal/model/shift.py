"""Whether a segment still means what it meant: its profile against then, and where its people went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.intervals import wilson
from shoal.model.brief import said
from shoal.model.meta import split
from shoal.model.portrait import Crowd, Measure
from shoal.summary import Interval, Trait

MOVED = 0.3  # standard deviations
LEAST = 100  # people, then and now
TOLD = 3
CLOCK = "tenure_days"

Mask = NDArray[np.bool_]


def shifts(now: Crowd, member: Mask, before: Crowd, was: Mask, *, z: float) -> list[Trait]:
    """What moved in a segment's profile between two instants, the largest first.

    A shift is the difference of the mean ranks that its people of now and of then have among everybody of then, in
    standard deviations of those ranks; no outlier moves it. It is told where it is 0.3 or more, and as much beyond
    what everybody moved: what went up for all is no segment's own. Days since the first event are the clock's.

    Args:
        now, before: everybody of both instants, measured; `member`, `was`: the segment's people among them.
        z: how many standard errors a shift must lie from 0; it allows for the number of features looked at.

    Returns:
        At most three traits; `inside` is the mean now, `outside` the mean then, `effect` the shift.
    """
    here, there = member[now.rows], was[before.rows]
    if min(here.sum(), there.sum()) < LEAST:
        return []
    found = []
    for name in (name for name in now.values if name in before.values and name not in now.artefacts):
        shift, error, everybody = _shift(now.values[name], here, before.values[name], there)
        if split(name)[0] != CLOCK and abs(shift) >= MOVED and abs(shift) > z * error and _own(shift, everybody):
            meta, measures = now.meta[name], (now.values[name], before.values[name])
            mean, mean_then = (_mean(one, rows) for one, rows in zip(measures, (here, there), strict=True))
            words = f"{meta.label}: {said(meta, mean)} against {said(meta, mean_then)} then"
            found.append(Trait(feature=name, words=words, inside=mean, outside=mean_then, effect=round(shift, 6)))
    return sorted(found, key=lambda trait: (-abs(trait.effect), trait.feature))[:TOLD]


def staying(people: pa.Table, member: Mask, people_then: pa.Table, was: Mask) -> tuple[Interval, NDArray[np.int64]]:
    """The share of a segment's people of then who are in it now, of those in both runs; and today's rows of them.

    Both tables are sorted by `person`.
    """
    ids, then = people["person"].to_numpy(), people_then["person"].to_numpy()[was]
    if not len(ids):
        return wilson(0, 0), np.zeros(0, dtype=np.int64)
    rows = np.minimum(np.searchsorted(ids, then), len(ids) - 1)
    rows = rows[ids[rows] == then]
    return wilson(float(member[rows].sum()), len(rows)), rows


def largest(rows: NDArray[np.int64], members: Sequence[Mask]) -> tuple[int, float] | None:
    """Which segment holds most of the people in `rows`, and what share of them."""
    shares = [float(member[rows].mean()) for member in members] if len(rows) else []
    return (int(np.argmax(shares)), max(shares)) if shares else None


def _own(shift: float, everybody: float) -> bool:
    return bool((shift - everybody) * np.sign(shift) >= MOVED)


def _shift(now: Measure, here: Mask, before: Measure, there: Mask) -> tuple[float, float, float]:
    """A segment's shift, its standard error, and everybody's shift; NaN where too few values are known."""
    rows, rows_then = now.among(np.flatnonzero(here)), before.among(np.flatnonzero(there))
    scale = before.values[before.order]
    if min(len(rows), len(rows_then)) < LEAST:
        return float("nan"), float("nan"), float("nan")
    every = _ranks(now.values[np.sort(now.order)], scale)
    base = _ranks(scale, scale)
    deviation = float(base.std())
    if not deviation > 0:
        return float("nan"), float("nan"), float("nan")
    own, then = _ranks(now.values[rows], scale), _ranks(before.values[rows_then], scale)
    error = np.hypot(own.std() / np.sqrt(len(own)), then.std() / np.sqrt(len(then))) / deviation
    shift = (float(own.mean()) - float(then.mean())) / deviation
    return shift, float(error), (float(every.mean()) - float(base.mean())) / deviation


def _ranks(values: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value's place in a sorted scale, 0 to 1, the middle of its equals."""
    places = np.searchsorted(scale, values, side="left") + np.searchsorted(scale, values, side="right")
    return np.asarray(places / (2.0 * len(scale)))


def _mean(measure: Measure, inside: Mask) -> float:
    return float(measure.values[measure.among(np.flatnonzero(inside))].mean())
