"""Intervals of means, and corrections for many comparisons. All closed forms of sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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


def critical(comparisons: int, level: float = 0.95) -> float:
    """The normal quantile with which that many two-sided intervals hold all at once (Bonferroni).

    >>> round(critical(1), 3), round(critical(20), 3)
    (1.96, 3.023)
    """
    from scipy.special import ndtri

    return float(ndtri(1 - (1 - level) / 2 / max(comparisons, 1)))


@dataclass(frozen=True)
class Rates:
    """Rates with the ends of their Wilson intervals, unrounded; NaN where there is nobody."""

    value: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, successes: npt.ArrayLike, n: npt.ArrayLike, z: float) -> Rates:
        """Wilson's score interval (Wilson 1927, JASA 22, 209-212) of counts, element by element.

        >>> Rates.of([3], [10], 1.96).low.round(3).tolist()
        [0.108]
        """
        hits, people = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
        some = np.where(people > 0, people, np.nan)
        rate = hits / some
        centre, scale = rate + z * z / (2 * some), 1 + z * z / some
        spread = z * np.sqrt(rate * (1 - rate) / some + z * z / (4 * some * some))
        low, high = np.clip((centre - spread) / scale, 0, 1), np.clip((centre + spread) / scale, 0, 1)
        return cls(rate, np.where(hits > 0, low, low * 0), np.where(hits < people, high, high * 0 + 1))

    def __getitem__(self, place: int) -> Interval:
        return interval(*(float(part[place]) for part in (self.value, self.low, self.high)))


def ratio(one: Rates, other: Rates) -> Rates:
    """One rate over another, by the method of variance estimates recovery from both Wilson intervals.

    MOVER-R of Donner & Zou 2012 (Stat. Methods Med. Res. 21, 347-359; Newcombe 2016, ibid. 25, 1774-1778), the lower
    end multiplied by its conjugate so that nothing is divided by zero. NaN where the other rate is 0.

    >>> found = ratio(Rates.of([30], [100], 1.96), Rates.of([60], [100], 1.96))
    >>> found.value.round(2).tolist(), found.low.round(2).tolist(), found.high.round(2).tolist()
    ([0.5], [0.35], [0.7])
    """
    p, q = one.value, np.where(other.value > 0, other.value, np.nan)
    product = p * q
    below = one.low * other.high * (2 * p - one.low) * (2 * q - other.high)
    above = one.high * other.low * (2 * p - one.high) * (2 * q - other.low)
    least = product + np.sqrt(np.maximum(product**2 - below, 0))
    low = np.divide(one.low * (2 * p - one.low), least, out=np.where(np.isnan(q), np.nan, 0.0), where=least > 0)
    high = (product + np.sqrt(np.maximum(product**2 - above, 0))) / (other.low * (2 * q - other.low))
    return Rates(p / q, low, high)


def difference(one: Rates, other: Rates) -> Rates:
    """One rate minus another, from both Wilson intervals (Newcombe 1998, Stat. Med. 17, 873-890, method 10).

    >>> found = difference(Rates.of([56], [70], 1.96), Rates.of([48], [80], 1.96))
    >>> found.low.round(4).tolist(), found.high.round(4).tolist()
    ([0.0524], [0.3339])
    """
    apart = one.value - other.value
    low = apart - np.hypot(one.value - one.low, other.high - other.value)
    return Rates(apart, low, apart + np.hypot(one.high - one.value, other.value - other.low))


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values (Holm 1979, Scand. J. Statist. 6, 65-70); NaN stay NaN.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjust(p, lambda ranked: np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1)))


def _adjust(p: npt.ArrayLike, step: Callable[[Floats], Floats]) -> Floats:
    raw = np.asarray(p, dtype=np.float64)
    flat = raw.ravel()
    adjusted = np.full(flat.shape, np.nan)
    known = np.flatnonzero(np.isfinite(flat))
    order = known[np.argsort(flat[known], kind="stable")]
    adjusted[order] = np.minimum(step(flat[order]), 1.0)
    return adjusted.reshape(raw.shape)
