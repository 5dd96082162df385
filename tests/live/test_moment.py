"""Instants and the correction of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shoal.live.moment import corrected, instant

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2400, 1, 1), timezones=zones)  # noqa: DTZ001 - zones are drawn


@given(times)
def test_every_way_of_writing_an_instant_gives_its_exact_microsecond(moment: datetime) -> None:
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    assert instant(moment.isoformat()) == exact
    assert instant(plain.isoformat()) == instant(plain.isoformat() + "Z") == exact


def test_what_is_no_instant_is_none() -> None:
    assert [instant(value) for value in (None, True, "", "now", "12", [1], {}, 1e300, "9" * 30)] == [None] * 9


@given(st.integers(), st.integers(), st.integers(), st.integers())
def test_a_correction_forgets_the_senders_clock(original: int, sent: int, received: int, off: int) -> None:
    assert corrected(original + off, sent + off, received) == corrected(original, sent, received) <= received
