"""Reasons say what moves a score, in words with the person's own values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.predict.samples import people

from shoal.define.words import Label
from shoal.predict.contest import learn
from shoal.predict.logistic import Logistic
from shoal.predict.model import Model
from shoal.predict.reasons import importances, reasons
from shoal.tables import REASON

LABELS = {
    "recency_days": Label("last order", "ago"),
    "orders": Label("orders", "count"),
    "revenue": Label("revenue", "money"),
    "gap_days_mean": Label("usual days between orders", "days"),
}


@pytest.fixture(scope="module")
def made() -> Model:
    quick = {"logistic": Logistic()}
    return learn(people(800), None, baselines={}, metric="auc", seed=0, learners=quick, allow=["gender"]).model


def told(made: Model, **person: object) -> dict[str, dict[str, object]]:
    row = {"recency_days": 50.0, "gap_days_mean": 21.0, "orders": 2.0, "revenue": 20.0, "plan": "pro", "gender": "f"}
    table = pa.table({name: [value] for name, value in {**row, **person}.items()})
    return {one["feature"]: one for one in reasons(made, table, LABELS, top=6).column[0].as_py()}


def test_silence_is_told_against_the_persons_usual_gap(made: Model) -> None:
    assert told(made, recency_days=64.04)["recency_days"]["words"] == "no order for 64 days; usual gap 21"
    assert told(made, recency_days=3.0)["recency_days"]["words"] == "last order 3 days ago; usual gap 21"
    assert told(made, recency_days=64.0, gap_days_mean=None)["recency_days"]["words"] == "last order 64 days ago"
    assert told(made, recency_days=None)["recency_days"]["words"] == "no order yet"


def test_numbers_have_as_many_digits_as_one_remembers(made: Model) -> None:
    assert told(made, recency_days=165.14, gap_days_mean=20.43)["recency_days"]["words"] == (
        "no order for 165 days; usual gap 20"
    )
    assert told(made, recency_days=2.96, gap_days_mean=8.34)["recency_days"]["words"] == (
        "last order 3 days ago; usual gap 8.3"
    )


def test_numbers_are_told_beside_what_is_typical(made: Model) -> None:
    found = told(made, orders=0.0)
    assert found["orders"]["words"] == "orders: 0 (typical 3)"
    assert found["orders"]["value"] == "0"
    assert told(made, orders=3.0).get("orders", {"words": "orders: 3"})["words"] == "orders: 3"


def test_categories_are_told_by_their_level(made: Model) -> None:
    assert told(made)["plan"]["words"] == "plan: pro"
    assert told(made)["plan"]["value"] == "pro"


def test_an_effect_has_the_sign_of_the_push(made: Model) -> None:
    assert told(made, recency_days=300.0)["recency_days"]["effect"] > 0  # type: ignore[operator]
    assert told(made, recency_days=0.5)["recency_days"]["effect"] < 0  # type: ignore[operator]


def test_a_protected_trait_is_never_a_reason_even_when_allowed(made: Model) -> None:
    assert "gender" in made.encoding.names
    found = reasons(made, people(200).table, LABELS, top=6).column
    assert "gender" not in {one["feature"] for row in found.to_pylist() for one in row}
    assert "gender" not in {one.feature for one in importances(made, people(200).table, LABELS)}


def test_reasons_equal_the_largest_contributions_of_a_plain_loop(made: Model) -> None:
    table = people(50, seed=9).table
    names, effects = made.contributions(table)
    for row, given in zip(effects, reasons(made, table, LABELS, top=2).column.to_pylist(), strict=True):
        sizes = {name: effect for name, effect in zip(names, row, strict=True) if name != "gender"}
        expected = sorted(sizes, key=lambda name: -abs(sizes[name]))[:2]
        assert [one["feature"] for one in given] == expected
        assert [one["effect"] for one in given] == pytest.approx([sizes[name] for name in expected])


def test_only_the_highest_scores_are_explained_where_there_are_too_many(made: Model) -> None:
    table = people(60).table
    scores = np.arange(60.0)
    found = reasons(made, table, LABELS, scores=scores, rows=10)
    assert found.explained == 10
    assert np.flatnonzero(found.column.is_valid().to_numpy(zero_copy_only=False)).tolist() == list(range(50, 60))
    assert "10 people with the highest scores of 60" in found.note


def test_reasons_have_the_type_of_the_scores_table(made: Model) -> None:
    for rows in (0, 3):
        found = reasons(made, people(5).table.slice(0, rows), {})
        assert found.column.type == pa.list_(REASON)
        assert len(found.column) == rows


def test_importances_are_shares_from_the_largest_down(made: Model) -> None:
    found = importances(made, people(300).table, LABELS)
    assert found[0].share >= found[-1].share
    assert {one.feature: one.words for one in found}["revenue"] == "revenue"
    assert importances(made, people(5).table.slice(0, 0), LABELS) == []
