"""Champion and challenger: who is in use, and why."""

from __future__ import annotations

from dataclasses import replace

from shoal.predict.register import Entry, settle
from shoal.summary import Interval

OLD = Entry("churn", "aaa", "k", 10, "r1", "auc")
NEW = Entry("churn", "bbb", "k", 40, "r2", "auc")


def gain(value: float) -> Interval:
    return Interval(value=value, low=value - 0.01, high=value + 0.01)


def test_the_first_of_its_name_is_in_use() -> None:
    assert settle(None, NEW, tested_from=20, gain=None).winner == "bbb"


def test_a_better_challenger_takes_over() -> None:
    assert settle(OLD, NEW, tested_from=20, gain=gain(0.02)).winner == "bbb"


def test_a_worse_or_equal_challenger_does_not() -> None:
    for value in (-0.02, 0.0):
        found = settle(OLD, NEW, tested_from=20, gain=gain(value))
        assert found.winner == "aaa"
        assert found.gain == gain(value)


def test_a_champion_that_has_seen_the_window_is_not_judged_on_it() -> None:
    found = settle(replace(OLD, learned_until=30), NEW, tested_from=20, gain=gain(0.9))
    assert found.winner == "aaa"


def test_another_question_needs_a_new_model() -> None:
    assert settle(replace(OLD, key="other"), NEW, tested_from=20, gain=None).winner == "bbb"


def test_a_refused_champion_is_replaced_and_the_reason_told() -> None:
    found = settle(OLD, NEW, tested_from=20, gain=None, refused="model.json was changed")
    assert found.winner == "bbb"
    assert "model.json was changed" in found.words


def test_an_entry_survives_being_written_as_data() -> None:
    assert Entry(**NEW.to_dict()) == NEW
