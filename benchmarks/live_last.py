"""What lasts: nothing acknowledged is lost when processes are killed, and a day of events leaves memory as it was."""

from __future__ import annotations

import gc
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_data import prepared
from live_events import Bodies
from live_server import NAMES, command
from live_tell import Row
from shoal.workspace import Workspace

DAY = 86_400.0
PACE = 20.0  # events a second of simulated time, on average
STEP = 5.0  # seconds of simulated time that one step covers
SAMPLE = 600.0  # seconds of simulated time between looks at memory
WARM = 0.25  # share of the time before the slope counts
SLOPE = 1.0  # MiB an hour
KILLS = 150
AGAIN = 5.0  # seconds


def kill(base: Path, people: int, kills: int = KILLS, seed: int = 7) -> list[Row]:
    """The tests' own torment of a whole server: each process and the supervisor killed at random, while events come."""
    from server.chaos import Chaos, logged, lost
    from shoal.live.logs import open_log

    folder = base / "kill"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(prepared(base, people), folder, symlinks=True)
    try:
        before = _histories(folder)
        tally = Chaos(folder, command, seed, Workspace(folder).keys.create("write").key).run(kills, NAMES)
        log = open_log(folder, None)
        try:
            found = logged(log)
        finally:
            log.close()
        gone = lost(tally, found)
        rows, told, distinct = _histories(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    twice = rows - before[0] - len(found)
    parts = ", ".join(f"{name} {count}" for name, count in sorted(tally.kills.items()))
    figures = {"kills": tally.kills.total(), "lost": len(gone), "twice": twice, "again_s": tally.again}
    acknowledged = f"{len(tally.acknowledged):,} events acknowledged, {tally.kills.total()} kills ({parts})"
    repeated = f"{sum(found.values()) - len(found):,} came again by retries"
    return [
        Row("acknowledged events that are not in the log", "0", f"{len(gone)}", acknowledged, not gone, figures),
        Row("events that counted twice, or not", "0", f"{twice}", repeated, not twice),
        Row("membership changes told twice", "0", f"{told - distinct}", f"{told:,} changes", told == distinct),
        *(_again(name, np.array(seconds), people) for name, seconds in sorted(tally.again.items())),
    ]


def _again(name: str, seconds: NDArray[np.float64], people: int) -> Row:
    said = f"median {np.median(seconds):.1f} s; {people:,} people in the state"
    measured = f"p99 {np.quantile(seconds, 0.99):.1f} s, longest {seconds.max():.1f} s"
    return Row(f"ready again after {name} was killed", f"<= {AGAIN:g} s", measured, said, bool(seconds.max() <= AGAIN))


def _histories(folder: Path) -> tuple[int, int, int]:
    """Events in people's histories, changes, and different ones, after the worker has read everything."""
    from shoal import living
    from shoal.live.record import unpack

    live = living.Living(folder)
    try:
        live.worker.drain()
        with live.worker.advancer.state.reading() as txn:
            rows = sum(unpack(value).count for _, value in txn.cursor("people"))
            ids = [json.loads(value)["id"] for _, value in txn.cursor("changes")]
    finally:
        live.close()
    return rows, len(ids), len(set(ids))


class Day:
    """A log that fills as simulated time passes: more by day than by night; and the clock."""

    def __init__(self, people: int, pace: float) -> None:
        self.now = time.time()
        self._began, self._pace = self.now, pace
        self._bodies = Bodies(round(pace * STEP), people, seed=3)
        self._rng = np.random.default_rng(3)
        self._offset = self.events = self.persons = 0

    def clock(self) -> int:
        """Microseconds since 1970."""
        return round(self.now * 1e6)

    def start(self, offset: int) -> None:
        """Goes on after an offset."""
        self._offset = offset

    def pass_on(self) -> None:
        """Some seconds pass."""
        self.now += STEP

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """What came in the last seconds: a batch, or none, or two, by the time of day."""
        if after < self._offset or most < 1:
            return []
        hour = 2 * np.pi * ((self.now - self._began) / DAY)
        entries, seen = [], set[int]()
        for _ in range(self._rng.poisson(1.0 - 0.8 * np.cos(hour))):
            self._offset += 1
            entry, who = self._bodies.entry(self.now)
            entries.append((self._offset, entry))
            self.events += len(who)
            seen.update(who.tolist())
        self.persons += len(seen)
        return entries

    def last(self) -> int:
        """The last offset."""
        return self._offset

    def append(self, entries: Sequence[bytes]) -> int:
        """Nothing is appended here."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to end."""


def soak(base: Path, people: int, seconds: float = DAY, pace: float = PACE) -> list[Row]:
    """A day of events in accelerated time through the worker: memory that is not file pages, hour by hour."""
    from shoal import living, pipeline, settings
    from shoal.live.advance import Advancer
    from shoal.live.identity import Resolver
    from shoal.live.state import State
    from shoal.live.worker import Worker

    folder = prepared(base, people)
    told, day, done = settings.load(folder), Day(people, pace), Counter[str]()
    state = State(living.home(folder), write=True)
    with state.reading() as txn:
        made = living.definition(folder, told, [], txn.meta("seen", {}))
    advancer = Advancer(state, made, pipeline.cleaner(told), Resolver(living.guards(told)))
    worker = Worker(day, advancer, now=day.clock, tell=lambda one: _count(done, one))
    day.start(worker.offset)
    samples: list[tuple[float, float, float]] = []
    began, end = time.perf_counter(), day.now + seconds
    begun_at = day.now
    worker.drain()  # who fell due since the state was made
    evaluated, longest = _evaluated(state), 0.0
    try:
        while day.now < end:
            day.pass_on()
            turn = time.perf_counter()
            while worker.tick():
                pass
            longest = max(longest, time.perf_counter() - turn)
            if not samples or day.now - begun_at - samples[-1][0] >= min(SAMPLE, seconds / 50):
                gc.collect()
                samples.append((day.now - begun_at, *_memory()))
        evaluated = _evaluated(state) - evaluated
    finally:
        state.close()
        shutil.rmtree(folder, ignore_errors=True)  # its clock is ahead by a day: of no use to others
    return _soaked(samples, time.perf_counter() - began, day, done, (evaluated - day.persons, longest))


def _soaked(
    samples: list[tuple[float, float, float]], took: float, day: Day, done: Counter[str], aged: tuple[int, float]
) -> list[Row]:
    table = np.array(samples)
    late = table[table[:, 0] >= WARM * table[-1, 0]]
    hours = late[:, 0] / 3_600
    slope, files = (float(np.polyfit(hours, late[:, column], 1)[0]) for column in (1, 2))
    said = (
        f"{table[-1, 0] / 3_600:.1f} h in {took / 60:.1f} min: {day.events:,} events, "
        f"{aged[0]:,} people looked at as time passed, "
        f"{done['entered']:,} entered, {done['left']:,} left; "
        f"{late[0, 1]:,.0f} MiB at first, {late[-1, 1]:,.0f} at last; "
        f"{aged[1]:.1f} s for the simulated {STEP:g} s with most to do"
    )
    told = {"samples": samples, "events": day.events, "aged": aged[0], "longest_s": aged[1], "took_s": took, **done}
    return [
        Row(
            "the worker's memory (no file pages)",
            f"< {SLOPE:g} MiB/h",
            f"{slope:+.2f} MiB/h",
            said,
            slope < SLOPE,
            told,
        ),
        Row("pages of the state's file in memory", "", f"{files:+.2f} MiB/h", "histories grow; the system's to drop"),
    ]


def _count(done: Counter[str], told: Mapping[str, Any]) -> None:
    for _segment, change, times in told["changed"]:
        done[change] += times


def _evaluated(state: Any) -> int:
    with state.reading() as txn:
        return int(txn.meta("counts", {}).get("evaluated", 0))


def _memory() -> tuple[float, float]:
    """Resident MiB of this process that belong to no file, and those that do."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1_024 for name in ("RssAnon", "RssFile"))  # type: ignore[return-value]
