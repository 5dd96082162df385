"""The port to ways of finding groups: a recipe puts people into at most k groups, nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Matrix
from shoal.model.node import Node

NOISE = -1  # the label of people in no group


@dataclass(frozen=True)
class Grouping:
    """Group number of every person in the matrix (0 to k-1, none empty) and the groups' centres (k, inputs).

    A person in no group has the label -1 and counts for no centre. `tree` is there where the groups are rules already:
    its leaves then say which group each person is in.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    tree: Node | None = None

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
        """At most `k` groups, at least one (few when the people do not differ enough); -1 leaves a person out."""
        ...


def grouping(labels: NDArray[np.int64], values: NDArray[np.float64]) -> Grouping:
    """Groups renumbered from large to small without gaps, so that numbers do not depend on chance.

    Every negative label becomes -1, in no group; groups alone have numbers and centres.

    >>> grouping(np.array([7, 2, 2, -1]), np.array([[1.0], [0.0], [0.0], [9.0]])).labels.tolist()
    [1, 0, 0, -1]
    """
    inside = np.flatnonzero(labels >= 0)
    _, first, place, counts = np.unique(labels[inside], return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    renumber = np.empty_like(order)
    renumber[order] = np.arange(len(order))
    new = np.full(len(labels), NOISE, dtype=np.int64)
    new[inside] = renumber[place]
    centres = [values[new == group].mean(axis=0) for group in range(len(order))]
    return Grouping(new, np.array(centres).reshape(len(order), values.shape[1]))
