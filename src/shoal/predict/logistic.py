"""Logistic regression that bends: every input is a piecewise linear curve, or a step for each level; they add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.learner import Array

MOST = 50_000  # rows of a fit: a few hundred coefficients ask for no more
QUANTILES = 200
OUTER = 0.01  # of the values at either end are held at their quantile on the linear scale
LEAST = 5  # rows that a missing flag or a level must have to get a coefficient
FILE = "logistic.json"


@dataclass(frozen=True)
class Curve:
    """What one input adds to the log-odds, by its value; outside the knots as at the nearest, `missing` without one.

    For a category the knots are its codes 0, 1, 2 ...; codes beyond them add nothing. `mean` is what it adds on
    average over the training rows.
    """

    knots: Array
    values: Array
    missing: float
    mean: float
    category: bool

    def at(self, x: Array) -> Array:
        """The additions to the log-odds of values (rows,)."""
        absent = np.isnan(x)
        if self.category:
            known = ~absent & (x >= 0) & (x < len(self.values))
            places = np.where(known, x, 0).astype(np.int64)
            found = np.where(known, self.values[places], 0.0) if len(self.values) else np.zeros(len(x))
        else:
            found = np.interp(x, self.knots, self.values)
        result: Array = np.where(absent, self.missing, found)
        return result


@dataclass(frozen=True)
class FittedLogistic:
    """The sum of its inputs' curves."""

    constant: float
    curves: tuple[Curve, ...]

    def predict(self, x: Array) -> Array:
        """The probability of each row."""
        total = np.full(len(x), self.constant)
        for place, curve in enumerate(self.curves):
            total += curve.at(x[:, place])
        chances: Array = 1.0 / (1.0 + np.exp(-np.clip(total, -500, 500)))
        return chances

    def contributions(self, x: Array) -> Array:
        """What each input adds, over what it adds on average."""
        columns = [curve.at(x[:, place]) - curve.mean for place, curve in enumerate(self.curves)]
        return np.column_stack(columns) if columns else np.empty((len(x), 0))

    def to_files(self) -> Mapping[str, bytes]:
        """One JSON file; numbers are written so that reading gives them back to the bit."""
        curves = [
            {
                "knots": curve.knots.tolist(),
                "values": curve.values.tolist(),
                "missing": curve.missing,
                "mean": curve.mean,
                "category": curve.category,
            }
            for curve in self.curves
        ]
        return {FILE: json.dumps({"constant": self.constant, "curves": curves}, allow_nan=False).encode()}


class Logistic:
    """L2-penalised logistic regression on quantiles, their hinges, missing flags and levels.

    A number enters as its rank, as itself with the outer 1 % held, and as hinges max(0, rank - q) at even quantiles
    (linear splines; Hastie, Tibshirani & Friedman 2009, Elements of Statistical Learning, eq. 5.3). All of it is
    piecewise linear in the value, so what is kept is one curve an input.
    """

    name = "logistic"

    def fit(self, x: Array, y: Array, *, categories: NDArray[np.bool_], seed: int) -> FittedLogistic:
        """Fits on at most 50,000 of the rows, chosen by `seed`."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

        if len(x) > MOST:
            rows = np.sort(np.random.default_rng(seed).choice(len(x), MOST, replace=False))
            x, y = x[rows], y[rows]
        fewer = float(min(y.sum(), len(y) - y.sum()))
        pieces = [
            _levels(x[:, place]) if categories[place] else _bends(x[:, place], hinges=_hinges(fewer))
            for place in range(x.shape[1])
        ]
        design = np.column_stack([piece.design for piece in pieces]) if pieces else np.empty((len(x), 0))
        if fewer == 0 or design.shape[1] == 0:
            return FittedLogistic(_log_odds_of(y), tuple(piece.curve(np.zeros(piece.width)) for piece in pieces))
        # The fewer of the rarer outcome, the less of a curve the data can carry.
        strength = float(np.clip(fewer / 1000, 0.05, 1.0))
        with threadpool_limits(1):
            model = LogisticRegression(C=strength, max_iter=1000).fit(design - design.mean(axis=0), y)
            constant = float(model.intercept_[0])
        ends = np.cumsum([0, *(piece.width for piece in pieces)])
        curves = tuple(piece.curve(model.coef_[0][a:b]) for piece, a, b in zip(pieces, ends, ends[1:], strict=False))
        return FittedLogistic(constant - sum(curve.mean for curve in curves), curves)

    def load(self, files: Mapping[str, bytes]) -> FittedLogistic:
        """The model that `to_files` gave."""
        data: dict[str, Any] = json.loads(files[FILE])
        return FittedLogistic(
            float(data["constant"]),
            tuple(
                Curve(
                    np.array(curve["knots"], dtype=np.float64),
                    np.array(curve["values"], dtype=np.float64),
                    float(curve["missing"]),
                    float(curve["mean"]),
                    bool(curve["category"]),
                )
                for curve in data["curves"]
            ),
        )


@dataclass(frozen=True)
class _Piece:
    """The columns that one input has in the design, and the same columns at the knots (knots, width)."""

    design: Array
    knots: Array
    at_knots: Array
    missing: Array
    category: bool

    @property
    def width(self) -> int:
        return int(self.design.shape[1])

    def curve(self, weights: Array) -> Curve:
        return Curve(
            self.knots,
            self.at_knots @ weights,
            float(self.missing @ weights),
            float((self.design @ weights).mean()),
            self.category,
        )


def _hinges(fewer: float) -> int:
    return 5 if fewer >= 500 else 2 if fewer >= 100 else 0


def _bends(x: Array, *, hinges: int) -> _Piece:
    """A number's columns: rank, held value, hinges, missing flag."""
    absent = np.isnan(x)
    known = np.sort(x[~absent])
    flagged = int(absent.sum() >= LEAST)
    if not len(known) or known[0] == known[-1]:
        knots = known[:1] if len(known) else np.zeros(1)
        at_knots, missing = np.zeros((1, flagged)), np.ones(flagged)
        return _Piece(absent[:, None].astype(float)[:, :flagged], knots, at_knots, missing, False)
    quantiles = np.unique(np.quantile(known, np.linspace(0, 1, QUANTILES + 1)))
    below, upto = np.searchsorted(known, quantiles, "left"), np.searchsorted(known, quantiles, "right")
    ranks = (below + upto) / (2 * len(known))
    corners = ranks[0] + (ranks[-1] - ranks[0]) * np.linspace(0, 1, hinges + 2)[1:-1]
    low, high = np.quantile(known, [OUTER, 1 - OUTER])
    if low == high:
        low, high = known[0], known[-1]
    scale = 3 * float(np.clip(known, low, high).std())

    def columns(values: Array) -> Array:
        rank = np.interp(values, quantiles, ranks)
        held = (np.clip(values, low, high) - low) / scale
        return np.column_stack([rank, held, *(np.maximum(rank - corner, 0) for corner in corners)])

    # The curve bends at the quantiles, at the ends of the held value and where the hinges open.
    knots = np.unique(np.concatenate([quantiles, [low, high], np.interp(corners, ranks, quantiles)]))
    design, at_knots = columns(np.where(absent, known[0], x)), columns(knots)
    middle = columns(np.array([known[len(known) // 2]]))[0]
    design[absent] = middle
    design = np.column_stack([design, absent[:, None].astype(float)[:, :flagged]])
    at_knots = np.column_stack([at_knots, np.zeros((len(knots), flagged))])
    return _Piece(design, knots, at_knots, np.concatenate([middle, np.ones(flagged)]), False)


def _levels(x: Array) -> _Piece:
    """A category's columns: one a level with enough rows, and one for missing."""
    absent = np.isnan(x)
    codes = np.where(absent, -1, x).astype(np.int64)
    count = int(codes.max(initial=-1)) + 1
    often = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=count) >= LEAST)
    flagged = int(absent.sum() >= LEAST)
    flags = [codes == level for level in often] + [absent] * flagged
    design = np.column_stack(flags).astype(np.float64) if flags else np.empty((len(x), 0))
    at_knots = np.zeros((count, len(flags)))
    at_knots[often, np.arange(len(often))] = 1.0
    missing = np.zeros(len(flags))
    missing[len(often) :] = 1.0
    return _Piece(design, np.arange(count, dtype=np.float64), at_knots, missing, True)


def _log_odds_of(y: Array) -> float:
    """The log-odds of the base rate, kept finite by half an outcome either way."""
    return float(np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5)))
