"""Traits beside features, and as numbers where there is nothing else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.model import traits
from shoal.model.matrix import build
from shoal.model.meta import OUTCOME, FeatureMeta
from shoal.model.rules import select
from shoal.settings import Objective

PEOPLE = 100


def column(*values: object, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([values[place % len(values)] for place in range(PEOPLE)], kind)


def described(table: pa.Table) -> dict[str, FeatureMeta]:
    return {name: FeatureMeta(name, name.replace("_", " "), "", "trait") for name in table.column_names}


def numbered(predicted: set[str] | None = None, **columns: pa.Array) -> tuple[pa.Table, dict[str, FeatureMeta]]:
    table = pa.table(columns)
    return traits.numbered(table, described(table), table.column_names, predicted or set())


@pytest.mark.parametrize(
    "values",
    [
        column("a", "b", "c"),
        column("a", "b", None),
        column("it's", 'so "so"', "c", None),
        column(True, False),
        column(True, False, None),
        column(0.0, 1.0),
        column(0.0, 1.0, None),
        column("", "x", "y"),
    ],
)
def test_every_value_is_a_rule_that_holds_where_its_column_says_so_and_its_opposite_elsewhere(values: pa.Array) -> None:
    table, meta = numbered(**{"Plan now": values})
    rules = [name for name in table.column_names if meta[name].otherwise]
    assert rules
    for rule in rules:
        holds = table[rule].to_numpy() == 1
        np.testing.assert_array_equal(select(rule, table), holds)
        np.testing.assert_array_equal(select(meta[rule].otherwise, table), ~holds)


def test_of_two_values_one_is_an_input_and_it_is_the_one_that_says_yes() -> None:
    table, meta = numbered(paperless=column("No", "Yes"), plan=column("b", "a", "b"))
    assert [name for name in table.column_names if meta[name].otherwise] == ["paperless = 'Yes'", "plan = 'a'"]


def test_rare_long_and_protected_values_and_amounts_are_no_inputs() -> None:
    table, meta = numbered(
        city=pa.array(["x"] * 97 + ["a", "b", "c"]),
        prose=column("y" * 90, "z" * 90, "w" * 90),
        gender=column("f", "m"),
        first_name=column("Anna", "Ben"),
        charges=pa.array(np.arange(PEOPLE, dtype=float)),
    )
    assert [name for name in table.column_names if meta[name].otherwise] == ["city = 'x'"]


def test_a_text_without_common_values_is_dropped_with_its_number_of_values() -> None:
    table, meta = numbered(
        note=pa.array([f"n{place}" for place in range(PEOPLE)]), nothing=column(None, kind=pa.string())
    )
    dropped = build(table, meta).dropped
    assert dropped == {"note": "not used: a text of 100 values is not a number", "nothing": "not used: nobody has it"}


def test_a_text_given_by_its_values_is_not_dropped_beside_them() -> None:
    table, meta = numbered(plan=column("a", "b", "c"), charges=pa.array(np.arange(PEOPLE, dtype=float)))
    points = build(table, meta)
    assert set(points.names) == {"plan = 'a'", "plan = 'b'", "plan = 'c'", "charges"}
    assert "plan" not in points.dropped
    assert points.opposites["plan = 'a'"] == "plan <> 'a'"


def test_all_values_of_a_text_weigh_less_than_one_amount() -> None:
    table, meta = numbered(plan=column("a", "b", "c"), charges=pa.array(np.arange(PEOPLE, dtype=float)))
    points = build(table, meta)
    spread = dict(zip(points.names, points.values.var(axis=0), strict=True))
    assert sum(spread[name] for name in points.opposites) == pytest.approx(spread["charges"] / 4)


def test_outcomes_are_the_columns_that_labels_read() -> None:
    schema = pa.schema([("churn", pa.string()), ("plan", pa.string())])
    objectives = [
        Objective(name="churn", label="churn = 'Yes'"),
        Objective(name="gone", label="no Order Completed within 90d"),
        Objective(name="odd", label="nothing = 1"),
    ]
    assert traits.outcomes(objectives, schema) == {"churn"}


def test_an_outcome_is_no_input() -> None:
    table, meta = numbered({"churn"}, churn=column("Yes", "No", "No"), charges=pa.array(np.arange(PEOPLE, dtype=float)))
    assert meta["churn = 'Yes'"].theme == OUTCOME
    assert build(table, meta).dropped == {"churn = 'Yes'": "not used: an objective predicts it"}


def test_traits_stand_beside_the_people_they_belong_to() -> None:
    profiles = pa.table(
        {"person": [1, 2, 3], "plan": ["a", None, "c"], "seen": pa.array([1, 2, 3], pa.timestamp("us"))}
    )
    told = traits.told(profiles, ["plan", "seen", "gone"], [])
    assert (told.names, told.lasting) == (["plan", "seen"], ["plan"])
    assert told.beside(pa.table({"person": [3, 1]}), told.lasting)["plan"].to_pylist() == ["c", "a"]


def test_a_name_differs_from_a_features_in_more_than_capitals() -> None:
    profiles = pa.table({"person": [1], "Orders": [1.0], "plan": ["a"]})
    told = traits.told(profiles, ["Orders", "plan"], ["orders"])
    assert told.names == ["plan"]
    assert "trait 'Orders' is left out" in told.notes[0]
