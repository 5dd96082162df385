"""From placed events to people with their whole histories: what was known, moved where identities joined or parted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from shoal.live.changes import Cause
from shoal.live.event import Event, Value
from shoal.live.identity import Move, Placed
from shoal.live.layout import Layout, Rows, ordered
from shoal.live.record import Record, Rest, rest_of, unpack
from shoal.live.state import Txn, Words, person_key

NEVER = int(np.iinfo(np.int64).max)
LATE = -(1 << 62)


@dataclass(slots=True)
class Work:
    """One person in a step: the record as it was, and what is new.

    `rows` is the whole history where it changed, `rest` counts where `told`. `absorbed` are the records, by person,
    that became part of this one; `inherits` their stays: segment key to instant of entry.
    """

    person: int
    record: Record
    cause: Cause
    event: str | None = None
    offset: int | None = None
    rows: bytes | None = None
    rest: Rest = field(default_factory=Rest)
    told: bool = False
    absorbed: dict[int, Record] = field(default_factory=dict)
    inherits: dict[str, int] = field(default_factory=dict)
    first_seen: int = NEVER
    last_seen: int = LATE

    def traits(self) -> dict[str, Value]:
        """Each trait as it was told last."""
        rest = self.rest if self.told else rest_of(self.record)
        return {name: max(told, key=lambda one: one[2:])[1] for name, told in rest.traits.items()}


def known(person: int, record: Record, cause: Cause) -> Work:
    """A person as a record has them."""
    return Work(person, record, cause, first_seen=record.first_seen, last_seen=record.last_seen)


def empty() -> Record:
    """The record of somebody new."""
    return Record(0, NEVER, NEVER, LATE, b"", b"", b"", b"", 0)


def load(txn: Txn, person: int, cause: Cause) -> Work | None:
    """A person as the state has them, None where it has nobody of that number."""
    data = txn.get("people", person_key(person))
    return None if data is None else known(person, unpack(data), cause)


def gather(
    txn: Txn, events: Sequence[Event], offsets: Sequence[int], placed: Placed, layout: Layout, words: Words
) -> dict[int, Work]:
    """The people of some events, each with the history that the events make.

    `placed` gives each event's person and combination, and who became part of whom; records that are left without
    history are deleted, and an alias leads from them.
    """
    works: dict[int, Work] = {}
    pieces: dict[int, list[Rows]] = {}
    _move(txn, placed.moves, placed.people, works, pieces, layout)
    fresh: dict[int, list[int]] = {}
    for place, (event, offset, person) in enumerate(zip(events, offsets, placed.people, strict=True)):
        work = works.get(person)
        if work is None:
            work = works[person] = load(txn, person, "event") or Work(person, empty(), "event")
        fresh.setdefault(person, []).append(place)
        work.event, work.offset = event.event, offset
        if event.traits:
            _tell(work, event, placed.combinations[place])
    _join(works, pieces, fresh, layout.rows(events, placed.combinations, words.code))
    return works


def _tell(work: Work, event: Event, combination: int) -> None:
    """Keeps what an event tells of traits, the latest of each combination."""
    _open(work)
    for name, value in event.traits.items():
        told = work.rest.traits.setdefault(name, [])
        mine = next((place for place, one in enumerate(told) if one[0] == combination), None)
        new = (combination, value, event.at, event.event_id)
        if mine is None:
            told.append(new)
        elif told[mine][2:] < new[2:]:
            told[mine] = new


def _open(work: Work) -> None:
    if not work.told:
        work.rest, work.told = rest_of(work.record), True


@dataclass(frozen=True)
class _Deal:
    """To whom a person's rows go: by combination, and the rest."""

    by: Mapping[int, int]
    rest: int

    @classmethod
    def of(cls, before: int, moves: Sequence[Move]) -> _Deal:
        by = {one: move.after for move in moves for one in move.combinations or ()}
        return cls(by, next((move.after for move in moves if move.combinations is None), before))

    @property
    def people(self) -> list[int]:
        return list(dict.fromkeys([self.rest, *self.by.values()]))

    def owners(self, combinations: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The person of each combination of some rows."""
        used, places = np.unique(combinations, return_inverse=True)
        return np.array([self.by.get(one, self.rest) for one in used.tolist()], np.int64)[places]


def _move(
    txn: Txn,
    moves: Sequence[Move],
    placed: Collection[int],
    works: dict[int, Work],
    pieces: dict[int, list[Rows]],
    layout: Layout,
) -> None:
    """Deals the histories of people whose combinations moved among those to whom they belong now."""
    told: dict[int, list[Move]] = {}
    for move in moves:
        told.setdefault(move.before, []).append(move)
    records = {before: unpack(data) for before in told if (data := txn.get("people", person_key(before))) is not None}
    deals = {before: _Deal.of(before, told[before]) for before in records}
    staying = {person for deal in deals.values() for person in deal.people} | set(placed)
    for person in dict.fromkeys(person for deal in deals.values() for person in deal.people):
        work = works[person] = load(txn, person, "event") or Work(person, empty(), "event")
        _open(work)
        if person in records:
            work.rest = Rest(liked=work.rest.liked)
            work.first_seen, work.last_seen = NEVER, LATE
        elif work.record.rows:
            pieces[person] = [np.frombuffer(work.record.rows, layout.dtype)]
    for before, record in records.items():
        rows, rest, deal = np.frombuffer(record.rows, layout.dtype), rest_of(record), deals[before]
        owners = deal.owners(rows["combination"])
        for person in deal.people:
            _hand_over(record, rows[owners == person], rest, deal, works[person], pieces)
        if before not in staying:
            _absorb(txn, before, record, works[deal.rest])


def _hand_over(record: Record, rows: Rows, rest: Rest, deal: _Deal, work: Work, pieces: dict[int, list[Rows]]) -> None:
    """Gives one person its part of another's rows and traits."""
    pieces.setdefault(work.person, []).append(rows)
    for name, told in rest.traits.items():
        kept = [one for one in told if deal.by.get(one[0], deal.rest) == work.person]
        if kept:
            work.rest.traits.setdefault(name, []).extend(kept)
    if len(rows) == record.count:
        work.first_seen = min(work.first_seen, record.first_seen)
        work.last_seen = max(work.last_seen, record.last_seen)


def _absorb(txn: Txn, before: int, record: Record, into: Work) -> None:
    into.absorbed[before] = record
    txn.delete("people", person_key(before))
    txn.put("aliases", person_key(before), person_key(into.person))


def _join(works: dict[int, Work], pieces: dict[int, list[Rows]], fresh: dict[int, list[int]], arrived: Rows) -> None:
    """Puts old and new rows of everybody in order, all people at once; as bytes, for NumPy is slow at records."""
    people = list(dict.fromkeys([*pieces, *fresh]))
    size = arrived.dtype.itemsize
    new = arrived[[place for places in fresh.values() for place in places]].tobytes()
    ends = dict(zip(fresh, accumulate(len(rows) * size for rows in fresh.values()), strict=True))
    parts, lengths, olds = [], [], []
    for person in people:
        own = pieces.get(person)
        old = works[person].record.rows if own is None else b"".join(one.tobytes() for one in own)
        end = ends.get(person, 0)
        more = new[end - len(fresh.get(person, ())) * size : end]
        parts += [old, more]
        olds.append(len(old) // size if own is None else 0)
        lengths.append((len(old) + len(more)) // size)
    rows = np.frombuffer(b"".join(parts), arrived.dtype)
    starts = np.cumsum(lengths) - lengths
    place = np.repeat(np.arange(len(people)), lengths)
    is_new = np.arange(len(rows)) - np.repeat(starts, lengths) >= np.repeat(olds, lengths)
    order = ordered(place, rows, is_new)
    rows = rows if order is None else rows[order]
    data, at = rows.tobytes(), rows["at"]
    for person, start, length in zip(people, starts.tolist(), lengths, strict=True):
        work = works[person]
        work.rows = data[start * size : (start + length) * size]
        if length:
            work.first_seen = min(work.first_seen, int(at[start]))
            work.last_seen = max(work.last_seen, int(at[start + length - 1]))
