"""Customers with the same history are one row: all that the models need of them, and how many they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@lru_cache(maxsize=8)
def gauss(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre quadrature over -1 to 1: finding them takes longer than their use."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


@dataclass(frozen=True)
class Triples:
    """The different (x, t_x, T) of a crowd: repeat purchases, time of the last one, time watched.

    `n` is how many customers have each; `places` gives each customer's row.

    >>> crowd = Triples.of(np.array([0, 2, 0]), np.array([0, 5, 0]), np.array([9, 9, 9]))
    >>> crowd.x.tolist(), crowd.n.tolist(), crowd.places.tolist()
    ([0.0, 2.0], [2.0, 1.0], [0, 1, 0])
    """

    x: Floats
    t_x: Floats
    T: Floats
    n: Floats
    places: Ints

    def __len__(self) -> int:
        return len(self.x)

    def every(self, step: int) -> Triples:
        """Every so manieth row; it places nobody."""
        rows = slice(None, None, step)
        return Triples(self.x[rows], self.t_x[rows], self.T[rows], self.n[rows], np.zeros(0, np.int64))

    @classmethod
    def of(cls, x: Ints, t_x: Ints, watched: Ints) -> Triples:
        """The different triples of whole numbers, all at least 0, t_x at most the time watched."""
        if not len(x):
            return cls(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        wide, high = int(watched.max()) + 1, int(t_x.max()) + 1
        # One 64-bit key sorts several times faster than rows of three; days and counts always fit.
        key = (x.astype(np.int64) * high + t_x) * wide + watched
        seen, places, n = np.unique(key, return_inverse=True, return_counts=True)
        rest = seen // wide
        first, second, third, counts = (part.astype(np.float64) for part in (rest // high, rest % high, seen % wide, n))
        return cls(first, second, third, counts, places.reshape(-1))
