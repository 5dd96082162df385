"""Segments that are rules from the first: the leaves of a small tree that says who is expected to do what next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shoal.model import readable
from shoal.model.matrix import Array, Matrix
from shoal.model.node import Node
from shoal.model.recipe import Grouping, grouping

# Where an input may be cut: at few places, which the people drawn again have too.
EDGES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.97)
LEAST = 0.02  # of the people in a leaf
FEWEST = 5


class OutcomeTreeRecipe:
    """A regression tree for all expected outcomes at once, grown best split first to `k` leaves.

    A predictive clustering tree (Blockeel, De Raedt & Ramon 1998, ICML 15, 55-63) on what a forest expects rather than on
    what happened: the targets are smooth, so that a shallow tree finds what is there and not what was luck. Thresholds
    come from a coarse grid of readable numbers: people drawn again give nearly the same rules.
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
    def of(cls, matrix: Matrix, places: tuple[float, ...] = EDGES) -> Grid:
        """Readable thresholds near the quantiles `places` of the matrix's people."""
        found = []
        for column, meta in zip(matrix.raw.T, matrix.meta, strict=True):
            exact = np.unique(np.quantile(column, places, method="lower")) if len(column) else np.empty(0)
            cuts = {
                readable.threshold(column, float(at), meta.unit) for at in exact if column.min() <= at < column.max()
            }
            found.append(np.array(sorted(cuts)))
        return cls(tuple(found))

    def codes(self, raw: Array) -> Array:
        """Between which thresholds each value lies, (people, inputs)."""
        columns = [
            np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, raw.T, strict=True)
        ]
        return np.column_stack(columns).astype(np.float32) if columns else np.empty((len(raw), 0), np.float32)


def grown(grid: Grid, matrix: Matrix, targets: Array, k: int, least: float = LEAST) -> Grouping:
    """The leaves of a tree on `targets` (people, outcomes) as groups, with the tree whose rules they are."""
    if k < 2 or len(matrix.raw) < 2 * FEWEST or not matrix.names:
        return grouping(np.zeros(len(matrix.raw), dtype=np.int64), matrix.values)
    from sklearn.tree import DecisionTreeRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    codes = grid.codes(matrix.raw)
    with threadpool_limits(1):
        made = DecisionTreeRegressor(
            max_leaf_nodes=k, min_samples_leaf=max(FEWEST, int(least * len(codes))), random_state=0
        ).fit(codes, targets)
    tree, _ = _convert(made.tree_, 0, grid, 0)
    labels = tree.route(matrix.raw)
    found = grouping(labels, matrix.values)
    order = {int(old): int(new) for old, new in zip(labels, found.labels, strict=True)}
    return Grouping(found.labels, found.centres, _renumbered(tree, order))


def _convert(tree: object, node: int, grid: Grid, count: int) -> tuple[Node, int]:
    """scikit-learn's tree over codes as ours over values; leaves are numbered from left to right from `count`."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])  # type: ignore[attr-defined]
    share = float(tree.n_node_samples[node] / tree.n_node_samples[0])  # type: ignore[attr-defined]
    if left < 0:
        return Node(share, count), count + 1
    feature = int(tree.feature[node])  # type: ignore[attr-defined]
    # A code c is at least edge c - 1: codes up to t are the values below edge t.
    cut = float(grid.edges[feature][int(np.floor(tree.threshold[node]))])  # type: ignore[attr-defined]
    low, count = _convert(tree, left, grid, count)
    high, count = _convert(tree, right, grid, count)
    return Node(share, low.group, feature, cut, low, high), count


def _renumbered(node: Node, order: dict[int, int]) -> Node:
    """The tree with the groups' final numbers."""
    if node.low is None or node.high is None:
        return Node(node.share, order[node.group])
    low, high = _renumbered(node.low, order), _renumbered(node.high, order)
    return Node(node.share, low.group, node.feature, node.threshold, low, high)
