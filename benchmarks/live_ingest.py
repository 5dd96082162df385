"""What taking events costs: the real server against bare decoding and a synced append, in batches and one by one."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from live_events import Bodies
from live_load import Asked, ceiling, load
from live_server import Served, serving
from live_tell import Row, ms, per_second

ACK = 0.1  # seconds, p99
KEPT_UP = 0.95  # of what was wanted: arrivals are drawn, and the window is short
RATES = {100: (10_000, 20_000, 40_000), 1: (1_000, 2_500, 5_000)}
TARGETS = {100: 40_000, 1: 5_000}
CONNECTIONS = {100: (16, 64), 1: (64, 256)}  # one event a request: as many wait for the disk as there are connections


def ingest(base: Path, seconds: float, batch: int = 100) -> list[Row]:
    """Acknowledged events a second, closed and open loop, and what stands to compare."""
    folder = base / f"ingest-{batch}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "shoal.yaml").write_text("sources: {}\n", encoding="utf-8")
    rows: list[Row] = []
    try:
        with serving(folder) as served:
            asked = Asked(served.port, served.write_key, batch, seconds=seconds, people=100_000)
            served.pause("live")
            closed = [_row(served, replace(asked, connections=many), TARGETS[batch]) for many in CONNECTIONS[batch]]
            asked = replace(asked, connections=CONNECTIONS[batch][-1])
            rows += closed
            rows += [_row(served, replace(asked, rate=rate), None) for rate in RATES[batch]]
            group = max(closed[-1].told["events_a_commit"], 1.0)
            served.resume("live")
            served.caught_up(5.0)
            rows.append(_row(served, asked, None, ", live worker running"))
            rows.append(_bare_server(asked))
        best = max(closed, key=lambda row: row.told["events_s"])
        for name, decode in DECODERS.items():
            rows.append(_bare(folder, name, decode, batch, round(group / batch) or 1, seconds, best))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def singles(base: Path, seconds: float) -> list[Row]:
    """The same with one event a request."""
    return ingest(base, seconds, 1)


def _row(served: Served, asked: Asked, target: int | None, more: str = "") -> Row:
    before, used = served.numbers(), served.spent()
    told = load(asked)
    spent, after = served.spent(), served.numbers()
    accepted = after.since(before, "shoal_events_accepted_total")
    told["events_a_commit"] = accepted / max(after.since(before, "shoal_commits_total"), 1)
    told["server_us_event"] = spent.seconds(used, "http-0") / max(accepted, 1) * 1e6
    told["busy"] = spent.busy(used)
    p99 = told["p99_ms"] / 1_000
    if asked.rate:
        what = f"open loop, {asked.rate:,.0f} events/s wanted{more}"
        aims, met = f"all of them, ack p99 <= {ms(ACK)}", p99 <= ACK and told["events_s"] > KEPT_UP * asked.rate
    else:
        what = f"closed loop, {asked.connections} connections{more}"
        aims = f">= {per_second(target)}" if target else ""
        met = None if target is None else told["events_s"] >= target
    others = {status: count for status, count in told["statuses"].items() if status != "200"}
    said = (
        f"ack p50 {ms(told['p50_ms'] / 1e3)}, p99 {ms(p99)}; {told['server_us_event']:.1f} CPU µs/event in the HTTP "
        f"process, {told['events_a_commit']:,.0f} events a commit; generator {told['generator_cpu']:.0%} of a core"
        + (f"; other answers {others}" if others else "")
    )
    return Row(what, aims, per_second(told["events_s"]), said, met, told)


def _bare_server(asked: Asked) -> Row:
    told = ceiling(asked)
    said = "a server that answers 200 without looking: the generator's own bound"
    return Row("the generator alone", "", per_second(told["events_s"]), said, None, told)


def _stdlib(body: bytes) -> Any:
    return json.loads(body)


DECODERS: dict[str, Callable[[bytes], Any]] = {"msgspec": msgspec.json.Decoder().decode, "stdlib json": _stdlib}


def _bare(
    folder: Path, name: str, decode: Callable[[bytes], Any], batch: int, group: int, seconds: float, best: Row
) -> Row:
    """Decode each body, append it to a file, sync once a group: no HTTP, no key, no checks."""
    bodies = iter(Bodies(batch, 100_000, 1))
    held = [next(bodies) for _ in range(max(group, 1) * 4)]
    path, count = folder / "bare.log", 0
    began, used = time.perf_counter(), time.process_time()
    with path.open("wb", buffering=0) as file:
        while time.perf_counter() - began < seconds:
            for start in range(0, len(held), group):
                taken = held[start : start + group]
                for body in taken:
                    decode(body)
                file.write(b"".join(taken))
                os.fdatasync(file.fileno())
                count += len(taken) * batch
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    path.unlink()
    rate, each = count / wall, cpu / count * 1e6
    mine, own = best.told["events_s"], best.told["server_us_event"]
    said = (
        f"{each:.1f} CPU µs/event, groups of {group * batch:,} events; the server reaches {mine / rate:.2f} of it, "
        f"at {own / each:.1f} times the CPU"
    )
    told = {"events_s": rate, "us_event": each, "ratio": mine / rate, "cpu_ratio": own / each}
    return Row(f"bare: {name} decoding and a synced append, one thread", "", per_second(rate), said, None, told)
