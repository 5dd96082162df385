from __future__ import annotations

from typing import Any

import pytest

from shoal.define.feature import Feature, features_from_yaml, span
from shoal.errors import SettingsError


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({}, "needs exactly one operation, got none"),
        ({"count": "events", "sum": "value"}, "got count and sum"),
        ({"cuont": "events"}, "unknown key 'cuont'. Did you mean 'count'?"),
        ({"count": "events", "within": "90 days"}, "'90 days' is not a window"),
        ({"count": "events", "within": "0d"}, "'0d' is not a window"),
        ({"trend": "count"}, "trend needs `within`"),
        ({"sum": "value", "weight": "value"}, "weight goes with share only"),
        ({"formula": "a + b", "within": "7d"}, "formula takes no within"),
        ({"trait": "country", "of": "A"}, "trait takes no of"),
        ({"days_since": "newest"}, "'first' or 'last'; got 'newest'"),
        ({"count": "events", "of": []}, "names no event"),
        ({"formula": "nullif(a", "0)": None}, "put an expression with commas in quotes"),
        ("count", "is not a mapping"),
    ],
)
def test_a_wrong_definition_says_what_is_wrong(made: Any, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Feature.from_yaml("orders", made)
    assert says in str(caught.value)
    assert "features.orders" in caught.value.faults[0].where


@pytest.mark.parametrize("name", ["1st", "a b", "person", "as_of", ""])
def test_a_name_that_cannot_be_a_column_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="is no name for a feature"):
        Feature.from_yaml(name, {"count": "events"})


def test_the_faults_of_all_features_come_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        features_from_yaml({"a": {}, "b": {"cuont": 1}, "c": {"count": "events"}, "d": None})
    assert {fault.where for fault in caught.value.faults} >= {"features.a", "features.b", "features.d"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("45m", 2_700), ("12h", 43_200), ("7d", 604_800), ("4w", 2_419_200)]
)
def test_windows_are_read_in_every_unit(text: str, seconds: int) -> None:
    assert span(text) == seconds * 1_000_000


def test_yaml_goes_round() -> None:
    made = {"share": "category = 'a'", "of": ["A", "B"], "within": "7d", "default": None, "label": "share of a"}
    feature = Feature.from_yaml("f", made)
    assert feature.to_yaml() == made
    assert Feature.from_yaml("f", feature.to_yaml()) == feature


def test_days_since_is_spoken_of_as_ago() -> None:
    label = Feature.from_yaml("r", {"days_since": "last", "label": "last order"}).as_label()
    assert (label.text, label.unit) == ("last order", "ago")


def test_a_feature_without_a_label_is_described_by_its_definition() -> None:
    made = {"count": "events", "of": "A", "within": "7d", "where": "value > 1"}
    assert Feature.from_yaml("f", made).words == "events in 7 days of A where value > 1"
