"""The bootstrap of people on sums: what a statistic would be had other people been drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.predict.learner import Array

TIMES = 200
GROUPS = 2000


@dataclass(frozen=True)
class People:
    """Rows put into groups of whole people, and how often each resample draws each group (times, groups).

    Where there are more than 2,000 people they are first joined at random into 2,000 groups: sums of random groups vary
    as sums of people do (the random group method; Wolter 2007, Introduction to Variance Estimation, 2nd ed., ch. 2),
    so that a million rows cost no more than two thousand.
    """

    group: NDArray[np.int64]
    draws: Array

    @classmethod
    def of(cls, person: NDArray[np.int64], *, seed: int, times: int = TIMES) -> People:
        """Groups for the rows' people, and `times` resamples with replacement."""
        rng = np.random.default_rng(seed)
        people, place = np.unique(person, return_inverse=True)
        count = min(len(people), GROUPS)
        if len(people) > GROUPS:
            place = (rng.permutation(len(people)) % GROUPS)[place]
        drawn = rng.integers(0, max(count, 1), (times, count)) + np.arange(times)[:, None] * count
        draws = np.bincount(drawn.ravel(), minlength=times * count).reshape(times, count).astype(np.float64)
        return cls(place.astype(np.int64), draws)

    def sums(self, cell: NDArray[np.int64], cells: int, weight: Array | None = None) -> Array:
        """Sums of `weight` (rows; 1 when left out) by `cell` (rows), in every resample: (times, cells)."""
        count = self.draws.shape[1]
        flat = np.bincount(self.group * cells + cell, weights=weight, minlength=count * cells)
        found: Array = self.draws @ flat.reshape(count, cells)
        return found


def quantile_bins(values: Array, most: int) -> NDArray[np.int64]:
    """The place of each value among at most `most` bins of equal mass, in rising order; equal values share a bin.

    >>> quantile_bins(np.array([0.1, 0.9, 0.1, 0.5]), 10).tolist()
    [0, 2, 0, 1]
    """
    different, place = np.unique(values, return_inverse=True)
    if len(different) <= most:
        return place.astype(np.int64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:-1]))
    _, bins = np.unique(np.searchsorted(edges, values, "right"), return_inverse=True)
    return bins.astype(np.int64)
