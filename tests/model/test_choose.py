"""The gap statistic: wide for kinds that are apart, near nothing for an even crowd, None where undefined."""

from __future__ import annotations

import numpy as np
import pytest

from model.clouds import clouds
from shoal.model.choose import candidates, gap
from shoal.model.clusters import KMeansRecipe


def test_kinds_that_are_apart_have_a_wider_gap_than_an_even_crowd() -> None:
    matrix, kind = clouds(people=400)
    even = np.random.default_rng(0).uniform(size=(400, 4))
    apart, none = gap(matrix.values, kind, 4, 0), gap(even, KMeansRecipe().labels(even, 4, 0), 4, 0)
    assert apart is not None
    assert none is not None
    assert apart > 0.5
    assert abs(none) < 0.1


def test_the_true_number_of_kinds_has_the_widest_gap() -> None:
    matrix, _ = clouds(people=400, kinds=4)
    gaps = {k: gap(matrix.values, KMeansRecipe().labels(matrix.values, k, 0), k, 0) or 0.0 for k in (2, 3, 4)}
    assert max(gaps, key=gaps.__getitem__) == 4


def test_the_same_seed_gives_the_same_gap() -> None:
    matrix, kind = clouds(people=200)
    assert gap(matrix.values, kind, 4, 7) == gap(matrix.values, kind, 4, 7)


def test_people_in_no_group_do_not_count() -> None:
    matrix, kind = clouds(people=200)
    values = np.vstack([matrix.values, np.full((50, 4), 1e6)])
    assert gap(values, np.append(kind, np.full(50, -1)), 4, 0) == gap(matrix.values, kind, 4, 0)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (np.zeros((0, 2)), np.zeros(0, dtype=np.int64)),
        (np.ones((40, 2)), np.arange(40) % 2),
        (np.random.default_rng(0).normal(size=(40, 2)), np.zeros(40, dtype=np.int64)),
        (np.random.default_rng(0).normal(size=(40, 2)), np.full(40, -1)),
        (np.array([[0.0], [1.0]]), np.array([0, 1])),
    ],
)
def test_where_it_is_not_defined_it_is_none(values: np.ndarray, labels: np.ndarray) -> None:
    assert gap(values, labels, 2, 0) is None


def test_groups_of_one_point_each_have_no_gap() -> None:
    assert gap(np.repeat([[0.0], [5.0]], 20, axis=0), np.repeat([0, 1], 20), 2, 0) is None


def test_a_budget_of_two_and_of_ten() -> None:
    assert candidates(2, 1_000) == [2]
    assert candidates(10, 1_000) == [4, 5, 6, 7, 8, 9, 10]
    assert candidates(10, 30) == [2, 3]
