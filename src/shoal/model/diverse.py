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


@dataclass(frozen=True)
class Half:
    """The searching half: `rows` of the table, y and weight of each (`plain.standing`), and how few are too few."""

    given: Selectors
    rows: Rows
    y: Array
    weight: Array
    floor: int

    def mask(self, conditions: Sequence[Condition]) -> Bools:
        if not conditions:
            return np.ones(len(self.rows), dtype=bool)
        return self.given.everywhere(conditions)[self.rows]

    def strength(self, conditions: Sequence[Condition], sign: int) -> float:
        """The quality of a conjunction in a direction; none where it is too large."""
        mask = self.mask(conditions)
        if mask.sum() > LARGEST * len(self.y):
            return 0.0
        inside = self.weight[mask]
        mass, total = np.array([float(inside.sum())]), np.array([float((inside * self.y[mask]).sum())])
        return sign * float(quality(mass, total, len(self.y))[0])


def diverse(pool: Sequence[Found], held: Bits, half: Half, *, most: int) -> list[Chosen]:
    """At most `most` conjunctions in each direction, the most telling first.

    What those already chosen explain of y is taken away before the next is chosen (orthogonal matching pursuit; Pati,
    Rezaiifar & Krishnaprasad 1993, Asilomar 27), so that no one is chosen for its overlap with another, nor for being
    the rest of it. `held` are the conditions of the half's people, as the search had them.
    """
    masks = np.empty((len(half.y), len(pool)), dtype=np.uint8)
    for place, found in enumerate(pool):
        masks[:, place] = held[:, list(found.members)].all(axis=1)
    mass = _sums(masks, half.weight)
    signs = np.sign([found.quality for found in pool])
    open_ = np.ones(len(pool), dtype=bool)
    chosen: list[Chosen] = []
    inside: list[Bools] = []
    left = half
    while open_.any():
        total = _sums(masks, left.weight * left.y)
        strength = np.where(open_, signs * quality(mass, total, len(half.y)), -np.inf)
        best = int(strength.argmax())
        if strength[best] < LEAST:
            break
        open_[best] = False
        drawn = [half.given.conditions[member] for member in pool[best].members]
        one = Chosen(refined(drawn, int(signs[best]), left), int(signs[best]))
        mask = half.mask(one.conditions)
        if all(_jaccard(mask, other) < OVERLAP for other in inside):
            chosen.append(one)
            inside.append(mask)
            left = replace(half, y=_left(half, inside))
        open_ &= (signs != one.sign) | (sum(other.sign == one.sign for other in chosen) < most)
    return chosen


def _sums(masks: Bits, y: Array) -> Array:
    found = np.zeros(masks.shape[1])
    for start in range(0, len(y), BLOCK):
        found += y[start : start + BLOCK].astype(np.float32) @ masks[start : start + BLOCK].astype(np.float32)
    return found


def _left(half: Half, inside: Sequence[Bools]) -> Array:
    """What of y the groups do not explain: residuals of weighted least squares on them."""
    x = np.column_stack([np.ones(len(half.y)), *inside])
    weighted = x * half.weight[:, None]
    solved = np.linalg.lstsq(weighted.T @ x, weighted.T @ half.y, rcond=None)[0]
    return np.asarray(half.y - x @ solved)


def _jaccard(one: Bools, other: Bools) -> float:
    return float(np.count_nonzero(one & other)) / max(int(np.count_nonzero(one | other)), 1)


def refined(conditions: Sequence[Condition], sign: int, half: Half) -> tuple[Condition, ...]:
    """The conjunction with each bound moved to where it sets people apart most, and no condition that adds nothing."""
    now = list(conditions)
    for _ in range(PASSES):
        before = list(now)
        for place, one in enumerate(now):
            if not one.level:
                now[place] = _moved(one, now[:place] + now[place + 1 :], sign, half)
        if now == before:
            break
    while len(now) > 1:
        shorter = [now[:place] + now[place + 1 :] for place in range(len(now))]
        without = [half.strength(one, sign) for one in shorter]
        if half.strength(now, sign) >= RAISED * max(without):
            break
        now = shorter[int(np.argmax(without))]
    return tuple(now)


def _moved(one: Condition, others: Sequence[Condition], sign: int, half: Half) -> Condition:
    """The condition at the best of fine cut-offs; as it is where none is clearly better."""
    below = one.high < np.inf
    old = one.high if below else one.low
    cuts = np.unique([*half.given.cuts(one.column, FINE), old])
    values = half.given.values(one.column)[half.rows]
    known = half.mask(others) & ~np.isnan(values)
    level = np.searchsorted(cuts, values[known], side="right")
    weight = half.weight[known]
    what = (np.ones(len(level)), weight, weight * half.y[known])
    sums = np.cumsum([np.bincount(level, weights=each, minlength=len(cuts) + 1) for each in what], axis=1)
    size, mass, total = sums[:, :-1] if below else sums[:, -1:] - sums[:, :-1]
    fits = (size >= half.floor) & (size <= LARGEST * len(half.y))
    found = np.where(fits, sign * quality(mass, total, len(half.y)), -np.inf)
    best = int(found.argmax())
    if found[best] <= BETTER * found[int(np.searchsorted(cuts, old))]:
        return one
    edge = float(cuts[best])
    return replace(one, high=edge) if below else replace(one, low=edge)
