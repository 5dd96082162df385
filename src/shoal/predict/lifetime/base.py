"""The base of every forecast: how often by a BTYD model, how much by Gamma-Gamma, or pooled where data are too few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd import MODELS, Fit, Spend, Triples, fit, fit_spend
from shoal.predict.btyd.triples import Ints
from shoal.predict.ledger import History, Ledger

Floats = NDArray[np.float64]
FEWEST = 30  # repeat customers, and customers with known spend, that a model is fitted to
PRIOR = 2.0  # purchases that the pooled mean counts for, where there is no Gamma-Gamma
TINY = 1e-9
FITTED = 50_000  # people to fit to, where even their different histories are more


@dataclass(frozen=True)
class Buyers:
    """Everybody who had bought by a day, and the different histories among them."""

    history: History
    crowd: Triples
    _alive: list[tuple[Fit | PooledRate, Floats]] = field(default_factory=list, compare=False, repr=False)

    def alive(self, often: Fit | PooledRate) -> Floats:
        """The probability that each different history's customers are still customers; worked out once for a model."""
        for model, found in self._alive:
            if model is often:
                return found
        self._alive.append((often, often.alive(self.crowd)))
        return self._alive[-1][1]

    @classmethod
    def on(cls, ledger: Ledger, day: int) -> Buyers:
        """As known at the end of a day."""
        known = ledger.history(day)
        return cls(known, Triples.of(known.x, known.t_x, known.T))

    def take(self, some: NDArray[np.bool_]) -> Buyers:
        """Some of the people; the different histories stay."""
        known = self.history
        part = History(*(getattr(known, name)[some] for name in ("person", "x", "t_x", "T", "m", "first")))
        return Buyers(part, replace(self.crowd, places=self.crowd.places[some]))

    @property
    def places(self) -> Ints:
        """Each person's row of `crowd`."""
        return self.crowd.places

    def spend(self, whole: bool) -> tuple[Floats, Floats]:
        """Purchase days and their mean money: the repeat days, or with the first one when `whole`."""
        known = self.history
        x = np.where(np.isfinite(known.m), known.x, 0).astype(np.float64)
        m = np.where(x > 0, known.m, 0.0)
        if not whole:
            return x, np.where(x > 0, m, np.nan)
        more = np.isfinite(known.first)
        n = x + more
        with np.errstate(invalid="ignore", divide="ignore"):
            return n, np.where(n > 0, (x * m + np.where(more, known.first, 0.0)) / n, np.nan)


@dataclass(frozen=True)
class PooledRate:
    """Everybody's past rate drawn to the pooled one: (x + rate k) / (T + k), k the mean time watched in days.

    Stands in where a handful of repeat customers cannot carry a model; nobody ever leaves.
    """

    rate: float
    prior: float
    name: str = "shrunken past rate"

    @classmethod
    def of(cls, crowd: Triples) -> PooledRate:
        """From everybody's purchases and time watched."""
        watched = max(float(crowd.n @ crowd.T), 1.0)
        return cls(float(crowd.n @ crowd.x) / watched, max(watched / max(float(crowd.n.sum()), 1.0), 1.0))

    def expected(self, crowd: Triples, days: float, alive: Floats | None = None) -> Floats:
        """Purchases of each triple in the next `days`."""
        del alive
        return np.asarray((crowd.x + self.rate * self.prior) / (crowd.T + self.prior) * days)

    def alive(self, crowd: Triples) -> Floats:
        """Not known."""
        return np.full(len(crowd), np.nan)

    def spread(self, crowd: Triples, days: float) -> Floats:
        """Standard error of log `expected`: that of a Poisson count with the prior's purchases added."""
        del days
        return np.asarray(1 / np.sqrt(crowd.x + np.maximum(self.rate * self.prior, 0.1)))


@dataclass(frozen=True)
class PooledSpend:
    """A customer's own mean drawn to everybody's, which counts for two purchases."""

    mean: float

    def expected(self, x: Floats, m: Floats) -> Floats:
        """Mean money of a purchase."""
        times = np.where(np.isfinite(m) & (m > 0), x, 0.0)
        return np.asarray((PRIOR * self.mean + times * np.nan_to_num(m)) / (PRIOR + times))

    def spread(self, x: Floats, m: Floats) -> Floats:
        """Standard error of log `expected`: a coefficient of variation of 1 a purchase is taken for granted."""
        del m
        return np.asarray(1 / np.sqrt(PRIOR + x))


@dataclass(frozen=True)
class Base:
    """How often and how much; `worth` is None where no purchase has a known positive value."""

    often: Fit | PooledRate
    worth: Spend | PooledSpend | None
    whole: bool

    @property
    def name(self) -> str:
        """As reports call it."""
        return self.often.model.name if isinstance(self.often, Fit) else self.often.name

    def purchases(self, buyers: Buyers, days: float) -> Floats:
        """Expected purchase days of each person in the next `days`."""
        return self.often.expected(buyers.crowd, days, buyers.alive(self.often))[buyers.places]

    def money(self, buyers: Buyers) -> Floats:
        """Expected money of each person's purchase; NaN where money is not known at all."""
        if self.worth is None:
            return np.full(len(buyers.history), np.nan)
        return self.worth.expected(*buyers.spend(self.whole))

    def spread(self, buyers: Buyers, days: float) -> tuple[Floats, Floats]:
        """Standard errors of the logs of purchases and of money, from the uncertainty of the parameters."""
        often = self.often.spread(buyers.crowd, days)[buyers.places]
        much = self.worth.spread(*buyers.spend(self.whole)) if self.worth else np.zeros(len(buyers.history))
        return often, much

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `base_from` is the inverse."""
        often = (
            self.often.to_dict()
            if isinstance(self.often, Fit)
            else {"rate": self.often.rate, "prior": self.often.prior}
        )
        worth: Any = None
        if self.worth is not None:
            worth = self.worth.to_dict() if isinstance(self.worth, Spend) else {"mean": self.worth.mean}
        return {"often": often, "worth": worth, "whole": self.whole}


def base_from(data: Mapping[str, Any]) -> Base:
    """What `Base.to_dict` gave."""
    often, worth = dict(data["often"]), data["worth"]
    rate: Fit | PooledRate
    if "model" in often:
        rate = Fit(MODELS[often.pop("model")], *_arrays(often), **often)
    else:
        rate = PooledRate(often["rate"], often["prior"])
    money: Spend | PooledSpend | None = None
    if worth is not None:
        worth = dict(worth)
        money = PooledSpend(worth["mean"]) if "mean" in worth else Spend(*_arrays(worth), **worth)
    return Base(rate, money, bool(data["whole"]))


def _arrays(data: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(data.pop("logs"), np.float64), np.array(data.pop("covariance"), np.float64)


def often(name: str, buyers: Buyers) -> Fit | PooledRate:
    """A BTYD model by name, or the pooled rate where fewer than 30 people bought again."""
    if buyers.history.repeaters < FEWEST:
        return PooledRate.of(buyers.crowd)
    return fit(MODELS[name], _part(buyers), unit=7.0)


def _part(buyers: Buyers) -> Triples:
    """The different histories, or those of FITTED people drawn where there are more: theirs settle four parameters."""
    known = buyers.history
    if len(buyers.crowd) <= FITTED:
        return buyers.crowd
    rows = np.random.default_rng(0).choice(len(known), FITTED, replace=False)
    return Triples.of(known.x[rows], known.t_x[rows], known.T[rows])


def worth(buyers: Buyers, whole: bool) -> Spend | PooledSpend | None:
    """The spend model: over the repeat days (as in the literature), or with the first day too when `whole`."""
    x, m = buyers.spend(whole)
    some = (x > 0) & (m > 0)
    if np.count_nonzero(some) >= FEWEST and float(np.std(m[some])) > TINY * float(np.mean(m[some])):
        return fit_spend(x, m)
    n, mean = buyers.spend(True)
    some = (n > 0) & (mean > 0)
    return PooledSpend(float(np.average(mean[some], weights=n[some]))) if some.any() else None


def past_rate(buyers: Buyers, days: float) -> tuple[Floats, Floats]:
    """The plain baseline: everybody goes on as before. Purchases (x / T times `days`) and their money at past means."""
    known = buyers.history
    count = known.x / np.maximum(known.T, 1) * days
    n, mean = buyers.spend(True)
    return count, count * np.where(n > 0, np.nan_to_num(mean), 0.0)
