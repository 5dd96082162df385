"""What peers do with the same events in one process: less than Shoal's worker does, each at its own best.

python benchmarks/live_peers.py NAME FILE     one peer, under an interpreter that has it; prints JSON

FILE has a JSON object a line: user, event, value, at (seconds). Reading it is not counted; each peer keeps by user the
number of events and the sum of values, river and Bytewax's second job also over the last seven days.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

WEEK = timedelta(days=7)
Event = dict[str, Any]


def plain(events: list[Event]) -> int:
    """A dict: the bound for anything in Python."""
    state: dict[str, tuple[int, float]] = {}
    for one in events:
        count, total = state.get(one["user"], (0, 0.0))
        state[one["user"]] = (count + 1, total + (one["value"] or 0.0))
    return len(state)


def river(events: list[Event]) -> int:
    """Four aggregates a user, two of them over seven days."""
    from river import feature_extraction, stats, utils

    made = [
        feature_extraction.Agg("value", "user", stats.Count()),
        feature_extraction.Agg("value", "user", stats.Sum()),
        feature_extraction.Agg("value", "user", utils.TimeRolling(stats.Mean(), WEEK)),
        feature_extraction.Agg("value", "user", utils.TimeRolling(stats.Sum(), WEEK)),
    ]
    for one in events:
        shown = {"user": one["user"], "value": one["value"] or 0.0}
        for each in made[:2]:
            each.learn_one(shown)
        for each in made[2:]:
            each.learn_one(shown, t=_at(one).replace(tzinfo=None))
    return len(made[0].state)


def bytewax(events: list[Event]) -> int:
    """Count and sum by key, kept in memory alone."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, TestingSource, run_main

    def add(state: tuple[int, float] | None, one: Event) -> tuple[tuple[int, float], tuple[int, float]]:
        count, total = state or (0, 0.0)
        kept = (count + 1, total + (one["value"] or 0.0))
        return kept, kept

    out: list[Any] = []
    flow = Dataflow("counts")
    keyed = op.key_on("user", op.input("in", flow, TestingSource(events, batch_size=500)), lambda one: one["user"])
    op.output("out", op.stateful_map("add", keyed, add), TestingSink(out))
    run_main(flow)
    return len(out)


def bytewax_window(events: list[Event]) -> int:
    """Count over seven days, moving by a day."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.operators import windowing as win
    from bytewax.testing import TestingSink, TestingSource, run_main

    out: list[Any] = []
    flow = Dataflow("windows")
    came = op.input("in", flow, TestingSource(events, batch_size=500))
    clock = win.EventClock(_at, wait_for_system_duration=timedelta(0))
    days = win.SlidingWindower(length=WEEK, offset=timedelta(days=1), align_to=datetime(2020, 1, 1, tzinfo=UTC))
    counted = win.count_window("count", came, clock, days, lambda one: one["user"])
    op.output("out", counted.down, TestingSink(out))
    run_main(flow)
    return len(out)


def pathway(events: list[Event]) -> int:
    """Count and sum by user over a stream in commits of 500."""
    import pathway as pw

    class Row(pw.Schema):
        user: str
        value: float

    class Source(pw.io.python.ConnectorSubject):
        def run(self) -> None:
            for place, one in enumerate(events):
                self.next(user=one["user"], value=one["value"] or 0.0)
                if place % 500 == 499:
                    self.commit()

    table = pw.io.python.read(Source(), schema=Row, autocommit_duration_ms=None)
    counted = table.groupby(pw.this.user).reduce(
        pw.this.user, count=pw.reducers.count(), total=pw.reducers.sum(pw.this.value)
    )
    found: list[int] = []
    pw.io.subscribe(counted, on_change=lambda **_: found.append(1))
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    return len(found)


def _at(one: Event) -> datetime:
    return datetime.fromtimestamp(one["at"], UTC)


PEERS: dict[str, tuple[Callable[[list[Event]], int], int, str]] = {
    "plain": (plain, 1, "a Python dict, count and sum by user: the bound"),
    "pathway": (pathway, 1, "Pathway: count and sum by user, in memory"),
    "bytewax": (bytewax, 1, "Bytewax: count and sum by user, in memory, no recovery"),
    "bytewax_window": (bytewax_window, 20, "Bytewax: count over 7 days by 1 day, in memory, no recovery"),
    "river": (river, 4, "river: 4 aggregates by user, 2 of them over 7 days, in memory"),
}
"""Each peer's job, what part of the events it gets (slow ones would take too long), and in words what it does."""


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    job, part, _ = PEERS[name]
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    events = events[: len(events) // part]
    began, used = time.perf_counter(), time.process_time()
    job(events)
    told = {"events": len(events), "wall": time.perf_counter() - began, "cpu": time.process_time() - used}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
