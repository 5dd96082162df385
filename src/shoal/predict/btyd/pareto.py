"""Pareto/NBD: buying at a gamma-distributed rate, leaving at a gamma-distributed rate, whenever.

Schmittlein, Morrison, Colombo (1987), "Counting Your Customers", Management Science 33(1); Fader, Hardie (2005), "A
Note on Deriving the Pareto/NBD Model and Related Expressions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd.fit import buying
from shoal.predict.btyd.triples import gauss

Floats = NDArray[np.float64]
NODES = 24
DROP = 30.0  # beyond a fall of the integrand by exp(-30) nothing counts
RARE = 1e-3


@dataclass(frozen=True)
class Pareto:
    """The model; its likelihood's integral over the time of leaving is taken by Gauss-Legendre quadrature.

    The usual form with 2F1 has no analytic gradient; under the integral sign it has.
    """

    name: str = "Pareto/NBD"
    parameters: tuple[str, ...] = ("r", "alpha", "s", "beta")
    timed: tuple[bool, ...] = (False, True, False, True)

    def log_likelihood(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> tuple[Floats, Floats]:
        """Fader, Hardie (2005), eq. 15: the last purchase is known, the time of leaving is integrated out.

        L = G(r+x)/G(r) alpha^r [(alpha+T)^-(r+x) (beta/(beta+T))^s
            + integral over tau from t_x to T of (alpha+tau)^-(r+x) s beta^s (beta+tau)^-(s+1)].
        """
        from scipy.special import digamma, gammaln

        r, alpha, s, beta = np.exp(logs)
        stayed, pieces, times = self._fates(logs, x, t_x, watched)
        whole = np.logaddexp(stayed, _log_sum(pieces))
        rows = gammaln(r + x) - gammaln(r) + r * logs[1] + whole
        here, there = np.exp(stayed - whole), np.exp(pieces - whole)
        near, far = (1 / (alpha + watched), 1 / (beta + watched)), (1 / (alpha + times), 1 / (beta + times))
        slope_r = digamma(r + x) - digamma(r) + logs[1] + here * np.log(near[0]) + (there * np.log(far[0])).sum(0)
        slope_alpha = r / alpha - (r + x) * (here * near[0] + (there * far[0]).sum(0))
        slope_s = here * np.log(beta * near[1]) + (there * (1 / s + np.log(beta * far[1]))).sum(0)
        slope_beta = here * (s / beta - s * near[1]) + (there * (s / beta - (s + 1) * far[1])).sum(0)
        return rows, np.stack([r * slope_r, alpha * slope_alpha, s * slope_s, beta * slope_beta])

    def alive(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> Floats:
        """Schmittlein, Morrison, Colombo (1987), eq. 11: staying against all ways to have left since t_x."""
        stayed, pieces, _ = self._fates(logs, x, t_x, watched)
        return np.asarray(np.exp(stayed - np.logaddexp(stayed, _log_sum(pieces))))

    def staying(self, logs: Floats, x: Floats, watched: Floats, t: float) -> Floats:
        """Fader, Hardie (2005), eq. 41 without P(alive); its pole at s = 1 is removable."""
        r, alpha, s, beta = np.exp(logs)
        log = np.log1p(t / (beta + watched))
        z = (s - 1) * log
        small = np.abs(z) < 1e-8
        mean = np.where(small, 1 - z / 2, -np.expm1(-z) / np.where(small, 1.0, z))
        staying = (r + x) * (beta + watched) / (alpha + watched) * log * mean
        return np.asarray(staying)

    def degenerate(self, values: Mapping[str, float], at_bound: Mapping[str, str]) -> str:
        """Names the part of the model that the data did without."""
        found = []
        if values["s"] / values["beta"] < RARE or at_bound.get("s") == "low":
            found.append("dropout vanishes: the model is an NBD")
        elif at_bound.get("s") == "high" or at_bound.get("beta") == "high":
            found.append("everybody leaves at the same rate: the gamma distribution of dropout vanishes")
        if at_bound.get("beta") == "low":
            found.append("customers leave at once or never")
        return "; ".join([*found, *buying(at_bound)])

    def _fates(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> tuple[Floats, Floats, Floats]:
        """Logs of: staying until T; leaving at each node's time, with its weight. And those times (nodes, rows).

        The variable is ln(min(alpha, beta) + tau), in which the integrand is analytic around the whole range.
        """
        r, alpha, s, beta = np.exp(logs)
        stayed = -(r + x) * np.log(alpha + watched) + s * (logs[3] - np.log(beta + watched))
        with np.errstate(over="ignore"):
            end = np.minimum(watched, (alpha + t_x) * np.exp(DROP / (r + x)) - alpha)
            end = np.minimum(end, (beta + t_x) * np.exp(DROP / s) - beta)
        least = min(alpha, beta)
        first = np.log(least + t_x)
        length = np.log(least + np.maximum(end, t_x)) - first
        nodes, weights = gauss(NODES)
        y = first + (nodes[:, None] + 1) / 2 * length
        times = np.maximum(np.exp(y) - least, 0.0)
        with np.errstate(divide="ignore"):
            size = np.log(weights / 2)[:, None] + np.log(length) + y
        pieces = size - (r + x) * np.log(alpha + times) - (s + 1) * np.log(beta + times) + logs[2] + s * logs[3]
        return stayed, pieces, times


def _log_sum(pieces: Floats) -> Floats:
    most = pieces.max(axis=0)
    safe = np.where(np.isfinite(most), most, 0.0)
    # Node by node: a sum over an axis adds one customer's nodes in another order than those of many.
    total = np.zeros_like(safe)
    for piece in np.exp(pieces - safe):
        total += piece
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(total))


ParetoNBD = Pareto()
