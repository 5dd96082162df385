"""The process that sends membership changes to webhooks: a slow receiver keeps nobody else waiting."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from shoal.server import child, joints
from shoal.server.board import Board
from shoal.server.metrics import Numbers


def main(arguments: list[str]) -> int:
    """Delivers until asked to end; the exit code."""

    def go(told: child.Start, say: Callable[..., None], board: Board) -> None:
        stop = threading.Event()
        child.until(stop.set)
        numbers = Numbers()
        numbers.put("shoal_start_timestamp_seconds", time.time())
        say("info", "started")
        show = lambda: board.write(told.slot, {"name": told.name, "state": "working", "numbers": numbers.snapshot()})
        joints.deliver(told.folder, stop, numbers, show)

    return child.run(arguments, go)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
