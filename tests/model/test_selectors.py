"""Single conditions: what they may be on, and that their rule selects whom they select."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.meta import OUTCOME, FeatureMeta
from shoal.model.rules import select
from shoal.model.selectors import Condition, selectors


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    share = np.where(rng.random(500) < 0.6, 0.0, rng.random(500))
    gap = np.where(rng.random(500) < 0.3, np.nan, rng.gamma(2, 20, 500))
    return pa.table(
        {
            "person": np.arange(500),
            "orders": rng.poisson(4, 500),
            "weekend_share": share,
            "gap_days_mean": gap,
            "score": pa.array([None if one < 50 else float(one) for one in range(500)]),
            "vip": pa.array(rng.random(500) < 0.5),
            "plan": pa.array(rng.choice(["Free", "Pro", "it's"], 500)),
            "age": rng.integers(18, 90, 500),
        }
    )


def test_a_rule_selects_whom_its_condition_selects(table: pa.Table) -> None:
    given = selectors(table, {})
    assert len(given.conditions) > 30
    held = given.matrix(np.arange(table.num_rows))
    for place, one in enumerate(given.conditions):
        chosen = select(given.rule([one]), table)
        assert np.array_equal(given.holds(one), chosen)
        assert np.array_equal(held[:, place].astype(bool), chosen)


def test_who_has_no_value_is_on_neither_side(table: pa.Table) -> None:
    given = selectors(table, {})
    unknown = np.isnan(table["gap_days_mean"].to_numpy())
    for one in given.conditions:
        if one.column == "gap_days_mean":
            assert not given.holds(one)[unknown].any()
        if one.column == "score":
            assert not given.holds(one)[:50].any()


def test_two_bounds_of_one_feature_make_an_interval(table: pa.Table) -> None:
    given = selectors(table, {})
    bounds = [Condition("orders", low=2.0), Condition("orders", high=6.0), Condition("weekend_share", low=0.5)]
    rule = given.rule(bounds)
    assert rule == "orders >= 2 and orders < 6 and weekend_share >= 0.5"
    assert np.array_equal(given.everywhere(bounds), select(rule, table))


def test_protected_hidden_predicted_and_told_columns_make_no_condition(table: pa.Table) -> None:
    meta = {
        "score": FeatureMeta("score", "score", "", "prediction"),
        "plan": FeatureMeta("plan", "plan", "", OUTCOME),
        "gap_days_mean": FeatureMeta("gap_days_mean", "gap", "days", "hidden"),
    }
    used = {one.column for one in selectors(table, meta, barred=["vip"]).conditions}
    assert used == {"orders", "weekend_share"}


def test_names_of_people_make_no_condition() -> None:
    table = pa.table({"name": ["Anna", "Ben"] * 50, "plan_name": ["Free", "Pro"] * 50})
    assert {one.column for one in selectors(table, {}).conditions} == {"plan_name"}


def test_windows_of_plain_columns_make_no_condition() -> None:
    table = pa.table({"orders": [1, 2, 3, 4], "orders_90d": [1, 2, 3, 4], "breadth": [1, 2, 3, 4]})
    assert {one.column for one in selectors(table, {}, plain=["orders"]).conditions} == {"orders", "breadth"}


def test_many_features_are_cut_into_fewer_levels() -> None:
    rng = np.random.default_rng(1)
    table = pa.table({f"x{place}": rng.normal(size=300) for place in range(150)})
    assert 300 <= len(selectors(table, {}).conditions) <= 600


def test_a_feature_that_is_the_same_for_all_or_unknown_makes_no_condition() -> None:
    table = pa.table({"same": [1.0] * 50, "none": pa.nulls(50, pa.float64()), "nan": [float("nan")] * 50})
    assert selectors(table, {}).conditions == ()


def test_not_a_value_is_a_condition_only_where_most_are_known() -> None:
    plans = ["Free", "Pro", "Team"] * 30
    rules = {one.rule for one in selectors(pa.table({"plan": plans}), {}).conditions}
    assert "plan <> 'Pro'" in rules
    gaps = {one.rule for one in selectors(pa.table({"plan": [*plans, *[None] * 10]}), {}).conditions}
    assert gaps == {"plan = 'Free'", "plan = 'Pro'", "plan = 'Team'"}


def test_infinite_values_are_cut_off_from_nothing() -> None:
    table = pa.table({"x": [float("inf")] * 10 + [float(one) for one in range(90)]})
    given = selectors(table, {})
    for one in given.conditions:
        assert np.array_equal(given.holds(one), select(given.rule([one]), table))
