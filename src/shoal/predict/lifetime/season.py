"""The calendar: how the coming weeks compare with the usual, as far as the same weeks one year before can tell."""

from __future__ import annotations

import numpy as np

from shoal.predict.ledger import Ledger
from shoal.predict.lifetime.base import FEWEST, Buyers, often

YEAR = 365
USUAL = 0.2  # standard deviation of the log of a season's factor, before the data are asked


def factor(ledger: Ledger, day: int, days: float, model: str) -> float | None:
    """Actual over expected purchases of the `days` after the same day one year before, drawn to 1.

    None where there is no full year before that to expect anything from, where the horizon is a year or more (a whole
    year has every season), or hardly anybody bought. Nothing after `day` is used.

    >>> factor(Ledger.of([1, 1], [0, 30], [1.0, 1.0]), 60, 30, "MBG/NBD") is None
    True
    """
    then = day - YEAR
    if not len(ledger) or days >= YEAR or then - int(ledger.day.min()) < YEAR - 7:
        return None
    known = ledger.until(day)
    buyers = Buyers.on(known, then)
    if buyers.history.repeaters < FEWEST:
        return None
    expected = float(often(model, buyers).expected(buyers.crowd, days) @ buyers.crowd.n)
    happened = float(known.future(then, int(days)).purchases.sum())
    if expected <= 0 or happened <= 0:
        return None
    trust = USUAL**2 / (USUAL**2 + 1 / happened)
    return float(np.exp(trust * np.log(happened / expected)))


def helps(ledger: Ledger, day: int, days: float, model: str, total: float | None) -> bool:
    """Whether the factor, as it would have been at the test's beginning `day`, brings the test's total nearer to 1.

    `total` is predicted over actual, minus 1, without it.
    """
    then = factor(ledger, day, days, model)
    if then is None or total is None or total <= -1:
        return False
    return bool(abs(np.log1p(total) + np.log(then)) < abs(np.log1p(total)))
