"""Mixtures: clouds of any extent, and no warning or point of endless likelihood where inputs have few values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from model.clouds import clouds, points, stretched
from shoal.model.clusters import KMeansRecipe
from shoal.model.components import components
from shoal.model.mixture import MixtureRecipe


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_long_clouds_are_found(seed: int) -> None:
    matrix, kind = stretched(seed=seed)
    assert adjusted_rand_score(kind, MixtureRecipe().fit(matrix, 3, 0).labels) >= 0.9


def test_long_clouds_are_where_a_mixture_beats_k_means() -> None:
    matrix, kind = stretched(seed=1)
    assert adjusted_rand_score(kind, KMeansRecipe().fit(matrix, 3, 0).labels) < 0.6


def test_a_heap_of_people_who_are_exactly_alike_takes_no_cloud_from_the_others() -> None:
    matrix, kind = clouds(people=600, kinds=3)
    heap = np.vstack([matrix.values, np.repeat(matrix.values[:1], 30, axis=0)])
    found = MixtureRecipe().fit(points(heap), 3, 0)
    assert adjusted_rand_score(kind, found.labels[:600]) >= 0.9


def test_those_not_learned_from_are_in_the_likeliest_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.model.mixture.FITTED", 300)
    matrix, kind = clouds()
    assert adjusted_rand_score(kind, MixtureRecipe().fit(matrix, 4, 0).labels) >= 0.9


def test_components_are_uncorrelated_and_hold_the_variance_asked_for() -> None:
    values = np.random.default_rng(0).normal(size=(500, 6)) @ np.diag([9, 5, 3, 1, 0.1, 0.1])
    found = components(values, most=6)
    shares = found.var(axis=0)
    np.testing.assert_allclose(np.cov(found.T, bias=True), np.diag(shares), atol=1e-12)
    assert 0.9 <= shares.sum() < 1
    assert components(values, most=2).shape == (500, 2)


def test_inputs_that_repeat_each_other_are_one_component() -> None:
    one = np.random.default_rng(0).normal(size=200)
    assert components(np.column_stack([one, one, -one, np.ones(200)]), most=5, share=1).shape == (200, 1)
