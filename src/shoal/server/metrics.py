"""The server's numbers, and their text for Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Row: TypeAlias = tuple[str, Sequence[str], Any]  # name, label values, value or a histogram's cells

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True)
class Metric:
    """One number: its kind, what it means, its labels, the upper bounds of its buckets in seconds."""

    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = QUICK


METRICS = {
    "shoal_events_accepted_total": Metric("counter", "messages acknowledged: they are in the log, on disk"),
    "shoal_events_rejected_total": Metric("counter", "messages that were told to their sender as breaking a rule"),
    "shoal_commits_total": Metric("counter", "writes to the log, each of all that waited for it"),
    "shoal_commits_failed_total": Metric("counter", "writes that the log refused; nothing of them was acknowledged"),
    "shoal_requests_total": Metric("counter", "HTTP requests answered", ("status",)),
    "shoal_received_bytes_total": Metric("counter", "bytes of tracking requests' bodies, as sent"),
    "shoal_pending_bytes": Metric("gauge", "bytes received and not yet on disk"),
    "shoal_ack_seconds": Metric("histogram", "from a tracking request to its 200, the disk included"),
    "shoal_log_writable": Metric("gauge", "1 when the last write to the log went well"),
    "shoal_log_last_offset": Metric("gauge", "offset of the last entry in the log"),
    "shoal_live_offset": Metric("gauge", "offset of the last entry that the live state includes"),
    "shoal_live_lag_seconds": Metric("gauge", "age of the oldest entry that the live state lacks, 0 when none"),
    "shoal_live_people": Metric("gauge", "profiles in the live state"),
    "shoal_live_events_total": Metric("counter", "events advanced by the live worker, duplicates not counted"),
    "shoal_live_quarantined_total": Metric("counter", "messages that the live worker refused", ("reason",)),
    "shoal_tick_seconds": Metric("histogram", "how long one micro-batch of the live worker took"),
    "shoal_event_to_membership_seconds": Metric("histogram", "from an event's arrival to its memberships, committed"),
    "shoal_memberships_changed_total": Metric("counter", "people who entered or left", ("segment", "change")),
    "shoal_webhook_lag_seconds": Metric("gauge", "age of the oldest change not yet delivered", ("webhook", "receiver")),
    "shoal_webhook_behind": Metric("gauge", "changes not yet delivered", ("webhook", "receiver")),
    "shoal_webhook_failures": Metric("gauge", "failures since the last delivery", ("webhook", "receiver")),
    "shoal_webhook_disabled": Metric("gauge", "1 when its receiver answered that it is gone", ("webhook", "receiver")),
    "shoal_child_up": Metric("gauge", "1 while a process of the server runs", ("child",)),
    "shoal_child_restarts_total": Metric("counter", "times a process died and was started again", ("child",)),
    "shoal_run_last_success_timestamp_seconds": Metric("gauge", "when the last good run began"),
    "shoal_run_failures_total": Metric("counter", "scheduled runs that failed"),
    "shoal_start_timestamp_seconds": Metric("gauge", "when the process started"),
}


class Numbers:
    """One process's numbers. A name is written by one thread only."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, ...], float] = {}
        self._seen: dict[tuple[str, ...], list[float]] = {}
        self._others: list[Callable[[], Iterable[Row]]] = []

    def follow(self, rows: Callable[[], Iterable[Row]]) -> None:
        """Adds numbers that somebody else counts: (name, label values, value) whenever they are asked for."""
        self._others.append(rows)

    def add(self, name: str, by: float = 1, *labels: str) -> None:
        """Adds to a counter; label values in the metric's order.

        >>> numbers = Numbers()
        >>> numbers.add("shoal_requests_total", 2, "200")
        >>> print(render({"http-0": numbers.snapshot()}).splitlines()[2])
        shoal_requests_total{process="http-0",status="200"} 2
        """
        key = (name, *labels)
        self._plain[key] = self._plain.get(key, 0) + by

    def put(self, name: str, value: float, *labels: str) -> None:
        """Sets a gauge."""
        self._plain[(name, *labels)] = value

    def see(self, name: str, seconds: float, times: int = 1) -> None:
        """Counts a duration in its histogram."""
        bounds = METRICS[name].bounds
        cells = self._seen.get((name,))
        if cells is None:
            cells = self._seen[(name,)] = [0.0] * (len(bounds) + 2)  # buckets, above all of them, the sum
        cells[bisect_left(bounds, seconds)] += times
        cells[-1] += seconds * times

    def snapshot(self) -> list[Row]:
        """Plain data: name, label values, value or cells."""
        rows: list[Row] = [(key[0], key[1:], value) for key, value in list(self._plain.items())]
        rows += [(key[0], key[1:], list(cells)) for key, cells in list(self._seen.items())]
        return rows + [row for other in self._others for row in other()]


def render(processes: Mapping[str, Iterable[Row]]) -> str:
    """The text of every process's numbers, each with a label `process`; a name that METRICS lacks is left out."""
    by_name: dict[str, list[str]] = {}
    for process, rows in processes.items():
        for name, labels, value in rows:
            if name in METRICS:
                named = [("process", process), *zip(METRICS[name].labels, labels, strict=False)]
                by_name.setdefault(name, []).extend(_lines(name, named, value))
    text: list[str] = []
    for name in sorted(by_name):
        text += [f"# HELP {name} {METRICS[name].meaning}", f"# TYPE {name} {METRICS[name].kind}", *by_name[name]]
    return "\n".join([*text, ""])


def _lines(name: str, labels: list[tuple[str, str]], value: Any) -> list[str]:
    if not isinstance(value, list):
        return [f"{name}{_labels(labels)} {_number(value)}"]
    bounds = [*METRICS[name].bounds, math.inf]
    lines, below = [], 0.0
    for bound, count in zip(bounds, value[:-1], strict=True):
        below += count
        lines.append(f"{name}_bucket{_labels([*labels, ('le', _number(bound))])} {_number(below)}")
    return [*lines, f"{name}_sum{_labels(labels)} {_number(value[-1])}", f"{name}_count{_labels(labels)} {below:.0f}"]


def _labels(labels: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else f"{value:.0f}" if value == int(value) else repr(float(value))


def reference() -> str:
    """The table of docs/serve.md."""
    lines = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for name, metric in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines)
