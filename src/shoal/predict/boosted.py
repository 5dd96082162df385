"""LightGBM (Ke et al. 2017, NIPS 30) as two learners: boosted trees, and a forest of the same trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.learner import Array
from shoal.predict.parallel import at_once

FILE = "lightgbm.txt"
FOREST = 100  # trees: more rank hardly better, and cost as much again in scoring and in reasons
STACKED = 1.5  # rows a person from which they count as repeated
MANY = 30_000  # people from which trees may be larger
CHUNK = 50_000  # rows that one thread predicts at a time
# One thread that never spins for others, and sums in one order: the same seed gives the same trees to the bit.
_SHRUNK = {"bagging_freq": 1, "feature_fraction": 0.6, "lambda_l2": 5.0, "cat_smooth": 20, "max_cat_to_onehot": 4}
_STILL = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}


@dataclass(frozen=True)
class FittedTrees:
    """Trees as LightGBM's own text."""

    text: str
    booster: Any

    @property
    def additive(self) -> bool:
        """Whether contributions add up to the log-odds: a forest's are of its mean probability."""
        return "\naverage_output\n" not in self.text

    def predict(self, x: Array) -> Array:
        """The probability of each row; chunks of rows go to two threads, which changes no bit."""
        return _in_chunks(lambda rows: self.booster.predict(rows, num_threads=1), x)

    def contributions(self, x: Array) -> Array:
        """Tree SHAP values (Lundberg, Erion & Lee 2018, arXiv:1802.03888, algorithm 2), without the constant."""
        if not len(x):
            return np.zeros_like(x)
        found = _in_chunks(lambda rows: self.booster.predict(rows, pred_contrib=True, num_threads=1), x, chunk=1000)
        # A forest predicts by its trees' mean; its contributions come summed over the trees.
        share = 1 if self.additive else self.booster.num_trees()
        without: Array = found[:, :-1] / share
        return without

    def to_files(self) -> Mapping[str, bytes]:
        """One text file."""
        return {FILE: self.text.encode()}


def _load(files: Mapping[str, bytes]) -> FittedTrees:
    from lightgbm import Booster

    text = files[FILE].decode()
    return FittedTrees(text, Booster(model_str=text))


def _in_chunks(predict: Callable[[Array], Array], x: Array, chunk: int = CHUNK) -> Array:
    if not len(x):
        return np.empty(0)
    parts = [np.ascontiguousarray(x[start : start + chunk]) for start in range(0, len(x), chunk)]
    return np.concatenate(at_once([partial(predict, part) for part in parts]))


def train(
    x: Array, y: Array, categories: NDArray[np.bool_], seed: int, rounds: int, settings: Mapping[str, Any]
) -> FittedTrees:
    """Trees for a yes-or-no outcome, with LightGBM's own `settings` over ours."""
    import lightgbm

    chosen = {**_STILL, "objective": "binary", "seed": seed % 2**31, "feature_pre_filter": False, **settings}
    data = lightgbm.Dataset(x, y, categorical_feature=np.flatnonzero(categories).tolist(), params=chosen)
    trained = lightgbm.train(chosen, data, rounds)
    # What is kept is the text, so what predicts is what the text says: a model saved and read again is the same.
    return _load({FILE: trained.model_to_string().encode()})


class LightGBM:
    """Boosted trees: many small slow ones on few rows, fewer and larger ones on many.

    The number of rounds is fixed by the number of rows: a part held back for early stopping costs few rows more
    than it gives.
    """

    name = "lightgbm"

    def fit(self, x: Array, y: Array, *, categories: NDArray[np.bool_], seed: int, repeats: float = 1.0) -> FittedTrees:
        """Fits on all rows."""
        rounds, settings = _boosting(len(y)) if repeats < STACKED else _stacked(len(y), repeats)
        return train(x, y, categories, seed, rounds, settings)

    def load(self, files: Mapping[str, bytes]) -> FittedTrees:
        """The model that `to_files` gave."""
        return _load(files)


class Forest:
    """A random forest (Breiman 2001, Machine Learning 45, 5-32) of LightGBM's trees."""

    name = "forest"

    def fit(self, x: Array, y: Array, *, categories: NDArray[np.bool_], seed: int, repeats: float = 1.0) -> FittedTrees:
        """Fits on all rows, each tree on about 63 % of at most 100,000 of them."""
        rows = len(y)
        people = rows / repeats
        settings = {
            "boosting": "rf",
            "num_leaves": int(np.clip(people // 60, 4, 63)),
            "min_data_in_leaf": round(10 * repeats),
            "bagging_fraction": min(0.632, 63_200 / rows),
            "bagging_freq": 1,
            "feature_fraction_bynode": 0.25,
            "cat_smooth": 20,
        }
        return train(x, y, categories, seed, FOREST, settings)

    def load(self, files: Mapping[str, bytes]) -> FittedTrees:
        """The model that `to_files` gave."""
        return _load(files)


def _stacked(rows: int, repeats: float) -> tuple[int, dict[str, Any]]:
    """Rounds and settings for rows that repeat people: leaves of as many people, each tree on part of the rows."""
    people = rows / repeats
    size = {
        "num_leaves": 8 if people < MANY else 31,
        "learning_rate": 0.05 if people < MANY else 0.1,
        "min_data_in_leaf": round(20 * repeats),
        "bagging_fraction": min(0.3, 150_000 / rows),
    }
    return 120, {**_SHRUNK, **size}


def _boosting(rows: int) -> tuple[int, dict[str, Any]]:
    """Rounds and settings by the number of rows."""
    if rows < 1_000:
        size = {"num_leaves": 4, "learning_rate": 0.03, "min_data_in_leaf": 10, "bagging_fraction": 0.8}
        return 150, {**_SHRUNK, **size}
    if rows < 30_000:
        size = {"num_leaves": 8, "learning_rate": 0.03, "min_data_in_leaf": 20, "bagging_fraction": 0.8}
        return 300, {**_SHRUNK, **size}
    if rows < 100_000:
        size = {"num_leaves": 16, "learning_rate": 0.06, "min_data_in_leaf": 40, "bagging_fraction": 0.7}
        return 250, {**_SHRUNK, **size}
    # Each tree learns from 150,000 rows at most: it is the trees that add up.
    share = min(0.5, 150_000 / rows)
    size = {"num_leaves": 31, "learning_rate": 0.12, "min_data_in_leaf": 100, "bagging_fraction": share, "max_bin": 127}
    return 120, {**_SHRUNK, **size}
