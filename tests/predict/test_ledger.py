"""Purchases on day grain, and what of them is known on a day."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import DataError
from shoal.predict.ledger import Ledger

BOUGHT = st.lists(
    st.tuples(
        st.integers(-3, 3), st.integers(0, 40), st.one_of(st.floats(-50, 100), st.sampled_from([np.nan, np.inf]))
    ),
    max_size=60,
)


def _batch(rows: list[tuple[int, datetime, str, float | None]], *, coded: bool = False) -> pa.RecordBatch:
    person, at, event, value = zip(*rows, strict=True)
    words = pa.array(event)
    return pa.record_batch(
        {
            "person": pa.array(person, pa.int64()),
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "event": words.dictionary_encode() if coded else words,
            "value": pa.array(value, pa.float64()),
        }
    )


ROWS = [
    (1, datetime(2024, 3, 1, 23, 30, tzinfo=UTC), "Order Completed", 10.0),
    (1, datetime(2024, 3, 2, 22, 0, tzinfo=UTC), "Order Completed", 5.0),
    (1, datetime(2024, 3, 2, 22, 30, tzinfo=UTC), "Product Viewed", None),
    (2, datetime(2024, 3, 5, 12, 0, tzinfo=UTC), "Order Completed", None),
]


@given(BOUGHT, st.integers(0, 45))
def test_a_history_is_what_a_loop_over_the_purchases_says(bought, day):
    ledger = Ledger.of(*(zip(*bought, strict=True) if bought else ([], [], [])))
    days: dict[int, dict[int, list[float]]] = {}
    for person, when, value in bought:
        if when <= day:
            days.setdefault(person, {}).setdefault(when, []).append(value)
    known = ledger.history(day)
    assert known.person.tolist() == sorted(days)
    for place, person in enumerate(known.person.tolist()):
        when = sorted(days[person])
        sums = [np.sum(good) if (good := [v for v in days[person][w] if np.isfinite(v)]) else np.nan for w in when]
        assert (known.x[place], known.t_x[place], known.T[place]) == (
            len(when) - 1,
            when[-1] - when[0],
            day - when[0],
        )
        later = [one for one in sums[1:] if np.isfinite(one)]
        np.testing.assert_allclose(known.m[place], np.mean(later) if later else np.nan, atol=1e-9)
        np.testing.assert_allclose(known.first[place], sums[0], atol=1e-9)


@given(BOUGHT, st.integers(0, 45), st.integers(1, 20))
def test_a_future_is_what_a_loop_over_the_purchases_says(bought, day, ahead):
    ledger = Ledger.of(*(zip(*bought, strict=True) if bought else ([], [], [])))
    found = ledger.future(day, ahead)
    people = sorted({person for person, when, _ in bought if when <= day})
    then = [[(w, v) for p, w, v in bought if p == person and day < w <= day + ahead] for person in people]
    assert found.purchases.tolist() == [len({w for w, _ in one}) for one in then]
    np.testing.assert_allclose(found.revenue, [sum(v for _, v in one if np.isfinite(v)) for one in then], atol=1e-9)


@pytest.mark.parametrize("coded", [False, True])
def test_the_days_are_those_of_the_shops_clock(coded):
    days = {
        zone: Ledger.read([_batch(ROWS, coded=coded)], ["Order Completed"], time_zone=zone).day.tolist()
        for zone in ("UTC", "Europe/Oslo")
    }
    first = (datetime(2024, 3, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert days == {"UTC": [first, first + 1, first + 4], "Europe/Oslo": [first + 1, first + 4]}


def test_batches_may_be_cut_anywhere():
    whole = Ledger.read([_batch(ROWS)], ["Order Completed"])
    parts = Ledger.read([_batch(ROWS[:1]), _batch(ROWS[1:])], ["Order Completed"])
    assert (whole.person.tolist(), whole.day.tolist()) == (parts.person.tolist(), parts.day.tolist())


def test_what_is_later_than_asked_is_not_read():
    noon = int(datetime(2024, 3, 2, 12, tzinfo=UTC).timestamp() * 1e6)
    assert len(Ledger.read([_batch(ROWS)], ["Order Completed"], until=noon)) == 1


def test_money_that_nobody_knows_is_not_zero():
    assert np.isnan(Ledger.read([_batch(ROWS)], ["Order Completed"]).value[-1])


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="'value'"):
        Ledger.read([_batch(ROWS).drop_columns(["value"])], ["Order Completed"])


def test_people_are_drawn_whole():
    ledger = Ledger.of([1, 1, 2, 3, 3, 3], [0, 5, 1, 2, 3, 4], [1.0] * 6)
    drawn = ledger.drawn(2, seed=1)
    whole = {person: ledger.person.tolist().count(person) for person in set(drawn.person.tolist())}
    assert len(whole) == 2
    assert {person: drawn.person.tolist().count(person) for person in whole} == whole
    assert ledger.drawn(3, seed=1) is ledger


def test_no_purchase_is_an_empty_ledger():
    empty = Ledger.read([_batch(ROWS)], ["Nothing"])
    assert (len(empty), len(empty.history(9)), len(empty.future(9, 3).purchases)) == (0, 0, 0)
