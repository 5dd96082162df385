"""A tracking API on loopback whose log a test can read, stop, fill up and start again."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from shoal.server.tracking import App, tracking_app

KEY, OTHER_KEY, READER, REVOKED = "shoal_write_1_a", "shoal_admin_2_b", "shoal_read_3_c", "shoal_write_4_d"
ROLES = {KEY: "write", OTHER_KEY: "admin", READER: "read"}


class MemoryLog:
    """A log in memory; `errors` are raised in turn instead of appending, `gate` holds appends until it is set."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.groups: list[int] = []
        self.errors: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()

    def append(self, entries: Sequence[bytes]) -> int:
        assert self.gate.wait(20)
        if self.errors:
            raise self.errors.pop(0)
        self.entries += entries
        self.groups.append(len(entries))
        return len(self.entries)

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        return list(enumerate(self.entries, 1))[after : after + most]

    def last(self) -> int:
        return len(self.entries)

    def close(self) -> None:
        pass


@dataclass
class Shoal:
    """Where it listens, what is in its log, and what it was asked: method, path and headers; a POST's body as sent."""

    url: str
    log: MemoryLog
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(entry) for entry in self.log.entries]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every message in the log, with the type that its entry gives it."""
        found = []
        for entry in self.entries:
            messages = entry["body"].get("batch") or [entry["body"]]
            found += [{**message, "type": entry["type"] or message.get("type")} for message in messages]
        return found

    @property
    def attempts(self) -> list[list[str]]:
        """The messageIds of every POST, of those that were refused too."""
        found = []
        for body in self.bodies:
            read = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            found.append([message["messageId"] for message in read.get("batch") or [read]])
        return found

    @property
    def posts(self) -> list[tuple[str, dict[str, str]]]:
        """Path and headers of every POST."""
        return [(path, headers) for method, path, headers in self.seen if method == "POST"]

    def wait(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        """The messages, as soon as there are `count`."""
        until = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < until:
            time.sleep(0.02)
        return self.messages


def watched(shoal: Shoal, app: App) -> App:
    """The app with a record of what was asked."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        body = b""

        async def overheard() -> Any:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if scope.get("method") == "POST" and not message.get("more_body"):
                shoal.bodies.append(body)
            return message

        if scope["type"] == "http":
            headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            shoal.seen.append((scope["method"], scope["path"], headers))
        await app(scope, overheard, send)

    return inner


@contextmanager
def serving(app: App, port: int = 0) -> Iterator[int]:
    """A real server of the app on loopback; its port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.005)
        assert server.started
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@contextmanager
def tracking(port: int = 0, log: MemoryLog | None = None, **options: Any) -> Iterator[Shoal]:
    """Shoal's tracking API on loopback; the same log and port may be given again after a stop."""
    shoal = Shoal("", log or MemoryLog())
    app = watched(shoal, tracking_app(shoal.log, ROLES.get, **options))
    with serving(app, port) as found:
        shoal.url = f"http://127.0.0.1:{found}"
        yield shoal
