"""Outcome-informed recipes: the contract, alike is who does alike, and odd outlooks are no error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from model.pasts import META, expected, features, foreseen, table_of
from shoal.model.matrix import build
from shoal.model.outlook import Outlook
from shoal.model.prospects import MixedRecipe, OutlookRecipe, ReasonsRecipe
from shoal.model.recipe import Recipe
from shoal.testing import check_recipe

every = pytest.mark.parametrize("make", [OutlookRecipe, MixedRecipe, ReasonsRecipe])


@every
def test_it_keeps_the_contract_of_recipes(make: Callable[[], Recipe]) -> None:
    check_recipe(make())


@every
def test_it_says_that_it_needs_an_outlook(make: Callable[[], Recipe]) -> None:
    assert make().needs_outlook is True  # type: ignore[attr-defined]


@every
def test_the_same_seed_gives_the_same_groups_to_the_bit(make: Callable[[], Recipe]) -> None:
    one = make().fit(foreseen(200)[0], 4, 5)
    foreseen.cache_clear()
    two = make().fit(foreseen(200)[0], 4, 5)
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_array_equal(one.centres, two.centres)


@pytest.mark.parametrize("make", [OutlookRecipe, ReasonsRecipe])
def test_people_of_whom_the_same_is_expected_are_together(make: Callable[[], Recipe]) -> None:
    matrix, _ = foreseen(500)
    found = make().fit(matrix, 2, 0)
    assert adjusted_rand_score(expected(features(500, 9)) > 0, found.labels) > 0.8


def test_features_count_beside_the_outlook() -> None:
    rng = np.random.default_rng(0)
    late, spends = rng.integers(0, 2, (2, 300))
    matrix = build(table_of({"evening_share": 0.1 + 0.8 * late + rng.normal(0, 0.02, 300)}), META)
    values = (spends + rng.normal(0, 0.02, 300))[:, None]
    matrix = replace(matrix, outlook=Outlook(values, values, lambda points: points))
    beside, alone = MixedRecipe().fit(matrix, 4, 0), OutlookRecipe().fit(matrix, 4, 0)
    assert adjusted_rand_score(2 * late + spends, beside.labels) > 0.9
    assert adjusted_rand_score(2 * late + spends, alone.labels) < 0.6


@every
def test_an_outlook_that_is_the_same_for_all_is_no_error(make: Callable[[], Recipe]) -> None:
    matrix, _ = foreseen(100)
    assert matrix.outlook is not None
    alike = replace(
        matrix.outlook, values=np.zeros_like(matrix.outlook.values), explain=lambda points: np.zeros((len(points), 4))
    )
    assert 1 <= make().fit(replace(matrix, outlook=alike), 4, 0).k <= 4


@every
def test_without_an_outlook_the_features_part_people(make: Callable[[], Recipe]) -> None:
    matrix = build(table_of(features(200)), META)
    assert make().fit(matrix, 3, 0).k == 3
