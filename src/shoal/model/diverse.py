"""A diverse few of many overlapping conjunctions, each standing out beside those chosen before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shoal.model.matrix import Array
from shoal.model.search import BLOCK, LARGEST, LEAST, RAISED, Bits, Found, quality
from shoal.model.selectors import Bools, Condition, Rows, Selectors

OVERLAP = 0.5  # Jaccard similarity from which two say the same
FINE = 20  # levels of a number when a bound is refined
BETTER = 1.01  # times the quality that a refined bound needs
PASSES = 2


@dataclass(frozen=True)
class Chosen:
    """A conjunction with its direction: 1 for more than others, -1 for less."""

    conditions: tuple[Condition, ...]
    sign: int


def diverse(
    pool: Sequence[Found], held: Bits, y: Array, scale: Array, given: Selectors, rows: Rows, *, most: int, floor: int
) -> list[Chosen]:
    """At most `most` conjunctions in each direction, the most telling first.

    What those already chosen explain of y (people,) is taken away before the next is chosen (orthogonal matching
    pursuit; Pati, Rezaiifar & Krishnaprasad 1993), so that no one is chosen for its overlap with another, nor for
    being the rest of it. `scale` is what an effect means for a person's y (its shape, not its size). Bounds are
    refined on the same `rows` of the table; `held` are their conditions.
    """
    masks = np.empty((len(y), len(pool)), dtype=np.uint8)
    for place, one in enumerate(pool):
        masks[:, place] = held[:, list(one.members)].all(axis=1)
    sizes = np.array([one.size for one in pool], dtype=np.float64)
    signs = np.sign([one.quality for one in pool])
    open_ = np.ones(len(pool), dtype=bool)
    chosen: list[Chosen] = []
    inside: list[Bools] = []
    left = y
    while open_.any():
        strength = np.where(open_, signs * quality(sizes, _sums(masks, left), len(y)), -np.inf)
        best = int(strength.argmax())
        if strength[best] < LEAST:
            break
        open_[best] = False
        sign = int(signs[best])
        drawn = tuple(given.conditions[member] for member in pool[best].members)
        drawn = refined(drawn, sign, given, rows, left, floor=floor)
        mask = given.everywhere(drawn)[rows]
        if all(_jaccard(mask, other) < OVERLAP for other in inside):
            chosen.append(Chosen(drawn, sign))
            inside.append(mask)
            left = _left(y, scale, inside)
        open_ &= (signs != sign) | (sum(one.sign == sign for one in chosen) < most)
    return chosen


def _sums(masks: Bits, y: Array) -> Array:
    found = np.zeros(masks.shape[1])
    for start in range(0, len(y), BLOCK):
        found += y[start : start + BLOCK].astype(np.float32) @ masks[start : start + BLOCK].astype(np.float32)
    return found


def _left(y: Array, scale: Array, inside: Sequence[Bools]) -> Array:
    """What of y the groups do not explain: residuals of least squares on them."""
    x = np.column_stack([np.ones(len(y)), scale, *(mask * scale for mask in inside)])
    solved = np.linalg.lstsq(x.T @ x, x.T @ y, rcond=None)[0]
    return np.asarray(y - x @ solved)


def _jaccard(one: Bools, other: Bools) -> float:
    return float(np.count_nonzero(one & other)) / max(int(np.count_nonzero(one | other)), 1)


def refined(
    conditions: Sequence[Condition], sign: int, given: Selectors, rows: Rows, y: Array, *, floor: int
) -> tuple[Condition, ...]:
    """The conjunction with each bound moved to where it sets people apart most, and no condition that adds nothing."""
    now = list(conditions)
    for _ in range(PASSES):
        before = list(now)
        for place, one in enumerate(now):
            if not one.level:
                mask = _all(given, now[:place] + now[place + 1 :], rows)
                now[place] = _moved(one, sign, given, rows[mask], y[mask], len(y), floor)
        if now == before:
            break
    while len(now) > 1:
        own = _strength(_all(given, now, rows), y, sign)
        shorter = [now[:place] + now[place + 1 :] for place in range(len(now))]
        without = [_strength(_all(given, one, rows), y, sign) for one in shorter]
        if own >= RAISED * max(without):
            break
        now = shorter[int(np.argmax(without))]
    return tuple(now)


def _all(given: Selectors, conditions: Sequence[Condition], rows: Rows) -> Bools:
    return given.everywhere(conditions)[rows] if conditions else np.ones(len(rows), dtype=bool)


def _strength(mask: Bools, y: Array, sign: int) -> float:
    """The quality of a group in a direction; none where it is too large."""
    size = np.array([float(mask.sum())])
    if size[0] > LARGEST * len(y):
        return 0.0
    return sign * float(quality(size, np.array([float(y[mask].sum())]), len(y))[0])


def _moved(one: Condition, sign: int, given: Selectors, rows: Rows, y: Array, people: int, floor: int) -> Condition:
    """The condition at the best of fine cut-offs; as it is where none is clearly better."""
    below = one.high < np.inf
    old = one.high if below else one.low
    cuts = np.unique([*given.cuts(one.column, FINE), old])
    values = given.values(one.column)[rows]
    known = ~np.isnan(values)
    level = np.searchsorted(cuts, values[known], side="right")
    within = [np.bincount(level, weights=one, minlength=len(cuts) + 1) for one in (np.ones(len(level)), y[known])]
    size, total = np.cumsum(within, axis=1)
    if below:
        size, total = size[:-1], total[:-1]
    else:
        size, total = size[-1] - size[:-1], total[-1] - total[:-1]
    found = np.where((size >= floor) & (size <= LARGEST * people), sign * quality(size, total, people), -np.inf)
    best = int(found.argmax())
    if found[best] <= BETTER * found[int(np.searchsorted(cuts, old))]:
        return one
    edge = float(cuts[best])
    return replace(one, high=edge) if below else replace(one, low=edge)
