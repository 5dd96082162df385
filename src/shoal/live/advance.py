"""One step of the live side: entries of the log and the passing of time to a new state, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from shoal.live.definition import Definition
from shoal.live.evaluate import Crowd, Evaluator
from shoal.live.event import Event, Refused
from shoal.live.gather import Work, gather, known, load
from shoal.live.identity import Resolver
from shoal.live.nodes import LmdbNodes
from shoal.live.record import unpack
from shoal.live.seen import Seen
from shoal.live.state import State, Txn, Words, due_at, person_of
from shoal.live.write import Step, Writer, count

CHUNK = 4_096  # people evaluated at once
DUE = 4_096  # people whose time has come that one step takes
SWEPT = 4_096  # people of an earlier definition that one step takes when no event waits
BACK = 60_000_000  # microseconds by which the clock may seem to go back
BESIDE = 256  # and that it takes beside events, which come first


class Cleans(Protocol):
    """From an entry of the log to events; see `live/message.py`."""

    def clean(self, offset: int, entry: bytes) -> tuple[list[Event], list[Refused]]: ...


class Advancer:
    """Moves the state forward. One at a time may write a state."""

    def __init__(
        self, state: State, definition: Definition, cleaner: Cleans, resolver: Resolver, *, silent: bool = False
    ) -> None:
        self.state, self.cleaner, self.resolver, self.silent = state, cleaner, resolver, silent
        self.words = Words()
        self.seen = self._remembered()
        self.redefine(definition)

    def redefine(self, definition: Definition) -> None:
        """Goes on with another definition over the same histories; people are brought to it step by step."""
        evaluator = Evaluator(definition, self.words)
        with self.state.writing() as txn:
            number = generation(txn, definition)
        self.definition, self.evaluator, self.generation = definition, evaluator, number

    def step(self, entries: Sequence[tuple[int, bytes]], now: int) -> Step:
        """One transaction: the entries' events, the people whose time has come, some of an earlier definition."""
        done = Step()
        events: list[Event] = []
        origin: list[int] = []
        for offset, entry in entries:
            cleaned, refused = self.cleaner.clean(offset, entry)
            events += cleaned
            origin += [offset] * len(cleaned)
            done.refused.update(one.reason for one in refused)
        try:
            with self.state.writing() as txn:
                self.words.txn = txn
                clock = self._clock(txn, now)
                works = self._arrived(txn, events, origin, done)
                self._aged(txn, works, clock, done)
                swept = self._swept(txn, works, done, BESIDE if events else SWEPT)
                self._evaluate(txn, works, clock, done)
                if swept:
                    forget_generations(txn)
                if entries:
                    txn.set_meta("offset", entries[-1][0])
                if not self.definition.run_id and self.seen.look(events):
                    txn.set_meta("seen", self.seen.to_dict())
                count(txn, done)
        except BaseException:
            self.words.forget()
            self.resolver.forget()
            self.seen = self._remembered()
            raise
        return done

    def waiting(self, now: int) -> bool:
        """Whether there is something to do at an instant although no event came."""
        with self.state.reading() as txn:
            cursor = txn.cursor("due")
            behind = txn.meta("clock", 0) - now > BACK
            return behind or txn.meta("sweep") is not None or (bool(cursor.first()) and due_at(cursor.key()) <= now)

    def _remembered(self) -> Seen:
        with self.state.reading() as txn:
            return Seen.of(txn.meta("seen", {}))

    def _clock(self, txn: Txn, now: int) -> int:
        """The instant of this step: the machine's clock, which may not go back by a little.

        Where it went back by more than a minute it had been wrong: everybody is looked at again as of the right time.
        """
        before: int = txn.meta("clock", 0)
        if now < before - BACK:
            txn.set_meta("sweep", {"generation": self.generation, "after": "", "again": True})
            txn.set_meta("jumps", txn.meta("jumps", 0) + 1)
            before = now
        clock = max(before, now)
        txn.set_meta("clock", clock)
        return clock

    def _arrived(self, txn: Txn, events: list[Event], origin: list[int], done: Step) -> dict[int, Work]:
        """The people of new events with their histories; what was received before is dropped."""
        fresh, offsets = [], []
        for event, offset in zip(events, origin, strict=True):
            if txn.put("messages", bytes.fromhex(event.event_id), b"", fresh=True):
                fresh.append(event)
                offsets.append(offset)
        done.events, done.duplicates = len(fresh), len(events) - len(fresh)
        done.received = [event.known_at for event in fresh]
        if not fresh:
            return {}
        nodes = LmdbNodes(txn.raw, txn.dbs["nodes"])
        placed = self.resolver.place(nodes, [one.identifiers for one in fresh])
        return gather(txn, fresh, offsets, placed, self.definition.layout, self.words)

    def _aged(self, txn: Txn, works: dict[int, Work], clock: int, done: Step) -> None:
        """Adds those whose time has come."""
        cursor = txn.cursor("due")
        if not cursor.first():
            return
        for taken, key in enumerate(cursor.iternext(values=False)):
            if due_at(key) > clock:
                return
            if taken >= DUE:
                done.pending = True
                return
            person = person_of(key)
            if person not in works and (work := load(txn, person, "time")) is not None:
                works[person] = work

    def _swept(self, txn: Txn, works: dict[int, Work], done: Step, most: int) -> bool:
        """Adds some of those whom an earlier definition was last to look at; says whether they are the last of them."""
        sweep = txn.meta("sweep")
        if sweep is None:
            return False
        cursor, taken, after = txn.cursor("people"), 0, bytes.fromhex(sweep["after"])
        found = cursor.set_range(after) if after else cursor.first()
        while found and taken < most:
            key = bytes(cursor.key())
            if key != after:
                record = unpack(cursor.value())
                if sweep.get("again") or record.generation != self.generation:
                    person = person_of(key)
                    works.setdefault(person, known(person, record, "rule"))
                taken += 1
            after = key
            found = cursor.next()
        if found:
            txn.set_meta("sweep", {**sweep, "after": after.hex()})
            done.pending = True
        else:
            txn.delete("meta", b"sweep")
        return not found

    def _evaluate(self, txn: Txn, works: dict[int, Work], clock: int, done: Step) -> None:
        """Computes everybody who was touched, and writes what came of it."""
        writer = Writer(txn, self.definition, self.generation, clock, done, silent=self.silent)
        everybody = list(works.values())
        writer.dissolve(everybody)
        for start in range(0, len(everybody), CHUNK):
            chunk = everybody[start : start + CHUNK]
            writer.write(chunk, self.evaluator.evaluate(crowd(chunk, self.definition), clock))
        writer.close()


def crowd(works: Sequence[Work], definition: Definition) -> Crowd:
    """Some people as the evaluator takes them."""
    histories = [work.rows if work.rows is not None else work.record.rows for work in works]
    dtype = definition.layout.dtype
    place = np.repeat(np.arange(len(works)), [len(rows) // dtype.itemsize for rows in histories])
    rows = np.frombuffer(b"".join(histories), dtype)
    traits = [work.traits() for work in works] if definition.traits else [{}] * len(works)
    return Crowd(np.array([work.person for work in works], np.int64), rows, place, traits)


def generation(txn: Txn, definition: Definition) -> int:
    """The number of a definition in a state, a new one where it is new: everybody is then brought to it."""
    known = txn.meta("generations", {})
    found = next((int(number) for number, one in known.items() if one["version"] == definition.version), None)
    if found is not None and txn.meta("generation") == found:
        return found
    number = max(map(int, known), default=0) + 1
    txn.set_meta("generations", {**known, str(number): definition.to_dict()})
    txn.set_meta("generation", number)
    txn.set_meta("sweep", {"generation": number, "after": ""})
    codes = txn.meta("codes", {})
    for rule in definition.rules:
        codes.setdefault(rule.key, len(codes) + 1)
    txn.set_meta("codes", codes)
    return number


def forget_generations(txn: Txn) -> None:
    """Keeps the newest definition alone: everybody was brought to it."""
    number = str(txn.meta("generation"))
    txn.set_meta("generations", {number: txn.meta("generations")[number]})
