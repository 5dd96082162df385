"""People whom a recipe leaves out: a class of the tree that gives no rule, and no group in any figure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from shoal.model import choose
from shoal.model.density import DensityRecipe
from shoal.model.discover import discover
from shoal.model.distil import Distilled, distil, drawing
from shoal.model.matrix import Matrix, build
from shoal.model.recipe import Grouping, grouping
from shoal.model.rules import assign
from shoal.report.tree import streams
from shoal.summary import TreeNode

PEOPLE = 600
WHERE = np.arange(PEOPLE) % 10  # of ten people four are in one niche, three in another, one in a small one


def crowd() -> tuple[pa.Table, np.ndarray]:
    rng = np.random.default_rng(0)
    kind = np.select([WHERE < 4, WHERE < 7, WHERE < 8], [0, 1, 2], -1)
    far = rng.uniform(20, 60, PEOPLE)
    orders = np.where(kind == 0, 2.0, np.where(kind == 1, 9.0, np.where(kind == 2, 11.0, far)))
    return pa.table({"orders": orders + rng.normal(scale=0.1, size=PEOPLE), "breadth": rng.uniform(size=PEOPLE)}), kind


class Planted:
    """Finds what was planted."""

    name = "planted"

    def __init__(self, kind: np.ndarray) -> None:
        self.kind = kind

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        return grouping(self.kind[matrix.rows], matrix.values)


@pytest.fixture
def said() -> tuple[Matrix, Distilled]:
    table, kind = crowd()
    matrix = build(table, {})
    return matrix, distil(matrix, grouping(kind, matrix.values))


def leaves(node: TreeNode) -> list[TreeNode]:
    return [leaf for branch in node.branches for leaf in leaves(branch)] if node.branches else [node]


def test_noise_is_learned_and_gives_no_rule(said: tuple[Matrix, Distilled]) -> None:
    found = said[1]
    assert found.groups == (0, 1, 2)
    assert len(found.rules) == 3
    np.testing.assert_array_equal(found.labels < 0, crowd()[1] < 0)
    assert found.jaccards == (1, 1, 1)
    assert found.fidelity == 1
    assert "20.0% of people are in no segment: they are near no cluster" in found.notes


def test_a_leaf_of_noise_is_drawn_without_a_segment(said: tuple[Matrix, Distilled]) -> None:
    matrix, found = said
    drawn = drawing(found, matrix, ["A", "B", "C"])
    shares: dict[str | None, float] = {}
    for leaf in leaves(drawn):
        shares[leaf.segment] = shares.get(leaf.segment, 0) + leaf.share
    assert shares == {
        "A": pytest.approx(0.4),
        "B": pytest.approx(0.3),
        "C": pytest.approx(0.1),
        None: pytest.approx(0.2),
    }
    assert len(streams(drawn).knots) >= len(shares)


def test_a_small_segment_joins_another_and_never_the_noise() -> None:
    table, kind = crowd()
    matrix = build(table, {})
    found = distil(matrix, grouping(kind, matrix.values), floor=0.15)
    np.testing.assert_array_equal(found.labels, np.where(kind == 2, 1, kind))


def test_a_small_segment_with_nothing_but_noise_around_it_stays_as_a_niche() -> None:
    table, kind = crowd()
    matrix = build(table, {})
    found = distil(matrix, grouping(np.where(kind == 2, 0, -1), matrix.values), floor=0.15)
    assert found.niche == (True,)
    np.testing.assert_array_equal(found.labels == 0, kind == 2)


def test_to_leave_out_whom_the_cluster_leaves_out_earns_no_fidelity() -> None:
    rng = np.random.default_rng(0)
    matrix = build(pa.table({"orders": rng.uniform(size=PEOPLE)}), {})
    few = np.where(rng.random(PEOPLE) < 0.05, 0, -1)  # anywhere: no rule can say who they are
    found = distil(matrix, grouping(few, matrix.values))
    assert found.fidelity < 0.2
    assert not found.sayable


def test_nobody_in_a_group_is_no_segment_and_no_crash() -> None:
    matrix = build(crowd()[0], {})
    found = distil(matrix, grouping(np.full(PEOPLE, -1), matrix.values))
    assert found.groups == ()
    assert not found.sayable
    assert discover(crowd()[0], {}, recipe=Planted(np.full(PEOPLE, -1))).reason.startswith("not enough data")


def test_figures_of_a_number_of_segments_are_of_those_in_a_group() -> None:
    table, kind = crowd()
    matrix = build(table, {})
    group = grouping(kind, matrix.values)
    inside = kind >= 0
    alone = grouping(kind[inside], matrix.values[inside])
    assert choose.explained(matrix.values, group) == choose.explained(matrix.values[inside], alone)
    assert choose.silhouette(matrix.values, group.labels, 0) == choose.silhouette(
        matrix.values[inside], alone.labels, 0
    )


def test_people_lost_to_noise_lower_the_overlap_of_their_group() -> None:
    class Forgetful(Planted):
        def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
            labels = np.where((seed > 0) & (WHERE[matrix.rows] < 2), -1, self.kind[matrix.rows])
            return grouping(labels, matrix.values)

    table, kind = crowd()
    matrix = build(table, {})
    recipe = Forgetful(kind)
    found = choose.jaccards(recipe, matrix, recipe.fit(matrix, 3, 0), 0)
    np.testing.assert_allclose(found, [0.5, 1, 1], atol=0.06)


def test_no_group_at_all_is_as_unstable_as_can_be() -> None:
    matrix = build(crowd()[0], {})
    choice = choose.choose_k(Planted(np.full(PEOPLE, -1)), matrix, [4])[0]
    assert (choice.jaccard_mean, choice.jaccard_min, choice.silhouette, choice.explained) == (0, 0, None, None)


def test_segments_found_by_density_leave_people_out_and_say_how_many(planted: Callable) -> None:
    table, kind = planted(people=900, seed=1)
    found = discover(table, {}, recipe=DensityRecipe())
    codes = assign(found.cuts, table)
    inside = codes >= 0
    assert 0.5 < inside.mean() < 1
    assert adjusted_rand_score(kind[inside], codes[inside]) >= 0.8
    assert any(f"{np.mean(~inside):.1%} of people are in no segment" in note for note in found.discovery.notes)
    assert found.discovery.tree is not None
    assert None in {leaf.segment for leaf in leaves(found.discovery.tree)}
