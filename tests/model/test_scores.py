"""What scores are called, and why one is missing."""

from __future__ import annotations

import pytest

from shoal.model.scores import absence, score_meta
from shoal.summary import ModelCard


def card(name: str, kind: str, **more: object) -> ModelCard:
    return ModelCard.model_validate({"name": name, "kind": kind, "status": "used", "scores": [name], **more})


@pytest.mark.parametrize(
    ("model", "made", "label", "unit"),
    [
        ("churn", card("churn", "churn", horizon_days=90), "probability of churn within 90 days", "share"),
        ("soon", card("soon", "purchase", horizon_days=1), "probability of a purchase within 1 day", "share"),
        (
            "adds.gift_box",
            card("adds", "cross_sell", scores=["adds.gift_box"]),
            "probability of buying gift box",
            "share",
        ),
        ("yes", card("yes", "label", label="y = 'yes'", horizon_days=9), "probability of yes", "share"),
        ("yes", card("yes", "label", label="x" * 200), "probability of yes", "share"),
        ("value.clv_12m", card("value", "value"), "lifetime value in 12 months", "money"),
        ("value.revenue", card("value", "value", horizon_days=30), "expected revenue within 30 days", "money"),
        ("value.purchases", card("value", "value"), "expected purchases", "count"),
        ("value.alive", card("value", "value", horizon_days=30), "probability of still being a customer", "share"),
        ("like.vip", card("like", "lookalike", label="likeness to VIPs"), "likeness to VIPs", "share"),
    ],
)
def test_a_score_is_called_by_what_it_is_of(model: str, made: ModelCard, label: str, unit: str) -> None:
    found = score_meta({"column": model}, [made])["column"]
    assert (found.label, found.unit, found.theme, found.kind) == (label, unit, "prediction", made.kind)


def test_a_score_without_a_card_has_a_name_too() -> None:
    assert score_meta({"odd_one": "odd.one"}, [])["odd_one"].label == "score of odd.one"


def test_two_models_of_one_kind_are_told_apart_and_two_columns_of_one_model_are_not() -> None:
    columns = {"a": "a", "b": "b", "value_clv_12m": "value.clv_12m", "clv_12m": "value.clv_12m"}
    found = score_meta(columns, [card("a", "churn"), card("b", "churn"), card("value", "value")])
    assert found["a"].label == "probability of churn (a)"
    assert found["b"].label == "probability of churn (b)"
    assert found["value_clv_12m"].label == found["clv_12m"].label == "lifetime value in 12 months"


@pytest.mark.parametrize(
    ("column", "made", "why"),
    [
        ("churn", card("churn", "churn", status="not used", notes=["no gain"]), "Model 'churn' is not used: no gain."),
        ("churn", card("churn", "churn", status="not used", baseline="recency"), "it does not beat recency."),
        ("clv_12m", card("value", "value", status="not enough data", scores=[]), "has not enough data"),
        ("value_alive", card("value", "value", status="not used", scores=[]), "Model 'value' is not used"),
    ],
)
def test_a_missing_score_is_explained_by_its_card(column: str, made: ModelCard, why: str) -> None:
    assert why in absence(column, [made])


def test_what_is_no_score_or_whose_model_is_in_use_needs_no_explanation() -> None:
    assert absence("orders", [card("churn", "churn", status="not used")]) == ""
    assert absence("churn", [card("churn", "churn")]) == ""
