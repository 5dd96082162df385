"""Thresholds that read well and cut almost as the exact ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model import readable

values = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=60, unique=True)


@given(values, st.data(), st.sampled_from(["days", "money", "share", "count", ""]))
def test_few_people_change_sides_and_none_is_left_empty(numbers: list[float], data: st.DataObject, unit: str) -> None:
    ordered = np.sort(np.array(numbers))
    place = data.draw(st.integers(0, len(ordered) - 2))
    exact = (ordered[place] + ordered[place + 1]) / 2
    cut = readable.threshold(ordered, float(exact), unit)
    changed = np.count_nonzero((ordered < cut) != (ordered <= exact))
    assert changed <= 2 * readable.MOVED * len(ordered)
    assert 0 < np.count_nonzero(ordered < cut) < len(ordered)


def test_between_counts_it_is_the_next_whole_number() -> None:
    assert readable.threshold(np.array([1.0, 1.0, 2.0, 3.0, 5.0]), 2.5, "count") == 3.0


def test_days_prefer_the_calendar() -> None:
    assert readable.threshold(np.linspace(0, 365, 1000), 89.3, "days") == 90.0


def test_money_has_two_digits_that_matter() -> None:
    assert readable.threshold(np.linspace(0, 5000, 1000), 1237.4, "money") == 1200.0


def test_between_nothing_and_something_it_is_above_zero() -> None:
    numbers = np.array([0.0] * 50 + [0.013, 0.2, 0.4])
    cut = readable.threshold(numbers, 0.0065, "share")
    assert ((numbers < cut) == (numbers == 0)).all()
    assert cut == readable.ABOVE_ZERO


units = st.sampled_from(["days", "ago", "count", "share", "money", ""])


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), units, st.booleans())
def test_a_ladder_rises_within_its_range(one: float, two: float, unit: str, fine: bool) -> None:
    low, high = min(one, two), max(one, two)
    steps = readable.ladder(low, high, unit, fine=fine)
    assert steps == sorted(set(steps))
    assert all(low < step <= high for step in steps)


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.sampled_from(["days", "ago", "count", "share", "money"]))
def test_the_steps_of_two_ranges_are_the_same_where_they_overlap(one: float, two: float, unit: str) -> None:
    narrow, wide = (readable.ladder(0, high, unit) for high in (min(one, two), max(one, two)))
    assert narrow == [step for step in wide if step <= min(one, two)]


@pytest.mark.parametrize("unit", ["count", "days"])
def test_steps_of_counts_and_days_are_whole(unit: str) -> None:
    steps = [step for step in readable.ladder(0, 3_000, unit, fine=True) if step != readable.ABOVE_ZERO]
    assert len(steps) > 10
    assert all(step.is_integer() for step in steps)


def test_nothing_and_something_are_parted_but_for_counts() -> None:
    assert readable.ladder(0, 50, "money")[0] == readable.ABOVE_ZERO
    assert readable.ladder(0, 50, "count")[0] == 1.0


def test_losses_are_cut_as_gains_are() -> None:
    steps = [step for step in readable.ladder(-60, 60, "money") if step != readable.ABOVE_ZERO]
    assert {-step for step in steps if step < 0} == {step for step in steps if step > 0}


@pytest.mark.parametrize("unit", ["days", "count", "share", "money", ""])
def test_where_all_are_alike_there_is_no_step(unit: str) -> None:
    assert readable.ladder(5, 5, unit) == readable.ladder(0, 0, unit) == []
