"""Local time for arrays of instants, from the zone's table of offsets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PARTS = frozenset({"hour", "weekday", "day", "day_number", "month", "year"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOW, _HIGH = -62_135_596_800 * SECOND, 253_402_300_799 * SECOND


def to_local(at: Int64, time_zone: str) -> Int64:
    """Instants in microseconds UTC to microseconds of the local wall clock.

    >>> to_local(np.array([0]), "Asia/Tokyo") // HOUR
    array([9])
    """
    if time_zone == "UTC" or at.size == 0:
        return at
    low, high = int(at.min()), int(at.max())
    starts, offsets = _offsets(time_zone, _year(low) - 1, _year(high) + 1)
    if len(offsets) == 1:
        return np.asarray(at + offsets[0], np.int64)
    stretch: Int64 = np.searchsorted(starts[1:], at, side="right")
    return np.asarray(at + offsets[stretch], np.int64)


def to_instant(local: datetime, time_zone: str) -> int:
    """The instant in microseconds of a wall-clock time; the later one where the clock shows it twice."""
    aware = local if local.tzinfo is not None else local.replace(tzinfo=ZoneInfo(time_zone), fold=1)
    return int((aware.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1))


def _year(at: int) -> int:
    return (_EPOCH + timedelta(microseconds=min(max(at, _LOW), _HIGH))).year


@lru_cache(maxsize=64)
def _offsets(time_zone: str, first: int, last: int) -> tuple[Int64, Int64]:
    """Starts (µs UTC) of the stretches of constant offset in these years, and the offsets (µs)."""
    zone = ZoneInfo(time_zone)

    def offset(second: int) -> int:
        span = datetime.fromtimestamp(second, tz=zone).utcoffset()
        return 0 if span is None else int(span / timedelta(microseconds=1))

    low = int(datetime(max(first, 2), 1, 1, tzinfo=UTC).timestamp())
    high = int(datetime(min(last + 1, 9998), 1, 1, tzinfo=UTC).timestamp())
    starts, offsets = [low], [offset(low)]
    for day in range(low, high, 86_400):
        if offset(day + 86_400) != offsets[-1]:
            left, right = day, day + 86_400
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if offset(middle) == offsets[-1] else (left, middle)
            starts.append(right)
            offsets.append(offset(right))
    return np.array(starts, np.int64) * SECOND, np.array(offsets, np.int64)


def days(local: Int64) -> Int64:
    """Local days since 1970."""
    return local // DAY


def part(local: Int64, name: str) -> Int64:
    """One of PARTS of local wall-clock microseconds; Monday is weekday 1, day numbers count from 1970.

    >>> part(np.array([0]), "weekday")  # 1970 began on a Thursday
    array([4])
    """
    if name == "hour":
        return local // HOUR % 24
    if name == "weekday":
        return (days(local) + 3) % 7 + 1
    if name == "day_number":
        return days(local)
    day = days(local).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    if name == "day":
        return np.asarray((day - month.astype("datetime64[D]")).astype(np.int64) + 1)
    months = month.astype(np.int64)
    return months % 12 + 1 if name == "month" else months // 12 + 1970
