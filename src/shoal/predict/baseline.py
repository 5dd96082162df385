"""The plain ways of predicting that a model must beat, each made as good as it can be without learning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoal.predict.calibrate import log_odds, platt, sigmoid
from shoal.predict.learner import Array
from shoal.predict.resample import quantile_bins
from shoal.predict.skill import auc

QUANTILES = 200
BINS = 20
PRIOR = 20.0  # rows of the base rate that a level's own rate is mixed with


def base_rate(y: Array, rows: int) -> Array:
    """The share of outcomes so far, for everybody."""
    return np.full(rows, (y.sum() + 0.5) / (len(y) + 1))


def calibrated(raw: Array, y: Array, other: Array) -> Array:
    """Probabilities for `other` (rows) from a plain score whose outcomes `y` are known at `raw`.

    The score enters as the log-odds of its rank among `raw`, and a Platt curve, which may fall as well as rise, does
    the rest: a skewed score such as past spend is not made worse than it is. People without a score get the rate
    of those without.
    """
    known = np.isfinite(raw)
    rate = float(base_rate(y, 1)[0])
    absent = (y[~known].sum() + PRIOR * rate) / ((~known).sum() + PRIOR)
    there = np.isfinite(other)
    result = np.full(len(other), float(absent))
    if not known.any() or raw[known].min() == raw[known].max():
        result[there] = rate
        return result
    ordered = np.sort(raw[known])
    knots = np.unique(np.concatenate([ordered[[0, -1]], np.quantile(ordered, np.linspace(0, 1, QUANTILES + 1))]))
    middle = np.searchsorted(ordered, knots, "left") + np.searchsorted(ordered, knots, "right")
    ranks = log_odds(middle / (2 * len(ordered)))
    slope, shift = platt(np.interp(raw[known], knots, ranks), y[known], rising=False)
    result[there] = sigmoid(slope * np.interp(other[there], knots, ranks) + shift)
    return result


def single_field(x: Array, y: Array, categories: NDArray[np.bool_]) -> tuple[int, Array]:
    """The input (place) that ranks the outcomes best by itself, and the rate at each of its 20 bins or levels."""
    best, chosen, rates = -1.0, 0, np.zeros(0)
    for place in range(x.shape[1]):
        cells, count = _cells(x[:, place], x[:, place], bool(categories[place]))
        ones = np.bincount(cells, weights=y, minlength=count).astype(np.float64)
        all_ = np.bincount(cells, minlength=count).astype(np.float64)
        found = (ones + PRIOR * y.mean()) / (all_ + PRIOR)
        order = np.argsort(found, kind="stable")
        area = float(auc(ones[order], (all_ - ones)[order]))
        if area > best:
            best, chosen, rates = area, place, found
    return chosen, rates


def by_field(x: Array, place: int, rates: Array, other: Array, categories: NDArray[np.bool_]) -> Array:
    """The rate at each row of `other` by its value of one input, with bins as cut on `x`."""
    cells, count = _cells(x[:, place], other[:, place], bool(categories[place]))
    result: Array = np.append(rates, np.full(max(count - len(rates), 0), rates.mean()))[cells]
    return result


def _cells(seen: Array, x: Array, category: bool) -> tuple[NDArray[np.int64], int]:
    """The bin of each value, 0 for missing, with bins cut on `seen`; and how many there are."""
    absent = np.isnan(x)
    known = seen[~np.isnan(seen)]
    if category:
        count = int(known.max(initial=-1)) + 2
        cells = np.where(absent | (x >= count - 1), 0, np.nan_to_num(x) + 1)
        return cells.astype(np.int64), count
    bins = quantile_bins(known, BINS)
    edges = np.array([known[bins == number].max() for number in range(int(bins.max(initial=-1)))])
    cells = np.where(absent, 0, np.searchsorted(edges, np.nan_to_num(x), "left") + 1)
    return cells.astype(np.int64), len(edges) + 2
