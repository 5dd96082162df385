"""What each person is drawn to: a fitted model of items that go together, and of one's own habits."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shoal.errors import DataError
from shoal.predict.baskets import Baskets
from shoal.predict.ease import weights as ease
from shoal.predict.neighbours import listed, neighbours

Floats = NDArray[np.float32]
Form = Literal["binary", "log"]
FORMS: tuple[Form, ...] = ("binary", "log")

LARGEST = 6_000  # items that EASE's one inverse carries; beyond, nearest neighbours
CELLS = 8_000_000  # scores held at a time
SHRINK = 10.0  # buyers whose worth of evidence the average habit has


@dataclass(frozen=True)
class Choice:
    """What is chosen on data: the input (`form`), EASE's `ridge` or kNN's `k`, the weights of one's own habits."""

    form: Form = "binary"
    ridge: float = 300.0
    k: int = 50
    own: float = 2.0
    repeat: float = 0.4


@dataclass(frozen=True)
class Ranked:
    """The best items of people, best first, by place in the model's items; -1 where there are no more.

    `score` (people, k) is relative: 1 is the person's best item of all, 0 an item without any sign of interest. It is
    not a probability and says nothing between two people. `new` (people, k): never had before. `popular` (people): no
    history is known, so these are simply the most popular items, and scores are popularity over the greatest.
    """

    item: NDArray[np.int32]
    score: Floats
    new: NDArray[np.bool_]
    popular: NDArray[np.bool_]


@dataclass(frozen=True)
class Affinity:
    """A fitted model; it holds items and how they go together, nothing about anybody.

    A person's raw score of an item is `base + own log(1 + days) + repeat habit`, the last two only for items they
    had: `base` is their history through `weights` (EASE dense, kNN sparse; None for the plain ways to be beaten), and
    `habit` (items) the log of how often the item is had again against the average item.
    `popularity` (items) is the share of people who had it; items come most popular first, which breaks ties.
    """

    items: tuple[str, ...]
    weights: Any
    choice: Choice
    habit: Floats
    popularity: Floats

    @property
    def algorithm(self) -> str:
        """What reports call it."""
        if self.weights is None:
            return "own purchases" if self.choice.own else "most popular"
        return "EASE and own history" if isinstance(self.weights, np.ndarray) else "BM25 item-kNN and own history"

    def with_habits(self, own: float, repeat: float) -> Affinity:
        """The same items going together, other weights of one's own habits."""
        return replace(self, choice=replace(self.choice, own=own, repeat=repeat))

    def top(self, baskets: Baskets, k: int, *, rows: NDArray[np.int64] | None = None, new_only: bool = False) -> Ranked:
        """The `k` best items of the people of `baskets`, all of them or those at `rows`.

        `new_only` leaves out what a person ever had.
        """
        known = baskets.onto(baskets.people, self.items) if baskets.items != self.items else baskets
        had = known.days()
        had = had if rows is None else had[rows]
        k = min(k, len(self.items))
        parts = [self._best(had[start:stop], k, new_only) for start, stop in self._chunks(had)]
        item = np.concatenate([np.empty((0, k), np.int32), *(part[0] for part in parts)])
        score = np.concatenate([np.empty((0, k), np.float32), *(part[1] for part in parts)])
        return Ranked(item, score, (item >= 0) & ~among(item, had), np.diff(had.indptr) == 0)

    def _chunks(self, had: Any) -> Iterator[tuple[int, int]]:
        step = max(CELLS // max(len(self.items), 1), 1)
        if self.weights is not None and not isinstance(self.weights, np.ndarray):
            reach = had.nnz / max(had.shape[0], 1) * self.weights.nnz / max(len(self.items), 1)
            step = max(min(int(CELLS / 4 / max(reach, 1)), 8 * step), 1)
        for start in range(0, had.shape[0], step):
            yield start, min(start + step, had.shape[0])

    def _best(self, had: Any, k: int, new_only: bool) -> tuple[NDArray[np.int32], Floats]:
        popular = np.flatnonzero(np.diff(had.indptr) == 0)
        if self.weights is None or isinstance(self.weights, np.ndarray):
            item, score = self._dense(had, k, new_only)
        else:
            item, score = self._sparse(had, k, new_only)
        if len(popular) and k:
            item[popular] = np.arange(k)
            score[popular] = self.popularity[:k] / max(float(self.popularity[0]), 1e-30)
        return item, score

    def _dense(self, had: Any, k: int, new_only: bool) -> tuple[NDArray[np.int32], Floats]:
        shape = (had.shape[0], len(self.items))
        scores = np.zeros(shape, np.float32) if self.weights is None else _inputs(had, self.choice.form) @ self.weights
        row = np.repeat(np.arange(shape[0]), np.diff(had.indptr))
        scores[row, had.indices] += self._habits(had)
        best = scores.max(axis=1, initial=0.0)
        if new_only:
            scores[row, had.indices] = -np.inf
        item, score = best_of(scores, k)
        item[np.isneginf(score)] = -1
        return item, _relative(score, best)

    def _sparse(self, had: Any, k: int, new_only: bool) -> tuple[NDArray[np.int32], Floats]:
        from scipy.sparse import csr_matrix, eye_array, hstack, vstack

        habits = csr_matrix((self._habits(had), had.indices, had.indptr), shape=had.shape)
        both = hstack([_inputs(had, self.choice.form), habits], format="csr")  # one product: a sum would sort it all
        scores = both @ vstack([self.weights, eye_array(had.shape[1], dtype=np.float32)], format="csr")
        best = np.zeros(had.shape[0], np.float32)
        some = np.diff(scores.indptr) > 0
        best[some] = np.maximum(np.maximum.reduceat(scores.data, scores.indptr[:-1][some]), 0.0) if some.any() else 0.0
        if new_only:
            held = np.zeros(had.shape, bool)
            held[np.repeat(np.arange(had.shape[0]), np.diff(had.indptr)), had.indices] = True
            row = np.repeat(np.arange(had.shape[0]), np.diff(scores.indptr))
            scores.data[held[row, scores.indices]] = -np.inf
        item, score = listed(scores, k)
        item[np.isneginf(score)] = -1
        return item, _relative(score, best)

    def _habits(self, had: Any) -> Floats:
        """The own-history term of each entry of `had`."""
        term = self.choice.own * np.log1p(had.data) + self.choice.repeat * self.habit[had.indices]
        return np.asarray(term, np.float32)

    def to_files(self) -> Mapping[str, bytes]:
        """The model as files by name: JSON and raw arrays. `load` is the inverse."""
        arrays = {"habit": self.habit, "popularity": self.popularity}
        if isinstance(self.weights, np.ndarray):
            arrays["weights"] = self.weights
        elif self.weights is not None:
            arrays |= {"data": self.weights.data, "indices": self.weights.indices, "indptr": self.weights.indptr}
        told = {"items": list(self.items), "choice": vars(self.choice), "arrays": sorted(arrays)}
        files = {f"{name}.npy": _bytes(array) for name, array in arrays.items()}
        return {"affinity.json": json.dumps(told, ensure_ascii=False).encode(), **files}


def load(files: Mapping[str, bytes]) -> Affinity:
    """The model that `Affinity.to_files` gave.

    Raises DataError when a file is missing, or is not what was written.
    """
    from scipy.sparse import csr_matrix

    try:
        told = json.loads(files["affinity.json"])
        arrays = {
            name: np.load(io.BytesIO(files[f"{name}.npy"]), allow_pickle=False) for name in map(str, told["arrays"])
        }
        items, choice = tuple(map(str, told["items"])), Choice(**told["choice"])
        count = len(items)
        weights: Any = arrays.get("weights")
        if "data" in arrays:
            weights = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(count, count))
            weights.check_format(full_check=True)
        model = Affinity(items, weights, choice, arrays["habit"], arrays["popularity"])
    except (KeyError, TypeError, ValueError, EOFError) as error:
        raise DataError(f"these are not the files of an affinity model ({error}); fit it again") from None
    shapes = [model.habit.shape, model.popularity.shape, *([weights.shape[:1]] if weights is not None else [])]
    if any(shape != (count,) for shape in shapes) or (weights is not None and weights.shape != (count, count)):
        raise DataError(f"an affinity model of {count} items has arrays of other sizes; fit it again")
    return model


def fit(baskets: Baskets, choice: Choice | None = None, *, by_kin: bool = False) -> Affinity:
    """EASE on the people of `baskets` up to 6,000 items, BM25 item-kNN beyond or where `by_kin`.

    Items come most popular first.
    """
    choice, baskets = choice or Choice(), baskets.trimmed(1)
    days = baskets.days()
    if len(baskets.items) <= LARGEST and not by_kin:
        together: Any = ease(_inputs(days, choice.form), choice.ridge)
    else:
        together = neighbours(days, choice.k)
    return plain(baskets, own=choice.own, weights=together, choice=choice)


def plain(baskets: Baskets, *, own: float, weights: Any = None, choice: Choice | None = None) -> Affinity:
    """The model without items going together: own purchases, most popular among equals; without `own` popularity."""
    baskets = baskets.trimmed(1)
    days = baskets.days()
    buyers = np.bincount(days.indices, minlength=len(baskets.items))
    again = np.bincount(days.indices, weights=days.data - 1.0, minlength=len(baskets.items))
    average = again.sum() / max(buyers.sum(), 1)
    habit = np.zeros(len(buyers))
    if average > 0:
        habit = np.log((again + SHRINK * average) / (buyers + SHRINK) / average)
    chosen = choice or Choice(own=own, repeat=0.0)
    share = buyers / max(len(baskets), 1)
    return Affinity(baskets.items, weights, chosen, habit.astype(np.float32), share.astype(np.float32))


def best_of(scores: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """Columns and values of the `k` largest scores of each row, best first; of equal ones the first columns.

    >>> best_of(np.array([[1, 3, 3]], np.float32), 2)[0].tolist()
    [[1, 2]]
    """
    count, width = scores.shape
    k = min(k, width)
    if not count or not k:
        return np.empty((count, k), np.int32), np.empty((count, k), np.float32)
    bar = np.partition(scores, width - k, axis=1)[:, width - k, None]
    chosen = scores >= bar
    tied = np.flatnonzero(np.count_nonzero(chosen, axis=1) > k)
    above, level = scores[tied] > bar[tied], scores[tied] == bar[tied]
    room = k - np.count_nonzero(above, axis=1)[:, None]
    chosen[tied] = above | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= room))
    item = np.nonzero(chosen)[1].reshape(count, k).astype(np.int32)
    score = np.take_along_axis(scores, item, axis=1)
    order = np.argsort(-score, axis=1, kind="stable")
    return np.take_along_axis(item, order, axis=1), np.take_along_axis(score, order, axis=1)


def _inputs(had: Any, form: Form) -> Any:
    from scipy.sparse import csr_matrix

    data = np.ones(had.nnz, np.float32) if form == "binary" else np.log1p(had.data).astype(np.float32)
    return csr_matrix((data, had.indices, had.indptr), shape=had.shape)


def _relative(score: Floats, best: Floats) -> Floats:
    scale = np.where(best > 0, best, 1.0)[:, None]
    return np.clip(np.where(np.isfinite(score), score, 0.0) / scale, 0.0, 1.0).astype(np.float32)


def among(item: NDArray[np.int32], had: Any) -> NDArray[np.bool_]:
    """Whether each person (row) has each of the items listed for them; -1 is none."""
    width = max(had.shape[1], 1)
    held = np.repeat(np.arange(had.shape[0], dtype=np.int64), np.diff(had.indptr)) * width + had.indices
    asked = np.arange(len(item), dtype=np.int64)[:, None] * width + item
    place = np.searchsorted(held, asked)
    if not len(held):
        return np.zeros(item.shape, bool)
    return np.asarray((item >= 0) & (held[np.minimum(place, len(held) - 1)] == asked))


def _bytes(array: NDArray[Any]) -> bytes:
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    return held.getvalue()
