"""Which conjunctions of conditions set people apart on a number: all pairs, then a beam, by products of matrices.

With S (people, conditions) of 0 and 1 and y the number, `S.T @ S` counts the people of every pair and
`S.T @ (S * y)` sums y over them: what a loop over pairs would find, at the speed of the machine's multiplications.
Where people count unequally, a third product sums their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Array

BLOCK = 16_384  # people at a time: bounds the memory
BEAM = 60  # pairs that are refined, in each direction and by each measure
POOL = 150  # conjunctions kept in each direction
ALIKE = 3  # of the same conditions' features that are kept
LEAST = 2.5  # standard errors from which a conjunction stands out
LARGEST = 0.5  # share of the people that a subgroup has at most: beyond it, the rest is the subgroup
RAISED = 1.05  # times the quality without it that a conjunction needs for each condition
Bits = NDArray[np.uint8]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """A conjunction: places of its conditions, its people, the sum of weighted y over them, and its quality."""

    members: tuple[int, ...]
    size: int
    total: float
    quality: float


@dataclass(frozen=True)
class Searched:
    """The strongest conjunctions in both directions (the sign of their quality), and how many were evaluated."""

    found: list[Found]
    looked_at: int


@dataclass(frozen=True)
class Sums:
    """People, their weights and sums of y of every conjunction of a left and a right set of columns."""

    counts: Array
    masses: Array
    sums: Array


def crossed(left: Bits, right: Bits, y: Array, weight: Array | None = None) -> Sums:
    """Counts, weights and sums of y (people,) over every pair of columns of `left` (people, a) and `right` (people, b).

    y is multiplied with the weights already; without weights everybody counts 1.

    >>> crossed(np.eye(2, dtype=np.uint8), np.ones((2, 1), dtype=np.uint8), np.array([3.0, -1.0])).sums.tolist()
    [[3.0], [-1.0]]
    """
    counts, masses, sums = (np.zeros((left.shape[1], right.shape[1])) for _ in range(3))
    for start in range(0, len(y), BLOCK):
        part = slice(start, start + BLOCK)
        one = left[part].astype(np.float32)
        two = one if right is left else right[part].astype(np.float32)
        counts += one.T @ two
        sums += (one * y[part, None].astype(np.float32)).T @ two
        if weight is not None:
            masses += (one * weight[part, None].astype(np.float32)).T @ two
    return Sums(counts, counts if weight is None else masses, sums)


def quality(size: Array, total: Array, people: float, power: float = 0.5) -> Array:
    """The effect times the size to a power: at 0.5 a t-value of the mean within against the rest.

    y has mean 0 and standard deviation 1 over the `people`; with n of them (or their weights) inside and the sum s,
    n^power * s/n / sqrt(1 - n/N) (Klosgen 1996, family of quality functions; Lemmerich & Becker 2018).

    >>> quality(np.array([25.0]), np.array([10.0]), 100).round(3).tolist()
    [2.309]
    """
    inside = np.maximum(size, 1e-9)
    rest = np.sqrt(np.maximum(1 - inside / people, 1e-12))
    return np.asarray(inside**power * (total / inside) / rest)


def search(
    held: Bits,
    y: Array,
    features: Sequence[int],
    *,
    weight: Array | None = None,
    floor: int,
    depth: int = 3,
    beam: int = BEAM,
    power: float = 0.5,
    least: float = LEAST,
) -> Searched:
    """The conjunctions of up to `depth` (1 to 3) conditions that set people apart most, in either direction.

    Args:
        held: 1 where a person (row) fulfils a condition (column).
        y: a number a person, mean 0 and standard deviation 1 (`plain.standing`).
        features: of each condition, the number of the feature that it is on.
        weight: how much a person counts, mean 1; everybody the same when left out.
        floor: people that a conjunction and its rest need at least.
        beam: pairs refined to triples, in each direction, by quality and by what their conditions add.
        least: quality that a conjunction needs.

    A conjunction is found only if each of its conditions adds something: the mean of those who fulfil all is beyond
    that of those who fulfil all but that one, by more than chance gives the best of all conjunctions of that
    length; it shuts out at least `floor` people, and the quality is at least 5 % higher with it.
    """
    people, width = held.shape
    if not width or people < 2 * floor:
        return Searched([], 0)
    weighted = y if weight is None else y * weight
    table = _Table(crossed(held, held, weighted, weight), people, floor, power)
    everything = [table.singles()]
    if depth > 1:
        everything.append(table.pairs())
    if depth > 2 and width > 2:
        everything.append(_triples(table, held, weighted, weight, features, beam))
    return Searched(_strongest(everything, features, least, LARGEST * people), sum(one.looked_at for one in everything))


def _needed(conjunctions: int) -> float:
    """Standard errors that a condition must add: what chance gives the best of so many conjunctions."""
    from scipy.special import ndtri

    return float(-ndtri(1 / max(conjunctions, 2)))


@dataclass(frozen=True)
class _Level:
    """The conjunctions of one length: `adds` is the least that any of their conditions adds, in standard errors."""

    members: Places
    size: Array
    total: Array
    quality: Array
    adds: Array
    needed: float
    looked_at: int

    def direction(self, sign: int, least: float, largest: float) -> Places:
        """The places of those that stand out on one side and are not too large, the best first."""
        strong = (sign * self.quality >= least) & (sign * self.adds >= self.needed)
        good = np.flatnonzero(strong & (self.size <= largest))
        return np.asarray(good[np.argsort(-sign * self.quality[good], kind="stable")])


@dataclass(frozen=True)
class _Table:
    """Counts and sums of all pairs; single conditions on the diagonal."""

    of: Sums
    people: int
    floor: int
    power: float

    def fits(self, size: Array) -> NDArray[np.bool_]:
        return np.asarray((size >= self.floor) & (self.people - size >= self.floor))

    def singles(self) -> _Level:
        kept = np.flatnonzero(self.fits(np.diag(self.of.counts)))
        size, mass, total = (np.diag(one)[kept] for one in (self.of.counts, self.of.masses, self.of.sums))
        found = quality(mass, total, self.people, self.power)
        return _Level(kept[:, None], size, total, found, found, 0.0, len(kept))

    def pairs(self) -> _Level:
        first, second = np.triu_indices(len(self.of.counts), 1)
        kept = self.fits(self.of.counts[first, second])
        members = np.column_stack([first[kept], second[kept]])
        return self.level(members, self.at(self.of, *members.T))

    def at(self, of: Sums, row: Places, column: Places) -> Sums:
        return Sums(of.counts[row, column], of.masses[row, column], of.sums[row, column])

    def level(self, members: Places, own: Sums) -> _Level:
        """Conjunctions of two or three conditions with what each condition adds to the others."""
        found = quality(own.masses, own.sums, self.people, self.power)
        sign = np.sign(found)
        adds = np.full(len(members), np.inf)
        for column in range(members.shape[1]):
            rest = np.delete(members, column, axis=1)
            parent = self.at(self.of, rest[:, 0], rest[:, -1])
            raised = sign * found >= RAISED * sign * quality(parent.masses, parent.sums, self.people, self.power)
            raised &= parent.counts - own.counts >= self.floor
            adds = np.minimum(adds, np.where(raised, sign * _adds(own, parent), 0.0))
        needed = _needed(len(members))
        return _Level(members, own.counts, own.sums, found, sign * np.maximum(adds, 0.0), needed, len(members))


def _adds(own: Sums, parent: Sums) -> Array:
    """The mean of a conjunction against the rest of those who fulfil all but one condition, in standard errors."""
    inside, rest = own.masses, np.maximum(parent.masses - own.masses, 1e-9)
    found = (own.sums / inside - (parent.sums - own.sums) / rest) / np.sqrt(1 / inside + 1 / rest)
    return np.where(parent.counts > own.counts, found, 0.0)


def _triples(table: _Table, held: Bits, y: Array, weight: Array | None, features: Sequence[int], beam: int) -> _Level:
    """The best pairs, each with every third condition."""
    pairs = table.pairs()
    chosen = _beam(pairs, features, beam)
    if not len(chosen):
        return table.level(np.empty((0, 3), dtype=np.int64), Sums(np.empty(0), np.empty(0), np.empty(0)))
    first, second = pairs.members[chosen].T
    sums = crossed(held[:, first] & held[:, second], held, y, weight)
    row, third = np.nonzero(table.fits(sums.counts))
    members = np.sort(np.column_stack([first[row], second[row], third]), axis=1)
    true = (members[:, 0] < members[:, 1]) & (members[:, 1] < members[:, 2])
    members, row, third = members[true], row[true], third[true]
    _, once = np.unique(members, axis=0, return_index=True)
    return table.level(members[once], table.at(sums, row[once], third[once]))


def _beam(pairs: _Level, features: Sequence[int], beam: int) -> Places:
    """The pairs to refine: a strong condition with anything would fill the beam, so what conditions add counts too."""
    chosen: list[int] = []
    for measure in (pairs.quality, pairs.adds):
        for sign in (1, -1):
            order = np.argsort(-sign * measure, kind="stable")
            order = order[sign * measure[order] > 0][: 50 * beam]
            chosen += _few(order, lambda place: _features(pairs.members[place], features), beam)
    return np.array(sorted(set(chosen)), dtype=np.int64)


def _few(order: Places, group: Callable[[int], tuple[int, ...]], most: int) -> list[int]:
    """The first `most` of an order, no more than some of one group."""
    counts: dict[tuple[int, ...], int] = {}
    kept: list[int] = []
    for place in order:
        own = group(place)
        counts[own] = counts.get(own, 0) + 1
        if counts[own] <= ALIKE:
            kept.append(int(place))
            if len(kept) == most:
                break
    return kept


def _features(members: Places, features: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({features[member] for member in members}))


def _strongest(levels: Sequence[_Level], features: Sequence[int], least: float, largest: float) -> list[Found]:
    """The best of all lengths in both directions, a few of the same features and none too large."""
    found: list[Found] = []
    for sign in (1, -1):
        own = [
            Found(tuple(int(one) for one in level.members[place]), int(level.size[place]), *_numbers(level, place))
            for level in levels
            for place in level.direction(sign, least, largest)[: 10 * POOL]
        ]
        own.sort(key=lambda one: (-sign * one.quality, len(one.members), one.members))
        names = [_features(np.array(one.members), features) for one in own]
        found += [own[place] for place in _few(np.arange(len(own)), names.__getitem__, POOL)]
    return found


def _numbers(level: _Level, place: int) -> tuple[float, float]:
    return float(level.total[place]), float(level.quality[place])
