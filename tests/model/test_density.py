"""Density: shapes that no centre describes, and noise that stays noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from model.clouds import answers, clouds, points, rings
from shoal.model.density import DensityRecipe
from shoal.model.matrix import sample


@pytest.mark.parametrize("people", [900, 2500])
def test_a_ring_and_the_spot_inside_it_are_two_niches(monkeypatch: pytest.MonkeyPatch, people: int) -> None:
    monkeypatch.setattr("shoal.model.density.FITTED", 1000)  # of the larger crowd the rest is joined to them
    matrix, kind = rings(people)
    found = DensityRecipe().fit(matrix, 4, 0)
    assert found.k == 2
    both = (found.labels >= 0) & (kind >= 0)
    assert both.sum() >= 0.9 * (kind >= 0).sum()
    assert adjusted_rand_score(kind[both], found.labels[both]) >= 0.9


@pytest.mark.parametrize("people", [900, 2500])
def test_most_people_who_are_anywhere_are_in_no_group(monkeypatch: pytest.MonkeyPatch, people: int) -> None:
    monkeypatch.setattr("shoal.model.density.FITTED", 1000)
    matrix, kind = rings(people)
    found = DensityRecipe().fit(matrix, 4, 0)
    assert (found.labels[kind < 0] < 0).mean() >= 0.5


def test_of_too_many_niches_the_largest_stay_and_the_others_are_noise() -> None:
    matrix, _ = clouds()
    every, two = DensityRecipe().fit(matrix, 4, 0), DensityRecipe().fit(matrix, 2, 0)
    assert two.k == 2
    np.testing.assert_array_equal(two.labels, np.where(every.labels < 2, every.labels, -1))


def test_where_no_place_is_denser_than_the_rest_everybody_is_one_group() -> None:
    found = DensityRecipe().fit(points(np.random.default_rng(0).uniform(size=(600, 4))), 5, 0)
    assert found.k == 1
    assert (found.labels == 0).all()


def test_one_person_who_differs_and_is_not_looked_at_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.model.density.FITTED", 100)
    odd = np.ones((1000, 2))
    odd[np.setdiff1d(np.arange(1000), sample(1000, 100, 0))[0]] = 5
    assert DensityRecipe().fit(points(odd), 4, 0).k == 1


def test_combinations_of_answers_are_no_niches_of_their_own() -> None:
    matrix, _ = answers()
    assert (DensityRecipe().fit(matrix, 20, 0).labels < 0).mean() < 0.25
