"""How much one key may ask: token buckets, and the bounds of streams."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST = 100_000  # buckets that are kept; the one not used for longest goes first


@dataclass(frozen=True)
class Limits:
    """What one key may ask of the read API; rates are requests a second, bursts requests at once, times seconds.

    A `write` key is public and shared by all visitors of a website, so its limits count for each visitor (address and
    anonymous id), and for each address, which behind a proxy is that of all.
    """

    rate: float = 200.0
    burst: int = 400
    visitor_rate: float = 5.0
    visitor_burst: int = 30
    address_rate: float = 1_000.0
    address_burst: int = 2_000
    streams: int = 20  # of one key at a time
    all_streams: int = 500
    stream_for: float = 3_600.0
    heartbeat: float = 15.0
    poll: float = 0.05


class Buckets:
    """Token buckets by name.

    >>> buckets = Buckets(clock=lambda: 0.0)
    >>> [buckets.take("key", rate=2.0, burst=2) for _ in range(3)]
    [0.0, 0.0, 0.5]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, *, rate: float, burst: int) -> float:
        """Takes one token: 0 when there was one, else the seconds until there is."""
        now = self._clock()
        left, since = self._left.pop(name, (float(burst), now))
        left = min(float(burst), left + max(now - since, 0.0) * rate)
        granted = left >= 1.0
        self._left[name] = (left - 1.0 if granted else left, now)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
        return 0.0 if granted else (1.0 - left) / rate
