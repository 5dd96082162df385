"""What a step leaves in the state: records, memberships, dues, and the feed of changes."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal import tables
from shoal.live import changes
from shoal.live.changes import Cause, Feed
from shoal.live.definition import Definition
from shoal.live.evaluate import Evaluated
from shoal.live.gather import NEVER, Work
from shoal.live.record import Record, pack, with_rest
from shoal.live.state import Txn, due_key, member_key, person_key

_INSTANT = struct.Struct("<q")


@dataclass
class Step:
    """What a step did."""

    events: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    evaluated: int = 0
    people: int = 0
    entered: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    pending: bool = False
    received: list[int] = field(default_factory=list)


class Writer:
    """Writes what was computed of people, in one step's transaction."""

    def __init__(
        self, txn: Txn, definition: Definition, generation: int, clock: int, done: Step, *, silent: bool = False
    ) -> None:
        self.silent = silent
        self.txn, self.definition, self.generation, self.clock, self.done = txn, definition, generation, clock, done
        self.feed = Feed(txn)
        self.sizes: Counter[str] = Counter(txn.meta("sizes", {}))
        self.codes: dict[str, int] = txn.meta("codes", {})
        known = txn.meta("generations", {})
        self._keys = {int(number): [_key(rule) for rule in one["rules"]] for number, one in known.items()}
        self._jumps: int = txn.meta("jumps", 0)
        self._status = {rule.key: rule.status for rule in definition.rules}
        self._at = tables.iso(clock)

    def dissolve(self, works: Sequence[Work]) -> None:
        """Ends the stays of profiles that became part of another, where they go on from the same instant."""
        for work in works:
            for person, record in work.absorbed.items():
                if record.due < NEVER:
                    self.txn.delete("due", due_key(record.due, person))
                for key in self._held(record):
                    entered = self.txn.get("members", member_key(self.codes[key], person))
                    if entered is not None:
                        since = int(_INSTANT.unpack(entered)[0])
                        work.inherits[key] = min(since, work.inherits.get(key, since))
                        self._leave(work, key, "merge", person)

    def write(self, works: Sequence[Work], found: Evaluated) -> None:
        """Writes some people as they were found."""
        dues = found.due.tolist()
        size = self.definition.layout.dtype.itemsize
        people: list[tuple[bytes, bytes]] = []
        waiting: list[tuple[bytes, bytes]] = []
        for place, work in enumerate(works):
            before, due, mask = work.record, dues[place], found.mask[place].tobytes()
            if before.mask != mask or before.generation != self.generation or work.inherits:
                self._compare(work, mask)
            if before.due != due:
                if before.due < NEVER:
                    self.txn.delete("due", due_key(before.due, work.person))
                if due < NEVER:
                    waiting.append((due_key(due, work.person), b""))
            rows = work.rows if work.rows is not None else before.rows
            made = Record(
                self.clock,
                due,
                work.first_seen,
                work.last_seen,
                mask,
                found.values[place].tobytes(),
                rows,
                with_rest(work.rest) if work.told else before.rest,
                len(rows) // size,
                self.generation,
            )
            people.append((person_key(work.person), pack(made)))
        self.txn.put_all("people", people)
        self.txn.put_all("due", waiting)
        self.done.evaluated += len(works)

    def close(self) -> None:
        """Keeps what was counted."""
        self.feed.close()
        if self.done.entered or self.done.left:
            self.txn.set_meta("sizes", {key: size for key, size in self.sizes.items() if size > 0})

    def _held(self, record: Record) -> list[str]:
        """The segment versions that a record was in, by the definition that it was computed by."""
        return list(bits(record.mask, self._keys.get(record.generation, [])))

    def _compare(self, work: Work, mask: bytes) -> None:
        """Enters and ends stays: what rules say now against what was so before."""
        record = work.record
        if record.generation == self.generation and not work.inherits:  # only what differs is looked at
            old, new = (int.from_bytes(one, "little") for one in (record.mask, mask))
            keys = self._keys[self.generation]
            before, after = dict.fromkeys(_bits(old & ~new, keys)), dict.fromkeys(_bits(new & ~old, keys))
        else:
            before, after = dict.fromkeys(self._held(record)), dict.fromkeys(bits(mask, self._keys[self.generation]))
        stale = record.generation not in (0, self.generation)
        both = {*self._keys.get(record.generation, [])} & {*self._keys[self.generation]} if stale else set()

        def cause(key: str) -> Cause:  # time, too, may turn a rule over that was so before and is so still
            return "rule" if stale and work.cause == "time" and key not in both else work.cause

        for key in before:
            if key not in after:
                self._leave(work, key, cause(key), work.person)
        for key in after:
            if key not in before:
                own: Cause = "merge" if key in work.inherits else cause(key)
                entered = work.inherits.get(key, self.clock)
                self.txn.put("members", member_key(self.codes[key], work.person), instant(entered))
                self.sizes[key] += 1
                self.done.entered[key] += 1
                self._tell("entered", key, work, own, work.person)

    def _leave(self, work: Work, key: str, cause: Cause, person: int) -> None:
        if self.txn.delete("members", member_key(self.codes[key], person)):
            self.sizes[key] -= 1
            self.done.left[key] += 1
            self._tell("left", key, work, cause, person)

    def _tell(self, change: str, key: str, work: Work, cause: Cause, person: int) -> None:
        if self.silent:
            return
        name, _, version = key.rpartition("@")
        instant = work.record.due if cause == "time" else work.offset if work.offset is not None else self.clock
        told: dict[str, Any] = {
            "id": changes.identity(
                cause, instant, person, key, change, self.generation if cause == "rule" else self._jumps
            ),
            "change": change,
            "segment": name,
            "version": int(version),
            "status": self._status.get(key, "retired"),
            "profile_id": tables.profile_id(person),
            "at": self._at,
            "why": changes.why(cause, work.event if cause == "event" else None, work.offset),
        }
        self.feed.add(**told)


def bits(mask: bytes, keys: Sequence[str]) -> Iterator[str]:
    """The keys whose bit is set, the lowest first.

    >>> list(bits(b"\\x05", ["a", "b", "c"]))
    ['a', 'c']
    """
    return _bits(int.from_bytes(mask, "little"), keys)


def _bits(number: int, keys: Sequence[str]) -> Iterator[str]:
    while number:
        low = number & -number
        yield keys[low.bit_length() - 1]
        number ^= low


def instant(at: int) -> bytes:
    """An instant of entry as a row of `members` holds it."""
    return _INSTANT.pack(at)


def entered(value: bytes) -> int:
    """The instant of entry in a row of `members`."""
    return int(_INSTANT.unpack(value)[0])


def count(txn: Txn, done: Step) -> None:
    """Adds what a step did to what all steps did."""
    counts = txn.meta("counts", {})
    for name, more in (("events", done.events), ("duplicates", done.duplicates), ("evaluated", done.evaluated)):
        counts[name] = counts.get(name, 0) + more
    for name, some in (("refused", done.refused), ("entered", done.entered), ("left", done.left)):
        if some:
            counts[name] = dict(Counter(counts.get(name, {})) + some)
    txn.set_meta("counts", counts)
    done.people = txn.count("people")


def _key(rule: dict[str, Any]) -> str:
    return f"{rule['name']}@{rule['version']}"
