"""What happened in the next period, one number a person: the yardstick that every way of cutting is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from shoal.contingency import Codes, Floats, tidy

CAP = 0.99


@dataclass(frozen=True)
class Outcome:
    """One outcome of (T, T + h]; NaN is a person of whom it is not known.

    `counts`: whether it enters the score that decides. Uncapped revenue does not: one whale would decide.
    """

    name: str
    words: str
    values: Floats
    kind: Literal["value", "behaviour"] = "value"
    counts: bool = True

    @property
    def is_rate(self) -> bool:
        """Whether every known value is 0 or 1."""
        known = self.values[np.isfinite(self.values)]
        return bool(((known == 0) | (known == 1)).all())


@dataclass(frozen=True)
class Cut:
    """One way of cutting the people: each person's segment as a code 0..k-1 (negative: in none), as of T."""

    name: str
    kind: str
    codes: Codes

    @property
    def segments(self) -> int:
        """How many segments hold anybody."""
        codes, k = tidy(self.codes)
        return int((np.bincount(codes[codes >= 0], minlength=k) > 0).sum())


def value_outcomes(
    revenue: npt.ArrayLike | None, retained: npt.ArrayLike, *, activity: npt.ArrayLike | None = None
) -> list[Outcome]:
    """The value outcomes: revenue, revenue capped at its 99th percentile, log revenue and retention.

    Args:
        revenue: money of the next period per person; None for a workspace without purchases.
        retained: whether the person bought (or, without purchases, did anything) in it.
        activity: events of the next period per person; takes revenue's place where that is None.

    >>> [outcome.name for outcome in value_outcomes([0, 5.0], [False, True])]
    ['revenue', 'capped_revenue', 'log_revenue', 'retained']
    """
    kept = Outcome("retained", "retention", _numbers(retained))
    if revenue is not None:
        return [*_amounts("revenue", "next-period revenue", _numbers(revenue)), kept]
    if activity is not None:
        return [*_amounts("activity", "next-period activity", _numbers(activity)), kept]
    return [kept]


def behaviour_outcome(name: str, values: npt.ArrayLike, words: str = "") -> Outcome:
    """An outcome of behaviour, such as basket size or the share bought at weekends; NaN where there was none."""
    return Outcome(name, words or name.replace("_", " "), _numbers(values), "behaviour")


def _amounts(name: str, words: str, values: Floats) -> list[Outcome]:
    known = values[np.isfinite(values)]
    cap = float(np.quantile(known, CAP)) if len(known) else 0.0
    return [
        Outcome(name, words, values, counts=False),
        Outcome(f"capped_{name}", f"{words} (capped)", np.minimum(values, cap)),
        Outcome(f"log_{name}", f"{words} (log)", np.log1p(np.maximum(values, 0.0))),
    ]


def _numbers(values: npt.ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
