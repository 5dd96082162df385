"""From event to membership: the worker alone over a prepared log, the whole server, and reads beside it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from live_data import prepared
from live_events import Bodies
from live_load import Asked, load, start, told
from live_server import Numbers, Served, serving
from live_tell import Row, ms, per_second

SUSTAINED = 20_000  # events a second, end to end
REACHED = 0.1  # seconds from an event to its memberships, p99, at 10,000 events a second
READ = 0.005  # seconds, p99
READS = 100  # a second, in all: the API lets a key ask 200
BATCH = 100
STEPS = (1, 5, 20, 50)  # batches a step
RATES = (5_000, 10_000, 20_000)
LATENCY = "shoal_event_to_membership_seconds"
LIMIT = 60.0  # seconds that the worker has to catch up


def endtoend(base: Path, people: int, seconds: float) -> list[Row]:
    """What the worker does a second by the events of a step, and how it does behind a log that waits for it."""
    folder = prepared(base, people)
    rows = [_alone(folder, people, batches, seconds) for batches in STEPS]
    best = max(rows, key=lambda row: row.told["events_s"])
    worth = replace(best, what=f"the best of them: {best.what}", target=f">= {per_second(SUSTAINED)}")
    return [*rows, replace(worth, met=best.told["events_s"] >= SUSTAINED)]


class Stepper:
    """A prepared workspace's worker, with entries of a log that were made beforehand."""

    def __init__(self, folder: Path, people: int) -> None:
        from shoal import living

        self.living = living.Living(folder)
        self.living.worker.drain()  # what came since this was made, and who fell due
        self._bodies = Bodies(BATCH, people, seed=time.time_ns() % 2**32)

    def waiting(self, batches: int) -> None:
        """Puts batches into the log, as the HTTP process does."""
        for _ in range(0, batches, 50):
            now = time.time()
            self.living.log.append([self._bodies.entry(now)[0] for _ in range(50)])

    def go(self, batches: int, seconds: float) -> dict[str, float]:
        """Steps of so many batches, for some seconds: CPU and wall by event, the log's reading included."""
        worker, events, evaluated, changes = self.living.worker, 0, 0, 0
        wall = cpu = 0.0
        while wall < seconds:
            self.waiting(max(batches, 50))
            while entries := self._step(worker, batches):
                wall, cpu = wall + entries[0], cpu + entries[1]
                events += entries[2].events
                evaluated += entries[2].evaluated
                changes += entries[2].entered.total() + entries[2].left.total()
        return {
            "events_s": events / wall,
            "us_event": cpu / events * 1e6,
            "events": events,
            "looked_at": evaluated / events,
            "changes": changes / events,
            "step_events": batches * BATCH,
        }

    def _step(self, worker: Any, batches: int) -> tuple[float, float, Any] | None:
        began, used = time.perf_counter(), time.process_time()
        entries = worker.log.read(worker.offset, batches)
        if not entries:
            return None
        done = worker.advancer.step(entries, time.time_ns() // 1_000)
        worker.offset = entries[-1][0]
        return time.perf_counter() - began, time.process_time() - used, done

    def close(self) -> None:
        """Ends the worker."""
        self.living.close()


def _alone(folder: Path, people: int, batches: int, seconds: float) -> Row:
    stepper = Stepper(folder, people)
    try:
        stepper.go(batches, min(seconds, 2.0))  # caches fill
        found = stepper.go(batches, seconds)
    finally:
        stepper.close()
    what = f"worker alone, {batches * BATCH:,} events a step"
    said = (
        f"{found['us_event']:.1f} CPU µs/event: {per_second(1e6 / found['us_event'])} by CPU alone; "
        f"{found['looked_at']:.2f} people evaluated and {found['changes']:.2f} memberships changed an event"
    )
    return Row(what, "", per_second(found["events_s"]), said, None, found)


def latency(base: Path, people: int, seconds: float) -> list[Row]:
    """The whole server, open loop, Poisson arrivals: from an event's arrival to its memberships, committed."""
    folder = prepared(base, people)
    with serving(folder) as served:
        _whole(served, people)
        return [_reached(served, people, rate, seconds) for rate in RATES]


def _whole(served: Served, people: int) -> None:
    """Waits until the worker has everything; raises where it began anew, with the run's few people."""
    served.caught_up(LIMIT)
    there = served.numbers().sums["shoal_live_people"]
    if there < people:
        raise RuntimeError(
            f"the state has {there:,.0f} of {people:,} people: this code makes another; delete the folder"
        )


def _reached(served: Served, people: int, rate: int, seconds: float) -> Row:
    asked = Asked(served.port, served.write_key, BATCH, 64, rate, seconds, warm=2.0, people=people, seed=rate)
    generator = start(asked)
    time.sleep(3.0)  # the processes start, and the first seconds do not count
    before, used = served.numbers(), served.spent()
    time.sleep(max(seconds - 2.0, 1.0))
    after, spent = served.numbers(), served.spent()
    found = told(generator) | _progress(before, after, spent.at - used.at)
    found["busy"], found["rss_mb"], found["mapped_mb"] = spent.busy(used), spent.rss, spent.mapped
    found["caught_up_s"] = served.caught_up(LIMIT)
    p50, p99 = found["reached_p50_s"], found["reached_p99_s"]
    kept = found["caught_up_s"] is not None and found["caught_up_s"] < 2.0 and found["live_s"] > 0.95 * rate
    wanted = {10_000: f"p99 <= {ms(REACHED)}", SUSTAINED: "sustained"}
    met = {10_000: kept and p99 <= REACHED, SUSTAINED: kept}
    behind = "no end in sight" if found["caught_up_s"] is None else f"{found['caught_up_s']:.1f} s to catch up"
    said = (
        f"{per_second(found['live_s'])} advanced, {'sustained' if kept else 'fell behind: ' + behind}; "
        f"ack p99 {ms(found['p99_ms'] / 1e3)}; cores: {_by_name(found['busy'], '.2f')}; "
        f"RSS MB: {_by_name(found['rss_mb'], ',.0f')} (live: {found['mapped_mb']['live']:,.0f} of it file pages)"
    )
    what = f"whole server, {rate:,} events/s in"
    return Row(what, wanted.get(rate, ""), f"p50 {ms(p50)}, p99 {ms(p99)}", said, met.get(rate), found)


def _progress(before: Numbers, after: Numbers, seconds: float) -> dict[str, Any]:
    return {
        "live_s": after.since(before, "shoal_live_events_total") / seconds,
        "changed_s": after.since(before, "shoal_memberships_changed_total") / seconds,
        "reached_p50_s": after.quantile(before, LATENCY, 0.5),
        "reached_p99_s": after.quantile(before, LATENCY, 0.99),
        "tick_p50_s": after.quantile(before, "shoal_tick_seconds", 0.5),
        "tick_p99_s": after.quantile(before, "shoal_tick_seconds", 0.99),
    }


def _by_name(values: dict[str, float], form: str) -> str:
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


def reads(base: Path, people: int, seconds: float) -> list[Row]:
    """One profile at a time over HTTP, with nothing else to do and while events come in."""
    folder = prepared(base, people)
    with serving(folder) as served:
        _whole(served, people)
        idle = _read(served, people, seconds, "idle")
        events = start(Asked(served.port, served.write_key, BATCH, 16, RATES[1], seconds + 4.0, people=people))
        time.sleep(3.0)
        busy = _read(served, people, seconds, f"while {RATES[1]:,} events/s come in")
        told(events)
    return [idle, busy]


def _read(served: Served, people: int, seconds: float, when: str) -> Row:
    asked = Asked(served.port, connections=4, seconds=seconds, people=people, reads=READS, keys=served.read_keys)
    used = served.spent()
    found = load(asked)
    each = served.spent().seconds(used, "http-0") / max(found["counted"], 1) * 1e3
    p99 = found["p99_ms"] / 1e3
    others = {status: count for status, count in found["statuses"].items() if status != "200"}
    said = f"{found['requests_s']:.0f} reads/s over 4 connections" + (f"; other answers {others}" if others else "")
    if when == "idle":
        said += f"; {each:.2f} CPU ms a read"
    what = f"GET /v1/profiles/user_id:X, {when}"
    measured = f"p50 {ms(found['p50_ms'] / 1e3)}, p99 {ms(p99)}"
    return Row(what, f"p99 <= {ms(READ)}", measured, said, p99 <= READ and not others, found)
