"""A recipe of overlapping clouds: a Gaussian mixture on principal components, its shape chosen by BIC."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from shoal.model.components import components
from shoal.model.matrix import Array, Matrix, sample
from shoal.model.recipe import Grouping, grouping

MOST = 10
FITTED = 20_000
SHAPES = ("full", "diag")
# Of the mean variance of a component: inputs of few values would let a cloud shrink to a point of endless likelihood.
LEAST = 0.1


class MixtureRecipe:
    """Expectation maximisation (Dempster, Laird and Rubin 1977) from k-means starts, the likeliest of `starts`.

    Clouds have a full or a diagonal covariance, whichever has the lower Bayesian information criterion (Schwarz 1978;
    for mixtures Fraley and Raftery 2002). Everybody is in the cloud that is likeliest theirs.
    """

    name = "Gaussian mixture"

    def __init__(self, starts: int = 3) -> None:
        self.starts = starts

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups, learned from at most 20,000 people; fewer when fewer people differ."""
        points = components(matrix.values, MOST)
        rows = sample(len(points), FITTED, seed)
        k = min(k, len(np.unique(matrix.values[rows], axis=0)))
        labels = self._likeliest(points, points[rows], k, seed) if k > 1 else np.zeros(len(points), dtype=np.int64)
        return grouping(labels, matrix.values)

    def _likeliest(self, points: Array, drawn: Array, k: int, seed: int) -> NDArray[np.int64]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        least = LEAST * float(drawn.var(axis=0).mean())
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models = [
                GaussianMixture(k, covariance_type=shape, reg_covar=least, n_init=self.starts, random_state=seed).fit(
                    drawn
                )
                for shape in SHAPES
            ]
            best = min(models, key=lambda model: model.bic(drawn))
            labels: NDArray[np.int64] = best.predict(points).astype(np.int64)
        return labels
