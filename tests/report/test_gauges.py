"""Bars and tracks keep to their room and to what they show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoal.report.gauges import bar, track

share = st.floats(-0.5, 1.5)


@given(share, st.integers(1, 40), st.booleans())
def test_a_bar_never_leaves_its_room(value: float, width: int, plain: bool) -> None:
    assert len(bar(value, width, plain=plain)) <= width


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_never_has_a_shorter_bar(one: float, other: float) -> None:
    assert len(bar(min(one, other), plain=True)) <= len(bar(max(one, other), plain=True))


def test_only_nothing_has_no_bar() -> None:
    assert bar(0) == ""
    assert bar(1e-9) != ""
    assert bar(1e-9, plain=True) == "#"


@given(share, share, share, share, st.integers(1, 40), st.booleans())
def test_a_track_fills_its_room_and_shows_what_came_true(
    predicted: float, observed: float, low: float, high: float, width: int, plain: bool
) -> None:
    drawn = track(predicted, observed, low, high, width=width, plain=plain)
    assert len(drawn) == width
    assert sum(drawn.count(sign) for sign in ("oO" if plain else "●◉")) == 1


@given(share, share, st.booleans())
def test_a_plain_track_is_ascii(predicted: float, observed: float, plain: bool) -> None:
    assert track(predicted, observed, observed, observed, plain=plain).isascii() == plain
