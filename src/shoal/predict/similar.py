"""Scores of being like a seed, each given by a model that never saw that person: positive-unlabelled learning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict import boosted as trees
from shoal.predict.blend import Blend, Part
from shoal.predict.calibrate import log_odds
from shoal.predict.heldout import FOLDS, Mask
from shoal.predict.learner import Array, Fitted
from shoal.predict.logistic import Curve, FittedLogistic

Ints = NDArray[np.int64]
Fit = Callable[[list[Ints], int], tuple[list[Fitted], Array]]

REST_PER_SEED = 5  # unlabelled people drawn for each member of the seed
LEAST_BAG, MOST_BAG = 500, 20_000
ROWS = 40_000  # rows learned from in a fold, over all of its bags
MOST_BAGS = 5
LEVELS = 20  # codes of a category that a line can tell apart
KNOTS = 1_000  # values at which a curve over ranks is kept, where there are more


@dataclass(frozen=True)
class Held:
    """A fold: its rows, the models that never saw them, and the log-odds that each of those gave."""

    rows: Ints
    blend: Blend
    odds: tuple[Array, ...]

    def times(self, factor: float) -> Held:
        """The same with every weight so many times as large."""
        parts = tuple(replace(part, weight=part.weight * factor) for part in self.blend.parts)
        return replace(self, blend=replace(self.blend, parts=parts))

    def beside(self, other: Held) -> Held:
        """The sum with another way on the same fold."""
        return Held(self.rows, Blend((*self.blend.parts, *other.blend.parts)), (*self.odds, *other.odds))


@dataclass(frozen=True)
class Scored:
    """Scores of everybody out of fold, larger is more alike, and how much of them rests on each input (sums to 1).

    `folds` are the models behind them, by number of the fold; none for the plain way.
    """

    score: Array
    shares: Array
    folds: tuple[Held, ...] = ()

    @classmethod
    def of(cls, folds: tuple[Held, ...], shares: Array) -> Scored:
        """What the models of the folds say."""
        score = np.zeros(sum(len(one.rows) for one in folds))
        for one in folds:
            score[one.rows] = one.blend.of(len(one.rows), one.odds)
        return cls(score, shares, folds)


def folds(seed: Mask, draw: int) -> NDArray[np.int8]:
    """A fold for every row, the seed's members spread evenly."""
    rng = np.random.default_rng(draw)
    fold = np.empty(len(seed), np.int8)
    for group in (np.flatnonzero(seed), np.flatnonzero(~seed)):
        fold[rng.permutation(group)] = np.arange(len(group)) % FOLDS
    return fold


def fold_of(person: Ints) -> NDArray[np.int8]:
    """The fold of each person: by who they are alone, so that it is the same whenever they are scored.

    >>> np.bincount(fold_of(np.arange(1000))).tolist()
    [201, 216, 206, 189, 188]
    """
    # Fibonacci hashing, as in `stream.drawn`, by other bits.
    place = (person.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    return np.asarray(place % np.uint64(FOLDS), np.int8)


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

    pieces = [_piece(x[:, place], ranked[:, place], bool(categories[place])) for place in range(x.shape[1])]
    design = np.column_stack([piece.design for piece in pieces])
    owner = np.repeat(np.arange(len(pieces)), [piece.design.shape[1] for piece in pieces])
    spread = design.std(axis=0)

    def fit(bags: list[Ints], _: int) -> tuple[list[Fitted], Array]:
        weights, constant = np.zeros(design.shape[1]), 0.0
        effect = np.zeros(x.shape[1])
        for rows in bags:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fit that stops early is judged like any other
                model = LogisticRegression(C=0.1, max_iter=200).fit(design[rows], seed[rows])
            weights += model.coef_[0] / len(bags)
            constant += float(model.intercept_[0]) / len(bags)
            gain = np.bincount(owner, weights=np.abs(model.coef_[0]) * spread, minlength=x.shape[1])
            effect += gain / (gain.sum() or 1.0)
        curves = tuple(piece.curve(weights[owner == place]) for place, piece in enumerate(pieces))
        return [FittedLogistic(constant, curves)], effect  # the mean of the bags' lines is one line

    with threadpool_limits(1):
        return _crossed(fit, "logistic", x, seed, fold, draw)


def boosted(x: Array, _: Array, categories: Mask, seed: Mask, fold: NDArray[np.int8], draw: int) -> Scored:
    """LightGBM on the inputs as they are."""
    settings: dict[str, Any] = {
        "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 10, "feature_fraction": 0.8, "lambda_l2": 1.0,
    }  # fmt: skip

    def fit(bags: list[Ints], number: int) -> tuple[list[Fitted], Array]:
        fitted: list[Fitted] = []
        effect = np.zeros(x.shape[1])
        for place, rows in enumerate(bags):
            y = seed[rows].astype(np.float64)
            model = trees.train(x[rows], y, categories, draw + number * MOST_BAGS + place, 100, settings)
            gain = np.asarray(model.booster.feature_importance("gain"), np.float64)
            effect += gain / (gain.sum() or 1.0)
            fitted.append(model)
        return fitted, effect

    return _crossed(fit, "lightgbm", x, seed, fold, draw)


def blended(one: Scored, other: Scored) -> Scored:
    """The mean of two, each in units of its own spread."""
    half = [0.5 / (float(way.score.std()) or 1.0) for way in (one, other)]
    both = [a.times(half[0]).beside(b.times(half[1])) for a, b in zip(one.folds, other.folds, strict=True)]
    return Scored.of(tuple(both), (one.shares + other.shares) / 2)


def centroid(_: Array, ranked: Array, categories: Mask, seed: Mask, fold: NDArray[np.int8], __: int) -> Scored:
    """Nearness to the middle of the seed in the space of ranks: the plain way."""
    points = ranked[:, ~categories]
    score = np.zeros(len(seed))
    for number in np.unique(fold):
        held = fold == number
        score[held] = -np.linalg.norm(points[held] - points[seed & ~held].mean(axis=0), axis=1)
    return Scored(score, np.full(ranked.shape[1], np.nan))


def _crossed(fit: Fit, learner: str, x: Array, seed: Mask, fold: NDArray[np.int8], draw: int) -> Scored:
    """Everybody's score by the bags of the other folds: the mean log-odds over bags.

    A bag is the seed against a random part of the rest (Mordelet & Vert 2014, "A bagging SVM to learn from positive
    and unlabeled examples", section 4.1). That the rest hides people like the seed lowers every probability by one
    factor and leaves their order (Elkan & Noto 2008, "Learning classifiers from only positive and unlabeled data",
    lemma 1).
    """
    found, effect = [], np.zeros(x.shape[1])
    inputs = tuple(range(x.shape[1]))
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        bags = list(_bags(np.flatnonzero(seed & (fold != number)), np.flatnonzero(~seed & (fold != number)),
                          np.random.default_rng([draw, number])))  # fmt: skip
        fitted, gain = fit(bags, number)
        effect += gain
        blend = Blend(tuple(Part(learner, one, inputs, 1 / len(fitted)) for one in fitted))
        found.append(Held(held, blend, tuple(log_odds(one.predict(x[held])) for one in fitted)))
    return Scored.of(tuple(found), effect / (effect.sum() or 1.0))


def _bags(members: Ints, rest: Ints, rng: np.random.Generator) -> Iterator[Ints]:
    size = min(max(REST_PER_SEED * len(members), LEAST_BAG), MOST_BAG, len(rest))
    chosen = min(len(members), MOST_BAG)
    count = int(np.clip(ROWS // (size + chosen), 1, MOST_BAGS if size < len(rest) else 1))
    for _ in range(count):
        drawn = [rng.choice(members, chosen, replace=False), rng.choice(rest, size, replace=False)]
        yield np.sort(np.concatenate(drawn))


@dataclass(frozen=True)
class _Piece:
    """The columns of one input that a line can weigh, and the same columns at the knots (knots, width)."""

    design: Array
    knots: Array
    at_knots: Array
    flagged: bool
    category: bool

    def curve(self, weights: Array) -> Curve:
        """What the input adds by its value; the last weight is that of missing ones, where there were any."""
        missing = float(weights[-1]) if self.flagged else 0.0
        return Curve(self.knots, self.at_knots @ weights, missing, 0.0, self.category)


def _piece(x: Array, ranked: Array, category: bool) -> _Piece:
    missing = ~np.isfinite(x)
    flag = [missing.astype(np.float64)] if missing.any() else []
    if category:
        codes, counts = np.unique(x[~missing], return_counts=True)
        kept = codes[np.argsort(-counts, kind="stable")[:LEVELS]]
        columns = [(x == code).astype(np.float64) for code in kept]
        knots = np.arange(codes.max(initial=-1) + 1)
        at_knots = [(knots == code).astype(np.float64) for code in kept]
    else:
        columns = [ranked, ranked**2]
        knots, rank = _knots(x[~missing], ranked[~missing])
        at_knots = [rank, rank**2]
    none = [np.zeros(len(knots)) for _ in flag]
    return _Piece(np.column_stack([*columns, *flag]), knots, np.column_stack([*at_knots, *none]), bool(flag), category)


def _knots(known: Array, rank: Array) -> tuple[Array, Array]:
    """Values and their ranks: all different ones, or so many evenly spread over the people."""
    values, first = np.unique(known, return_index=True)
    if len(values) > KNOTS:
        places = np.sort(known)[np.linspace(0, len(known) - 1, KNOTS).astype(np.int64)]
        some = np.unique(np.searchsorted(values, places))
        values, first = values[some], first[some]
    return (values, rank[first]) if len(values) else (np.zeros(1), np.zeros(1))
