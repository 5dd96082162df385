"""Scores drawn against what happened: calibration, ROC, precision and recall, deciles."""

from __future__ import annotations

import numpy as np

from shoal.intervals import wilson
from shoal.predict.learner import Array
from shoal.predict.resample import quantile_bins
from shoal.summary import Bin, Decile

BINS = 10
POINTS = 100
Line = list[tuple[float, float]]


def calibration(y: Array, p: Array, bins: int = BINS) -> list[Bin]:
    """At most ten bins of equal mass by rising score, each with its observed rate and Wilson interval.

    >>> bins = calibration(np.array([0.0, 1, 1]), np.array([0.2, 0.2, 1]))
    >>> [(one.people, one.predicted, one.observed) for one in bins]
    [(2, 0.2, 0.5), (1, 1.0, 1.0)]
    """
    found = []
    place = quantile_bins(p, bins)
    for number in range(int(place.max(initial=-1)) + 1):
        inside = place == number
        count, hits = int(inside.sum()), float(y[inside].sum())
        rate = wilson(hits, count)
        found.append(
            Bin(
                people=count,
                predicted=_short(p[inside].mean()),
                observed=rate.value,
                low=rate.low,
                high=rate.high,
            )
        )
    return found


def roc(y: Array, p: Array) -> Line:
    """(False positive rate, true positive rate) by falling score, at most 100 points; none with one outcome only."""
    hits, misses = _by_falling(y, p)
    if not len(hits) or hits[-1] == 0 or misses[-1] == 0:
        return []
    x = np.concatenate([[0.0], misses / misses[-1]])
    return _thin(x, np.concatenate([[0.0], hits / hits[-1]]))


def precision_recall(y: Array, p: Array) -> Line:
    """(Recall, precision) by falling score, at most 100 points; none without positives."""
    hits, misses = _by_falling(y, p)
    if not len(hits) or hits[-1] == 0:
        return []
    return _thin(hits / hits[-1], hits / (hits + misses))


def deciles(y: Array, p: Array) -> list[Decile]:
    """Tenths of the rows, the highest scores first; rows that tie keep their order."""
    if not len(y):
        return []
    order = np.argsort(-p, kind="stable")
    base = float(y.mean())
    found = []
    for number, rows in enumerate(np.array_split(order, 10), 1):
        if len(rows):
            observed = float(y[rows].mean())
            found.append(
                Decile(
                    decile=number,
                    people=len(rows),
                    predicted=_short(p[rows].mean()),
                    observed=_short(observed),
                    lift=_short(observed / base) if base > 0 else None,
                )
            )
    return found


def _by_falling(y: Array, p: Array) -> tuple[Array, Array]:
    """Positives and negatives at or above each different score, from the highest."""
    different, place = np.unique(-p, return_inverse=True)
    hits: Array = np.cumsum(np.bincount(place, weights=y, minlength=len(different)))
    misses: Array = np.cumsum(np.bincount(place, minlength=len(different))).astype(np.float64) - hits
    return hits, misses


def _thin(x: Array, y: Array) -> Line:
    """At most 100 of the points, evenly along the curve's length, both ends kept."""
    if len(x) > POINTS:
        length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)).clip(0, len(x) - 1))
        kept[0], kept[-1] = 0, len(x) - 1
        x, y = x[kept], y[kept]
    return [(_short(a), _short(b)) for a, b in zip(x, y, strict=True)]


def _short(value: float) -> float:
    return round(float(value), 6) + 0.0
