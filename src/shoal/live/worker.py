"""The live worker: reads the log, advances the state, heeds new definitions, until it is told to stop."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from shoal.errors import Transient
from shoal.live.advance import Advancer
from shoal.live.log import Log
from shoal.live.state import State
from shoal.live.write import Step

Now = Callable[[], int]
TICK = 0.010  # seconds between steps while there is little to do: a step costs milliseconds however few people it has
EVENTS = 2_000  # about as many events a step takes
LOOK = 1.0  # seconds between looks at the workspace's definitions
BOUNDS = (5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000)  # milliseconds of the histograms
PATIENCE = 1.0  # seconds to wait after a refusal that may pass


def clock() -> int:
    """Microseconds since 1970 by the machine's clock."""
    return time.time_ns() // 1_000


@dataclass
class Histogram:
    """Counts by upper bound in milliseconds, the last beyond all of them."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, milliseconds: float, times: int = 1) -> None:
        """Counts a duration."""
        self.counts[bisect_left(BOUNDS, milliseconds)] += times
        self.total += milliseconds * times

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"bounds": list(BOUNDS), "counts": list(self.counts), "sum": round(self.total, 3)}


class Worker:
    """Advances one state by one log.

    `renewed` gives a new advancer where the workspace's definitions changed, else None; `now` is the clock, in microseconds; tests give their own.
    """

    def __init__(
        self,
        log: Log,
        advancer: Advancer,
        renewed: Callable[[Advancer], Advancer | None] = lambda _: None,
        *,
        now: Now = clock,
    ) -> None:
        self.log, self.advancer, self._renewed, self._now = log, advancer, renewed, now
        self.offset = _offset(advancer.state)
        self._per_entry = 1.0
        self._looked = time.monotonic()
        self.ticks, self.latency = Histogram(), Histogram()
        self._told = 0.0

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
        self.tell()

    def tick(self) -> bool:
        """One step; says whether more is waiting."""
        if time.monotonic() - self._looked > LOOK:
            self.look()
        entries = self.log.read(self.offset, self._most())
        began = time.perf_counter()
        done = self._step(entries)
        if entries or done.evaluated:
            self._measure(entries, done, (time.perf_counter() - began) * 1_000)
        if time.monotonic() - self._told > LOOK:
            self.tell()
        return done.pending or len(entries) >= self._most()

    def look(self) -> None:
        """Takes up new definitions."""
        self._looked = time.monotonic()
        fresh = self._renewed(self.advancer)
        if fresh is not None:
            self.advancer = fresh
            self.offset = _offset(fresh.state)

    def drain(self) -> None:
        """Steps until nothing is waiting."""
        while self.tick() or self.log.last() > self.offset:
            pass

    def tell(self) -> None:
        """Leaves the worker's own figures in the state, for whoever watches."""
        self._told = time.monotonic()
        told = {
            "pid": os.getpid(),
            "at": self._now(),
            "tick_ms": self.ticks.to_dict(),
            "latency_ms": self.latency.to_dict(),
        }
        with self.advancer.state.writing() as txn:
            txn.set_meta("worker", told)

    def _step(self, entries: Sequence[tuple[int, bytes]]) -> Step:
        done = self.advancer.step(entries, self._now())
        if entries:
            self.offset = entries[-1][0]
        return done

    def _most(self) -> int:
        return max(1, int(EVENTS / max(self._per_entry, 1.0)))

    def _measure(self, entries: Sequence[tuple[int, bytes]], done: Step, milliseconds: float) -> None:
        self.ticks.add(milliseconds)
        if entries:
            events = done.events + done.duplicates
            self._per_entry = 0.8 * self._per_entry + 0.2 * events / len(entries)
        now = self._now()
        for received in done.received:
            self.latency.add(max(now - received, 0) / 1_000)


def _offset(state: State) -> int:
    with state.reading() as txn:
        offset: int = txn.meta("offset", 0)
    return offset
