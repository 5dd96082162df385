"""How good lists of items are: recall and NDCG of what came next, person by person, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.predict.affinity import Affinity, among
from shoal.predict.baskets import Baskets
from shoal.summary import Interval, Skill

Array = NDArray[np.float64]

LENGTH = 10
DRAWS = 500
MOST = 20_000  # people judged: the interval of a mean over these is narrow enough


@dataclass(frozen=True)
class Judged:
    """One entry a person; NaN where nothing came that could have been found."""

    recall: Array
    ndcg: Array
    new_recall: Array
    new_ndcg: Array


@dataclass(frozen=True)
class Trial:
    """Histories up to an instant, and what the same people (rows) took of the same items after it."""

    before: Baskets
    after: Any
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


def trial_of(before: Baskets, after: Baskets, *, most: int = MOST, seed: int = 0) -> Trial:
    """The people with a history who took anything afterwards, at most `most` of them, drawn by `seed`."""
    came = after.onto(before.people, before.items).days()
    rows = np.flatnonzero((np.diff(came.indptr) > 0) & (np.bincount(before.row, minlength=len(before)) > 0))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return Trial(before, came[rows], rows)


def judge(model: Affinity, trial: Trial, *, length: int = LENGTH) -> Judged:
    """How much of what came next stands in each person's list of `length`; `new_` of items never had before."""
    had = trial.before.days()[trial.rows]
    new = without(trial.after, had)
    everything = model.top(trial.before, length, rows=trial.rows).item
    unseen = model.top(trial.before, length, rows=trial.rows, new_only=True).item
    return Judged(*found(everything, trial.after, length), *found(unseen, new, length))


def found(lists: NDArray[np.int32], came: Any, length: int = LENGTH) -> tuple[Array, Array]:
    """Recall and NDCG of `lists` (people, up to `length` items, best first; -1 is none) against a CSR matrix.

    Recall is capped: hits over min(length, items that came). NDCG with 0/1 gains is the sum of 1 / log2(1 + rank)
    over the hits, over the same of a perfect list (Jarvelin & Kekalainen 2002, "Cumulated gain-based evaluation of IR
    techniques", section 2.2, with discount log2(1 + rank)). NaN where nothing came.

    >>> from scipy.sparse import csr_matrix
    >>> found(np.array([[2, 0]], np.int32), csr_matrix([[1, 1, 0]]), 2)[0].tolist()
    [0.5]
    """
    hits = among(lists, came)
    discount = 1 / np.log2(np.arange(2, length + 2))
    possible = np.minimum(np.diff(came.indptr), length)
    ideal = np.r_[np.nan, np.cumsum(discount)][possible]
    recall = hits.sum(axis=1) / np.where(possible, possible, np.nan)
    return recall, (hits * discount[: lists.shape[1]]).sum(axis=1) / ideal


def skill(name: str, kind: Any, judged: Judged, *, seed: int) -> Skill:
    """The means with their intervals, under the names of `Judged`."""
    metrics = {field.name: mean(getattr(judged, field.name), seed=seed) for field in fields(judged)}
    return Skill(name=name, kind=kind, metrics=metrics)


def mean(values: Array, *, seed: int) -> Interval:
    """A mean over people with a percentile bootstrap interval (Efron 1979); NaN are left out.

    >>> mean(np.array([1.0, np.nan, 1.0]), seed=0)
    Interval(value=1.0, low=1.0, high=1.0)
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return Interval(value=round(float(known[0]), 6) if len(known) else None)
    rng = np.random.default_rng(seed)
    step = max(4_000_000 // len(known), 1)
    draws = np.concatenate(
        [
            known[rng.integers(0, len(known), (min(step, DRAWS - start), len(known)))].mean(axis=1)
            for start in range(0, DRAWS, step)
        ]
    )
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value=round(float(known.mean()), 6), low=round(float(low), 6), high=round(float(high), 6))


def without(came: Any, had: Any) -> Any:
    """The entries of `came` that `had` has not."""
    from scipy.sparse import csr_matrix

    row = np.repeat(np.arange(came.shape[0], dtype=np.int64), np.diff(came.indptr))
    held = np.repeat(np.arange(had.shape[0], dtype=np.int64), np.diff(had.indptr)) * max(had.shape[1], 1) + had.indices
    kept = ~np.isin(row * max(came.shape[1], 1) + came.indices, held)
    pointer = np.searchsorted(row[kept], np.arange(came.shape[0] + 1))
    return csr_matrix((came.data[kept], came.indices[kept], pointer), shape=came.shape)
