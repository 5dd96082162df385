"""The log of who had what on which days, against plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predict.shoppers import UNTIL, baskets, stream

from shoal.errors import DataError, UsageError
from shoal.predict.baskets import DAY, Baskets, gather

ROWS = st.lists(
    st.tuples(st.integers(-3, 5), st.integers(-5, 40), st.sampled_from(["tea", "jam", "oats", "", None])), max_size=40
)
QUICK = settings(max_examples=60, deadline=None)


def _cells(found: Baskets) -> dict[tuple[int, str], int]:
    days = found.days().tocoo()
    return {
        (int(found.people[row]), found.items[item]): int(count)
        for row, item, count in zip(days.row, days.col, days.data, strict=True)
    }


@QUICK
@given(ROWS, st.integers(1, 7))
def test_days_with_an_item_are_those_of_a_plain_count(rows, size):
    found = gather(stream(rows, size=size), "item", ["buy"], UNTIL, fewest=1)
    plain = Counter((person, item) for person, age, item in set(rows) if item and age >= 0)
    assert _cells(found) == plain
    assert found.people.tolist() == sorted({person for person, _ in plain})


@QUICK
@given(ROWS, st.integers(1, 45))
def test_a_split_gives_what_gathering_up_to_that_instant_gives(rows, days):
    before, after = baskets(rows).split(days)
    early = gather(stream(rows), "item", ["buy"], UNTIL - days * DAY, fewest=1)
    late = gather(stream(rows), "item", ["buy"], UNTIL, since=UNTIL - days * DAY, fewest=1)
    assert _cells(before) == _cells(early)
    assert _cells(after) == _cells(late)
    assert sorted(before.age) == sorted(early.age)


@QUICK
@given(ROWS)
def test_mapping_onto_other_people_and_items_keeps_what_both_have(rows):
    found = baskets(rows)
    mapped = found.onto(np.array([9, 2, 1]), ["jam", "soap", "tea"])
    wanted = {key: count for key, count in _cells(found).items() if key[0] in (2, 1) and key[1] in ("jam", "tea")}
    assert _cells(mapped) == wanted


def test_items_with_too_few_buyers_go_and_the_rest_come_most_bought_first():
    rows = [(1, 1, "tea"), (2, 1, "tea"), (3, 1, "tea"), (1, 2, "jam"), (2, 2, "jam"), (1, 2, "ale"), (4, 1, "salt")]
    assert baskets(rows, fewest=2).items == ("tea", "jam")
    assert baskets(rows, fewest=1, most=3).items == ("tea", "jam", "ale")
    assert baskets(rows, fewest=2).people.tolist() == [1, 2, 3]


def test_only_the_named_events_count():
    mixed = stream([(1, 1, "tea")]) + stream([(2, 1, "jam")], event="look")
    assert gather(mixed, "item", ["buy"], UNTIL, fewest=1).items == ("tea",)


def test_items_coded_by_dictionaries_that_differ_are_the_same_items():
    batches = [
        batch.set_column(3, "item", batch["item"].dictionary_encode())
        for batch in stream([(1, 1, "tea"), (2, 1, None), (3, 1, "jam"), (4, 1, "tea")], size=1)
    ]
    assert _cells(gather(batches, "item", ["buy"], UNTIL, fewest=1)) == {(1, "tea"): 1, (3, "jam"): 1, (4, "tea"): 1}


def test_no_rows_give_nobody():
    found = gather([], "item", ["buy"], UNTIL)
    assert (len(found), found.items, found.days().shape) == (0, (), (0, 0))
    assert len(found.split(3)[0].trimmed().onto(np.array([1]), ["tea"]).row) == 0


def test_people_out_of_order_are_refused():
    with pytest.raises(DataError, match="sorted by person"):
        gather(stream([(2, 1, "tea")]) + stream([(1, 1, "tea")]), "item", ["buy"], UNTIL)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="category"):
        gather(stream([(1, 1, "tea")]), "category", ["buy"], UNTIL)


def test_an_event_without_a_time_is_refused():
    batch = stream([(1, 1, "tea")])[0]
    timeless = batch.set_column(1, "at", pa.array([None], pa.timestamp("us", "UTC")))
    with pytest.raises(DataError, match="no time"):
        gather([timeless], "item", ["buy"], UNTIL)


def test_a_split_of_no_days_is_refused():
    with pytest.raises(UsageError, match="at least 1"):
        baskets([(1, 1, "tea")]).split(0)
