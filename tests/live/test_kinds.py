"""What kind of column a property is does not depend on the order in which values came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoal.live.event import Value
from shoal.live.kinds import Kinds, as_kind

values = st.booleans() | st.text(max_size=3) | st.floats(allow_nan=False, allow_infinity=False)
properties = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
seen = st.lists(properties, max_size=4).map(Kinds.of)


@given(seen, seen, seen)
def test_kinds_merge_in_any_order_and_grouping(one: Kinds, two: Kinds, three: Kinds) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one == one | Kinds()


@given(st.lists(properties, max_size=6), st.integers(0, 6))
def test_kinds_of_parts_merged_are_the_kinds_of_the_whole(rows: list[dict[str, Value]], cut: int) -> None:
    assert Kinds.of(rows[:cut]) | Kinds.of(rows[cut:]) == Kinds.of(rows)


@given(st.lists(properties, max_size=6))
def test_every_value_that_was_seen_fits_its_column(rows: list[dict[str, Value]]) -> None:
    kinds = Kinds.of(rows)
    assert all(kinds.put(row).keys() == row.keys() for row in rows)


def test_a_number_has_one_spelling_as_text() -> None:
    spelt = [as_kind(number, "text") for number in (5.0, -0.0, 0.1, 1e14, 1e15, 1e300, -7.5)]
    assert spelt == ["5", "0", "0.1", "100000000000000", "1000000000000000.0", "1e+300", "-7.5"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_as_text_reads_back_as_the_same_number(number: float) -> None:
    assert float(str(as_kind(number, "text"))) == number


def test_what_does_not_fit_a_column_is_left_out_and_so_is_what_has_none() -> None:
    assert Kinds({"a": "number", "b": "bool"}).put({"a": "x", "b": 1.0, "c": "y"}) == {}
