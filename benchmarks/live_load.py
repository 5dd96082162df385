"""Sends events to a tracking API from a process of its own, and asks a read API; tells what came of it as JSON.

python benchmarks/live_load.py '{"port": 8000, "key": "...", "batch": 100, "connections": 16, "seconds": 10}'
python benchmarks/live_load.py '{"port": 8000, "key": "...", "rate": 10000, ...}'     open loop, Poisson arrivals
python benchmarks/live_load.py '{"port": 8000, "keys": ["..."], "reads": 100, ...}'   reads of profiles

Closed loop: each connection sends the next request when the last was answered. Open loop: requests come when they come
(Poisson), and their latency counts from then, waiting for a free connection included: the one that users feel.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import subprocess
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from live_events import Bodies

HERE = Path(__file__).resolve().parent
REST = 5.0  # seconds that the last answers have


@dataclass(frozen=True)
class Asked:
    """What to send: `rate` events (or `reads`) a second, 0 for as fast as answers come; `warm` seconds do not count."""

    port: int
    key: str = ""
    batch: int = 100
    connections: int = 16
    rate: float = 0.0
    seconds: float = 10.0
    warm: float = 1.0
    people: int = 100_000
    seed: int = 1
    reads: float = 0.0
    keys: tuple[str, ...] = ()


class Connection(asyncio.Protocol):
    """One keep-alive connection; `done` is called with each answer's status."""

    def __init__(self, done: Callable[[Connection, int], None]) -> None:
        self.done, self.began, self.counts = done, 0.0, False
        self._held, self._left = b"", -1
        self._status = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self.done(self, 0)

    def send(self, request: bytes, began: float, counts: bool) -> None:
        """Sends a request that came at `began`."""
        self.began, self.counts = began, counts
        if self.transport is not None:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            data = self._held + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._held = data
                return
            head = data[:end].lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            self._status = int(data[9:12])
            self._left = length - (len(data) - end - 4)
            self._held = b""
        else:
            self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self.done(self, self._status)


class Load:
    """One run of the generator."""

    def __init__(self, asked: Asked, requests: Callable[[Connection], bytes]) -> None:
        self.asked, self._requests = asked, requests
        self._each = 1 if asked.reads else asked.batch
        self._rate = (asked.reads or asked.rate) / self._each
        self._free: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self.took = array("d")
        self.statuses: Counter[int] = Counter()
        self._busy = self.answered = self.lost = 0
        self._begin = self._end = 0.0

    async def run(self) -> dict[str, Any]:
        """Sends for the time asked for; what came of it."""
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: Connection(self._done), "127.0.0.1", self.asked.port))[1]
            for _ in range(self.asked.connections)
        ]
        gc.disable()  # the generator's own pauses are no latency of the server
        self._begin = time.perf_counter() + self.asked.warm
        self._end = self._begin + self.asked.seconds
        used = time.process_time()
        began = time.perf_counter()
        self._free.extend(made)
        if self._rate:
            await self._arrivals()
        else:
            while self._free:
                self._next(self._free.popleft(), time.perf_counter())
            await asyncio.sleep(self._end - time.perf_counter())
        spent, wall = time.process_time() - used, time.perf_counter() - began
        latest = time.perf_counter() + REST
        while self._busy and time.perf_counter() < latest:
            await asyncio.sleep(0.01)
        for one in made:
            if one.transport is not None:
                one.transport.close()
        return self._told(spent / wall)

    async def _arrivals(self) -> None:
        rng = np.random.default_rng(self.asked.seed)
        due = time.perf_counter()
        gaps: Iterator[float] = iter(())
        while due < self._end:
            now = time.perf_counter()
            while due <= now:
                self._waiting.append(due)
                gap = next(gaps, None)
                if gap is None:
                    gaps = iter(rng.exponential(1 / self._rate, 1_000).tolist())
                    gap = next(gaps)
                due += gap
            while self._waiting and self._free:
                self._next(self._free.popleft(), self._waiting.popleft())
            await asyncio.sleep(max(due - time.perf_counter(), 0.0))

    def _next(self, connection: Connection, began: float) -> None:
        self._busy += 1
        connection.send(self._requests(connection), began, self._begin <= began < self._end)

    def _done(self, connection: Connection, status: int) -> None:
        now = time.perf_counter()
        self._busy -= status != 0
        if connection.counts:
            self.statuses[status] += 1
        if status == 200 and connection.counts:
            self.took.append(now - connection.began)
        if status == 200 and self._begin <= now < self._end:
            self.answered += 1
        if connection.transport is None:
            return
        if not self._rate:
            if now < self._end and status == 200:
                self._next(connection, now)
        elif self._waiting:
            self._next(connection, self._waiting.popleft())
        else:
            self._free.append(connection)

    def _told(self, busy: float) -> dict[str, Any]:
        took = np.sort(np.frombuffer(self.took)) * 1_000 if len(self.took) else np.array([np.nan])
        return {
            "events_s": self.answered * self._each / self.asked.seconds,
            "requests_s": self.answered / self.asked.seconds,
            **{f"p{q}_ms": float(np.quantile(took, q / 100)) for q in (50, 90, 99)},
            "max_ms": float(took[-1]),
            "counted": len(self.took),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "left_waiting": len(self._waiting) + self._busy,
            "generator_cpu": busy,
        }


def _authorised(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def _writing(asked: Asked) -> Callable[[Connection], bytes]:
    bodies = Bodies(asked.batch, asked.people, asked.seed, headers=_head(asked))
    made = iter(bodies)
    return lambda _: next(made)


def _head(asked: Asked) -> str:
    path = "/v1/batch" if asked.batch > 1 else "/v1/track"
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {_authorised(asked.key)}\r\n"
        "Content-Type: application/json\r\nUser-Agent: shoal-bench\r\nContent-Length: "
    )


def _reading(asked: Asked) -> Callable[[Connection], bytes]:
    rng = np.random.default_rng(asked.seed)
    heads = [f"Host: 127.0.0.1\r\nAuthorization: {_authorised(key)}\r\n\r\n" for key in asked.keys]
    given: dict[int, str] = {}

    def request(connection: Connection) -> bytes:
        head = given.setdefault(id(connection), heads[len(given) % len(heads)])
        return f"GET /v1/profiles/user_id:u{rng.integers(asked.people):07d} HTTP/1.1\r\n{head}".encode()

    return request


def start(asked: Asked) -> subprocess.Popen[bytes]:
    """The generator as a process of its own; `told` waits for what it tells."""
    command = [sys.executable, str(HERE / "live_load.py"), json.dumps(asdict(asked))]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def told(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What a generator tells when it ends."""
    try:
        out, _ = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


def load(asked: Asked) -> dict[str, Any]:
    """Sends, in a process of its own, and waits for it."""
    return told(start(asked))


def ceiling(asked: Asked) -> dict[str, Any]:
    """What the generator reaches against a server that only answers 200."""
    bare = subprocess.Popen([sys.executable, str(HERE / "live_bare.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert bare.stdout is not None
        return load(Asked(**{**asdict(asked), "port": int(bare.stdout.readline())}))
    finally:
        bare.communicate()


def main() -> None:
    import uvloop

    given = json.loads(sys.argv[1])
    asked = Asked(**{**given, "keys": tuple(given.get("keys", ()))})
    requests = _reading(asked) if asked.reads else _writing(asked)
    json.dump(uvloop.run(Load(asked, requests).run()), sys.stdout)


if __name__ == "__main__":
    main()
