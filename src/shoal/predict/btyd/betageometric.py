"""BG/NBD and MBG/NBD: buying at a gamma-distributed rate, leaving after a purchase with a beta-distributed chance.

BG/NBD: Fader, Hardie, Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24(2). MBG/NBD, where one
may leave right after the first purchase too: Batislam, Denizel, Filiztekin (2007), IJRM 24(3); Hoppe, Wagner (2007),
Marketing JRM 2. Their formulas are one: the chances to leave are `x` in the first model and `x + 1` in the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd.fit import buying
from shoal.predict.btyd.triples import gauss

Floats = NDArray[np.float64]
RARE = 1e-3  # mean chance to leave after a purchase, below which nobody leaves
ONE = 1e-6  # how near to 1 `a` may be: the formula has a removable pole there


@dataclass(frozen=True)
class BetaGeometric:
    """The two models; `extra` is the number of chances to leave before the first repeat purchase."""

    name: str
    extra: int
    parameters: tuple[str, ...] = ("r", "alpha", "a", "b")
    timed: tuple[bool, ...] = (False, True, False, False)

    def log_likelihood(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> tuple[Floats, Floats]:
        """Fader, Hardie, Lee (2005), eq. 6, as ln A1 + ln A2 + ln(A3 + A4) of their note on Excel."""
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(logs)
        n = x + self.extra
        stayed, left, share = self._fates(logs, x, t_x, watched)
        rows = gammaln(r + x) - gammaln(r) + r * logs[1]
        rows += gammaln(a + b) - gammaln(a + b + n) + gammaln(b + n) - gammaln(b)
        rows += np.logaddexp(stayed, left)
        both = digamma(a + b) - digamma(a + b + n)
        slope_r = (
            digamma(r + x) - digamma(r) + logs[1] - (1 - share) * np.log(alpha + watched) - share * np.log(alpha + t_x)
        )
        slope_alpha = r / alpha - (r + x) * ((1 - share) / (alpha + watched) + share / (alpha + t_x))
        slope_a = both + share / a
        slope_b = both + digamma(b + n) - digamma(b) - share / np.where(n > 0, b + n - 1, 1.0)
        return rows, np.stack([r * slope_r, alpha * slope_alpha, a * slope_a, b * slope_b])

    def alive(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> Floats:
        """Fader, Hardie, Lee (2008), "Computing P(alive) Using the BG/NBD Model"."""
        return np.asarray(1.0 - self._fates(logs, x, t_x, watched)[2])

    def staying(self, logs: Floats, x: Floats, watched: Floats, t: float) -> Floats:
        """Fader, Hardie, Lee (2005), the numerator of eq. 10, after Euler's transformation of 2F1.

        (1 - z)^(r+x) 2F1(r+x, b+n; c; z) = (1 - z)^(a-1) 2F1(c-r-x, a-1; c; z) with c = a+b+n-1: the left overflows
        for eager buyers, the right does not.
        """
        from scipy.special import hyp2f1

        r, alpha, a, b = np.exp(logs)
        if abs(a - 1) < ONE:
            a = 1 + ONE
        c, z = a + b + x + self.extra - 1, t / (alpha + watched + t)
        most = (r + x) / (alpha + watched) * t  # purchases if nobody ever left
        with np.errstate(all="ignore"):
            series = hyp2f1(c - r - x, a - 1, c, z)
            staying = c / (a - 1) * (1 - np.exp((a - 1) * np.log1p(-z)) * series)
        wrong = ~np.isfinite(staying) | (staying < 0) | (staying > most * (1 + 1e-6))
        if wrong.any():
            staying = np.where(wrong, self._by_quadrature(logs, x, watched, t), staying)
        return np.asarray(staying)

    def degenerate(self, values: Mapping[str, float], at_bound: Mapping[str, str]) -> str:
        """Names the part of the model that the data did without."""
        found = []
        a, b = values["a"], values["b"]
        if a / (a + b) < RARE or at_bound.get("a") == "low":
            found.append("dropout vanishes: the model is an NBD")
        elif "a" in at_bound or "b" in at_bound:
            found.append("everybody has the same chance to leave after a purchase: the model is a geometric/NBD")
        return "; ".join([*found, *buying(at_bound)])

    def _fates(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> tuple[Floats, Floats, Floats]:
        """ln A3 (still a customer at T), ln A4 (left after the last purchase), and the chance of the second."""
        r, alpha, _, b = np.exp(logs)
        n = x + self.extra
        stayed = -(r + x) * np.log(alpha + watched)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = logs[2] - np.log(b + n - 1) - (r + x) * np.log(alpha + t_x)
        left = np.where(n > 0, left, -np.inf)
        with np.errstate(over="ignore"):
            return stayed, left, 1 / (1 + np.exp(stayed - left))

    def _by_quadrature(self, logs: Floats, x: Floats, watched: Floats, t: float) -> Floats:
        """Mean over p of (1 - (1 + p t / (alpha + T))^-(r+x)) / p, p ~ Beta(a, b + n), where the series fails."""
        from scipy.special import betaincinv

        r, alpha, a, b = np.exp(logs)
        nodes, weights = gauss(48)
        whole = np.zeros_like(x)
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            p = np.maximum(betaincinv(a, b + x + self.extra, node), 1e-300)
            whole += weight * -np.expm1(-(r + x) * np.log1p(p * t / (alpha + watched))) / p
        return whole


BGNBD = BetaGeometric("BG/NBD", 0)
MBGNBD = BetaGeometric("MBG/NBD", 1)
