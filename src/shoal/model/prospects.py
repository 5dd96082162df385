"""Outcome-informed recipes: people are alike when the next period is expected to be, and for the same reasons."""

from __future__ import annotations

import numpy as np

from shoal.model.clusters import KMeansRecipe
from shoal.model.components import components
from shoal.model.matrix import Array, Matrix
from shoal.model.recipe import Grouping, grouping

STARTS = 3
DIMENSIONS = 10
FEATURES = 0.5  # weight of the features beside the outlook


class OutlookRecipe:
    """k-means on the expected outcomes: the squared distance is what a contest on the next period counts."""

    name = "k-means on expected outcomes"
    needs_outlook = True

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups; of the features where there is no outlook."""
        return _clustered(matrix, _expected(matrix), k, seed)


class MixedRecipe:
    """k-means on the expected outcomes beside the features' principal components at half their weight."""

    name = "k-means on expected outcomes and features"
    needs_outlook = True

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups; of the features where there is no outlook."""
        expected = _unit(_expected(matrix))
        features = components(matrix.values, DIMENSIONS)
        return _clustered(matrix, np.hstack([expected, np.sqrt(FEATURES) * features]), k, seed)


class ReasonsRecipe:
    """k-means on why the outcomes are expected: the inputs' SHAP values to each, weighted as the outcomes are."""

    name = "k-means on SHAP values"
    needs_outlook = True

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups; of the features where there is no outlook."""
        because = matrix.values if matrix.outlook is None else matrix.outlook.because
        return _clustered(matrix, because[:, np.ptp(because, axis=0) > 0] if len(because) else because, k, seed)


def _expected(matrix: Matrix) -> Array:
    return matrix.values if matrix.outlook is None else matrix.outlook.values


def _unit(values: Array) -> Array:
    """Scaled so that all variance together is 1."""
    total = float(np.sqrt(values.var(axis=0).sum())) if len(values) else 0.0
    return values / total if total else values


def _clustered(matrix: Matrix, points: Array, k: int, seed: int) -> Grouping:
    labels = KMeansRecipe(STARTS).labels(points, k, seed)
    return grouping(labels, matrix.values)
