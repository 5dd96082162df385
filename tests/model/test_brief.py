"""Names, portraits, briefs and strategies: facts alone, no two alike."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.brief import brief
from shoal.model.name import names, unique_names
from shoal.model.playbook import catalogue, recommend
from shoal.model.portrait import Crowd, crowd, portrait
from shoal.model.rules import select
from shoal.model.tags import tags
from shoal.summary import Interval


@pytest.fixture(scope="module")
def everybody(shop_table: pa.Table) -> Crowd:
    return crowd(shop_table, {})


def of(everybody: Crowd, table: pa.Table, rule: str):
    return portrait(everybody, select(rule, table))


@given(st.lists(st.sampled_from(["Loyal", "loyal", "New", "Loyal 2"])), st.sets(st.sampled_from(["New", "Loyal"])))
def test_no_two_names_are_alike(wanted: list[str], taken: set[str]) -> None:
    found = unique_names(wanted, taken)
    assert len({name.casefold() for name in [*found, *taken]}) == len(found) + len(taken)


def test_those_who_buy_often_and_much_are_called_so(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders >= 10 and recency_days < 30")
    assert names(everybody, [own]) == ["Frequent big spenders"]


def test_those_who_bought_once_long_ago_are_called_so(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders = 1 and recency_days >= 200")
    assert names(everybody, [own])[0].startswith("Lapsed")
    assert "one-time buyers" in names(everybody, [own])[0]


def test_segments_of_one_kind_are_told_apart_by_what_differs(everybody: Crowd, shop_table: pa.Table) -> None:
    early = of(everybody, shop_table, "orders = 1 and recency_days >= 300")
    late = of(everybody, shop_table, "orders = 1 and recency_days >= 150 and recency_days < 300")
    one, two = names(everybody, [early, late])
    assert one != two
    assert one.startswith("Long-lapsed")


def test_what_only_users_do_is_called_by_use() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"recency_days": rng.uniform(0, 99, 200), "active_days": rng.integers(1, 60, 200)})
    everybody = crowd(table, {})
    assert "users" in names(everybody, [portrait(everybody, select("active_days >= 50", table))])[0].lower()


def test_a_clear_leaning_names_the_category() -> None:
    rng = np.random.default_rng(0)
    gifts = np.where(np.arange(300) < 90, rng.uniform(0.7, 1, 300), rng.uniform(0, 0.2, 300))
    table = pa.table({"orders": rng.integers(1, 9, 300), "revenue": rng.lognormal(3, 1, 300), "share_gifts": gifts})
    everybody = crowd(table, {})
    assert names(everybody, [portrait(everybody, np.arange(300) < 90)])[0].endswith("who buy gifts")


def test_protected_traits_are_in_no_portrait() -> None:
    table = pa.table({"orders": [1, 2], "age": [30, 60]})
    assert "age" not in crowd(table, {}).values


def test_traits_are_ordered_by_effect_and_say_both_numbers(everybody: Crowd, shop_table: pa.Table) -> None:
    found = brief(everybody, of(everybody, shop_table, "orders >= 10")).traits
    effects = [abs(trait.effect) for trait in found]
    assert effects == sorted(effects, reverse=True)
    assert all(" against " in trait.words for trait in found)
    assert found[0].inside != found[0].outside


def test_shares_of_people_and_value_are_those_of_the_data(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders >= 10")
    orders, revenue = np.asarray(shop_table["orders"]), np.asarray(shop_table["revenue"])
    assert own.size == int((orders >= 10).sum())
    assert own.value_share == pytest.approx(revenue[orders >= 10].sum() / revenue.sum())


def test_expected_revenue_is_said_with_its_interval(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders >= 10")
    found = brief(everybody, own, expected=Interval(value=54.0, low=50, high=58), currency="GBP")
    assert "next period 54 GBP (50 to 58) a person is expected" in found.value


def test_small_expected_revenue_has_two_digits(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders >= 10")
    found = brief(everybody, own, expected=Interval(value=0.357, low=0.12, high=0.6), currency="EUR")
    assert "next period 0.36 EUR (0.12 to 0.60) a person is expected" in found.value


def test_money_in_traits_and_headline_has_its_currency(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "revenue >= 500")
    found = brief(everybody, own, currency="EUR")
    told = next(trait.words for trait in found.traits if trait.feature == "revenue")
    assert re.fullmatch(r"[^:]*: [\d,.]+ EUR against [\d,.]+ EUR", told)
    assert told[1:] in found.headline
    assert "EUR" not in brief(everybody, own).headline


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"stability": 0.5}, "Unstable"),
        ({"fidelity": 0.6}, "simplifies"),
        ({"drift": -0.4}, "Drifting"),
        ({"floor": 0.9}, "floor"),
    ],
)
def test_a_weakness_is_a_risk(everybody: Crowd, shop_table: pa.Table, given_: dict[str, float], says: str) -> None:
    own = of(everybody, shop_table, "orders >= 2")
    assert any(says in risk for risk in brief(everybody, own, **given_).risks)
    assert not any(says in risk for risk in brief(everybody, own).risks)


def test_a_small_segment_says_so(everybody: Crowd, shop_table: pa.Table) -> None:
    own = of(everybody, shop_table, "orders >= 22")
    assert 0 < own.size < 100
    assert brief(everybody, own).risks[0].startswith("Small")


def test_an_empty_segment_has_a_brief(everybody: Crowd, shop_table: pa.Table) -> None:
    found = brief(everybody, of(everybody, shop_table, "orders >= 1000"))
    assert found.headline == "Nobody as of now."
    assert found.strategies == []


def test_one_person_has_a_name_and_a_brief() -> None:
    table = pa.table({"orders": [1], "revenue": [10.0], "recency_days": [3.0]})
    everybody = crowd(table, {})
    own = portrait(everybody, np.array([True]))
    assert names(everybody, [own])
    assert brief(everybody, own).headline.startswith("1 person (100%)")


def test_returns_are_a_risk_and_call_for_care() -> None:
    rng = np.random.default_rng(0)
    back = np.where(np.arange(200) < 60, 0.3, 0.01)
    table = pa.table({"orders": rng.integers(1, 9, 200), "revenue": rng.lognormal(3, 1, 200), "refund_share": back})
    everybody = crowd(table, {})
    found = brief(everybody, portrait(everybody, np.arange(200) < 60))
    assert any(risk.startswith("Returns: 30%") for risk in found.risks)
    assert any("returns" in play for play in found.strategies)


def test_no_more_than_one_strategy_a_move() -> None:
    said = {"commerce", "high_value", "frequent", "active", "wide", "weekend", "returns"}
    moves = {play.said: play.move for play in catalogue()}
    found = recommend(said)
    assert len({moves[said] for said in found}) == len(found) == 4


def test_whatever_a_segment_is_there_is_something_to_do() -> None:
    assert len(recommend(set())) == 1


def test_tags_are_words_of_the_playbook(everybody: Crowd, shop_table: pa.Table) -> None:
    said = tags(everybody, of(everybody, shop_table, "orders >= 10 and recency_days < 30"))
    assert {"commerce", "active", "frequent", "high_value"} <= said
