"""Whether a segment still means what it meant: its profile against then, and where its people went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.intervals import wilson
from shoal.model.brief import said
from shoal.model.portrait import Crowd, Measure
from shoal.summary import Interval, Trait

MOVED = 0.3  # standard deviations
LEAST = 100  # people, then and now
TOLD = 3

Mask = NDArray[np.bool_]


def shifts(now: Crowd, member: Mask, before: Crowd, was: Mask, *, z: float) -> list[Trait]:
    """What moved in a segment's profile between two instants, the largest first: by 0.3 standard deviations or more.

    A feature's place is the mean rank of the segment's people among everybody of the same instant, in standard
    deviations of the ranks: what moved for everybody (months since the first order) is no segment's own, and no
    outlier moves it. A trait's `inside` is the mean now, its `outside` the mean then.

    Args:
        now, before: everybody of both instants, measured; `member`, `was`: the segment's people among them.
        z: how many standard errors a shift must lie from 0; it allows for the number of features looked at.
    """
    here, there = member[now.rows], was[before.rows]
    if min(here.sum(), there.sum()) < LEAST:
        return []
    found = []
    for name in (name for name in now.values if name in before.values and name not in now.artefacts):
        place, error, mean = _place(now.values[name], here)
        place_then, error_then, mean_then = _place(before.values[name], there)
        shift = place - place_then
        if abs(shift) >= MOVED and abs(shift) > z * float(np.hypot(error, error_then)):
            meta = now.meta[name]
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


def _place(measure: Measure, inside: Mask) -> tuple[float, float, float]:
    """Mean rank in standard deviations from the middle, its standard error, and the mean value; NaN where unknown."""
    rows = measure.among(np.flatnonzero(inside))
    if len(rows) < LEAST or not measure.deviation > 0:
        return float("nan"), float("nan"), float("nan")
    ranks = measure.ranks[rows]
    middle = measure.ranks if measure.known is None else measure.ranks[measure.known]
    place = (float(ranks.mean()) - float(middle.mean())) / measure.deviation
    error = float(ranks.std()) / measure.deviation / np.sqrt(len(rows))
    return place, float(error), float(measure.values[rows].mean())
