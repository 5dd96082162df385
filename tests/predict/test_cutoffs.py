"""Cut-offs: no outcome is learned from before its time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoal.predict.cutoffs import DAY, MOST, Cutoffs, plan

days = st.integers(1, 2000)


@given(days, st.integers(1, 400), st.integers(1, 5_000_000))
def test_every_outcome_is_over_before_the_next_window_begins(span: int, horizon: int, people: int) -> None:
    found = plan(0, span * DAY, horizon * DAY, people)
    if isinstance(found, str):
        assert span < horizon * 1.5 + 1
        return
    assert found.test + horizon * DAY == span * DAY
    assert all(cutoff > 0 and cutoff + horizon * DAY <= found.test for cutoff in found.train)
    assert list(found.train) == sorted(set(found.train))
    assert len(found.train) <= MOST
    assert 0 < found.share <= 1


def test_too_short_a_history_says_what_would_be_needed() -> None:
    assert (
        plan(0, 100 * DAY, 90 * DAY, 10) == "a horizon of 90 days needs at least 135 days of history, and there are 100"
    )


def test_between_one_and_two_horizons_there_is_one_labelled_cut_off() -> None:
    found = plan(0, 150 * DAY, 90 * DAY, 10)
    assert isinstance(found, Cutoffs)
    assert found.train == ()
    assert found.test == 60 * DAY


def test_many_people_are_sampled_before_cut_offs_are_given_up() -> None:
    found = plan(0, 730 * DAY, 90 * DAY, 5_000_000)
    assert isinstance(found, Cutoffs)
    assert len(found.train) >= 6
    assert 5_000_000 * found.share * len(found.all) <= 600_000
