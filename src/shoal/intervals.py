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
