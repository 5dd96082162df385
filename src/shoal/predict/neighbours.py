"""Item-kNN for more items than one inverse can carry: each item's nearest, by who has both, weighed by BM25."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
NEIGHBOURS = 50
WORK = 20_000_000  # products of two numbers held at a time


def bm25(histories: Any) -> Any:
    """Okapi BM25 weights of a CSR matrix (people, items) of counts: an item few people have says more.

    An item is a term and a person a document (Robertson & Zaragoza 2009, "The probabilistic relevance framework",
    eq. 3.15): idf * count (k1 + 1) / (count + k1 (1 - b + b length / mean length)), idf = log(1 + people / buyers).
    """
    from scipy.sparse import csr_matrix

    counts = histories.data.astype(np.float64)
    per_person = np.diff(histories.indptr)
    length = np.asarray(histories.sum(axis=1), dtype=np.float64).ravel()
    mean = length.mean() if length.any() else 1.0
    norm = np.repeat(K1 * (1 - B + B * length / mean), per_person)
    buyers = np.bincount(histories.indices, minlength=histories.shape[1])
    idf = np.log1p(histories.shape[0] / np.maximum(buyers, 1))
    weight = idf[histories.indices] * counts * (K1 + 1) / (counts + norm)
    return csr_matrix((weight, histories.indices, histories.indptr), shape=histories.shape)


def neighbours(histories: Any, k: int = NEIGHBOURS) -> Any:
    """S, CSR (items, items) of float32, such that `histories @ S` scores items a person may want.

    S[i, j] is how alike i is to j, the product of their BM25 columns over the people, kept for the `k` most alike i of
    each j, never j itself; the whole is scaled so that an item's neighbours sum to 1 on average.
    """
    from scipy.sparse import csr_matrix, vstack

    weighted = bm25(histories)
    turned = weighted.T.tocsr()
    parts = []
    for start, stop in _pieces(turned, weighted):
        alike = (turned[start:stop] @ weighted).tocsr()
        rows = np.repeat(np.arange(start, stop), np.diff(alike.indptr))
        alike.data[alike.indices == rows] = 0.0
        alike.eliminate_zeros()
        parts.append(strongest(alike, k))
    items = histories.shape[1]
    nearest = vstack(parts, format="csr") if parts else csr_matrix((items, items))
    scale = nearest.sum() / max(items, 1)
    return (nearest.T / (scale or 1.0)).tocsr().astype(np.float32)


def strongest(matrix: Any, k: int) -> Any:
    """A CSR matrix with only the `k` largest entries of each row, in order of column; of equal ones the first columns.

    >>> from scipy.sparse import csr_matrix
    >>> strongest(csr_matrix([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]]), 1).toarray().tolist()
    [[3.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    from scipy.sparse import csr_matrix

    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    near = np.flatnonzero(matrix.data >= _bars(matrix, k)[row])  # the k largest and whatever equals the last of them
    order = near[np.lexsort((matrix.indices[near], -matrix.data[near], row[near]))]
    count = np.bincount(row[near], minlength=matrix.shape[0])
    rank = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    best = order[rank < k]
    kept = best[np.lexsort((matrix.indices[best], row[best]))]
    pointer = np.r_[0, np.cumsum(np.minimum(lengths, k))]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], pointer), shape=matrix.shape)


def listed(matrix: Any, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Columns and values of the `k` largest entries of each row, best first; -1 and 0 where there are no more.

    >>> from scipy.sparse import csr_matrix
    >>> listed(csr_matrix([[1.0, 3.0, 0.0]]), 3)[0].tolist()
    [[1, 0, -1]]
    """
    top = strongest(matrix, k)
    count = np.diff(top.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), count)
    order = np.lexsort((top.indices, -top.data, row))
    rank = np.arange(top.nnz) - np.repeat(top.indptr[:-1], count)
    item, score = np.full((matrix.shape[0], k), -1, np.int32), np.zeros((matrix.shape[0], k), np.float32)
    item[row, rank], score[row, rank] = top.indices[order], top.data[order]
    return item, score


def _bars(matrix: Any, k: int) -> NDArray[np.float64]:
    """The k-th largest entry of each row; rows of like length are laid side by side and cut at once."""
    lengths = np.diff(matrix.indptr)
    bars = np.full(matrix.shape[0], -np.inf)
    long = np.flatnonzero(lengths > k)
    long = long[np.argsort(lengths[long], kind="stable")]
    start = 0
    while start < len(long):
        stop = start + max(int(WORK / 4 // lengths[long[min(start + 1000, len(long) - 1)]]), 1)
        rows = long[start : min(stop, start + 1000)]
        width = int(lengths[rows[-1]])
        place = np.minimum(np.arange(width), lengths[rows][:, None] - 1)
        side = np.where(
            np.arange(width) < lengths[rows][:, None], matrix.data[matrix.indptr[rows][:, None] + place], -np.inf
        )
        bars[rows] = np.partition(side, width - k, axis=1)[:, width - k]
        start += len(rows)
    return bars


def _pieces(left: Any, right: Any) -> Iterator[tuple[int, int]]:
    """Runs of rows of `left` whose product with `right` takes about `WORK` multiplications."""
    cost = np.diff(right.indptr)[left.indices]
    total: NDArray[np.int64] = np.r_[0, np.cumsum(cost)][left.indptr]
    start = 0
    while start < left.shape[0]:
        stop = max(int(np.searchsorted(total, total[start] + WORK, side="right")) - 1, start + 1)
        yield start, stop
        start = stop
