"""Names of properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.live.column import STANDING, column


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("order_id", "order_id"),
        ("orderId", "order_id"),
        ("Order ID", "order_id"),
        ("HTMLPage", "html_page"),
        ("$value", "p_value"),
        ("größe", "größe"),
        ("价格", "价格"),
        ("", "unnamed"),
        ("9lives", "p_9lives"),
        ("x" * 500, "x" * 100),
        ("Profile_ID", "p_profile_id"),
    ],
)
def test_a_name_is_safe_and_small(sent: str, name: str) -> None:
    assert column(sent) == name


@given(st.text(max_size=30))
def test_a_safe_name_is_no_standing_column_and_stays_as_it_is(sent: str) -> None:
    name = column(sent)
    assert name.lower() not in STANDING
    assert name.replace("_", "a").isalnum()
    assert column(name) == name
    assert name[0].isalpha()


@given(st.text(max_size=10), st.text(max_size=10))
def test_two_names_never_differ_in_capitals_only(one: str, other: str) -> None:
    one, other = column(one), column(other)
    assert (one == other) == (one.lower() == other.lower())
