"""How well scores find the members of a seed who were held out: AUC and recall, with closed-form intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shoal.intervals import Z, interval
from shoal.predict.learner import Array
from shoal.summary import Interval

Mask = NDArray[np.bool_]
FOLDS = 5


def recall_at(score: Array, seed: Mask) -> Mask:
    """Whether each member stands among as many best scores as the seed has members; ties by chance of their order."""
    order = np.lexsort((np.random.default_rng(0).random(len(score)), -score))
    best = np.zeros(len(score), bool)
    best[order[: int(seed.sum())]] = True
    return np.asarray(best[seed])


def auc_of(score: Array, seed: Mask) -> float:
    """The chance that a member scores above somebody else, ties half."""
    return float(auc_parts(score, seed)[0].mean())


def auc_parts(score: Array, seed: Mask) -> tuple[Array, Array]:
    """For each member the share of the rest below, for each of the rest the share of members above; ties half.

    The mean of either is the AUC, their variances give its interval (DeLong, DeLong & Clarke-Pearson 1988,
    Biometrics 44, 837-845, eq. 3 to 5).
    """
    members, rest = np.sort(score[seed]), np.sort(score[~seed])

    def below(values: Array, among: Array) -> Array:
        twice = np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")
        return np.asarray(twice / (2 * len(among)))

    return below(score[seed], rest), 1 - below(score[~seed], members)


def difference(one: tuple[Array, Array], other: tuple[Array, Array]) -> Interval:
    """The AUC of a cross-fitted score less another's on the same people, from their `auc_parts`."""
    return interval_of((one[0] - other[0], one[1] - other[1]), -1.0, crossed=True)


def interval_of(parts: tuple[Array, Array], least: float = 0.0, *, crossed: bool = False) -> Interval:
    """The mean of `auc_parts`, or of a difference of two, with its interval, which ends at `least` and at 1.

    Variance by DeLong et al., eq. 5. `crossed` scores come from models that share members of the seed among them, so
    the variance is (1 + folds x tested / learned from) times that (Nadeau & Bengio 2003, Machine Learning 52, 239-281,
    section 3, corrected resampled t), 2.25 with five folds. Without it one shuffled seed of 40 in six looked better or
    worse than chance.
    """
    members, rest = parts
    value = float(members.mean())
    variance = members.var(ddof=1) / len(members) + rest.var(ddof=1) / len(rest)
    spread = Z * math.sqrt(variance * (1 + FOLDS / (FOLDS - 1) if crossed else 1))
    low, high = max(value - spread, least), min(value + spread, 1.0)
    return interval(value, low, high)
