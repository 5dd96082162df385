"""A recipe of niches of any shape: people who are close together, with everybody else in no group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoal.model.components import components
from shoal.model.matrix import Array, Matrix, sample
from shoal.model.recipe import NOISE, Grouping, grouping

Labels = NDArray[np.int64]
MOST = 5  # coordinates: in more, everybody is about as far from everybody (Beyer et al. 1999)
FITTED = 8_000  # the time grows with the square of the people
FEWEST = 15
SMALLEST = 0.01
BLUR = 0.35
ERRORS = 3.0


class DensityRecipe:
    """HDBSCAN on principal components (Campello, Moulavi and Sander 2013).

    People in no dense place are noise, and noise stays noise: they have the label -1. So have those of clusters that
    are no denser than chance makes them, and of more than `k` clusters all but the largest. Where no place is denser
    than the rest, everybody is one group.
    """

    name = "density (HDBSCAN)"

    def __init__(self, smallest: float = SMALLEST) -> None:
        self.smallest = smallest

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` clusters of at least 1 % of the people, found among at most 8,000 of them."""
        rows = sample(len(matrix.values), FITTED, seed)
        fewest = max(FEWEST, round(self.smallest * len(rows)))
        if len(rows) < 2 * fewest or not np.ptp(matrix.values[rows], axis=0).any():
            return _everybody(matrix)
        points = _blurred(components(matrix.values, MOST), matrix.values, rows, seed)
        labels = _largest(_dense(points[rows], fewest), k)
        if (labels < 0).all():
            return _everybody(matrix)
        if len(rows) < len(points):
            labels = _joined(points, rows, labels, fewest)
        return grouping(labels, matrix.values)


def _everybody(matrix: Matrix) -> Grouping:
    return grouping(np.zeros(len(matrix.values), dtype=np.int64), matrix.values)


def _blurred(points: Array, values: Array, rows: Labels, seed: int) -> Array:
    """The points, moved by up to a third of the distance to the next different one where most people are alike.

    With inputs of few values every combination would be endlessly dense, and all between them noise. A half of the
    people, as those drawn with replacement must not count as alike: 63 % of them differ.
    """
    from scipy.spatial import cKDTree

    different = points[rows[np.unique(values[rows], axis=0, return_index=True)[1]]]
    if len(different) * 2 > len(rows):
        return points
    step = float(np.median(cKDTree(different).query(different, k=2)[0][:, 1]))
    return points + np.random.default_rng(seed).uniform(-BLUR * step, BLUR * step, points.shape)


def _dense(points: Array, fewest: int) -> Labels:
    from sklearn.cluster import HDBSCAN
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        model = HDBSCAN(min_cluster_size=fewest, n_jobs=1, copy=True).fit(points)
    labels: Labels = model.labels_.astype(np.int64)
    chance = [
        group
        for group in range(int(labels.max(initial=NOISE)) + 1)
        if _errors(model.probabilities_[labels == group], points.shape[1], fewest) < ERRORS
    ]
    return np.where(np.isin(labels, chance), NOISE, labels)


def _errors(strengths: Array, coordinates: int, neighbours: int) -> float:
    """By how many standard errors a cluster's peak is denser than where it parts from the rest, in logarithms.

    Density goes with the distance to the m-th neighbour to the power of minus the coordinates, and its logarithm has a
    standard error of 1 / sqrt(m) (Loftsgaarden and Quesenberry 1965). A strength is the inverse distance at which
    somebody leaves the cluster over that of the peak, so the least strong leave where it parts.
    """
    least = max(float(strengths.min()), np.finfo(float).tiny)
    return float(-coordinates * np.log(least) * np.sqrt(neighbours))


def _largest(labels: Labels, k: int) -> Labels:
    """The `k` largest clusters; the rest are noise."""
    sizes = np.bincount(labels[labels >= 0])
    kept = np.argsort(-sizes, kind="stable")[:k]
    return np.where(np.isin(labels, kept), labels, NOISE)


def _joined(points: Array, rows: Labels, labels: Labels, neighbours: int) -> Labels:
    """The labels of all points: those not in `rows` join the nearest that is.

    Only if they are so close to it that it would count them among its nearest neighbours; else they are noise.
    """
    from scipy.spatial import cKDTree

    known = cKDTree(points[rows])
    reach = known.query(points[rows], k=neighbours)[0][:, -1]
    gap, nearest = known.query(points, k=1)
    found: Labels = np.where(gap <= reach[nearest], labels[nearest], NOISE)
    found[rows] = labels
    return found
