"""Measures of skill: their names, their units, and which way each one puts first."""

from __future__ import annotations

import pytest

from shoal.report import skills
from shoal.summary import Interval, ModelCard, Skill

from . import cards


def test_the_best_is_the_largest_of_a_rank_the_smallest_of_an_error_and_the_nearest_of_a_total() -> None:
    card = cards.churn()
    assert skills.best(card, "auc") == "LightGBM"
    assert skills.best(card, "brier") == "Random forest"
    assert skills.best(card, "lift") == "Recency"
    assert skills.best(cards.value(), "total") == "LightGBM (Tweedie)"


def test_a_number_that_is_not_known_is_never_the_best() -> None:
    ways = [
        Skill(name="A", kind="model", metrics={"auc": Interval(value=None), "brier": Interval(value=float("nan"))}),
        Skill(name="B", kind="baseline", metrics={"auc": Interval(value=0.6), "brier": Interval(value=0.2)}),
    ]
    card = ModelCard(name="m", kind="churn", status="not used", skills=ways)
    assert (skills.best(card, "auc"), skills.best(card, "brier"), skills.best(card, "ap")) == ("B", "B", "")


def test_the_success_metric_comes_first_and_revenue_stands_apart_from_purchases() -> None:
    assert next(iter(skills.groups(cards.churn())[""])) == "auc"
    assert skills.groups(cards.value()) == {
        "Revenue": ["revenue_rmse", "revenue_mae", "revenue_total"],
        "Purchases": ["mae", "rmse", "total", "spearman"],
    }


def test_a_card_without_skills_has_no_measures() -> None:
    assert skills.groups(cards.trial()) == {}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("auc", 0.8, "0.800"),
        ("total", 0.042, "+4.2%"),
        ("revenue_total", -0.19, "-19%"),
        ("lift", 0.04, "0.04x"),
        ("lift", 3.56, "3.6x"),
        ("mae", 1.4471, "1.447"),
        ("revenue_mae", 12345.678, "£12,346"),
        ("ece", float("inf"), "–"),  # noqa: RUF001
    ],
)
def test_every_measure_reads_in_its_unit(name: str, value: float, words: str) -> None:
    assert skills.reading(name, value, "GBP") == words


def test_an_interval_that_is_half_known_is_not_shown() -> None:
    assert skills.estimate("auc", Interval(value=0.7, low=0.6)) == "0.700"
    assert skills.span("auc", Interval(value=0.7, low=0.6)) == ""


def test_a_value_model_may_choose_another_way_for_revenue() -> None:
    ways = [
        Skill(name="A", kind="model", metrics={"mae": Interval(value=1)}),
        Skill(name="B", kind="model", metrics={"revenue_mae": Interval(value=1)}),
    ]
    members = {"purchases": "A", "revenue": "B"}
    card = ModelCard(name="v", kind="value", status="used", metric="mae", skills=ways, extra={"members": members})
    assert [skills.role(card, way, "Purchases") for way in ways] == ["chosen", ""]
    assert [skills.role(card, way, "Revenue") for way in ways] == ["", "chosen"]
    assert skills.measured(card, ["revenue_mae"]) == [ways[1]]
