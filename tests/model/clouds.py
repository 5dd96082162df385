"""Points of known kinds, as matrices, for recipes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoal.model.matrix import Matrix

Kinds = NDArray[np.int64]


def points(values: NDArray[np.float64]) -> Matrix:
    return Matrix((), values, values, np.arange(len(values)), {})


def clouds(people: int = 900, kinds: int = 4, apart: float = 6.0, seed: int = 0) -> tuple[Matrix, Kinds]:
    """Round clouds, whose middles are the corners of a cube, and the cloud of each person."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, kinds, people)
    corners = np.array([[place >> bit & 1 for bit in range(4)] for place in range(16)], dtype=np.float64)
    return points(apart * corners[rng.permutation(16)[:kinds]][kind] + rng.normal(size=(people, 4))), kind


def stretched(people: int = 900, seed: int = 0) -> tuple[Matrix, Kinds]:
    """Three long clouds side by side: k-means cuts across them."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, people)
    long, across = rng.normal(scale=4.0, size=people), kind * 7.0 + rng.normal(size=people)
    return points(np.column_stack([long + across, long - across])), kind


def rings(people: int = 900, noise: float = 0.1, seed: int = 0) -> tuple[Matrix, Kinds]:
    """A ring around a spot, and people anywhere (-1)."""
    rng = np.random.default_rng(seed)
    kind = np.where(rng.random(people) < noise, -1, rng.integers(0, 2, people))
    angle, far = rng.uniform(0, 2 * np.pi, people), np.where(kind == 0, 10.0, 1.5) + rng.normal(scale=0.4, size=people)
    found = np.column_stack([far * np.cos(angle), far * np.sin(angle)])
    found[kind < 0] = rng.uniform(-20, 20, (int((kind < 0).sum()), 2))
    return points(found), kind


def answers(people: int = 900, kinds: int = 4, seed: int = 0) -> tuple[Matrix, Kinds]:
    """Twelve yes-or-no answers, as most of one's kind give them: of 0 and 1 only."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, kinds, people)
    usual = np.array([[0, 1] * 6, [1, 0] * 6, [0, 0, 1] * 4, [1, 1, 0] * 4])[:kinds]
    return points((usual[kind] ^ (rng.random((people, 12)) < 0.05)).astype(np.float64)), kind
