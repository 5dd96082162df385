"""Ward's tree: scipy's where each person is a leaf, exactly nested, and weighing micro-clusters by their people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from model.clouds import clouds, points
from shoal.model.ward import Tree, WardRecipe, linked, parents


@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_few_people_have_the_tree_that_scipy_gives(k: int) -> None:
    values = np.random.default_rng(k).normal(size=(80, 3))
    theirs = fcluster(linkage(values, "ward"), k, "maxclust")
    assert adjusted_rand_score(theirs, WardRecipe().fit(points(values), k, 0).labels) == 1.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 4)), min_size=3, max_size=8, unique_by=lambda one: one[0]))
def test_a_weight_is_so_many_people_in_one_place(weighed: list[tuple[int, int]]) -> None:
    # Irregular places, so that no two merges cost the same.
    places = np.array([[place + np.sin(7 * place) / 5, np.cos(3 * place)] for place, _ in weighed])
    sizes = np.array([size for _, size in weighed])
    theirs = fcluster(linkage(np.repeat(places, sizes, axis=0), "ward"), 2, "maxclust")
    ours = Tree(np.arange(len(sizes)), linked(places, sizes.astype(np.float64))).cut(2)
    assert adjusted_rand_score(theirs, np.repeat(ours, sizes)) == 1.0


def test_cuts_of_one_tree_are_exactly_nested() -> None:
    matrix, _ = clouds(people=2000, apart=1.5)
    cuts = WardRecipe().cuts(matrix, [2, 4, 6, 27], 0)
    assert [cuts[k].k for k in (2, 4, 6, 27)] == [2, 4, 6, 27]
    for coarse, fine in ((2, 4), (4, 6), (6, 27)):
        above = np.array(parents(cuts[fine], cuts[coarse]))
        np.testing.assert_array_equal(above[cuts[fine].labels], cuts[coarse].labels)


def test_a_cut_of_several_is_the_cut_alone() -> None:
    matrix, _ = clouds(apart=1.5)
    together = WardRecipe().cuts(matrix, [3, 5], 7)
    np.testing.assert_array_equal(together[5].labels, WardRecipe().fit(matrix, 5, 7).labels)


def test_there_are_no_more_groups_than_people_who_differ() -> None:
    matrix = points(np.repeat(np.arange(3.0), 5)[:, None])
    assert WardRecipe().cuts(matrix, [10], 0)[10].k == 3


def test_those_not_learned_from_are_in_the_nearest_micro_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.model.ward.FITTED", 400)
    matrix, kind = clouds(people=3000)
    assert adjusted_rand_score(kind, WardRecipe().fit(matrix, 4, 0).labels) >= 0.9
