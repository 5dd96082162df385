"""What the next period holds for each person, learned from earlier instants: what outcome-informed recipes look at."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.model.lessons import Lessons
from shoal.model.matrix import Array, Matrix

TREES = 60
LEAF = 0.01  # of the rows: the least that a leaf rests on
FEWEST = 10
TRIED = 0.5  # of the inputs, at each split
ROUNDS = 40  # of boosting, for contributions
TOLD = 6  # outcomes that contributions are told of: those that are foreseen best, others would add noise
BOOSTED = {
    "objective": "l2",
    "num_leaves": 4,
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True)
class Outlook:
    """The expected outcomes of a matrix's people, and why they are expected.

    `values` (people, outcomes): the expected deviation from everybody's mean, in units in which a squared distance is
    what a contest counts: the variance explained of each outcome, by its weight. `because` gives the contributions of
    the inputs to the six outcomes that are foreseen best, (people, inputs x 6), in the same units; they are made when
    they are asked for.
    """

    values: Array
    points: Array
    explain: Callable[[Array], Array]

    @cached_property
    def because(self) -> Array:
        return self.explain(self.points)

    def take(self, places: NDArray[np.int64]) -> Outlook:
        """The same for some of the people."""
        return replace(self, values=self.values[places], points=self.points[places])


def outlook(lessons: Lessons, points: Array, seed: int, drawn: NDArray[np.int64] | None = None) -> Outlook:
    """The outlook of people with these inputs, learned from the lessons (of the people `drawn`, who may repeat).

    One forest of extremely randomised trees (Geurts, Ernst & Wehenkel 2006, Machine Learning 63, 3-42) for all
    outcomes together: smooth enough that people drawn again give nearly the same outlook, and one fit where boosting
    needs one for each outcome.
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    weights = np.ones(len(lessons.x)) if drawn is None else lessons.counts(drawn)
    used = weights > 0
    forest = ExtraTreesRegressor(
        TREES,
        min_samples_leaf=max(FEWEST, int(LEAF * used.sum())),
        max_features=TRIED,
        random_state=seed % 2**31,
        n_jobs=1,
    )
    with threadpool_limits(1):
        forest.fit(lessons.x[used].astype(np.float32), lessons.y[used], sample_weight=weights[used])
        values = forest.predict(points.astype(np.float32)).reshape(len(points), -1)
    told = np.sort(np.argsort(-values.var(axis=0), kind="stable")[:TOLD])
    return Outlook(values, points, lambda wanted: _contributions(lessons, weights, wanted, seed, told))


def _contributions(lessons: Lessons, weights: Array, points: Array, seed: int, outcomes: NDArray[np.int64]) -> Array:
    """Tree SHAP values (Lundberg, Erion & Lee 2018, arXiv:1802.03888) of one small boosted model for each outcome."""
    import lightgbm

    used = weights > 0
    settings: dict[str, Any] = {**BOOSTED, "seed": seed % 2**31}
    blocks = []
    for y in lessons.y.T[outcomes]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = lightgbm.Dataset(lessons.x[used], y[used], weight=weights[used], params=settings)
            booster = lightgbm.train(settings, data, ROUNDS)
            blocks.append(np.asarray(booster.predict(points, pred_contrib=True, num_threads=1))[:, :-1])
    return np.hstack(blocks)


def informed(matrix: Matrix, lessons: Lessons | None, points: Array, seed: int) -> Matrix:
    """The matrix with the outlook of its people; as it is where nothing can be learned."""
    return matrix if lessons is None else replace(matrix, outlook=outlook(lessons, points, seed))
