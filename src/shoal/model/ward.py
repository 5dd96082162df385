"""A recipe of nested groups: Ward's tree over micro-clusters, so that it holds any number of people."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Array, Matrix, sample
from shoal.model.recipe import Grouping, grouping

Labels = NDArray[np.int64]
MICRO = 300
FITTED = 10_000
ROUNDS = 20


@dataclass(frozen=True)
class Tree:
    """Which micro-cluster each person is in, and the merges in order: the second of a row joins the first."""

    micro: Labels
    merges: Labels

    def cut(self, k: int) -> Labels:
        """The group of each person where `k` are left (or as many as there are micro-clusters).

        Every cut only joins groups of the cuts with more: groups are exactly nested.
        """
        leaves = len(self.merges) + 1
        owner = np.arange(leaves)
        for into, gone in self.merges[: max(leaves - max(k, 1), 0)]:
            owner[owner == gone] = into
        found: Labels = owner[self.micro]
        return found


class WardRecipe:
    """Ward's hierarchical clusters (1963) of k-means micro-clusters, each weighing as many people as it has.

    `micro` is the number of micro-clusters; where no more people differ, each is one and the tree is Ward's own.
    """

    name = "Ward's tree"

    def __init__(self, micro: int = MICRO) -> None:
        self.micro = micro

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups; fewer when fewer people differ."""
        return self.cuts(matrix, [k], seed)[k]

    def cuts(self, matrix: Matrix, ks: Sequence[int], seed: int) -> dict[int, Grouping]:
        """The groups of one tree for each number in `ks`: those of a smaller number are unions of a larger one's."""
        found = self.tree(matrix.values, seed)
        return {k: grouping(found.cut(k), matrix.values) for k in ks}

    def tree(self, values: Array, seed: int) -> Tree:
        """The tree over people as points (people, inputs)."""
        micro = _micro(values, self.micro, seed)
        sizes = np.bincount(micro).astype(np.float64)
        sums = np.zeros((len(sizes), values.shape[1]))
        np.add.at(sums, micro, values)
        return Tree(micro, linked(sums / sizes[:, None], sizes))


def parents(fine: Grouping, coarse: Grouping) -> list[int]:
    """For each group of a cut, the group of a coarser cut of the same tree that it lies in.

    >>> one, more = np.array([0, 0, 0, 1, 1]), np.array([0, 2, 2, 1, 1])
    >>> points = np.zeros((5, 1))
    >>> parents(grouping(more, points), grouping(one, points))
    [0, 1, 0]
    """
    _, first = np.unique(fine.labels, return_index=True)
    return [int(group) for group in coarse.labels[first]]


def linked(centres: Array, sizes: Array) -> Labels:
    """Ward's merges (m - 1, 2) of m points with sizes: always the pair that adds least to the squares within.

    Two groups are apart by |A| |B| / (|A| + |B|) times the square of their centres' distance (Ward 1963); after a merge
    this follows from the old distances by Lance and Williams (1967, The Computer Journal 9, table 1), here with sizes
    that begin above one. The first of equals comes first.

    >>> linked(np.array([[0.0], [10.0], [1.0]]), np.array([1.0, 1.0, 5.0])).tolist()
    [[0, 2], [0, 1]]
    """
    sizes = sizes.copy()
    apart = ((centres[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    apart *= sizes[:, None] * sizes / (sizes[:, None] + sizes)
    np.fill_diagonal(apart, np.inf)
    merges = np.empty((max(len(sizes) - 1, 0), 2), dtype=np.int64)
    for turn in range(len(merges)):
        one, two = sorted(int(place) for place in np.unravel_index(apart.argmin(), apart.shape))
        merges[turn] = one, two
        a, b = sizes[one] + sizes, sizes[two] + sizes
        new = (a * apart[one] + b * apart[two] - sizes * apart[one, two]) / (a + sizes[two])
        new[one] = np.inf
        apart[one], apart[:, one] = new, new
        apart[two], apart[:, two] = np.inf, np.inf
        sizes[one] += sizes[two]
    return merges


def _micro(values: Array, most: int, seed: int) -> Labels:
    """The micro-cluster of each person, none empty: k-means on at most 10,000 people, the others to the nearest."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    drawn = values[sample(len(values), FITTED, seed)]
    different, place = np.unique(drawn, axis=0, return_inverse=True)
    if len(drawn) == len(values) and len(different) <= most:
        return place.reshape(-1).astype(np.int64)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(min(most, len(different)), n_init=1, max_iter=ROUNDS, random_state=seed).fit(drawn)
        _, used = np.unique(model.predict(values), return_inverse=True)
    return used.reshape(-1).astype(np.int64)
