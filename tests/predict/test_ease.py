"""EASE against the textbook inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array

from shoal.predict import ease
from shoal.predict.ease import weights


def _naive(x: np.ndarray, ridge: float) -> np.ndarray:
    inverse = np.linalg.inv(x.T @ x + ridge * np.eye(x.shape[1]))
    result = -inverse / np.diag(inverse)
    np.fill_diagonal(result, 0.0)
    return result


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 12), st.floats(0.5, 500), st.integers(0, 99))
def test_the_weights_are_those_of_the_dense_formula(people, items, ridge, seed):
    x = random_array((people, items), density=0.4, rng=np.random.default_rng(seed), format="csr")
    np.testing.assert_allclose(weights(csr_matrix(x), ridge), _naive(x.toarray(), ridge), rtol=1e-5, atol=1e-6)


def test_more_items_than_one_block_give_the_same_weights():
    x = random_array((60, 1030), density=0.02, rng=np.random.default_rng(0), format="csr")
    np.testing.assert_allclose(weights(csr_matrix(x), 50.0), _naive(x.toarray(), 50.0), rtol=1e-4, atol=1e-6)


def test_people_taken_in_pieces_add_up_to_the_same_matrix():
    x = csr_matrix(random_array((50, 9), density=0.5, rng=np.random.default_rng(1)))
    np.testing.assert_allclose(ease._gram(x, most=10), (x.T @ x).toarray())


def test_the_weights_are_the_best_with_a_diagonal_of_zero():
    x = random_array((40, 5), density=0.6, rng=np.random.default_rng(2)).toarray()
    ours = weights(csr_matrix(x), 2.0).astype(np.float64)

    def loss(b: np.ndarray) -> float:
        return float(((x - x @ b) ** 2).sum() + 2.0 * (b**2).sum())

    rng = np.random.default_rng(3)
    for _ in range(20):
        step = rng.normal(size=(5, 5)) * 0.01
        np.fill_diagonal(step, 0.0)
        assert loss(ours) <= loss(ours + step) + 1e-9


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 4)])
def test_one_item_or_one_person_is_no_trouble(shape):
    found = weights(csr_matrix(np.ones(shape)), 10.0)
    assert found.shape == (shape[1], shape[1])
    assert np.isfinite(found).all()
