"""The HTTP process: takes events and answers questions on the socket that the supervisor holds open."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from shoal.server import child, joints, patience
from shoal.server.board import Board
from shoal.server.health import Checks, Front
from shoal.server.metrics import Numbers

Open = Callable[[Path, Numbers], joints.Parts]
GRACE = 3  # seconds that requests in flight have when the server stops
BEAT = 1.0


def main(arguments: list[str], open_parts: Open) -> int:
    """Serves until asked to end; the exit code."""

    def go(told: child.Start, say: Callable[..., None], board: Board) -> None:
        _many_files()
        numbers = Numbers()
        numbers.put("shoal_start_timestamp_seconds", time.time())
        parts = open_parts(told.folder, numbers)
        try:
            checks = Checks(told.folder / ".shoal", board, parts.log, parts.state)
            front = Front(parts.app, checks, numbers, told.name, parts.may_read)
            _serve(_server(front, parts.stopping), told, board, numbers, say)
        finally:
            parts.close()

    return child.run(arguments, go)


class Server(uvicorn.Server):
    """Tells the application when it begins to stop."""

    stopping: Callable[[], None]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self.stopping()
        await super().shutdown(sockets)


def _server(front: Front, stopping: Callable[[], None]) -> Server:
    config = uvicorn.Config(
        front,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=GRACE,
        **patience.settings(),
    )
    server = Server(config)
    server.stopping = stopping
    return server


def _serve(server: Server, told: child.Start, board: Board, numbers: Numbers, say: Callable[..., None]) -> None:
    assert told.listen is not None
    listening = socket.socket(fileno=told.listen)
    _asked_to_end(server)
    child.watch_parent()
    threading.Thread(target=_show, args=(server, told, board, numbers, say), name="board", daemon=True).start()
    # A task cut off at the end of its grace has no one left to tell.
    with suppress(asyncio.CancelledError):
        server.run(sockets=[listening])
    board.clear(told.slot)


def _asked_to_end(server: Server) -> None:
    """Before uvicorn listens to signals itself, and when it raises them again after its end."""

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _show(server: Server, told: child.Start, board: Board, numbers: Numbers, say: Callable[..., None]) -> None:
    """Puts this process's numbers on the board about once a second, from when it serves."""
    while not server.started:
        time.sleep(0.01)
    say("info", "serving", pid=os.getpid())
    while not server.should_exit:
        board.write(told.slot, {"name": told.name, "state": "serving", "numbers": numbers.snapshot()})
        time.sleep(BEAT)


def _many_files() -> None:
    """As many connections as the system allows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], joints.open_parts))
