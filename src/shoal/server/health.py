"""Whether the server is well, and in what numbers: /health, /ready and /metrics, before everything else it answers."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shoal.errors import ShoalError
from shoal.live.log import Log
from shoal.server.board import Board
from shoal.server.metrics import CONTENT_TYPE, Numbers, render

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ROOM = 16 << 20  # free bytes under which the log counts as full
REST = 5.0  # seconds after a refused write in which the log counts as not writable
SILENCE = 30.0  # seconds without a word from a worker that has something to do
PATIENCE = 3.0  # seconds that a look at the log or the state may take


class Watched:
    """A log that remembers how its last write went."""

    def __init__(self, log: Log, numbers: Numbers, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._numbers, self._clock = log, numbers, clock
        self._refused: float | None = None

    def append(self, entries: Sequence[bytes]) -> int:
        """As the log's own."""
        try:
            last = self._log.append(entries)
        except Exception:
            self._refused = self._clock()
            self._numbers.put("shoal_log_writable", 0)
            raise
        self._refused = None
        self._numbers.put("shoal_log_writable", 1)
        return last

    @property
    def refuses(self) -> bool:
        """Whether a write was refused just now. Later it counts as well again: only a write can tell."""
        return self._refused is not None and self._clock() - self._refused < REST

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """As the log's own."""
        return self._log.read(after, most)

    def last(self) -> int:
        """As the log's own."""
        return self._log.last()

    def close(self) -> None:
        """As the log's own."""
        self._log.close()


def lagging(state: Mapping[str, Any], log_last: int, now: float, limit: float) -> str | None:
    """Why a live worker is not up to date; None when it is. `state` is its slot on the board, `limit` in seconds.

    >>> lagging({"state": "working", "offset": 7, "lag_s": 0.0, "told_at": 100.0}, 7, 101.0, 10.0)
    """
    name = state.get("name", "live")
    if state.get("state") != "working":
        return f"{name} is starting"
    silent = now - float(state.get("told_at", now))
    lag = float(state.get("lag_s", 0.0))
    if lag > limit:
        return f"{name} is {lag:.0f} s behind"
    if int(state.get("offset", 0)) < log_last and silent > max(limit, SILENCE):
        return f"{name} has not moved for {silent:.0f} s"
    return None


@dataclass(frozen=True)
class Checks:
    """What readiness is told from. `state` reads the live state, None where there is no live worker."""

    home: Path
    board: Board
    log: Watched
    state: Callable[[], Mapping[str, Any]] | None = None
    lag: float = 10.0

    async def reasons(self) -> list[dict[str, str]]:
        """What is not as it should be: `check` and `what`; empty when the server is ready."""
        everybody = self.board.all()
        parent: Mapping[str, Any] = next((one for one in everybody if one.get("name") == "serve"), {})
        found: list[tuple[str, str]] = []
        if parent.get("stopping"):
            found.append(("stop", "the server is stopping"))
        found += [
            ("processes", f"{name} dies again and again; its log lines say why") for name in parent.get("loop", ())
        ]
        last, why = await _looked(self.log.last)
        if why is not None:
            found.append(("log", f"the log cannot be read: {why}"))
        found += [("log", why) for why in self._unwritable()]
        found += self._behind(everybody, parent.get("live", ()), last or 0)
        if self.state is not None:
            _, why = await _looked(self.state)
            found += [("state", f"the live state cannot be read: {why}")] if why is not None else []
        return [{"check": check, "what": what} for check, what in found]

    def _unwritable(self) -> list[str]:
        if self.log.refuses:
            return ["the log refused the last write"]
        disk = os.statvfs(self.home)
        if disk.f_bavail * disk.f_frsize < ROOM:
            return ["the disk is full"]
        return []

    def _behind(self, everybody: Sequence[Mapping[str, Any]], names: Sequence[str], last: int) -> list[tuple[str, str]]:
        known = {one.get("name"): one for one in everybody}
        told = (lagging(known.get(name, {"name": name}), last, time.time(), self.lag) for name in names)
        return [("live", why) for why in told if why is not None]


async def _looked(look: Callable[[], Any]) -> tuple[Any, str | None]:
    """What a look gives, or why it gave nothing: by kind of error, as its words may quote."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(look), None
    except (ShoalError, OSError, TimeoutError) as error:
        return None, type(error).__name__


class Front:
    """The outermost application: answers the three pages itself, counts and times what all others are answered."""

    def __init__(self, app: App, checks: Checks, numbers: Numbers, name: str, may_read: Callable[[str], bool]) -> None:
        self._app, self._checks, self._numbers, self._name, self._may_read = app, checks, numbers, name, may_read
        self._pages = {"/health": self._health, "/ready": self._ready, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        page = self._pages.get(scope["path"])
        if page is not None and scope["method"] in ("GET", "HEAD"):
            await page(scope, send)
            return
        began = time.perf_counter()
        answered = False

        async def counted(message: Any) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                status = message["status"]
                self._numbers.add("shoal_requests_total", 1, str(status))
                if status == 200 and scope["method"] == "POST":
                    self._numbers.see("shoal_ack_seconds", time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not answered:
                self._numbers.add("shoal_requests_total", 1, "500")
            raise

    async def _health(self, scope: Scope, send: Send) -> None:
        await _answer(send, 200, {"status": "ok"}, scope)

    async def _ready(self, scope: Scope, send: Send) -> None:
        reasons = await self._checks.reasons()
        await _answer(send, 503 if reasons else 200, {"ready": not reasons, "reasons": reasons}, scope)

    async def _metrics(self, scope: Scope, send: Send) -> None:
        if not (is_local(scope) or await asyncio.to_thread(self._may_read, _credentials(scope))):
            text = "numbers are for this machine, or for a key with role read: `Authorization: Bearer KEY`"
            await _answer(send, 401, {"error": text}, scope)
            return
        last, _ = await _looked(self._checks.log.last)
        if last is not None:
            self._numbers.put("shoal_log_last_offset", last)
        others = {one["name"]: one.get("numbers", []) for one in self._checks.board.all() if "name" in one}
        body = render({**others, self._name: self._numbers.snapshot()}).encode()
        await _send(send, 200, body, CONTENT_TYPE, scope)


def is_local(scope: Scope) -> bool:
    """Whether a request was made on this machine, and not by a proxy for somebody else.

    >>> is_local({"client": ("127.0.0.1", 5), "headers": []})
    True
    >>> is_local({"client": ("127.0.0.1", 5), "headers": [(b"x-forwarded-for", b"203.0.113.9")]})
    False
    """
    client = (scope.get("client") or ("",))[0]
    here = client == "::1" or client.removeprefix("::ffff:").startswith("127.")
    names = {name for name, _ in scope["headers"]}
    return here and not names & {b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"}


def _credentials(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, rest = str(value, "latin-1").partition(" ")
            return rest.strip() if kind.lower() == "bearer" else ""
    return ""


async def _answer(send: Send, status: int, content: Any, scope: Scope) -> None:
    await _send(send, status, json.dumps(content).encode() + b"\n", "application/json", scope)


async def _send(send: Send, status: int, body: bytes, kind: str, scope: Scope) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
