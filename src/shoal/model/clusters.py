"""The first recipe: k-means on the quantile-transformed, theme-weighted features."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Array, Matrix
from shoal.model.recipe import Grouping, grouping


class KMeansRecipe:
    """Lloyd's k-means with k-means++ starts (Arthur and Vassilvitskii 2007), the best of `starts`."""

    name = "k-means on quantile features"

    def __init__(self, starts: int = 3) -> None:
        self.starts = starts

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups; fewer when there are fewer different people."""
        return grouping(self.labels(matrix.values, k, seed), matrix.values)

    def labels(self, points: Array, k: int, seed: int) -> NDArray[np.int64]:
        """The group of each of the points (people, dimensions)."""
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if not points.size:
            return np.zeros(len(points), dtype=np.int64)
        k = min(k, len(points))
        # One thread: sums keep their order, and on a shared machine more threads spin (measured).
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = KMeans(k, n_init=self.starts, random_state=seed, max_iter=100).fit(points)
        found: NDArray[np.int64] = model.labels_.astype(np.int64)
        return found
