"""Effects of groups on people who had no part in finding them, and what of them is confirmed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Array

LEAST = 10  # people inside and outside from which an effect has an interval
LEFT = 0.05  # of a group's variance that the past must leave open
Members = NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """An estimate with its standard error and its degrees of freedom; NaN where it cannot be told."""

    value: float
    error: float
    freedom: float

    def p(self, sign: int) -> float:
        """One-sided, of an effect in the direction `sign`."""
        from scipy.special import stdtr

        if not self.error > 0:
            return math.nan
        return float(stdtr(self.freedom, -sign * self.value / self.error))

    def ends(self, level: float = 0.95) -> tuple[float, float]:
        from scipy.special import stdtrit

        reach = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.error if self.error > 0 else math.nan
        return self.value - reach, self.value + reach


NONE = Effect(math.nan, math.nan, math.nan)


def welch(values: Array, member: Members) -> Effect:
    """The difference of means of members and everybody else (Welch 1947, Biometrika 34, 28-35).

    >>> round(welch(np.arange(40.0), np.arange(40) >= 20).value, 3)
    20.0
    """
    inside, outside = values[member], values[~member]
    if min(len(inside), len(outside)) < LEAST:
        return NONE
    a, b = float(inside.var(ddof=1)) / len(inside), float(outside.var(ddof=1)) / len(outside)
    if a + b <= 0:
        return NONE
    freedom = (a + b) ** 2 / (a * a / (len(inside) - 1) + b * b / (len(outside) - 1))
    return Effect(float(inside.mean() - outside.mean()), math.sqrt(a + b), freedom)


def partial(residual: Array, rest: Array, member: Members, scale: Array, variance: Array, terms: int) -> Effect:
    """What membership adds to a number, given the past: the partially linear model.

    Args:
        residual: the number less what the past says of it (people,).
        rest: membership less what the past says of it (people,).
        member: who is inside.
        scale: what an effect of 1 means for a person: 1 for points, what the past says of it for shares of that.
        variance: of a person's residual, were there no effect (`plain.variance`).
        terms: terms that `rest` was fitted with.

    The estimate is sum(d e) / sum(d d s) with d the rest, e the residual and s the scale (Robinson 1988,
    Econometrica 56, eq. 4; Chernozhukov et al. 2018, Econometrics Journal 21, eq. 1.5): an error in what the past
    says counts only as far as it goes with membership beyond the past. Its error is the larger of two: robust to
    unequal spread (White 1980, Econometrica 48, eq. 5), and that of no effect, since ten people who all did nothing
    do not prove that such people never do anything.
    """
    people, inside = len(member), int(member.sum())
    if min(inside, people - inside) < LEAST:
        return NONE
    if float((rest * rest).sum()) < LEFT * people * float(member.var()):
        return NONE
    score = float((rest * rest * scale).sum())
    value = float((rest * residual).sum()) / score
    left = rest * (residual - value * rest * scale)
    used = people / max(people - terms - 1, 1)
    chance = float((rest * rest * variance).sum())
    error = math.sqrt(max(float((left * left).sum()), chance) * used) / score
    freedom = max(min(inside, people - inside) - 1, 1)
    return Effect(value, error, float(freedom)) if error > 0 else NONE


def benjamini_hochberg(p: Any) -> Array:
    """Adjusted p-values (Benjamini & Hochberg 1995, JRSS B 57, 289-300); NaN counts as tested and stays NaN.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    raw = np.asarray(p, dtype=np.float64)
    filled = np.where(np.isfinite(raw), raw, 1.0)
    order = np.argsort(filled, kind="stable")
    scaled = filled[order] * len(raw) / np.arange(1, len(raw) + 1)
    found = np.empty(len(raw))
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return np.where(np.isfinite(raw), found, np.nan)
