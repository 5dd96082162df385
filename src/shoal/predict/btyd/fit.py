"""Maximum likelihood on log-parameters with analytic gradients, bounded, with what vanished in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd.triples import Triples

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]
LOW, HIGH = -8.0, 8.0  # of log-parameters, time in units of the mean time watched
NEAR = 0.05  # of a bound: the optimum lies beyond
MANY = 30_000  # triples for which standard errors are worked out one by one
STEP = 1e-4  # of log-parameters, for the Hessian by differences of the analytic gradient


class Model(Protocol):
    """A model of how often: every function takes log-parameters and time in the unit of the parameters."""

    @property
    def name(self) -> str:
        """As in the literature."""
        ...

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names, in order."""
        ...

    @property
    def timed(self) -> tuple[bool, ...]:
        """Which parameters are measured in time."""
        ...

    def log_likelihood(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> tuple[Floats, Floats]:
        """Of each row, and its gradient to the log-parameters (parameters, rows)."""
        ...

    def staying(self, logs: Floats, x: Floats, watched: Floats, t: float) -> Floats:
        """Purchases in (T, T + t] of customers with these histories, if they have not left by T."""
        ...

    def alive(self, logs: Floats, x: Floats, t_x: Floats, watched: Floats) -> Floats:
        """The probability that a customer has not left for good by T."""
        ...

    def degenerate(self, values: Mapping[str, float], at_bound: Mapping[str, str]) -> str:
        """What vanished, in words; '' where nothing did. `values` have time in units of the mean time watched."""
        ...


@dataclass(frozen=True)
class Fit:
    """A fitted model. `logs` are the log-parameters with time in days, `covariance` theirs.

    `log_likelihood` is that of times measured in `unit` days, as `values` are.
    """

    model: Model
    logs: Floats
    covariance: Floats
    log_likelihood: float
    unit: float = 1.0
    degenerate: str = ""
    customers: int = 0
    triples: int = field(default=0, compare=False)

    @property
    def values(self) -> dict[str, float]:
        """The parameters, time in `unit` days."""
        shift = np.log(self.unit) * np.array(self.model.timed)
        return dict(zip(self.model.parameters, np.exp(self.logs - shift).tolist(), strict=True))

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors of `values`, by the delta method; NaN where the likelihood is flat."""
        spread = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return {name: value * float(one) for (name, value), one in zip(self.values.items(), spread, strict=True)}

    def expected(self, crowd: Triples, days: float, alive: Floats | None = None) -> Floats:
        """Purchases of each triple in the next `days`; `alive`, where it is known already, spares the time."""
        staying = self.model.staying(self.logs, crowd.x, crowd.T, days)
        return np.asarray(staying * (self.alive(crowd) if alive is None else alive))

    def alive(self, crowd: Triples) -> Floats:
        """The probability that each triple's customers are still customers."""
        return self.model.alive(self.logs, crowd.x, crowd.t_x, crowd.T)

    def new(self, days: float) -> float:
        """Repeat purchases of a new customer in the `days` after the first one."""
        return float(self.expected(Triples.of(*np.zeros((3, 1), np.int64)), days)[0])

    def spread(self, crowd: Triples, days: float) -> Floats:
        """Standard error of log `expected`, from the uncertainty of the parameters (delta method)."""

        def logarithm(logs: Floats, some: Triples) -> Floats:
            staying = self.model.staying(logs, some.x, some.T, days)
            return np.log(np.maximum(staying * self.model.alive(logs, some.x, some.t_x, some.T), 1e-12))

        return self._delta(logarithm, crowd)

    def alive_spread(self, crowd: Triples) -> Floats:
        """Standard error of the log-odds of `alive` (delta method)."""

        def log_odds(logs: Floats, some: Triples) -> Floats:
            chance = np.clip(self.model.alive(logs, some.x, some.t_x, some.T), 1e-12, 1 - 1e-12)
            return np.asarray(np.log(chance) - np.log1p(-chance))

        return self._delta(log_odds, crowd)

    def _delta(self, function: Callable[[Floats, Triples], Floats], crowd: Triples) -> Floats:
        """The delta method; where triples are very many, their root mean square stands for each: it is tiny then."""
        few = crowd if len(crowd) <= MANY else crowd.every(len(crowd) // MANY + 1)
        found = delta(lambda logs: function(logs, few), self.logs, self.covariance)
        return found if few is crowd else np.full(len(crowd), float(np.sqrt(np.mean(found**2))))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""
        return {
            "model": self.model.name,
            "logs": self.logs.tolist(),
            "covariance": [[None if np.isnan(one) else one for one in row] for row in self.covariance.tolist()],
            "log_likelihood": self.log_likelihood,
            "unit": self.unit,
            "degenerate": self.degenerate,
            "customers": self.customers,
        }


def buying(at_bound: Mapping[str, str]) -> list[str]:
    """What it means where the parameters of the rate of buying, which every model here has, came to their bounds."""
    found = []
    if at_bound.get("r") == "high" or at_bound.get("alpha") == "high":
        found.append("everybody buys at the same rate: the gamma distribution of rates vanishes")
    if at_bound.get("r") == "low":
        found.append("hardly anybody buys again")
    return found


def fit(model: Model, crowd: Triples, *, unit: float = 1.0) -> Fit:
    """The parameters that make the histories likeliest.

    Args:
        model: BGNBD, MBGNBD or ParetoNBD.
        crowd: times in days; at least one customer with T > 0.
        unit: days of the time unit in which parameters and likelihood are told, 7 for weeks.
    """
    weight = float(crowd.n.sum())
    scale = max(float((crowd.n * crowd.T).sum()) / max(weight, 1.0), 1e-9)
    x, t_x, whole = crowd.x, crowd.t_x / scale, crowd.T / scale

    def objective(logs: Floats) -> tuple[float, Floats]:
        rows, slopes = model.log_likelihood(logs, x, t_x, whole)
        return -float(crowd.n @ rows) / weight, -(slopes @ crowd.n) / weight

    rate = float(crowd.n @ x) / weight
    begin = np.zeros(len(model.parameters))
    begin[1] = -np.log(max(rate, 1e-3))
    logs, value = climb(objective, [begin, np.full(len(begin), -0.7)], len(begin))
    curved = hessian(objective, logs) * weight
    shift = np.log(scale) * np.array(model.timed)
    repeats = float(crowd.n @ x)
    at_bound = bounds_hit(model.parameters, logs)
    named = dict(zip(model.parameters, np.exp(logs).tolist(), strict=True))
    return Fit(
        model,
        logs + shift,
        inverse(curved),
        -value * weight - repeats * float(np.log(scale / unit)),
        unit,
        model.degenerate(named, at_bound),
        int(weight),
        len(crowd),
    )


def climb(objective: Objective, starts: list[Floats], size: int, low: Floats | None = None) -> tuple[Floats, float]:
    """The best point from at most two starts: the second only where the first ends at a bound or is not done."""
    from scipy.optimize import Bounds, minimize

    floor = np.full(size, LOW) if low is None else low
    best: tuple[Floats, float] | None = None
    for begin in starts[:2]:
        with np.errstate(all="ignore"):
            found = minimize(
                _safe(objective),
                np.clip(begin, floor, HIGH),
                jac=True,
                method="L-BFGS-B",
                bounds=Bounds(floor, np.full(size, HIGH)),
                options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8, "maxcor": 20},
            )
        if best is None or found.fun < best[1] - 1e-10:
            best = (np.asarray(found.x, np.float64), float(found.fun))
        inside = bool(((found.x > floor + NEAR) & (found.x < HIGH - NEAR)).all())
        if inside and float(np.abs(found.jac).max()) < 1e-5:
            break
    if best is None:
        raise ValueError("no start was given")
    return best


def hessian(objective: Objective, logs: Floats) -> Floats:
    """Central differences of the analytic gradient, made symmetric."""
    with np.errstate(all="ignore"):
        rows = [(objective(logs + one)[1] - objective(logs - one)[1]) / (2 * STEP) for one in np.eye(len(logs)) * STEP]
    found = np.array(rows)
    return np.asarray((found + found.T) / 2)


def inverse(curved: Floats) -> Floats:
    """The covariance; directions in which the likelihood is flat or not finite get NaN."""
    size = len(curved)
    if not np.isfinite(curved).all():
        return np.full((size, size), np.nan)
    values, vectors = np.linalg.eigh(curved)
    good = values > max(float(values.max()), 0.0) * 1e-9
    if not good.any():
        return np.full((size, size), np.nan)
    known = np.where(good, 1.0 / np.where(good, values, 1.0), 0.0)
    found = np.asarray((vectors * known) @ vectors.T)
    flat = (np.abs(vectors[:, ~good]) > 0.1).any(axis=1)
    found[flat, :] = np.nan
    found[:, flat] = np.nan
    return found


def delta(function: Callable[[Floats], Floats], logs: Floats, covariance: Floats) -> Floats:
    """Standard errors of `function` of the log-parameters; directions without a known variance count for nothing."""
    step = 0.01
    slope = np.array([(function(logs + one) - function(logs - one)) / (2 * step) for one in np.eye(len(logs)) * step])
    return np.asarray(np.sqrt(np.maximum(np.einsum("ik,ij,jk->k", slope, np.nan_to_num(covariance), slope), 0.0)))


def bounds_hit(names: tuple[str, ...], logs: Floats) -> dict[str, str]:
    """Parameters at a bound: 'low' or 'high'."""
    return {
        name: "low" if one < LOW + NEAR else "high"
        for name, one in zip(names, logs, strict=True)
        if one < LOW + NEAR or one > HIGH - NEAR
    }


def _safe(objective: Objective) -> Objective:
    """A point where the likelihood overflows is a bad point, not an error."""

    def guarded(logs: Floats) -> tuple[float, Floats]:
        value, slope = objective(logs)
        if not np.isfinite(value) or not np.isfinite(slope).all():
            return 1e10, np.zeros(len(logs))
        return value, slope

    return guarded
