"""Selecting people and explaining why."""

from __future__ import annotations

import pyarrow as pa
import pytest

from shoal.define.words import Label
from shoal.errors import ExpressionError
from shoal.model.rules import Cut, assign, explain, select, words

PERSON = pa.table({"orders": [5], "recency_days": [40.0], "aov": pa.array([None], pa.float64())})


def test_the_first_rule_that_holds_has_the_person() -> None:
    cuts = [Cut("a", "rule", "orders >= 9"), Cut("b", "rule", "orders >= 3"), Cut("c", "rule", "true")]
    assert assign(cuts, PERSON).tolist() == [1]


def test_each_clause_says_whether_it_holds_and_what_was_read() -> None:
    first, second = explain("orders >= 3 and recency_days < 30", PERSON)
    assert (first.holds, first.actual) == (True, {"orders": 5})
    assert (second.holds, second.actual) == (False, {"recency_days": 40.0})


def test_an_unknown_value_is_neither_true_nor_false() -> None:
    assert [clause.holds for clause in explain("aov >= 10", PERSON)] == [None]


def test_alternatives_are_explained_one_by_one() -> None:
    clause = explain("orders >= 9 or recency_days >= 30", PERSON)[0]
    assert clause.holds is True
    assert [part.holds for part in clause.parts] == [False, True]


def test_labels_are_spoken() -> None:
    labels = {"orders": Label("orders ever", "count")}
    assert words("orders >= 3", PERSON, labels) == "orders ever is at least 3"


def test_the_rule_of_everybody_is_everybody() -> None:
    assert words("true", PERSON) == "everybody"


def test_an_unknown_feature_is_named_with_its_nearest() -> None:
    with pytest.raises(ExpressionError, match="orders"):
        select("order >= 3", PERSON)
