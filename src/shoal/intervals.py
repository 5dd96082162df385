"""Estimates as records: rounded, never NaN; and the interval of a rate, which several stages tell."""

from __future__ import annotations

import math

from shoal.summary import Interval

Z = 1.959963984540054  # two-sided 95 % of the normal distribution
DIGITS = 6


def interval(value: float | None, low: float | None = None, high: float | None = None) -> Interval:
    """An Interval whose parts are rounded and never NaN.

    >>> interval(0.5, float("nan"), 1).low is None
    True
    """
    return Interval(value=clean(value), low=clean(low), high=clean(high))


def clean(value: float | None) -> float | None:
    """None for what is no number; rounded, so that runs agree to the last digit shown, and never -0."""
    return None if value is None or not math.isfinite(value) else round(float(value), DIGITS) + 0.0


def wilson(successes: float, n: float, *, z: float = Z) -> Interval:
    """A rate with its Wilson score interval (Wilson 1927, JASA 22, 209-212; Brown, Cai & DasGupta 2001, eq. 4).

    >>> wilson(0, 10)
    Interval(value=0.0, low=0.0, high=0.277533)
    >>> wilson(0, 0).value is None
    True
    """
    if n <= 0:
        return interval(None)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return interval(rate, max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0))


def difference(one: float, n: float, other: float, m: float, *, z: float = Z) -> Interval:
    """The difference of two independent rates, `one` of n less `other` of m, with Newcombe's hybrid score interval.

    Newcombe 1998, Statistics in Medicine 17, 873-890, method 10: the ends of both Wilson intervals, squared and added.

    >>> found = difference(56, 70, 48, 80)  # 0.0524 to 0.3339 in the paper's table II
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    >>> difference(0, 0, 1, 2).value is None
    True
    """
    a, b = wilson(one, n, z=z), wilson(other, m, z=z)
    if a.value is None or a.low is None or a.high is None or b.value is None or b.low is None or b.high is None:
        return interval(None)
    gap = a.value - b.value
    low = gap - math.hypot(a.value - a.low, b.high - b.value)
    return interval(gap, low, gap + math.hypot(a.high - a.value, b.value - b.low))
