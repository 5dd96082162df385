"""Intervals of means, and corrections for many comparisons. All closed forms of sums."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from shoal.contingency import Floats
from shoal.intervals import interval
from shoal.summary import Interval

LEAST_FOR_INTERVAL = 10


def mean_interval(values: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """A mean with an interval that allows for skewness: Hall's cubic transformation with Student's t.

    With W = (mean - mu) / s and skewness g, W + g W^2/3 + g^2 W^3/27 + g/(6n) is free of skewness to second
    order (Hall 1992, JRSS B 54, 221-228, eq. 2.2) and has an exact inverse. NaN are left out. Fewer than 10 values,
    or values all alike, have no interval. Amounts that are never negative have no negative end.

    >>> mean_interval([3.0] * 4)
    Interval(value=3.0, low=None, high=None)
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if n == 0:
        return interval(None)
    mean = float(known.mean())
    off = known - mean
    spread = math.sqrt(float((off * off).sum()) / (n - 1)) if n > 1 else 0.0
    if n < LEAST_FOR_INTERVAL or spread <= 1e-12 * max(abs(mean), 1e-300):
        return interval(mean)
    unit = off / spread
    skew = float((unit * unit * unit).mean())
    t = t_quantile(0.5 + level / 2, n - 1) / math.sqrt(n)
    low, high = mean - spread * _unskew(t, skew, n), mean - spread * _unskew(-t, skew, n)
    return interval(mean, max(low, 0.0) if float(known.min()) >= 0 else low, high)


def _unskew(t: float, skew: float, n: int) -> float:
    """The inverse of Hall's transformation; itself where there is no skewness."""
    if abs(skew) < 1e-8:
        return t
    return 3 / skew * (math.copysign(abs(inner := 1 + skew * (t - skew / (6 * n))) ** (1 / 3), inner) - 1)


def t_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values (Holm 1979, Scand. J. Statist. 6, 65-70); NaN stay NaN.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjust(p, lambda ranked: np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1)))


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p-values (1995, JRSS B 57, 289-300); NaN stay NaN.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """

    def step_up(ranked: Floats) -> Floats:
        scaled = ranked * len(ranked) / np.arange(1, len(ranked) + 1)
        return np.asarray(np.minimum.accumulate(scaled[::-1])[::-1])

    return _adjust(p, step_up)


def _adjust(p: npt.ArrayLike, step: Callable[[Floats], Floats]) -> Floats:
    raw = np.asarray(p, dtype=np.float64)
    flat = raw.ravel()
    adjusted = np.full(flat.shape, np.nan)
    known = np.flatnonzero(np.isfinite(flat))
    order = known[np.argsort(flat[known], kind="stable")]
    adjusted[order] = np.minimum(step(flat[order]), 1.0)
    return adjusted.reshape(raw.shape)
