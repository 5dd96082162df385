"""Item-kNN against loops."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array

from shoal.predict import neighbours as knn
from shoal.predict.neighbours import bm25, neighbours, strongest


def _counts(people: int, items: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((people, items)) < 0.4, rng.integers(1, 6, (people, items)), 0).astype(np.float32)


def _naive_bm25(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    mean = x.sum() / len(x)
    result = np.zeros(x.shape)
    for person, item in zip(*np.nonzero(x), strict=True):
        idf = math.log(1 + len(x) / (x[:, item] > 0).sum())
        norm = 1.2 * (1 - 0.75 + 0.75 * x[person].sum() / mean)
        result[person, item] = idf * x[person, item] * 2.2 / (x[person, item] + norm)
    return result


def _naive_neighbours(x: np.ndarray, k: int) -> np.ndarray:
    weight = _naive_bm25(x)
    alike = weight.T @ weight
    np.fill_diagonal(alike, 0.0)
    result = np.zeros(alike.shape)
    for item in range(len(alike)):
        best = sorted(range(len(alike)), key=lambda other: -round(alike[item, other], 12))[:k]
        result[best, item] = alike[best, item]
    return result / (result.sum() / len(alike) or 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(1, 10), st.integers(0, 99))
def test_bm25_weights_are_those_of_a_loop(people, items, seed):
    x = _counts(people, items, seed)
    np.testing.assert_allclose(bm25(csr_matrix(x)).toarray(), _naive_bm25(x), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 25), st.integers(2, 10), st.integers(1, 5), st.integers(0, 99))
def test_the_neighbours_are_those_of_a_loop(people, items, k, seed):
    x = _counts(people, items, seed)
    np.testing.assert_allclose(neighbours(csr_matrix(x), k).toarray(), _naive_neighbours(x, k), rtol=1e-5, atol=1e-7)


def test_items_taken_in_pieces_have_the_same_neighbours(monkeypatch):
    x = csr_matrix(_counts(40, 15, 0))
    whole = neighbours(x, 4).toarray()
    monkeypatch.setattr(knn, "WORK", 50)
    np.testing.assert_allclose(neighbours(x, 4).toarray(), whole)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 9), st.integers(0, 999))
def test_the_strongest_of_each_row_are_those_of_sorting_it(rows, columns, k, seed):
    x = random_array((rows, columns), density=0.6, rng=np.random.default_rng(seed)).toarray().round(1)
    ours = strongest(csr_matrix(x), k).toarray()
    for row, kept in zip(x, ours, strict=True):
        wanted = np.zeros(columns)
        best = sorted(np.flatnonzero(row), key=lambda place: (-row[place], place))[:k]
        wanted[best] = row[best]
        assert kept.tolist() == wanted.tolist()


def test_items_that_nobody_shares_have_no_neighbours():
    assert neighbours(csr_matrix(np.eye(4, dtype=np.float32)), 2).nnz == 0
