"""Scores of being like a seed, each given by a model that never saw that person: positive-unlabelled learning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.heldout import FOLDS, Mask
from shoal.predict.learner import Array

Ints = NDArray[np.int64]

REST_PER_SEED = 5  # unlabelled people drawn for each member of the seed
LEAST_BAG, MOST_BAG = 500, 20_000
ROWS = 40_000  # rows learned from in a fold, over all of its bags
MOST_BAGS = 5
LEVELS = 20  # codes of a category that a line can tell apart


@dataclass(frozen=True)
class Scored:
    """Scores of everybody out of fold, larger is more alike, and how much of them rests on each input (sums to 1)."""

    score: Array
    shares: Array


def folds(seed: Mask, draw: int) -> NDArray[np.int8]:
    """A fold for every row, the seed's members spread evenly."""
    rng = np.random.default_rng(draw)
    fold = np.empty(len(seed), np.int8)
    for group in (np.flatnonzero(seed), np.flatnonzero(~seed)):
        fold[rng.permutation(group)] = np.arange(len(group)) % FOLDS
    return fold


def ranks(x: Array) -> Array:
    """Each input as its share of known values below or level, -1 to 1; 0 where missing."""
    from scipy.stats import rankdata

    result = np.zeros(x.shape)
    for column in range(x.shape[1]):
        known = np.flatnonzero(np.isfinite(x[:, column]))
        if len(known):
            result[known, column] = 2 * (rankdata(x[known, column]) - 0.5) / len(known) - 1
    return result


def logistic(x: Array, ranked: Array, categories: Mask, seed: Mask, fold: NDArray[np.int8], draw: int) -> Scored:
    """Logistic regression on ranks, missing flags and the commonest codes."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    design, owner = _design(x, ranked, categories)
    spread = design.std(axis=0)

    def fit(rows: Ints, _: int) -> tuple[Callable[[Ints], Array], Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that stops early is judged like any other
            model = LogisticRegression(C=0.1, max_iter=200).fit(design[rows], seed[rows])
        effect = np.bincount(owner, weights=np.abs(model.coef_[0]) * spread, minlength=x.shape[1]).astype(np.float64)
        return lambda held: np.asarray(model.decision_function(design[held])), effect

    with threadpool_limits(1):
        return _crossed(fit, seed, fold, x.shape[1], draw)


def boosted(x: Array, _: Array, categories: Mask, seed: Mask, fold: NDArray[np.int8], draw: int) -> Scored:
    """LightGBM on the inputs as they are."""
    import lightgbm as lgb

    settings: dict[str, Any] = {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 10, "feature_fraction": 0.8,
        "lambda_l2": 1.0, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    codes = [int(place) for place in np.flatnonzero(categories)]

    def fit(rows: Ints, number: int) -> tuple[Callable[[Ints], Array], Array]:
        data = lgb.Dataset(x[rows], seed[rows].astype(np.float64), categorical_feature=codes, free_raw_data=True)
        model = lgb.train({**settings, "seed": draw + number}, data, num_boost_round=100)
        effect = np.asarray(model.feature_importance("gain"), np.float64)
        return lambda held: np.asarray(model.predict(x[held], raw_score=True)), effect

    return _crossed(fit, seed, fold, x.shape[1], draw)


def blended(one: Scored, other: Scored) -> Scored:
    """The mean of two, each in units of its own spread."""
    score = one.score / (one.score.std() or 1.0) + other.score / (other.score.std() or 1.0)
    return Scored(score / 2, (one.shares + other.shares) / 2)


def centroid(_: Array, ranked: Array, categories: Mask, seed: Mask, fold: NDArray[np.int8], __: int) -> Scored:
    """Nearness to the middle of the seed in the space of ranks: the plain way."""
    points = ranked[:, ~categories]
    score = np.zeros(len(seed))
    for number in np.unique(fold):
        held = fold == number
        score[held] = -np.linalg.norm(points[held] - points[seed & ~held].mean(axis=0), axis=1)
    return Scored(score, np.full(ranked.shape[1], np.nan))


def _crossed(
    fit: Callable[[Ints, int], tuple[Callable[[Ints], Array], Array]],
    seed: Mask,
    fold: NDArray[np.int8],
    inputs: int,
    draw: int,
) -> Scored:
    """Everybody's score by the bags of the other folds: the mean log-odds over bags.

    A bag is the seed against a random part of the rest (Mordelet & Vert 2014, "A bagging SVM to learn from positive
    and unlabeled examples", section 4.1). That the rest hides people like the seed lowers every probability by one
    factor and leaves their order (Elkan & Noto 2008, "Learning classifiers from only positive and unlabeled data",
    lemma 1).
    """
    score, effect = np.zeros(len(seed)), np.zeros(inputs)
    for number in np.unique(fold):
        held = np.flatnonzero(fold == number)
        bags = list(_bags(np.flatnonzero(seed & (fold != number)), np.flatnonzero(~seed & (fold != number)),
                          np.random.default_rng([draw, int(number)])))  # fmt: skip
        for place, rows in enumerate(bags):
            predict, gain = fit(rows, int(number) * MOST_BAGS + place)
            score[held] += predict(held) / len(bags)
            effect += gain / (gain.sum() or 1.0)
    return Scored(score, effect / (effect.sum() or 1.0))


def _bags(members: Ints, rest: Ints, rng: np.random.Generator) -> Iterator[Ints]:
    size = min(max(REST_PER_SEED * len(members), LEAST_BAG), MOST_BAG, len(rest))
    chosen = min(len(members), MOST_BAG)
    count = int(np.clip(ROWS // (size + chosen), 1, MOST_BAGS if size < len(rest) else 1))
    for _ in range(count):
        drawn = [rng.choice(members, chosen, replace=False), rng.choice(rest, size, replace=False)]
        yield np.sort(np.concatenate(drawn))


def _design(x: Array, ranked: Array, categories: Mask) -> tuple[Array, Ints]:
    """Columns a line can weigh, and the input that each comes from."""
    columns, owner = [], []
    for place in range(x.shape[1]):
        missing = ~np.isfinite(x[:, place])
        if categories[place]:
            codes, counts = np.unique(x[~missing, place], return_counts=True)
            kept = codes[np.argsort(-counts, kind="stable")[:LEVELS]]
            parts = [(x[:, place] == code).astype(np.float64) for code in kept]
        else:
            parts = [ranked[:, place], ranked[:, place] ** 2]
        if missing.any():
            parts.append(missing.astype(np.float64))
        columns += parts
        owner += [place] * len(parts)
    return np.column_stack(columns), np.array(owner, np.int64)
