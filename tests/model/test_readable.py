"""Thresholds that read well and cut almost as the exact ones do."""

from __future__ import annotations

import numpy as np
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
