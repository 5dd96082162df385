"""Thresholds that a person can remember, where they cut the people almost as the exact ones do."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shoal.model.boxes import ABOVE_ZERO

MOVED = 0.015
CALENDAR = (7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 365.0, 730.0)
FINE_CALENDAR = (1.0, 3.0, 5.0, 10.0, 21.0, 45.0, 75.0, 120.0, 150.0, 240.0, 300.0, 450.0, 540.0)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
FINE_SHARES = (0.02, 0.05, 0.15, 0.2, 0.3, 0.35, 0.4, 0.45, 0.55, 0.6, 0.65, 0.7, 0.8, 0.85, 0.95)
DIGITS = (1.0, 2.0, 5.0)
COUNT_DIGITS = (1.0, 2.0, 5.0)
FINE_DIGITS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
FINEST = {"days": 1.0, "ago": 1.0, "count": 1.0, "share": 0.01, "money": 1.0}


def threshold(values: NDArray[np.float64], exact: float, unit: str = "", moved: float = MOVED) -> float:
    """The roundest number r such that `x < r` tells `values` apart as `x <= exact` does.

    At most the share `moved` of the values may change sides. Days prefer calendar numbers and whole days, counts
    whole numbers, shares whole percents, money two significant digits. Between nothing and something it is
    `ABOVE_ZERO`, the smallest number above 0, which rules write as `> 0`.

    >>> threshold(np.array([1.0, 2.0, 3.0, 9.0]), 2.5, "count"), threshold(np.linspace(0, 100, 1001), 41.237, "days")
    (3.0, 40.0)
    """
    below = values <= exact
    if below.any() and values[below].max() == 0:
        return 1.0 if unit == "count" and (values[~below] >= 1).all() else ABOVE_ZERO
    for candidate, leniency in _candidates(exact, unit):
        under = values < candidate
        if under.any() and not under.all() and np.count_nonzero(under != below) <= leniency * moved * len(values):
            return candidate
    return float(values[~below].min()) if (~below).any() else float(np.nextafter(exact, math.inf))


def ladder(low: float, high: float, unit: str = "", *, fine: bool = False) -> list[float]:
    """The round numbers between two values that anybody would cut at, whatever the data.

    Days by the calendar, shares by quarters and tenths, all else 1, 2 and 5 times powers of ten, on both sides of
    nothing; `fine` adds what lies between.

    >>> ladder(0, 40, "count"), ladder(3, 200, "days")
    ([1.0, 2.0, 5.0, 10.0, 20.0], [7.0, 14.0, 30.0, 60.0, 90.0, 180.0])
    """
    if unit in ("days", "ago"):
        steps = [*CALENDAR, *(FINE_CALENDAR if fine else ())]
    elif unit == "share" or (unit not in ("count", "money") and low >= -1 and high <= 1):
        steps = [*SHARES, *(FINE_SHARES if fine else ()), *(-share for share in SHARES)]
    else:
        digits = FINE_DIGITS if fine else COUNT_DIGITS if unit == "count" else DIGITS
        top = max(abs(low), abs(high), 1.0)
        tens = range(0 if unit == "count" else -2, math.ceil(math.log10(top)) + 1)
        above = [round(digit * 10.0**ten, 6) for ten in tens for digit in digits]
        if unit == "count":
            above = [step for step in above if step.is_integer()]
        steps = [*above, *(-step for step in above)]
    if unit != "count" and low <= 0 < high:
        steps.append(ABOVE_ZERO)
    return sorted({step for step in steps if low < step <= high})


def _candidates(exact: float, unit: str) -> Iterator[tuple[float, float]]:
    """Numbers from round to exact, each with how many times the allowance it is worth."""
    if unit in ("days", "ago"):
        yield min(CALENDAR, key=lambda days: abs(days - exact)), 1.0
    finest = FINEST.get(unit, 0.01)
    for step in _steps(exact, finest):
        yield _clean(round(exact / step) * step, step), 2.0 if step == finest else 1.0
    for power in range(10):
        step = finest / 10**power
        yield _clean(math.ceil(exact / step) * step, step), 1.0


def _steps(exact: float, finest: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from the threshold's own size down to the finest allowed."""
    if exact == 0:
        yield finest
        return
    power = math.floor(math.log10(abs(exact)))
    while 10.0**power >= finest:
        yield from (step for step in (5 * 10.0**power, 2 * 10.0**power, 10.0**power) if finest <= step <= abs(exact))
        power -= 1
    if abs(exact) < finest:
        yield finest


def _clean(value: float, step: float) -> float:
    """Without the noise of binary fractions: 0.35000000000000003 is 0.35."""
    return float(round(value, max(0, 1 - math.floor(math.log10(step)))))
