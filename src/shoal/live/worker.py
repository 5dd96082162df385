"""The live worker: reads the log, advances the state, heeds new definitions, until it is told to stop."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from shoal.errors import Transient
from shoal.live.advance import Advancer
from shoal.live.log import Log
from shoal.live.state import State
from shoal.live.write import Step

TICK = 0.010  # seconds between steps while there is little to do: a step costs milliseconds however few people it has
EVENTS = 2_000  # about as many events a step takes
LOOK = 1.0  # seconds between looks at the workspace's definitions
PATIENCE = 1.0  # seconds to wait after a refusal that may pass
Tell = Callable[[Mapping[str, Any]], None]


def clock() -> int:
    """Microseconds since 1970 by the machine's clock."""
    return time.time_ns() // 1_000


class Worker:
    """Advances one state by one log.

    Args:
        renewed: gives a new advancer where the workspace's definitions ask for a new state, else None.
        tell: takes what each step did, as `server/worker.py` lists it.
        now: the clock, in microseconds; tests give their own.
    """

    def __init__(
        self,
        log: Log,
        advancer: Advancer,
        renewed: Callable[[Advancer], Advancer | None] = lambda _: None,
        *,
        tell: Tell = lambda _: None,
        now: Callable[[], int] = clock,
    ) -> None:
        self.log, self.advancer, self._renewed, self._tell, self._now = log, advancer, renewed, tell, now
        self.offset = _offset(advancer.state)
        self._per_entry = 1.0
        self._looked, self._told = time.monotonic(), -math.inf
        self._stepped = -LOOK
        self._until: int | None = None

    def run(self, stop: Event) -> None:
        """Works until `stop` is set; a refusal that may pass, such as a full disk, is tried again."""
        while not stop.is_set():
            began = time.monotonic()
            try:
                busy = self.tick()
            except Transient:
                stop.wait(PATIENCE)
                continue
            rest = TICK - (time.monotonic() - began)
            if rest > 0 and not busy:
                stop.wait(rest)

    def tick(self) -> bool:
        """One step; says whether more is waiting."""
        if time.monotonic() - self._looked > LOOK:
            self.look()
        most = max(1, int(EVENTS / max(self._per_entry, 1.0)))
        entries = self._entries(most)
        if not entries and time.monotonic() - self._stepped < LOOK and not self.advancer.waiting(self._now()):
            return False
        self._stepped = time.monotonic()
        began = time.perf_counter()
        done = self.advancer.step(entries, self._now())
        if entries:
            self.offset = entries[-1][0]
            self._per_entry = 0.8 * self._per_entry + 0.2 * (done.events + done.duplicates) / len(entries)
        if entries or done.evaluated or time.monotonic() - self._told > LOOK:
            self._told = time.monotonic()
            self._tell(self._figures(done, time.perf_counter() - began))
        return done.pending or len(entries) >= most

    def look(self) -> None:
        """Takes up new definitions."""
        self._looked = time.monotonic()
        fresh = self._renewed(self.advancer)
        if fresh is not None:
            self.advancer = fresh
            self.offset = _offset(fresh.state)
        self._looked = time.monotonic()

    def drain(self, until: int | None = None) -> None:
        """Steps until nothing is waiting, as of now; with `until` of what the log has up to that offset only."""
        self._stepped, self._until = -LOOK, until
        while self.tick() or (self.log.last() if until is None else until) > self.offset:
            pass
        self._until = None

    def _entries(self, most: int) -> list[tuple[int, bytes]]:
        """What follows in the log."""
        room = most if self._until is None else min(most, self._until - self.offset)
        return self.log.read(self.offset, room) if room > 0 else []

    def _figures(self, done: Step, seconds: float) -> dict[str, Any]:
        now = self._now()
        waited = Counter(round(max(now - at, 0) / 1e6, 3) for at in done.received)
        changed = [
            (key.rpartition("@")[0], change, count)
            for change, counted in (("entered", done.entered), ("left", done.left))
            for key, count in counted.items()
        ]
        told: dict[str, Any] = {
            "offset": self.offset,
            "lag_s": max(waited, default=0.0),
            "people": done.people,
            "events": done.events,
            "reached_s": list(waited.items()),
            "changed": changed,
            "refused": list(done.refused.items()),
        }
        return {**told, "tick_s": seconds} if done.events or done.evaluated else told


def _offset(state: State) -> int:
    with state.reading() as txn:
        offset: int = txn.meta("offset", 0)
    return offset
