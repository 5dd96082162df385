"""Two ways of cutting the same people, crossed: counts, Jaccard and adjusted Rand.

Labels are integer codes 0..k-1; a negative code is a person in no segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def encode(labels: Iterable[Any]) -> tuple[Codes, list[str]]:
    """Codes and names of segment names; None, "" and NaN are in no segment (-1). Names come sorted.

    >>> codes, names = encode(["Loyal", None, "At risk", "Loyal"])
    >>> codes.tolist(), names
    ([1, -1, 0, 1], ['At risk', 'Loyal'])
    """
    to_pylist = getattr(labels, "to_pylist", None)
    raw = to_pylist() if to_pylist else list(labels)
    texts = ["" if label is None or label != label else str(label) for label in raw]
    names = sorted({text for text in texts if text})
    places = {name: code for code, name in enumerate(names)} | {"": -1}
    return np.array([places[text] for text in texts], dtype=np.int64), names


def tidy(codes: npt.ArrayLike, k: int | None = None) -> tuple[Codes, int]:
    """Codes as int64 with every negative one -1, and the number of segments (at least `k`)."""
    tidied = np.maximum(np.asarray(codes, dtype=np.int64), -1)
    return tidied, max(k or 0, int(tidied.max(initial=-1)) + 1)


def cross(a: npt.ArrayLike, b: npt.ArrayLike, ka: int | None = None, kb: int | None = None) -> Codes:
    """Counts of people by both labels, (ka + 1) x (kb + 1): the last row and column are those in no segment.

    >>> cross([0, 0, 1, -1], [1, 1, 0, 0])
    array([[0, 2, 0],
           [1, 0, 0],
           [1, 0, 0]])
    """
    left, rows = tidy(a, ka)
    right, columns = tidy(b, kb)
    left = np.where(left < 0, rows, left)
    right = np.where(right < 0, columns, right)
    flat = np.bincount(left * (columns + 1) + right, minlength=(rows + 1) * (columns + 1))
    return flat.reshape(rows + 1, columns + 1).astype(np.int64)


def best_jaccard(table: Codes) -> Floats:
    """For each row segment of a `cross`, the Jaccard similarity to its most similar column segment.

    NaN where the row segment is empty; 0 where there is no column segment.

    >>> best_jaccard(cross([0, 0, 1, 1], [5, 5, 5, 2]))
    array([0.66666667, 0.5       ])
    """
    inside = table[:-1, :-1].astype(np.float64)
    rows = table[:-1].sum(axis=1, keepdims=True)
    union = rows + table[:, :-1].sum(axis=0, keepdims=True) - inside
    similar = np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)
    best = similar.max(axis=1, initial=0.0)
    return np.where(rows[:, 0] > 0, best, np.nan)


def adjusted_rand(tables: npt.NDArray[Any]) -> Floats:
    """Adjusted Rand index (Hubert & Arabie 1985, eq. 5) of one contingency table or a stack of them (..., r, c).

    1 is the same cut, 0 what chance gives. Where both cuts hold one group, or each person is alone, it is 1.

    >>> round(float(adjusted_rand(np.array([[2, 0], [1, 1]]))), 6)
    0.0
    """
    tables = np.asarray(tables, dtype=np.float64)
    together = _pairs(tables).sum(axis=(-2, -1))
    rows = _pairs(tables.sum(axis=-1)).sum(axis=-1)
    columns = _pairs(tables.sum(axis=-2)).sum(axis=-1)
    every = np.maximum(_pairs(tables.sum(axis=(-2, -1))), 1.0)
    chance = rows * columns / every
    room = (rows + columns) / 2 - chance
    return np.asarray(np.where(room > 0, (together - chance) / np.where(room > 0, room, 1.0), 1.0), dtype=np.float64)


def _pairs(counts: Floats) -> Floats:
    return counts * (counts - 1) / 2


def sample(codes: npt.ArrayLike, size: int, *, seed: int = 0, floor: int = 0) -> Codes:
    """Sorted rows of a sample of about `size` people, each segment in proportion but at least `floor` of its own.

    Those in no segment are left out. Everybody is taken when there are no more than `size`.

    >>> sample([0] * 6 + [1] * 4, 5).tolist() == sample([0] * 6 + [1] * 4, 5).tolist()
    True
    """
    tidied, k = tidy(codes)
    inside = np.flatnonzero(tidied >= 0)
    if len(inside) <= size:
        return inside
    rng = np.random.default_rng(seed)
    order = inside[np.argsort(tidied[inside], kind="stable")]
    counts = np.bincount(tidied[inside], minlength=k)
    wanted = np.minimum(np.maximum(np.round(counts * (size / len(inside))).astype(np.int64), max(floor, 1)), counts)
    starts = np.cumsum(counts) - counts
    picks = [
        order[start + rng.choice(count, size=want, replace=False)]
        for start, count, want in zip(starts, counts, wanted, strict=True)
        if want
    ]
    return np.sort(np.concatenate(picks))


def label(names: Sequence[str], code: int) -> str:
    """The name of a code, or its number where it has none."""
    return names[code] if code < len(names) else str(code)
