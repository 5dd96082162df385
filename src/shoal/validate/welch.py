"""Means of groups of people compared in many outcomes at once: Welch's t from sums that add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.contingency import Codes, Floats, tidy
from shoal.validate.intervals import holm
from shoal.validate.outcome import Outcome
from shoal.validate.verdict import CHECKS

LEVEL = 0.05
GUARD = 30


@dataclass(frozen=True)
class Sums:
    """People, sums and sums of squares of standardised outcomes: rows are groups (the last: in none)."""

    n: Floats
    total: Floats
    square: Floats

    @classmethod
    def of(cls, codes: npt.ArrayLike, outcomes: Sequence[Outcome], k: int | None) -> Sums:
        """The sums of groups 0..k-1 and of those in none, in every outcome that counts."""
        labels, count = tidy(codes, k)
        place = np.where(labels < 0, count, labels)
        sums: list[tuple[Floats, Floats, Floats]] = []
        for outcome in outcomes:
            if outcome.counts:
                part = scaled(outcome.values)
                known = np.isfinite(part)
                part = np.where(known, part, 0.0)
                sums.append((_summed(place, known, count), _summed(place, part, count), _summed(place, part**2, count)))
        return cls(*(np.stack(columns, axis=1) for columns in zip(*sums, strict=True)))

    def at(self, rows: Codes | slice) -> Sums:
        """Those of some groups."""
        return Sums(self.n[rows], self.total[rows], self.square[rows])

    def head(self) -> Sums:
        """Without those in none."""
        return self.at(slice(0, -1))

    def rest(self) -> Sums:
        """For each group, everybody else."""
        return Sums(*(part.sum(axis=0, keepdims=True) - part[:-1] for part in (self.n, self.total, self.square)))

    @property
    def people(self) -> Floats:
        """People of each group, in the outcome that is known of most."""
        return np.asarray(self.n.max(axis=1, initial=0))

    @property
    def mean(self) -> Floats:
        """Means, in standard deviations from everybody's mean."""
        return np.asarray(self.total / np.maximum(self.n, 1))

    @property
    def error(self) -> Floats:
        """Variance of the mean. A spread below everybody's (1) is drawn towards it with the weight of 30 people, so
        that a few who are all alike are not taken for certain."""
        own = np.maximum(self.square - self.n * self.mean**2, 0)
        freedom = np.maximum(self.n - 1, 1)
        within = np.maximum(own / freedom, (own + GUARD) / (freedom + GUARD))
        return np.asarray(within / np.maximum(self.n, 1))


@dataclass(frozen=True)
class Found:
    """Welch comparisons, pairs x outcomes; NaN where either side has too few people."""

    effect: Floats
    spread: Floats
    p: Floats
    people: Floats


def welch(a: Sums, b: Sums, sums: Sums, comparisons: int | None = None) -> Found:
    """Groups `a` against groups `b`, pair by pair, in every outcome (Welch 1947, Biometrika 34, 28-35, eq. 28).

    Args:
        a, b: the groups of each pair; `sums` everybody they are of.
        comparisons: how many intervals hold at once (Bonferroni); all of these when left out. `p` is Holm's over all.
    """
    from scipy.special import stdtr, stdtrit

    least = CHECKS["contrast"].least
    usable = (a.n >= least) & (b.n >= least) & ((sums.square - sums.total * sums.mean).sum(axis=0) > 0)
    error = np.sqrt(a.error + b.error)
    freedom = (a.error + b.error) ** 2 / (a.error**2 / np.maximum(a.n - 1, 1) + b.error**2 / np.maximum(b.n - 1, 1))
    effect = np.where(usable, a.mean - b.mean, np.nan)
    p = holm(2 * stdtr(freedom, -np.abs(effect) / error))
    critical = stdtrit(freedom, 1 - LEVEL / 2 / max(comparisons or int(usable.sum()), 1))
    return Found(effect, critical * error, p, np.minimum(a.n, b.n))


def scaled(values: Floats) -> Floats:
    """With mean 0 and standard deviation 1 over everybody; all alike are 0."""
    mean, spread = moments(values)
    return np.asarray((values - mean) / (spread or 1.0))


def plain(outcome: Outcome, scaled: float) -> float:
    """A standardised number in the outcome's own unit."""
    mean, spread = moments(outcome.values)
    return mean + float(scaled) * spread


def moments(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation of those known; 0 for what is only rounding."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0, 0.0
    mean = float(known.mean())
    spread = float(known.std())
    return mean, spread if spread > 1e-12 * max(abs(mean), 1e-300) else 0.0


def _summed(place: Codes, part: npt.NDArray[Any], count: int) -> Floats:
    return np.asarray(np.bincount(place, weights=part, minlength=count + 1), dtype=np.float64)
