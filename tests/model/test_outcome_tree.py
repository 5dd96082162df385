"""A tree's groups are its rules, its thresholds are round, and people without a value stand where they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from model.pasts import META, expected, features, foreseen, table_of
from shoal.model.distil import distil
from shoal.model.matrix import build
from shoal.model.meta import FeatureMeta
from shoal.model.outcome_tree import Grid, OutcomeTreeRecipe, grown
from shoal.model.rules import Cut, assign, select
from shoal.testing import check_recipe


def test_it_keeps_the_contract_of_recipes() -> None:
    check_recipe(OutcomeTreeRecipe())


@pytest.mark.parametrize("k", [2, 6, 10])
def test_the_groups_are_their_rules(k: int) -> None:
    table = table_of(features(400, 9))
    matrix, _ = foreseen(400)
    found = OutcomeTreeRecipe().fit(matrix, k, 0)
    said = distil(matrix, found, floor=0.0)
    assert said.fidelity == 1
    cuts = [Cut(str(group), "discovered", rule) for group, rule in zip(said.groups, said.rules, strict=True)]
    np.testing.assert_array_equal(assign(cuts, table), found.labels)
    assert sum(select(cut.rule, table) for cut in cuts).tolist() == [1] * 400
    assert found.k <= k


def test_who_will_spend_is_what_it_parts() -> None:
    columns = features(600, 3)
    matrix = build(table_of(columns), META)
    found = OutcomeTreeRecipe().fit(matrix, 3, 0)
    by_outcome = grown(Grid.of(matrix), matrix, expected(columns)[:, None], 3)
    worth = [set(expected(columns)[by_outcome.labels == group]) for group in range(3)]
    assert sorted(map(tuple, worth)) == [(0.0,), (100.0,), (300.0,)]
    assert found.k == 3


def test_the_same_people_give_the_same_tree_whatever_the_seed() -> None:
    matrix, _ = foreseen(300)
    one, two = (OutcomeTreeRecipe().fit(matrix, 5, seed) for seed in (1, 2))
    assert one.tree == two.tree
    np.testing.assert_array_equal(one.labels, two.labels)


def test_thresholds_do_not_depend_on_who_is_drawn() -> None:
    matrix, _ = foreseen(500)
    whole = Grid.of(matrix)
    for turn in range(5):
        drawn = Grid.of(matrix.take(np.random.default_rng(turn).integers(0, 500, 500)))
        for mine, theirs in zip(drawn.edges, whole.edges, strict=True):
            assert set(mine[1:-1]) <= set(theirs)
            assert set(theirs[1:-1]) <= set(mine)  # but for the last on each side, near which nobody may be drawn


def test_fine_thresholds_are_those_and_more() -> None:
    matrix, _ = foreseen(500)
    for coarse, fine in zip(Grid.of(matrix).edges, Grid.of(matrix, fine=True).edges, strict=True):
        assert set(coarse) <= set(fine)
        assert len(fine) > len(coarse)


def test_a_code_is_the_number_of_thresholds_reached() -> None:
    grid = Grid((np.array([1.0, 5.0]), np.array([])))
    assert grid.codes(np.array([[0.9, 3.0], [1.0, 3.0], [5.0, 3.0]])).tolist() == [[0, 0], [1, 0], [2, 0]]


@pytest.mark.parametrize(("name", "unit", "side"), [("recency_days", "days", "high"), ("orders", "count", "low")])
def test_people_without_a_value_stand_on_the_side_that_the_rules_say(name: str, unit: str, side: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 200, 400)
    values[:12] = np.nan
    table = table_of({name: values})
    matrix = build(table, {name: FeatureMeta(name, name, unit, "rhythm")})
    assert matrix.absent == {name: side}
    # Those without a value are as those beyond them.
    target = (np.nan_to_num(values, nan=1e9 if side == "high" else -1e9) >= 60).astype(np.float64)
    found = grown(Grid.of(matrix), matrix, target[:, None], 2)
    said = distil(matrix, found, floor=0.0)
    cuts = [Cut(str(group), "discovered", rule) for group, rule in zip(said.groups, said.rules, strict=True)]
    np.testing.assert_array_equal(assign(cuts, table), found.labels)
    alike = found.labels[np.nanargmax(values) if side == "high" else np.nanargmin(values)]
    assert (found.labels[:12] == alike).all()


def test_targets_in_which_nobody_differs_give_one_group() -> None:
    matrix, _ = foreseen(300)
    found = grown(Grid.of(matrix), matrix, np.full((300, 2), 7.3), 5)
    assert found.k == 1
    assert found.tree is not None
    assert found.tree.leaves() == 1


def test_no_leaf_is_smaller_than_asked() -> None:
    matrix, _ = foreseen(400)
    noise = np.random.default_rng(0).normal(size=(400, 20))
    found = grown(Grid.of(matrix), matrix, noise, 30, 0.1)
    assert np.bincount(found.labels).min() >= 40


def test_of_splits_that_explain_nearly_as_much_the_input_that_reads_easiest_is_taken() -> None:
    rng = np.random.default_rng(0)
    exact = rng.uniform(0, 200, 400)
    nearly = np.where(np.arange(400) < 12, 200 - exact, exact)
    matrix = build(table_of({"orders": rng.permutation(exact), "breadth": exact}), {})
    matrix = replace(matrix, raw=np.column_stack([nearly, exact]))
    assert matrix.names == ("orders", "breadth")
    found = grown(Grid.of(matrix), matrix, (exact >= 100)[:, None].astype(float), 2)
    assert found.tree is not None
    assert matrix.names[found.tree.feature] == "orders"
    far = replace(matrix, raw=np.column_stack([rng.permutation(exact), exact]))
    other = grown(Grid.of(far), far, (exact >= 100)[:, None].astype(float), 2)
    assert other.tree is not None
    assert far.names[other.tree.feature] == "breadth"


def test_without_an_outlook_it_is_a_tree_of_the_features() -> None:
    matrix = build(table_of(features(300)), META)
    assert matrix.outlook is None
    assert OutcomeTreeRecipe().fit(matrix, 4, 0).k == 4


def test_a_matrix_without_inputs_is_one_group() -> None:
    matrix = build(pa.table({"person": np.arange(30), "orders": np.ones(30)}), {})
    assert OutcomeTreeRecipe().fit(matrix, 4, 0).k == 1
