"""What every child process of the server does alike: hears what it is, speaks, notices that its parent is gone."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import sleep
from typing import Any

from shoal.errors import Busy, NoRoom, SettingsError, ShoalError, StorageError, StoreError
from shoal.server import logs
from shoal.server.board import Board

LAST = 10.0  # seconds that a child without a parent has to end well
SPEAKABLE = (Busy, NoRoom, SettingsError, StorageError, StoreError)  # they quote files and settings, never data


@dataclass(frozen=True)
class Start:
    """What a child is told, as its one argument."""

    workspace: str
    name: str
    slot: int
    slots: int
    board: int
    log_format: logs.Form
    log_level: str
    listen: int | None = None

    def text(self) -> str:
        """As an argument.

        >>> told = Start(".", "http-0", 1, 3, 4, "json", "info", 5)
        >>> Start.read([told.text()]) == told
        True
        """
        return json.dumps(asdict(self))

    @staticmethod
    def read(arguments: Sequence[str]) -> Start:
        """From the arguments of a process."""
        return Start(**json.loads(arguments[0]))

    @property
    def folder(self) -> Path:
        """The workspace."""
        return Path(self.workspace)


def run(arguments: Sequence[str], work: Callable[[Start, Callable[..., None], Board], None]) -> int:
    """Does a child's work and tells how it ended, without what an error quotes; returns the exit code."""
    told = Start.read(arguments)
    say = logs.start(told.name, told.log_format, told.log_level)
    try:
        work(told, say, Board(told.board, told.slots))
    except ShoalError as error:
        what: dict[str, Any] = {"what": " ".join(str(error).split())} if isinstance(error, SPEAKABLE) else {}
        say("error", "failed", **logs.of_error(error), **what)
        return 1
    say("info", "ended")
    return 0


def until(stop: Callable[[], None]) -> None:
    """Calls `stop` when the process is asked to end, or when its parent is gone; main thread only."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
    watch_parent()


def watch_parent(signal_number: int = signal.SIGTERM) -> None:
    """From now on this process gets a signal when its parent is gone, and ends for certain some seconds later."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal_number)
        sleep(LAST)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
