"""Where the server's parts are joined: what the HTTP process answers with, what the live worker does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal.live.log import Log
from shoal.server.health import App, Receive, Scope, Send, Watched
from shoal.server.metrics import Numbers

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Parts:
    """What the HTTP process serves: an application over its log, and what readiness and numbers ask for.

    `may_read` says whether a key's text may read; `stopping` is called when the server stops, so that streams end, and
    `close` when no request is under way any more.
    """

    app: App
    log: Watched
    may_read: Callable[[str], bool]
    state: Callable[[], Mapping[str, Any]] | None = None
    stopping: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None


def open_parts(folder: Path, numbers: Numbers) -> Parts:
    """The parts of a workspace's HTTP process."""
    del folder
    return Parts(_nothing, Watched(_NoLog(), numbers), lambda _key: False)


def live_names(folder: Path) -> list[str]:
    """The live workers of a workspace, one for each partition of its log."""
    del folder
    return []


def work(folder: Path, stop: threading.Event, tell: Tell) -> None:
    """The live worker's work, until `stop` is set."""
    del folder, tell
    stop.wait()


def has_keys(folder: Path) -> bool:
    """Whether anybody could send or read anything."""
    del folder
    return False


class _NoLog:
    def append(self, entries: Any) -> int:
        raise NotImplementedError

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        del after, most
        return []

    def last(self) -> int:
        return 0

    def close(self) -> None:
        return None


_LOG: type[Log] = _NoLog


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
