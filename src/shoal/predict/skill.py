"""How well scores tell who will and who will not: measures with intervals over people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.intervals import clean
from shoal.predict.learner import Array
from shoal.predict.resample import People, quantile_bins
from shoal.summary import Interval

METRICS = ("auc", "ap", "brier", "log_loss", "ece", "lift")
LESS_IS_BETTER = frozenset({"brier", "log_loss", "ece"})
RANKS = 1000  # bins of scores that resampled ranking measures are computed on; up to so many they are exact
EQUAL_MASS = 10
TOP = 0.1
TINY = 1e-15
LEAST = 5  # of either outcome, for an interval


@dataclass(frozen=True)
class Sums:
    """What every measure is a function of, one row a resample: outcomes by bin of score, losses, equal-mass bins."""

    ones: Array
    zeros: Array
    squared: Array
    log: Array
    mass: Array
    predicted: Array
    observed: Array


def auc(ones: Array, zeros: Array) -> Array:
    """Area under the ROC curve from counts by rising score (..., bins); ties count half (Hanley & McNeil 1982).

    >>> auc(np.array([0.0, 1, 1]), np.array([2.0, 1, 0])).item()
    0.9166666666666666
    """
    below = np.cumsum(zeros, axis=-1) - zeros / 2
    return _ratio((ones * below).sum(axis=-1), ones.sum(axis=-1) * zeros.sum(axis=-1))


def average_precision(ones: Array, zeros: Array) -> Array:
    """Mean precision over the positives, by falling score, with tied scores as one step: sum (R_n - R_n-1) P_n.

    >>> average_precision(np.array([0.0, 1, 1]), np.array([2.0, 1, 0])).item()
    0.8333333333333333
    """
    hits, all_ = ones[..., ::-1], (ones + zeros)[..., ::-1]
    precision = _ratio(np.cumsum(hits, axis=-1), np.cumsum(all_, axis=-1), empty=0.0)
    return _ratio((hits * precision).sum(axis=-1), ones.sum(axis=-1))


def lift(ones: Array, zeros: Array) -> Array:
    """Share of positives in the tenth with the highest scores over their share in all; a tie at the edge is shared out.

    >>> lift(np.array([0.0, 1]), np.array([9.0, 0])).item()
    10.0
    """
    hits, all_ = ones[..., ::-1], (ones + zeros)[..., ::-1]
    room = TOP * all_.sum(axis=-1, keepdims=True)
    taken = np.clip(room - (np.cumsum(all_, axis=-1) - all_), 0, all_)
    found = (hits * _ratio(taken, all_, empty=0.0)).sum(axis=-1)
    return _ratio(found, TOP * ones.sum(axis=-1))


def measures(sums: Sums) -> dict[str, Array]:
    """Every measure in every resample; NaN where it has no meaning."""
    total = sums.mass.sum(axis=-1)
    apart = np.abs(sums.predicted - sums.observed).sum(axis=-1)
    return {
        "auc": auc(sums.ones, sums.zeros),
        "ap": average_precision(sums.ones, sums.zeros),
        "brier": _ratio(sums.squared, total),
        "log_loss": _ratio(sums.log, total),
        # Expected calibration error over ten bins of equal mass (Naeini, Cooper & Hauskrecht 2015, AAAI).
        "ece": _ratio(apart, total),
        "lift": lift(sums.ones, sums.zeros),
    }


def exact(y: Array, p: Array) -> dict[str, float | None]:
    """Every measure of probabilities `p` (rows) against outcomes `y` (rows; 0 or 1); None where it has no meaning.

    >>> exact(np.array([0.0, 0, 1]), np.array([0.1, 0.4, 0.4]))["auc"]
    0.75
    """
    found = measures(_sums(y, p, None, ranks=len(p)))
    return {name: clean(value.item()) for name, value in found.items()}


def judge(y: Array, p: Array, people: People) -> dict[str, Interval]:
    """Every measure with its 95 % interval over resamples of people; without one where either outcome is rare.

    The calibration error's interval is moved onto the estimate: resamples have more error than what they come from.
    """
    values = exact(y, p)
    if min(y.sum(), len(y) - y.sum()) < LEAST:
        return {name: Interval(value=value) for name, value in values.items()}
    drawn = measures(_sums(y, p, people))
    result = {}
    for name, value in values.items():
        moved = drawn[name] - (np.nanmedian(drawn[name]) - (value or 0.0)) if name == "ece" else drawn[name]
        result[name] = interval(value, moved, floor=0.0)
    return result


def differences(y: Array, p: Array, other: Array, people: People) -> dict[str, Interval]:
    """By how much `p` is better than `other` on the same people, each measure with its paired 95 % interval."""
    mine, theirs = exact(y, p), exact(y, other)
    rare = min(y.sum(), len(y) - y.sum()) < LEAST
    drawn = {} if rare else _paired(y, p, other, people)
    found = {}
    for name in METRICS:
        a, b = mine[name], theirs[name]
        sign = -1.0 if name in LESS_IS_BETTER else 1.0
        value = None if a is None or b is None else sign * (a - b)
        found[name] = Interval(value=clean(value)) if rare else interval(value, sign * drawn[name])
    return found


def better(name: str, a: float | None, b: float | None) -> bool:
    """Whether a measure's value `a` is better than `b`; none is never better.

    >>> better("brier", 0.1, 0.2), better("auc", None, 0.5)
    (True, False)
    """
    if a is None or b is None:
        return a is not None
    return a < b if name in LESS_IS_BETTER else a > b


def interval(value: float | None, drawn: Array, floor: float | None = None) -> Interval:
    """An estimate with the middle 95 % of its resamples, widened to contain it."""
    known = drawn[np.isfinite(drawn)]
    if value is None or not len(known):
        return Interval(value=clean(value))
    low, high = np.quantile(known, [0.025, 0.975])
    low, high = min(float(low), value), max(float(high), value)
    return Interval(value=clean(value), low=clean(low if floor is None else max(low, floor)), high=clean(high))


def log_loss_of(y: Array, p: Array) -> Array:
    """The log loss of each row; probabilities are kept off 0 and 1 by the resolution of doubles."""
    held = np.clip(p, TINY, 1 - TINY)
    losses: Array = -np.where(y > 0, np.log(held), np.log1p(-held))
    return losses


def _paired(y: Array, p: Array, other: Array, people: People) -> Mapping[str, Array]:
    mine, theirs = measures(_sums(y, p, people)), measures(_sums(y, other, people))
    return {name: mine[name] - theirs[name] for name in METRICS}


def _sums(y: Array, p: Array, people: People | None, ranks: int = RANKS) -> Sums:
    rank = quantile_bins(p, ranks)
    mass = quantile_bins(p, EQUAL_MASS)
    one, zero = y > 0, y <= 0
    nowhere = np.zeros(len(y), dtype=np.int64)

    def add(cell: NDArray[np.int64], weight: Array | None) -> Array:
        cells = int(cell.max(initial=0)) + 1
        if people is None:
            return np.bincount(cell, weights=weight, minlength=cells).astype(np.float64)[None, :]
        return people.sums(cell, cells, weight)

    return Sums(
        add(rank, one.astype(np.float64)),
        add(rank, zero.astype(np.float64)),
        add(nowhere, (p - y) ** 2)[:, 0],
        add(nowhere, log_loss_of(y, p))[:, 0],
        add(mass, None),
        add(mass, p),
        add(mass, y),
    )


def _ratio(above: Array, below: Array, empty: float = np.nan) -> Array:
    result: Array = np.divide(above, below, out=np.full(np.broadcast(above, below).shape, empty), where=below > 0)
    return result
