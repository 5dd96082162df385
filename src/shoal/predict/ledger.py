"""Who bought on which day for how much, and what of it was known on a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from shoal.define.clock import days, to_local
from shoal.define.stream import instants
from shoal.errors import DataError, suggest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
COLUMNS = ("person", "at", "event", "value")


@dataclass(frozen=True)
class History:
    """What is known of each buyer on a day: one entry a person, all in days.

    `x` counts the days with a purchase after the first one, `t_x` is the time from the first to the last of them, `T`
    from the first to the day of looking; `m` is the mean money of those `x` days (NaN without one of known value),
    `first` the money of the first day.
    """

    person: Ints
    x: Ints
    t_x: Ints
    T: Ints
    m: Floats
    first: Floats

    def __len__(self) -> int:
        return len(self.person)

    @property
    def repeaters(self) -> int:
        """People who bought again."""
        return int(np.count_nonzero(self.x))


@dataclass(frozen=True)
class Future:
    """What the people of a history did afterwards: days with a purchase, and their money."""

    purchases: Floats
    revenue: Floats


@dataclass(frozen=True)
class Ledger:
    """One entry for each person and local day with a purchase, sorted by person and day.

    `day` counts from 1970-01-01 in the shop's time zone; `value` is the sum of that day's money, NaN where no purchase
    of the day has a known one.

    >>> ledger = Ledger.of([7, 7, 9], [0, 10, 4], [5.0, 3.0, 1.0])
    >>> known = ledger.history(12)
    >>> known.x.tolist(), known.t_x.tolist(), known.T.tolist(), known.m.tolist()
    ([1, 0], [10, 0], [12, 8], [3.0, nan])
    """

    person: Ints
    day: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.person)

    @classmethod
    def of(cls, person: ArrayLike, day: ArrayLike, value: ArrayLike) -> Ledger:
        """A ledger from one entry a purchase, in any order: days since 1970, money (NaN: not known)."""
        return cls(*_daily(np.asarray(person, np.int64), np.asarray(day, np.int64), np.asarray(value, np.float64)))

    @classmethod
    def read(
        cls,
        batches: Iterable[pa.RecordBatch],
        events: Collection[str],
        *,
        time_zone: str = "UTC",
        until: int | None = None,
    ) -> Ledger:
        """A ledger from an event stream, cut anywhere.

        Args:
            batches: with the columns person, at, event, value.
            events: names of the events that are purchases.
            time_zone: the zone whose midnights part the days.
            until: instant in microseconds; later events are not read.

        Raises DataError when a column is missing.
        """
        parts = [_daily(*part) for part in _whole(_purchases(batches, sorted(events), time_zone, until))]
        if not parts:
            return cls.of([], [], [])
        return cls.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def until(self, day: int) -> Ledger:
        """The entries of that day and before."""
        known = self.day <= day
        return self if known.all() else Ledger(self.person[known], self.day[known], self.value[known])

    def of_people(self, person: Ints) -> Ledger:
        """The entries of these people."""
        mine = np.isin(self.person, person)
        return self if mine.all() else Ledger(self.person[mine], self.day[mine], self.value[mine])

    def drawn(self, people: int, seed: int) -> Ledger:
        """The entries of so many people, drawn where there are more."""
        starts = _starts(self.person)
        if len(starts) <= people:
            return self
        some = np.zeros(len(starts), bool)
        some[np.random.default_rng(seed).choice(len(starts), people, replace=False)] = True
        rows = np.repeat(some, np.diff(np.append(starts, len(self))))
        return Ledger(self.person[rows], self.day[rows], self.value[rows])

    def history(self, as_of_day: int) -> History:
        """What was known at the end of that day, of everybody who had bought by then."""
        seen = self.until(as_of_day)
        starts = _starts(seen.person)
        ends = np.append(starts[1:], len(seen))[: len(starts)] - 1
        first, known = seen.day[starts], np.isfinite(seen.value)
        money = np.where(known, seen.value, 0.0)
        repeats = known.astype(np.int64)
        opening = np.where(known[starts], money[starts], np.nan)
        money[starts], repeats[starts] = 0.0, 0
        spent, counted = _sums(money, starts), _sums(repeats, starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(counted > 0, spent / counted, np.nan)
        last = seen.day[ends]
        return History(seen.person[starts], ends - starts, last - first, as_of_day - first, mean, opening)

    def future(self, as_of_day: int, days: int) -> Future:
        """What the people of `history(as_of_day)` did in the `days` after that day, in the same order."""
        people = self.person[_starts(self.person)]
        owner = np.repeat(np.arange(len(people)), np.diff(np.append(_starts(self.person), len(self))))
        later = (self.day > as_of_day) & (self.day <= as_of_day + days)
        count = np.bincount(owner[later], minlength=len(people)).astype(np.float64)
        money = np.bincount(owner[later], np.nan_to_num(self.value[later]), minlength=len(people)).astype(np.float64)
        here = np.zeros(len(people), bool)
        here[owner[self.day <= as_of_day]] = True
        return Future(count[here], money[here])


def _purchases(
    batches: Iterable[pa.RecordBatch], events: list[str], time_zone: str, until: int | None
) -> Iterator[tuple[Ints, Ints, Floats]]:
    wanted = pa.array(events, pa.string())
    for batch in batches:
        for name in COLUMNS:
            if name not in batch.schema.names:
                raise DataError(f"events lack the column '{name}'.{suggest(name, batch.schema.names)}")
        event = batch.column("event")
        chosen = pc.is_in(event.cast(pa.string()) if pa.types.is_dictionary(event.type) else event, wanted)
        at = instants(pa.chunked_array([batch.column("at")]))
        rows = chosen.to_numpy(zero_copy_only=False)
        if until is not None:
            rows = rows & (at <= until)
        if rows.any():
            value = batch.column("value").cast(pa.float64()).to_numpy(zero_copy_only=False)
            person = np.asarray(batch.column("person").cast(pa.int64()))
            yield person[rows], days(to_local(at[rows], time_zone)), value[rows]


def _whole(parts: Iterable[tuple[Ints, Ints, Floats]]) -> Iterator[tuple[Ints, Ints, Floats]]:
    """The purchases with a person's in one part, where the stream is sorted: the sum of a day has one order then."""
    held: tuple[Ints, Ints, Floats] | None = None
    for part in parts:
        person, day, value = part
        if held is not None:
            person, day, value = (np.concatenate(both) for both in zip(held, part, strict=True))
        begin = int(np.flatnonzero(person != person[-1])[-1]) + 1 if person[0] != person[-1] else 0
        if begin:
            yield person[:begin], day[:begin], value[:begin]
        held = person[begin:], day[begin:], value[begin:]
    if held is not None:
        yield held


def _daily(person: Ints, day: Ints, value: Floats) -> tuple[Ints, Ints, Floats]:
    """One entry a person and day; infinite money counts as not known."""
    if not len(person):
        return person, day, value
    step = (person[1:] > person[:-1]) | ((person[1:] == person[:-1]) & (day[1:] >= day[:-1]))
    if not step.all():
        order = np.lexsort((day, person))
        person, day, value = person[order], day[order], value[order]
    change = (person[1:] != person[:-1]) | (day[1:] != day[:-1])
    starts = np.append(0, np.flatnonzero(change) + 1)
    known = np.isfinite(value)
    if len(starts) == len(person):
        return person, day, np.where(known, value, np.nan)
    money = np.add.reduceat(np.where(known, value, 0.0), starts)
    some = np.add.reduceat(known.astype(np.int64), starts) > 0
    return person[starts], day[starts], np.where(some, money, np.nan)


def _starts(person: Ints) -> Ints:
    """Where each person's entries begin."""
    if not len(person):
        return np.zeros(0, np.int64)
    return np.append(0, np.flatnonzero(person[1:] != person[:-1]) + 1).astype(np.int64)


def _sums(values: NDArray[np.float64] | Ints, starts: Ints) -> Floats:
    return np.asarray(np.add.reduceat(values, starts) if len(starts) else np.zeros(0), np.float64)
