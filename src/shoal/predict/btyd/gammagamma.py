"""Gamma-Gamma: money of a purchase varies around a customer's own mean, and the means vary between customers.

Fader, Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd.fit import Objective, climb, delta, hessian, inverse

Floats = NDArray[np.float64]
NAMES = ("p", "q", "gamma")
LEAST_Q = 1.05  # the population's mean p gamma / (q - 1) exists for q > 1 only
LOW = -6.0


@dataclass(frozen=True)
class Spend:
    """A fitted Gamma-Gamma model; `logs` and `covariance` are of the log-parameters p, q, gamma."""

    logs: Floats
    covariance: Floats
    log_likelihood: float
    degenerate: str = ""
    customers: int = 0

    @property
    def values(self) -> dict[str, float]:
        """The parameters; gamma is money."""
        return dict(zip(NAMES, np.exp(self.logs).tolist(), strict=True))

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors of `values`, by the delta method."""
        spread = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return {name: value * float(one) for (name, value), one in zip(self.values.items(), spread, strict=True)}

    def expected(self, x: Floats, m: Floats) -> Floats:
        """Mean money of a customer's purchases, given `x` of them with mean `m` (note 025, eq. 5).

        Without a known purchase it is the population's mean; `m` of 0 or less counts as not known.
        """
        return mean_spend(self.logs, x, m)

    def spread(self, x: Floats, m: Floats) -> Floats:
        """Standard error of log `expected`, from the uncertainty of the parameters (delta method)."""
        return delta(lambda logs: np.log(mean_spend(logs, x, m)), self.logs, self.covariance)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "logs": self.logs.tolist(),
            "covariance": [[None if np.isnan(one) else one for one in row] for row in self.covariance.tolist()],
            "log_likelihood": self.log_likelihood,
            "degenerate": self.degenerate,
            "customers": self.customers,
        }


def mean_spend(logs: Floats, x: Floats, m: Floats) -> Floats:
    """p (gamma + m x) / (p x + q - 1)."""
    p, q, gamma = np.exp(logs)
    known = (x > 0) & np.isfinite(m) & (m > 0)
    times = np.where(known, x, 0.0)
    return np.asarray(p * (gamma + times * np.where(known, m, 0.0)) / (p * times + max(q - 1, 1e-3)))


def fit_spend(x: Floats, m: Floats) -> Spend:
    """The parameters that make the means `m` of `x` purchases likeliest (note 025, eq. 1a).

    Only customers with x > 0 and a finite m > 0 count; at least two of them with different means are needed.
    """
    use = (x > 0) & np.isfinite(m) & (m > 0)
    x, m = np.asarray(x[use], np.float64), np.asarray(m[use], np.float64)
    scale = float(np.median(m))
    objective = _objective(x, m / scale)
    starts = [np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.7, 0.0])]
    floor = np.full(3, LOW)
    logs, value = climb(objective, starts, 3, floor)
    degenerate = ""
    if np.exp(logs[1]) < LEAST_Q:
        degenerate = f"spend has no finite mean (q at most 1): q is held at {LEAST_Q}"
        floor[1] = np.log(LEAST_Q)
        logs, value = climb(objective, starts, 3, floor)
    elif logs.max() > 7.9:
        degenerate = "spend varies too little between customers or purchases: a parameter runs away"
    covariance = inverse(hessian(objective, logs) * len(x))
    logs = logs + np.array([0.0, 0.0, np.log(scale)])
    return Spend(logs, covariance, -value * len(x) - len(x) * float(np.log(scale)), degenerate, len(x))


def _objective(x: Floats, m: Floats) -> Objective:
    from scipy.special import digamma, gammaln

    times, places, n = np.unique(x, return_inverse=True, return_counts=True)
    total, count = m * x, float(len(x))
    logs_m = float(np.log(m).sum())
    by_times = np.bincount(places, np.log(m))

    def objective(logs: Floats) -> tuple[float, Floats]:
        p, q, gamma = np.exp(logs)
        outer = np.log(gamma + total)
        outer_by = np.bincount(places, outer)
        share = 1 / (gamma + total)
        px = p * times
        value = float(n @ (gammaln(px + q) - gammaln(px) - gammaln(q) + q * logs[2] + px * np.log(times)))
        value += float(px @ by_times) - logs_m - float((px + q) @ outer_by)
        both = digamma(px + q)
        slope_p = float((n * times) @ (both - digamma(px) + np.log(times)) + times @ (by_times - outer_by))
        slope_q = float(n @ (both - digamma(q) + logs[2])) - float(outer_by.sum())
        slope_gamma = count * q / gamma - float((px + q) @ np.bincount(places, share))
        return -value / count, -np.array([p * slope_p, q * slope_q, gamma * slope_gamma]) / count

    return objective
