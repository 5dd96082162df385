"""What is claimed reads plainly and has its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from shoal.model.boxes import ABOVE_ZERO
from shoal.model.claim import Numbers, Past, claim, people
from shoal.model.meta import FeatureMeta
from shoal.model.selectors import Condition
from shoal.model.targets import Target

META = {
    one.name: one
    for one in (
        FeatureMeta("weekend_share", "share at weekends", "share"),
        FeatureMeta("items_per_order", "different items in an order", "count"),
        FeatureMeta("recency_days", "last order", "ago"),
        FeatureMeta("aov", "average order value", "money"),
        FeatureMeta("refunds", "returns", "count"),
        FeatureMeta("tenure", "tenure", ""),
        FeatureMeta("plan", "plan", ""),
    )
}
NOBODY = np.empty(0)
VALUE = Target("value", "revenue", NOBODY, "amount", "are worth", " in the next 90 days", "EUR")
CHURN = Target("churn", "stop buying", NOBODY, "rate", "stop buying", " in the next 90 days")
LABEL = Target("left", "churn is Yes", NOBODY, "rate")
PAST = Past.of(["recency_days"], META)
MORE = Numbers(31.2, 21.8, 0.43, 0.12, 0.7)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ([Condition("weekend_share", low=0.5)], "people with share at weekends of at least 50%"),
        ([Condition("items_per_order", high=4)], "people with under 4 different items in an order"),
        ([Condition("aov", 10, 25)], "people with average order value from 10 to under 25"),
        ([Condition("recency_days", high=30)], "people with last order under 30 days ago"),
        ([Condition("refunds", low=ABOVE_ZERO)], "people with some returns"),
        ([Condition("refunds", high=ABOVE_ZERO)], "people with no return"),
        ([Condition("weekend_share", low=ABOVE_ZERO)], "people with share at weekends above 0"),
        ([Condition("weekend_share", ABOVE_ZERO, 0.5)], "people with share at weekends above 0 and under 50%"),
        ([Condition("weekend_share", high=ABOVE_ZERO)], "people with share at weekends of 0"),
        ([Condition("plan", rule="plan is Pro")], "people whose plan is Pro"),
        (
            [Condition("refunds", low=2), Condition("refunds", high=5), Condition("plan", rule="plan is Pro")],
            "people with from 2 to under 5 returns and whose plan is Pro",
        ),
    ],
)
def test_people_are_told_by_their_conditions(conditions: list[Condition], said: str) -> None:
    assert people(conditions, META) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-np.inf, 1, "no active day in 30 days"),
        (1, np.inf, "at least 1 active day in 30 days"),
        (2, 3, "exactly 2 active days in 30 days"),
        (-np.inf, 2, "under 2 active days in 30 days"),
    ],
)
def test_whole_numbers_are_counted_in_words(low: float, high: float, said: str) -> None:
    meta = {"active_days_30d": FeatureMeta("active_days_30d", "active days in 30 days", "count")}
    assert people([Condition("active_days_30d", low, high)], meta, whole=["active_days_30d"]) == f"people with {said}"


def test_under_one_of_what_is_no_whole_number_is_not_none() -> None:
    assert people([Condition("items_per_order", high=1)], META) == "people with under 1 different item in an order"


def test_against_is_said_of_other_people_only() -> None:
    assert "31.2 against 21.8 EUR a person" in claim(VALUE, "people", MORE, Past((), False), 0.1, 0.1)


def test_more_is_told_in_percent_with_both_amounts() -> None:
    assert claim(VALUE, "people with some returns", MORE, PAST, 0.1, 0.1) == (
        "People with some returns are worth 43% more (12 to 70%) in the next 90 days than their past value says: "
        "31.2 instead of 21.8 EUR a person."
    )


def test_less_has_its_ends_in_order() -> None:
    told = claim(VALUE, "people", Numbers(80.0, 100.0, -0.2, -0.3, -0.1), PAST, 0.1, None)
    assert "are worth 20% less (10 to 30%)" in told


def test_rates_are_told_in_points() -> None:
    told = claim(CHURN, "people", Numbers(0.62, 0.44, 0.18, 0.1, 0.26), PAST, 0.1, None)
    assert told == (
        "People stop buying more often in the next 90 days than their past value says: 62% instead of 44% "
        "(18 points more, 10 to 26)."
    )


def test_an_answer_is_told_in_its_own_words() -> None:
    told = claim(LABEL, "people", Numbers(0.2, 0.3, -0.1, -0.15, -0.05), Past((), False), 0.1, None)
    assert told == "People: churn is Yes for 20% of them, against 30% of everybody else (10 points fewer, 5 to 15)."


def test_concentration_is_told_where_it_is_striking() -> None:
    told = claim(CHURN, "people", Numbers(0.5, 0.3, 0.2, 0.1, 0.3), PAST, 0.03, 0.18)
    assert told.endswith("They are 3% of people and brought 18% of past revenue.")
    assert "past revenue" not in claim(CHURN, "people", Numbers(0.5, 0.3, 0.2, 0.1, 0.3), PAST, 0.03, 0.04)


def test_other_columns_of_the_past_are_named() -> None:
    past = Past.of(["tenure", "aov"], META)
    assert past.says() == "their tenure and average order value say"
