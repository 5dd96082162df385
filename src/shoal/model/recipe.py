"""The port to ways of finding groups: a recipe puts people into k groups, nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Matrix


@dataclass(frozen=True)
class Grouping:
    """Group number of every person in the matrix (0 to k-1, none empty) and the groups' centres (k, inputs)."""

    labels: NDArray[np.int64]
    centres: NDArray[np.float64]

    @property
    def k(self) -> int:
        return len(self.centres)


class Recipe(Protocol):
    """Finds `k` groups in a design matrix; the same seed gives the same groups to the bit.

    Recipes are found by entry point in the group `shoal.recipes`, ours included.
    """

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """At most `k` groups (fewer when the people do not differ enough)."""
        ...


def grouping(labels: NDArray[np.int64], values: NDArray[np.float64]) -> Grouping:
    """Groups renumbered from large to small without gaps, so that numbers do not depend on chance.

    >>> grouping(np.array([7, 2, 2]), np.array([[1.0], [0.0], [0.0]])).labels.tolist()
    [1, 0, 0]
    """
    _, first, place, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    renumber = np.empty_like(order)
    renumber[order] = np.arange(len(order))
    new = renumber[place].astype(np.int64)
    centres = np.array([values[new == group].mean(axis=0) for group in range(len(order))])
    return Grouping(new, centres)
