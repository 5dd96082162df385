"""What every recipe keeps to: its contract, planted kinds found, odd people no error; and numbering of groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from model.clouds import answers, clouds, points
from shoal.model import traits
from shoal.model.clusters import KMeansRecipe
from shoal.model.density import DensityRecipe
from shoal.model.matrix import Matrix, build
from shoal.model.meta import FeatureMeta
from shoal.model.mixture import MixtureRecipe
from shoal.model.recipe import Grouping, Recipe, grouping
from shoal.model.ward import WardRecipe
from shoal.testing import Broken, check_recipe

RECIPES = [KMeansRecipe, MixtureRecipe, WardRecipe, DensityRecipe]
every = pytest.mark.parametrize("make", RECIPES)


def agreement(found: Grouping, kind: np.ndarray) -> float:
    """Adjusted Rand index among those in a group."""
    inside = found.labels >= 0
    return float(adjusted_rand_score(kind[inside], found.labels[inside]))


@every
def test_a_recipe_keeps_its_contract(make: Callable[[], Recipe]) -> None:
    check_recipe(make())


@every
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_clouds_are_found(make: Callable[[], Recipe], seed: int) -> None:
    matrix, kind = clouds(seed=seed)
    found = make().fit(matrix, 4, seed)
    assert agreement(found, kind) >= 0.9
    assert (found.labels >= 0).mean() >= 0.8


@every
def test_planted_kinds_of_yes_or_no_answers_are_found(make: Callable[[], Recipe]) -> None:
    matrix, kind = answers()
    found = make().fit(matrix, 4, 0)
    assert agreement(found, kind) >= 0.9
    assert (found.labels >= 0).mean() >= 0.8


@every
def test_texts_as_numbers_are_inputs_like_any_other(make: Callable[[], Recipe]) -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 400)
    texts = {
        name: pa.array([f"{name}{value}" for value in np.where(rng.random(400) < 0.05, rng.integers(0, 3, 400), kind)])
        for name in ("plan", "size", "region")
    }
    meta = {name: FeatureMeta(name, name, "", "trait") for name in texts}
    table, meta = traits.numbered(pa.table(texts), meta, list(texts), set())
    assert agreement(make().fit(build(table, meta), 3, 0), kind) >= 0.8


@every
def test_people_of_two_kinds_are_at_most_two_groups(make: Callable[[], Recipe]) -> None:
    matrix = points(np.repeat([[0.0, 1.0], [1.0, 0.0]], 40, axis=0))
    found = make().fit(matrix, 5, 0)
    assert found.k == 2
    np.testing.assert_array_equal(found.labels, np.repeat([0, 1], 40))


@every
def test_inputs_of_nothing_put_everybody_into_one_group(make: Callable[[], Recipe]) -> None:
    assert make().fit(points(np.full((60, 3), 0.1)), 4, 0).k == 1


def test_people_in_no_group_get_no_number_and_no_centre() -> None:
    found = grouping(np.array([-3, 5, 5, -1, 2]), np.array([[9.0], [1.0], [3.0], [9.0], [4.0]]))
    assert found.labels.tolist() == [-1, 0, 0, -1, 1]
    assert found.centres.tolist() == [[2.0], [4.0]]


def test_nobody_in_a_group_is_no_group() -> None:
    found = grouping(np.array([-1, -1]), np.zeros((2, 3)))
    assert found.k == 0
    assert found.centres.shape == (0, 3)


class _Broken(KMeansRecipe):
    """Says of one person what no recipe may say."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        found = super().fit(matrix, k, seed)
        return replace(found, labels=np.where(np.arange(len(found.labels)) == 0, self.label, found.labels))


@pytest.mark.parametrize("label", [-2, 99])
def test_a_label_that_is_no_group_breaks_the_contract(label: int) -> None:
    with pytest.raises(Broken, match="labels are 0 to k-1, or -1"):
        check_recipe(_Broken(label))
