"""Segments that are rules from the first: the leaves of a small tree that says who is expected to do what next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.model import readable
from shoal.model.components import components
from shoal.model.matrix import Array, Matrix
from shoal.model.node import Node
from shoal.model.recipe import Grouping, grouping

LEAST = 0.01  # of the people in a leaf
FEWEST = 5
NEARLY = 0.8  # of the best split's gain
NOTHING = 1e-9
DIMENSIONS = 8


class OutcomeTreeRecipe:
    """A regression tree for all expected outcomes at once, grown best split first to `k` leaves.

    A predictive clustering tree (Blockeel, De Raedt & Ramon 1998, ICML 15, 55-63) on what a forest expects rather than
    on what happened: the targets are smooth, so that a shallow tree finds what is there and not what was luck.
    Thresholds are round numbers that do not depend on the people, so that those drawn again give nearly the same rules.
    """

    name = "tree on expected outcomes"
    needs_outlook = True

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups, each one rule; of the features where there is no outlook."""
        del seed  # nothing is drawn
        targets = matrix.values if matrix.outlook is None else matrix.outlook.values
        return grown(Grid.of(matrix), matrix, targets, k)


@dataclass(frozen=True)
class Grid:
    """The thresholds that each input may be cut at, rising."""

    edges: tuple[Array, ...]

    @classmethod
    def of(cls, matrix: Matrix, *, fine: bool = False) -> Grid:
        """The round numbers within the range of the matrix's people; `fine` gives three times as many."""
        edges = []
        for column, meta in zip(matrix.raw.T, matrix.meta, strict=True):
            cuts = (
                readable.ladder(float(column.min()), float(column.max()), meta.unit, fine=fine) if len(column) else []
            )
            edges.append(np.array([cut for cut in cuts if _parts(column, cut)]))
        return cls(tuple(edges))

    def codes(self, raw: Array) -> NDArray[np.int64]:
        """How many thresholds each value reaches, (people, inputs)."""
        columns = [
            np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, raw.T, strict=True)
        ]
        return np.column_stack(columns).astype(np.int64) if columns else np.empty((len(raw), 0), np.int64)


def _parts(column: Array, cut: float) -> bool:
    """Whether a threshold leaves a leaf's worth of people on both sides."""
    under = float((column < cut).mean())
    return LEAST <= under <= 1 - LEAST


def grown(grid: Grid, matrix: Matrix, targets: Array, k: int, least: float = LEAST) -> Grouping:
    """The leaves of a tree on `targets` (people, outcomes) as groups, with the tree whose rules they are.

    Grown best split first to `k` leaves. Of splits that explain nearly as much, the one by the input that reads easiest
    is taken: it is the same when the people are drawn again, where the best by a hair is not.
    """
    codes, points = grid.codes(matrix.raw), _compressed(targets)
    fewest = max(FEWEST, int(least * len(codes)))
    leaves: dict[int, tuple[NDArray[np.int64], _Split | None]] = {}

    def leaf(rows: NDArray[np.int64]) -> int:
        number = len(leaves)
        leaves[number] = (rows, _split(codes[rows], points[rows], grid, fewest))
        return number

    tree: dict[int, tuple[_Split, int, int]] = {}
    root = leaf(np.arange(len(codes)))
    open_ = {root}
    while len(open_) < k:
        best = max(open_, key=lambda one: leaves[one][1].gain if leaves[one][1] else 0.0)  # type: ignore[union-attr]
        rows, split = leaves[best]
        if split is None:
            break
        under = codes[rows, split.feature] < split.code
        low, high = leaf(rows[under]), leaf(rows[~under])
        tree[best] = (split, low, high)
        open_ = (open_ - {best}) | {low, high}
    labels = np.empty(len(codes), dtype=np.int64)
    for one in open_:
        labels[leaves[one][0]] = one
    found = grouping(labels, matrix.values)
    numbers = {int(old): int(new) for old, new in zip(labels, found.labels, strict=True)}

    def node(one: int) -> Node:
        share = len(leaves[one][0]) / max(len(codes), 1)
        if one not in tree:
            return Node(share, numbers.get(one, 0))
        split, low, high = tree[one]
        under = node(low)
        return Node(share, under.group, split.feature, split.cut, under, node(high))

    return Grouping(found.labels, found.centres, node(root))


@dataclass(frozen=True)
class _Split:
    gain: float
    feature: int
    code: int
    cut: float


def _split(codes: NDArray[np.int64], points: Array, grid: Grid, fewest: int) -> _Split | None:
    """The split that explains most, or one that explains nearly as much by an input that reads easier."""
    if len(codes) < 2 * fewest:
        return None
    total = points.sum(axis=0)
    best: list[_Split] = []
    for feature, edges in enumerate(grid.edges):
        if not len(edges):
            continue
        column, levels = codes[:, feature], len(edges) + 1
        counts = np.cumsum(np.bincount(column, minlength=levels))[:-1]
        sums = np.cumsum(np.column_stack([np.bincount(column, weights=y, minlength=levels) for y in points.T]), axis=0)[
            :-1
        ]
        allowed = (counts >= fewest) & (len(codes) - counts >= fewest)
        if not allowed.any():
            continue
        below, above = np.maximum(counts, 1), np.maximum(len(codes) - counts, 1)
        apart = (sums**2).sum(axis=1) / below + ((total - sums) ** 2).sum(axis=1) / above
        gains = np.where(allowed, apart - (total**2).sum() / len(codes), -np.inf)
        at = int(gains.argmax())
        best.append(_Split(float(gains[at]), feature, at + 1, float(edges[at])))
    most = max((one.gain for one in best), default=0.0)
    if most <= NOTHING * len(codes):
        return None
    return next(one for one in best if one.gain >= NEARLY * most)


def _compressed(targets: Array) -> Array:
    """The targets' principal components, scaled back: a few tell nearly everything."""
    if targets.shape[1] <= DIMENSIONS or len(targets) < 2:
        return targets - targets.mean(axis=0) if len(targets) else targets
    spread = float(np.sqrt(targets.var(axis=0).sum()))
    return components(targets, DIMENSIONS, share=0.995) * spread
