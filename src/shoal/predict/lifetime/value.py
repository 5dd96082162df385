"""Estimates with intervals, and what future purchases are worth today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd import Fit, gauss
from shoal.predict.lifetime.base import Buyers, PooledRate

Floats = NDArray[np.float64]
MONTH = 30.4375  # days
YEAR = 12 * MONTH
MONTHS: Mapping[str, int] = {"clv_3m": 3, "clv_12m": 12, "clv_24m": 24}
WIDEST = 3.0  # of the standard error of a logarithm
NODES = 3


@dataclass(frozen=True)
class Estimate:
    """A number of each person with its interval."""

    value: Floats
    low: Floats
    high: Floats

    @classmethod
    def around(cls, value: Floats, doubt: Floats | None) -> Estimate:
        """With a 95 % interval by the standard error of the logarithm; without one, NaN."""
        if doubt is None:
            nothing = np.full(len(value), np.nan)
            return cls(value, nothing, nothing)
        wide = np.exp(1.96 * np.clip(doubt, 0.0, WIDEST))
        return cls(value, value / wide, value * wide)


def discounted(often: Fit | PooledRate, buyers: Buyers, months: Mapping[str, int], yearly: float) -> dict[str, Floats]:
    """Purchases of each person within so many months, each discounted to now; times mean spend it is the CLV.

    With continuous discounting at the rate d, the sum of exp(-d t) over purchases to H is E(H) exp(-d H) plus d times
    the integral of E(t) exp(-d t), E(t) the expected purchases by t (by parts); E is smooth, so three Gauss-Legendre
    nodes between two horizons do. The discounted sum is that of Fader, Hardie, Lee (2005), "RFM and CLV", eq. 3, with
    a finite horizon.
    """
    rate = float(np.log1p(yearly)) / YEAR
    nodes, weights = gauss(NODES)
    found: dict[str, Floats] = {}
    alive = buyers.alive(often)
    area, begin = np.zeros(len(buyers.crowd)), 0.0
    for name, count in sorted(months.items(), key=lambda item: item[1]):
        end = count * MONTH
        if rate:
            for node, weight in zip(nodes, weights, strict=True):
                t = begin + (end - begin) * (node + 1) / 2
                area = area + weight * (end - begin) / 2 * np.exp(-rate * t) * often.expected(buyers.crowd, t, alive)
        whole = often.expected(buyers.crowd, end, alive) * np.exp(-rate * end) + rate * area
        found[name], begin = whole[buyers.places], end
    return found
