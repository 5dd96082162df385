"""A real `shoal serve` to be measured: its numbers, and what each of its processes costs."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from measure import ROOT

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from server.real import command  # noqa: E402 - the tests' own way to start a server and to end it
from server.running import Running, until  # noqa: E402
from shoal.workspace import Workspace  # noqa: E402

NAMES = ("serve", "http-0", "live")
_LINE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LE = re.compile(r'le="([^"]*)"')


@dataclass
class Numbers:
    """The server's `/metrics` at one moment: sums over labels, and histograms by upper bound (cumulative)."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    buckets: dict[str, dict[float, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))

    @classmethod
    def of(cls, text: str) -> Numbers:
        """From the exposition format."""
        made = cls()
        for name, labels, value in _LINE.findall(text):
            if name.endswith("_bucket") and (bound := _LE.search(labels)):
                made.buckets[name.removesuffix("_bucket")][float(bound[1].replace("+Inf", "inf"))] += float(value)
            else:
                made.sums[name] += float(value)
        return made

    def since(self, before: Numbers, name: str) -> float:
        """What a counter grew by."""
        return self.sums[name] - before.sums[name]

    def quantile(self, before: Numbers, name: str, share: float) -> float:
        """A quantile of what a histogram counted since, in seconds, by a line through its bucket."""
        cells = {bound: n - before.buckets[name][bound] for bound, n in sorted(self.buckets[name].items())}
        total, low, below = max(cells.values(), default=0.0), 0.0, 0.0
        if not total:
            return float("nan")
        for bound, count in cells.items():
            if count >= share * total:
                inside = (share * total - below) / (count - below)
                return low + (bound - low) * inside if bound != float("inf") else low
            low, below = bound, count
        return low


@dataclass(frozen=True)
class Spent:
    """What the processes have used so far: CPU seconds and resident megabytes (of them file pages) by name."""

    at: float
    cpu: Mapping[str, float]
    rss: Mapping[str, float]
    mapped: Mapping[str, float]

    def busy(self, before: Spent) -> dict[str, float]:
        """Cores in use since."""
        return {name: (cpu - before.cpu[name]) / (self.at - before.at) for name, cpu in self.cpu.items()}

    def seconds(self, before: Spent, name: str) -> float:
        """CPU seconds of a process since."""
        return self.cpu[name] - before.cpu[name]


class Served:
    """A running server with keys."""

    def __init__(self, folder: Path, running: Running, readers: int = 4) -> None:
        self.folder, self.running, self.port = folder, running, running.port
        keys = Workspace(folder).keys
        self.write_key = keys.create("write").key
        self.read_keys = tuple(keys.create("read").key for _ in range(readers))
        time.sleep(1.1)  # the HTTP process looks for new keys about once a second
        self._processes = {name: running.child(name) for name in NAMES[1:]} | {"serve": None}

    def numbers(self) -> Numbers:
        """`/metrics` now; the worker puts its own there about once a second."""
        return Numbers.of(self.running.ask("GET", "/metrics")[1].decode())

    def spent(self) -> Spent:
        """CPU and memory by process."""
        import psutil

        found = {name: one or psutil.Process(self.running.process.pid) for name, one in self._processes.items()}
        times = {name: one.cpu_times() for name, one in found.items()}
        memory = {name: one.memory_info() for name, one in found.items()}
        return Spent(
            time.monotonic(),
            {name: one.user + one.system for name, one in times.items()},
            {name: one.rss / 2**20 for name, one in memory.items()},
            {name: one.shared / 2**20 for name, one in memory.items()},
        )

    def pause(self, name: str) -> None:
        """Stops a process where it is; `serving` lets it go on in the end."""
        self.running.child(name).send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Lets a process go on."""
        self.running.child(name).send_signal(signal.SIGCONT)

    def behind(self) -> float:
        """Entries of the log that the worker has not advanced by yet."""
        now = self.numbers()
        return now.sums["shoal_log_last_offset"] - now.sums["shoal_live_offset"]

    def caught_up(self, limit: float) -> float | None:
        """Seconds until the worker has everything, None where it takes longer than `limit`."""
        began = time.monotonic()
        while time.monotonic() - began < limit:
            if self.behind() <= 0:
                return time.monotonic() - began
            time.sleep(0.2)
        return None


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """`shoal serve` over a workspace; all its processes are ended by their ids, whatever happens."""
    running = Running(command(folder), folder / "stderr")
    try:
        until(lambda: running.told, f"serving: {running.errors[-2000:]}")
        served = Served(folder, running)
        until(lambda: "live" not in [one["check"] for one in running.ready()["reasons"]], "the live worker works", 600)
        yield served
        served.resume("live")
        running.end()
    finally:
        for child in running.children():
            child.send_signal(signal.SIGCONT)
        running.clear()
