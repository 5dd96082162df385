"""A new state from a run: everybody's history, identifiers, traits and stays, before any later event of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal import tables
from shoal.live.graph import Known, Profile
from shoal.live.layout import FORMATS, NO_TIME, Layout, Rows, key_of
from shoal.live.nodes import LmdbNodes
from shoal.live.reading import adopt
from shoal.live.record import Record, Rest, pack, with_rest
from shoal.live.state import State, Txn, Words, person_key

Ints = NDArray[np.int64]
Liked = tuple[str, int, str, str | None, bool]
"""Model, rank, item, name, whether it would be the person's first of it."""
Told = tuple[int, int, dict[str, Any]]
NEVER = int(np.iinfo(np.int64).max)
LATE = -(1 << 62)
AGES_AGO = -(1 << 61)  # microseconds: before all instants
CHUNK = 50_000


@dataclass(frozen=True)
class Origin:
    """A run as the live side begins with it.

    `events` streams whole buckets, flat and sorted by (person, at, event_id), with the columns asked for; `profiles`
    has `person, first_seen, last_seen` and traits; `liked` gives the items recommended to some people; `guarded`
    identifiers (type, value) that join nobody; `met` who was seen with whom (type, value, other type, other value).
    """

    run_id: str
    seen: int
    profiles: pa.Table
    identifiers: pa.Table
    events: Callable[[Sequence[str]], Iterable[pa.Table]]
    traits: Sequence[str] = ()
    liked: Callable[[Ints], Mapping[int, Sequence[Liked]]] = lambda _: {}
    guarded: Sequence[tuple[str, str]] = ()
    met: Sequence[tuple[str, str, str, str]] = ()
    live: str = "live"

    @cached_property
    def people(self) -> Ints:
        """Everybody, in order."""
        return np.sort(np.asarray(self.profiles["person"].combine_chunks()))

    @cached_property
    def _places(self) -> Ints:
        return np.argsort(np.asarray(self.profiles["person"].combine_chunks()), kind="stable")

    def told(self, people: Ints) -> dict[int, Told]:
        """First and last seen, and traits, of some people; a million at once would be a gigabyte."""
        place = np.searchsorted(self.people, people)
        known = place < len(self.people)
        known[known] = self.people[place[known]] == people[known]
        return _told(self.profiles.take(pa.array(self._places[place[known]])), self.traits)

    def chunks(self, people: Ints | None = None) -> Iterator[Ints]:
        """Everybody or some people, a chunk at a time."""
        everybody = self.people if people is None else people
        for start in range(0, len(everybody), CHUNK):
            yield everybody[start : start + CHUNK]

    def messages(self) -> Iterator[list[str]]:
        """The ids of the messages of the log that the run has, in chunks."""
        for batch in self.events(["event_id", "source"]):
            yield self.messages_of(batch)

    def messages_of(self, batch: pa.Table) -> list[str]:
        """The ids of the messages of the log among some events."""
        own: list[str] = batch.filter(pc.equal(batch["source"].cast(pa.string()), self.live))["event_id"].to_pylist()
        return own


def seed(state: State, origin: Origin, layout: Layout) -> None:
    """Fills an empty state: records without computed values, to be swept by the first steps."""
    words = Words()
    acted: list[Ints] = [np.zeros(0, np.int64)]
    for batch in origin.events(columns(layout)):
        with state.writing() as txn:
            words.txn = txn
            for event_id in sorted(origin.messages_of(batch)):  # their repeats are dropped
                txn.put("messages", bytes.fromhex(event_id), b"")
            person, rows = rows_of(batch, layout, words)
            rows["combination"] = np.searchsorted(origin.people, person)
            acted.append(np.unique(person))
            _put_all(txn, origin, acted[-1], dict(_by_person(person, rows)), layout)
    for people in origin.chunks(np.setdiff1d(origin.people, np.concatenate(acted))):
        with state.writing() as txn:
            _put_all(txn, origin, people, {}, layout)
    with state.writing() as txn:
        adopt(LmdbNodes(txn.raw, txn.dbs["nodes"]), profiles_of(origin), set(origin.guarded), origin.met)
        txn.set_meta("offset", origin.seen)


def told_when(who: int, last_seen: int) -> tuple[int, str]:
    """When a run's profile told its traits, as nobody says: before all events; of two profiles the one seen last."""
    return AGES_AGO + (0 if last_seen == NEVER else last_seen), tables.profile_id(who)


def columns(layout: Layout) -> list[str]:
    """The columns of events that seeding reads."""
    return ["person", "at", "event", "event_id", "source", *(name for name, _ in layout.columns)]


def rows_of(batch: pa.Table, layout: Layout, words: Words) -> tuple[NDArray[np.int64], Rows]:
    """A table of flat events as rows of a layout, with each row's person."""
    count = batch.num_rows
    rows = np.zeros(count, layout.dtype)
    rows["at"] = np.asarray(batch["at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
    rows["tie"] = np.array([one.encode("utf-8", "surrogatepass")[:16] for one in batch["event_id"].to_pylist()], "S16")
    rows["event"] = _coded(batch["event"], words.code, np.uint32)
    for place, (name, kind) in enumerate(layout.columns):
        rows[f"c{place}"] = _cells(batch[name], kind, words)
    return np.asarray(batch["person"].cast(pa.int64())), rows


def _cells(column: pa.ChunkedArray, kind: str, words: Words) -> NDArray[Any]:
    if pa.types.is_null(column.type):
        fill = {"number": np.nan, "time": NO_TIME}.get(kind, 0)
        return np.full(len(column), fill, FORMATS[kind])
    if kind in ("text", "key"):
        return _coded(column, words.code if kind == "text" else key_of, np.dtype(FORMATS[kind]).type)
    if kind == "number":
        found = column.cast(pa.float64(), safe=False).to_numpy()
        kept: NDArray[Any] = np.where(np.isfinite(found), found, np.nan)
        return kept
    if kind == "bool":
        return np.asarray(pc.fill_null(pc.add(pc.cast(column, pa.uint8()), pa.scalar(1, pa.uint8())), 0))
    return np.asarray(pc.fill_null(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), NO_TIME))


def _coded(column: pa.ChunkedArray, code: Callable[[str], int], kind: Any) -> NDArray[Any]:
    """Texts by code, 0 where there is none; each different text is looked up once."""
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    coded = plain.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = np.array([*(code(word) for word in coded.dictionary.to_pylist()), 0], kind)
    found: NDArray[Any] = codes[np.asarray(pc.fill_null(coded.indices, len(codes) - 1))]
    return found


def _by_person(person: NDArray[np.int64], rows: Rows) -> Iterator[tuple[int, Rows]]:
    starts = np.flatnonzero(np.diff(person, prepend=person[:1] - 1)) if len(person) else np.zeros(0, np.int64)
    ends = np.append(starts[1:], len(person))
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        yield int(person[first]), rows[first:last]


def _told(profiles: pa.Table, traits: Sequence[str]) -> dict[int, Told]:
    names = [name for name in traits if name in profiles.column_names]
    plain = [_plain(profiles[name]) for name in names]
    first, last = (_instants(profiles[name]) for name in ("first_seen", "last_seen"))
    return {
        who: (
            first[place],
            last[place],
            {n: c[place] for n, c in zip(names, plain, strict=True) if c[place] is not None},
        )
        for place, who in enumerate(profiles["person"].to_pylist())
    }


def _plain(column: pa.ChunkedArray) -> list[Any]:
    found: list[Any]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    elif pa.types.is_integer(column.type):
        column = column.cast(pa.float64())
    found = column.to_pylist()
    return found


def _instants(column: pa.ChunkedArray) -> list[int]:
    found: list[int] = pc.fill_null(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), NEVER).to_pylist()
    return found


def profiles_of(origin: Origin) -> Iterator[Profile]:
    """The run's profiles with their identifiers."""
    table = origin.identifiers.sort_by([("person", "ascending")])
    people = np.asarray(table["person"].combine_chunks())
    starts = np.flatnonzero(np.diff(people, prepend=people[:1] - 1)) if len(people) else np.zeros(0, np.int64)
    ends = np.append(starts[1:], len(people))
    numbers = np.searchsorted(origin.people, people[starts])  # those that the rows of their histories have
    for first in range(0, len(starts), CHUNK):
        some = slice(first, first + CHUNK)
        begin = int(starts[first])
        known = _identifiers(table.slice(begin, int(ends[some][-1]) - begin))
        for who, number, start, end in zip(
            people[starts[some]].tolist(), numbers[some].tolist(), starts[some] - begin, ends[some] - begin, strict=True
        ):
            own = tuple(known[start:end])
            yield Profile(
                who, own, min((one.first_seen for one in own if one.first_seen is not None), default=None), number
            )


def _identifiers(table: pa.Table) -> list[Known]:
    plain = [table[name].to_pylist() for name in ("type", "value")]
    seen = [_instants_or_none(table[name]) for name in ("first_seen", "last_seen")]
    return [Known(*one) for one in zip(*plain, *seen, strict=True)]


def _instants_or_none(column: pa.ChunkedArray) -> list[int | None]:
    found: list[int | None] = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return found


def _put_all(txn: Txn, origin: Origin, people: Ints, rows: Mapping[int, Rows], layout: Layout) -> None:
    """Keeps some people as the run has them."""
    told, liked, none = origin.told(people), origin.liked(people), np.empty(0, layout.dtype)
    for who, number in zip(people.tolist(), np.searchsorted(origin.people, people).tolist(), strict=True):
        first, last, traits = told.get(who) or (NEVER, NEVER, {})
        rest = Rest(
            traits={name: [(number, value, *told_when(who, last))] for name, value in traits.items()},
            liked=list(liked.get(who, ())),
        )
        own = rows.get(who, none)
        last = last if last != NEVER else LATE
        record = Record(0, NEVER, first, last, b"", b"", own.tobytes(), with_rest(rest), len(own))
        txn.put("people", person_key(who), pack(record))
