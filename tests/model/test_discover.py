"""Planted segments come back as rules; poor data is a reason, never a crash."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from shoal.model import choose, matrix
from shoal.model.clusters import KMeansRecipe
from shoal.model.discover import discover
from shoal.model.distil import distil
from shoal.model.recipe import grouping
from shoal.model.rules import assign, select


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_segments_are_recovered(planted: Callable, seed: int) -> None:
    table, kind = planted(seed=seed)
    found = discover(table, {})
    assert adjusted_rand_score(kind, assign(found.cuts, table)) >= 0.8
    assert len(found.cuts) == 4


def test_the_same_seed_gives_the_same_result_to_the_bit(shop_table: pa.Table) -> None:
    assert discover(shop_table, {}, seed=7) == discover(shop_table, {}, seed=7)


def test_exactly_one_rule_holds_for_everybody(shop_table: pa.Table) -> None:
    found = discover(shop_table, {}, budget=8)
    assert (np.sum([select(cut.rule, shop_table) for cut in found.cuts], axis=0) == 1).all()


def test_names_differ_from_each_other_and_from_those_taken(shop_table: pa.Table) -> None:
    first = [cut.name for cut in discover(shop_table, {}).cuts]
    again = [cut.name for cut in discover(shop_table, {}, taken=first).cuts]
    assert len({*first, *again}) == 2 * len(first)


def test_the_tree_holds_every_segment_and_everybody(shop_table: pa.Table) -> None:
    found = discover(shop_table, {})
    assert found.discovery.tree is not None
    leaves, todo = [], [found.discovery.tree]
    while todo:
        node = todo.pop()
        todo += node.branches
        leaves += [] if node.branches else [node]
    assert {leaf.segment for leaf in leaves} == {cut.name for cut in found.cuts}
    assert sum(leaf.share for leaf in leaves) == pytest.approx(1)


def test_a_great_budget_is_warned_about(planted: Callable) -> None:
    found = discover(planted(300)[0], {}, budget=20)
    assert any("20 segments were allowed" in note for note in found.discovery.notes)


def test_exactly_one_candidate_is_chosen(shop_table: pa.Table) -> None:
    assert sum(choice.chosen for choice in discover(shop_table, {}).discovery.choices) == 1


@pytest.mark.parametrize("people", [0, 1, 3, 39])
def test_few_people_are_not_enough_data(planted: Callable, people: int) -> None:
    table = planted(60)[0].slice(0, people)
    found = discover(table, {})
    assert found.reason.startswith("not enough data")
    assert found.cuts == ()


def test_people_who_are_all_alike_are_not_enough_data() -> None:
    same = pa.table({"person": range(100), "orders": [1] * 100, "revenue": [9.5] * 100, "recency_days": [3.0] * 100})
    assert discover(same, {}).reason == "not enough data: no feature differs between people"


def test_a_table_without_a_usable_feature_is_not_enough_data() -> None:
    table = pa.table({"person": range(100), "plan": ["a"] * 100, "gap_days_mean": pa.array([None] * 100, pa.float64())})
    assert discover(table, {}).reason.startswith("not enough data")


def test_two_kinds_of_people_make_two_segments_whatever_the_budget() -> None:
    table = pa.table({"person": range(100), "orders": [1, 9] * 50, "revenue": [10.0, 900.0] * 50})
    assert len(discover(table, {}, budget=6).cuts) == 2


def test_one_time_buyers_are_told_apart_by_what_else_differs() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {"recency_days": rng.uniform(0, 400, 300), "orders": [1] * 300, "revenue": rng.lognormal(3, 1, 300)}
    )
    found = discover(table, {})
    assert len(found.cuts) >= 2
    assert all("orders" not in cut.rule for cut in found.cuts)


def test_of_stable_numbers_the_one_that_keeps_people_apart_is_chosen(planted: Callable) -> None:
    inputs = matrix.build(planted()[0], {})
    choices = choose.choose_k(KMeansRecipe(), inputs, [2, 4, 5])
    assert choose.stable(choices[2])
    assert [choice.k for choice in choices if choice.chosen] == [4]


def test_groups_that_come_back_have_a_jaccard_near_one(planted: Callable) -> None:
    inputs = matrix.build(planted()[0], {})
    recipe = KMeansRecipe()
    assert choose.jaccards(recipe, inputs, recipe.fit(inputs, 4, 0), 0).min() > 0.9


def test_a_segment_below_the_floor_joins_its_neighbour(planted: Callable) -> None:
    inputs = matrix.build(planted()[0], {})
    found = distil(inputs, KMeansRecipe().fit(inputs, 4, 0), floor=0.4)
    shares = np.bincount(found.labels) / len(found.labels)
    assert shares[shares > 0].min() >= 0.4
    assert any("merged into its nearest neighbour" in note for note in found.notes)


def test_a_small_segment_with_much_of_the_value_stays_as_a_niche() -> None:
    rng = np.random.default_rng(0)
    few = np.arange(400) < 8
    table = pa.table({"revenue": np.where(few, 5000, 10) * rng.uniform(0.9, 1.1, 400), "orders": np.where(few, 40, 1)})
    inputs = matrix.build(table, {})
    labels = grouping(few.astype(np.int64), inputs.values)
    worth = np.asarray(table["revenue"])[inputs.rows]
    kept = distil(inputs, labels, floor=0.05, worth=worth)
    assert kept.niche == (False, True)
    assert len(distil(inputs, labels, floor=0.05).groups) == 1


numbers = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 3.5, 40.0, 1e7])


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_rules_are_disjoint_and_exhaustive_on_random_tables(data: st.DataObject) -> None:
    people = data.draw(st.integers(40, 90))
    column = st.lists(numbers, min_size=people, max_size=people)
    table = pa.table({name: data.draw(column) for name in ("revenue", "recency_days", "share_gifts")})
    found = discover(table, {})
    if found.cuts:
        assert (np.sum([select(cut.rule, table) for cut in found.cuts], axis=0) == 1).all()
        assert len({cut.name for cut in found.cuts}) == len(found.cuts)
    else:
        assert found.reason
