"""How far a forecast of purchases or revenue was from what happened, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.summary import Interval

Floats = NDArray[np.float64]
BLOCKS, DRAWS = 1_000, 400
Z = 1.96


@dataclass(frozen=True)
class Judge:
    """Holds what happened (people), and judges forecasts of it; the same draws of people for every forecast."""

    actual: Floats
    seed: int

    def metrics(self, predicted: Floats) -> dict[str, Interval]:
        """mae, rmse, total (predicted over actual, minus 1) and spearman, with 95 % bootstrap intervals."""
        sums = self._sums(predicted)
        drawn = self._drawn() @ sums
        whole = sums.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            total, totals = whole[2] / whole[3] - 1, drawn[:, 2] / drawn[:, 3] - 1
            return {
                "mae": _interval(whole[0] / whole[4], drawn[:, 0] / drawn[:, 4]),
                "rmse": _interval(np.sqrt(whole[1] / whole[4]), np.sqrt(drawn[:, 1] / drawn[:, 4])),
                "total": _interval(total, totals),
                "spearman": self._spearman(predicted),
            }

    def better(self, one: Floats, other: Floats, metric: str) -> Interval:
        """How much lower the error of `one` is than that of `other`, in paired draws of people.

        `metric` is mae, rmse, or both: their geometric mean.
        """
        first, second, weights = self._sums(one), self._sums(other), self._drawn()
        gains = _error(weights @ second, metric) - _error(weights @ first, metric)
        return _interval(float(_error(second.sum(axis=0), metric) - _error(first.sum(axis=0), metric)), gains)

    def log_gain(self, one: Floats, other: Floats) -> tuple[float, Floats]:
        """Log of the error of `other` over that of `one` (both errors together), and the same in the draws."""
        first, second, weights = self._sums(one), self._sums(other), self._drawn()

        def logs(sums: Floats) -> Floats:
            return np.log(np.maximum(_error(sums, "both"), 1e-9))

        return float(logs(second.sum(axis=0)) - logs(first.sum(axis=0))), logs(weights @ second) - logs(weights @ first)

    def _sums(self, predicted: Floats) -> Floats:
        """Sums by block of people: absolute error, squared error, predicted, actual, people. Blocks add."""
        error = predicted - self.actual
        block = np.arange(len(error)) * min(len(error), BLOCKS) // max(len(error), 1)
        columns = (np.abs(error), error**2, predicted, self.actual, np.ones(len(error)))
        return np.stack([np.bincount(block, column) for column in columns], axis=1)

    def _drawn(self) -> Floats:
        """How often each block is drawn in each bootstrap draw."""
        blocks = min(len(self.actual), BLOCKS)
        found = np.random.default_rng(self.seed).multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS)
        return found.astype(np.float64)

    def _spearman(self, predicted: Floats) -> Interval:
        """Rank correlation, its interval by Fisher's z with the variance of Bonett and Wright (2000)."""
        if len(predicted) < 5 or not np.ptp(predicted) or not np.ptp(self.actual):
            return Interval(value=None)
        rho = float(np.corrcoef(_ranks(predicted), _ranks(self.actual))[0, 1])
        z, wide = np.arctanh(np.clip(rho, -0.999999, 0.999999)), Z * np.sqrt((1 + rho**2 / 2) / (len(predicted) - 3))
        return Interval(value=rho, low=float(np.tanh(z - wide)), high=float(np.tanh(z + wide)))


def _ranks(values: Floats) -> Floats:
    """Average ranks."""
    places, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places])


def _error(sums: Floats, metric: str) -> Floats:
    mae, rmse = sums[..., 0] / sums[..., 4], np.sqrt(sums[..., 1] / sums[..., 4])
    return np.asarray({"mae": mae, "rmse": rmse, "both": np.sqrt(mae * rmse)}[metric])


def named(metrics: Mapping[str, Interval], prefix: str) -> dict[str, Interval]:
    """The metrics of revenue carry its name."""
    return {prefix + name: one for name, one in metrics.items()}


def _interval(value: float, drawn: Floats) -> Interval:
    good = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(good):
        return Interval(value=None)
    low, high = np.quantile(good, [0.025, 0.975])
    return Interval(value=float(value), low=float(low), high=float(high))
