"""What the server counts about itself, in memory and without personal data; `/metrics` prints it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """How long something took: counts in classes by upper bound, in seconds, with the sum and the longest.

    >>> waits = Histogram()
    >>> waits.add(0.004); waits.add(0.03)
    >>> waits.count, round(waits.sum, 3), waits.cumulative()[2:6]
    (2, 0.034, [(0.005, 1), (0.01, 1), (0.025, 1), (0.05, 2)])
    """

    __slots__ = ("count", "counts", "longest", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.count, self.sum, self.longest = 0, 0.0, 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.sum += seconds
        if seconds > self.longest:
            self.longest = seconds

    def cumulative(self) -> list[tuple[float, int]]:
        """How many took at most so long, for each bound in seconds; the last is infinity, as Prometheus has it."""
        found, below = [], 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            below += count
            found.append((bound, below))
        return found


@dataclass
class Counters:
    """What arrived: events accepted and rejected, requests by status, groups committed, seconds that answers waited."""

    accepted: int = 0
    rejected: int = 0
    received_bytes: int = 0
    requests: Counter[int] = field(default_factory=Counter)
    groups: int = 0
    failed_groups: int = 0
    waits: Histogram = field(default_factory=Histogram)
