"""An HTTP process over stand-ins: a log that is a file of lines, and an application that appends bodies to it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shoal.errors import NoRoom, is_full
from shoal.server import http
from shoal.server.health import Receive, Scope, Send, Watched
from shoal.server.joints import Parts
from shoal.server.metrics import Numbers


class FileLog:
    """Entries as lines of a file, synced before they count."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)
        self.path = path
        self._last = len(self._whole())

    def _whole(self) -> list[bytes]:
        return self.path.read_bytes().split(b"\n")[:-1]

    def append(self, entries: Sequence[bytes]) -> int:
        with self._lock:
            before = os.fstat(self._file.fileno()).st_size
            try:
                text = b"".join(entry.replace(b"\n", b" ") + b"\n" for entry in entries)
                written = self._file.write(text)
                os.fsync(self._file.fileno())
            except OSError as error:
                os.ftruncate(self._file.fileno(), before)
                if is_full(error):
                    raise NoRoom("the disk is full") from None
                raise
            if written != len(text):
                os.ftruncate(self._file.fileno(), before)
                raise NoRoom("the disk is full")
            self._last += len(entries)
            return self._last

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        return list(enumerate(self._whole(), 1))[after : after + most]

    def last(self) -> int:
        return self._last

    def close(self) -> None:
        self._file.close()


class Standin:
    """POST /v1/batch appends; /v1/slow answers after a while; /v1/fault fails, quoting what it got."""

    def __init__(self, log: Watched, folder: Path) -> None:
        self._log, self._folder = log, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] == "/v1/slow":
            (self._folder / "slow").touch()
            await asyncio.sleep(float(body))
        if scope["path"] == "/v1/fault":
            raise ValueError(f"cannot take {body!r}")
        entry = b'{"receivedAt": 1, "type": null, "sentAt": null, "historical": false, "body": ' + body + b"}"
        try:
            await asyncio.to_thread(self._log.append, [entry])
        except NoRoom:
            await _answer(send, 503, {"success": False}, [(b"retry-after", b"5")])
            return
        await _answer(send, 200, {"success": True})


async def _answer(send: Send, status: int, content: Any, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-length", str(len(body)).encode()), *more]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def open_parts(folder: Path, numbers: Numbers) -> Parts:
    if (folder / "no-http").exists():
        raise NoRoom("the stand-in was told not to start")
    log = Watched(FileLog(folder / ".shoal" / "log.jsonl"), numbers)
    return Parts(Standin(log, folder), log, lambda key: key == "read-key", close=log.close)


if __name__ == "__main__":
    sys.exit(http.main(sys.argv[1:], open_parts))
