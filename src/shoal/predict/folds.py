"""Cuts rows so that nobody is on both sides, and each side has its share of the outcomes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoal.predict.learner import Array

Places = NDArray[np.int64]


def folds(person: Places, y: Array, count: int, seed: int) -> Places:
    """The fold (0 to `count` - 1) of every row: all rows of a person in one, outcomes spread evenly.

    >>> found = folds(np.array([1, 1, 2, 3, 4]), np.array([0.0, 1, 0, 1, 0]), 2, seed=0)
    >>> bool(found[0] == found[1] != found[3])
    True
    """
    people, place = np.unique(person, return_inverse=True)
    ever = np.zeros(len(people), dtype=bool)
    ever[place[y > 0]] = True
    shuffled = np.random.default_rng(seed).permutation(len(people))
    order = shuffled[np.argsort(~ever[shuffled], kind="stable")]
    fold = np.empty(len(people), dtype=np.int64)
    fold[order] = np.arange(len(people)) % count
    found: Places = fold[place]
    return found


def thinned(rows: int, most: int, seed: int) -> Places:
    """Sorted places of at most `most` of so many rows, drawn one by one: people keep some of their cut-offs.

    >>> thinned(3, 5, seed=0).tolist(), len(thinned(100, 5, seed=0))
    ([0, 1, 2], 5)
    """
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)).astype(np.int64)


def some(person: Places, most: int, seed: int) -> Places:
    """Sorted places of about `most` rows, whole people, all of the rows when they are no more."""
    if len(person) <= most:
        return np.arange(len(person), dtype=np.int64)
    people, place = np.unique(person, return_inverse=True)
    kept = np.random.default_rng(seed).random(len(people)) < most / len(person)
    return np.flatnonzero(kept[place]).astype(np.int64)
