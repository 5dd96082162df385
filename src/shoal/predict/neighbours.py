"""Item-kNN for more items than one inverse can carry: each item's nearest, by who has both, weighed by BM25."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
NEIGHBOURS = 100
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

    matrix.sort_indices()
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((matrix.indices, -matrix.data, row))
    rank = np.arange(len(row)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = np.sort(order[rank < k])
    pointer = np.r_[0, np.cumsum(np.minimum(lengths, k))]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], pointer), shape=matrix.shape)


def _pieces(left: Any, right: Any) -> Iterator[tuple[int, int]]:
    """Runs of rows of `left` whose product with `right` takes about `WORK` multiplications."""
    cost = np.diff(right.indptr)[left.indices]
    total: NDArray[np.int64] = np.r_[0, np.cumsum(cost)][left.indptr]
    start = 0
    while start < left.shape[0]:
        stop = max(int(np.searchsorted(total, total[start] + WORK, side="right")) - 1, start + 1)
        yield start, stop
        start = stop
