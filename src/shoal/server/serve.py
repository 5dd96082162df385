"""`shoal serve`: one supervisor, its HTTP processes and live workers, its schedule; and how all of them stop.

The supervisor holds the listening socket and does little else, so that it has little to fail by. What it starts ends by
itself when it is gone. An HTTP process takes events whether or not the live worker runs: the log holds them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shoal.errors import StorageError
from shoal.server import address, joints, lock, logs
from shoal.server.board import Board
from shoal.server.child import Start
from shoal.server.metrics import Numbers
from shoal.server.processes import Child, Family, Task
from shoal.server.schedule import Schedule

TURN = 0.05  # seconds between two looks at the children
LIMITS = {0: 4.5, 1: 4.5}  # seconds that HTTP processes have to end, then workers


@dataclass(frozen=True)
class Modules:
    """What checks a workspace, which modules the processes run, the live workers' names; tests put in their own."""

    http: str = "shoal.server.http"
    live: str = "shoal.server.worker"
    hooks: str = "shoal.server.hooks"
    live_names: Sequence[str] = (joints.WORKER,)
    check_definitions: Callable[[Path], object] = joints.check_definitions
    job: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Options:
    """How to serve; as the command's options."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    log_format: str = "auto"
    log_level: str = "info"


@dataclass(frozen=True)
class Serving:
    """What is told when the first request can be made."""

    url: str
    pid: int
    name: str


def serve(
    folder: Path,
    options: Options,
    ready: Callable[[Serving], None],
    modules: Modules = Modules(),
) -> int:
    """Serves a workspace until a signal; 0 when everything ended by itself, else 1.

    `ready` is called once, when requests are answered.

    Raises SettingsError, Busy (another server, or the port is taken), AddressError, StorageError.
    """
    known = joints.check(folder)
    with ExitStack() as held:
        mine, shared = lock.take(folder)
        held.callback(os.close, mine)
        held.callback(os.close, shared)
        listening = held.enter_context(address.listen(options.host, options.port))
        processes = [(f"http-{number}", modules.http, 0) for number in range(options.workers)]
        processes += [(name, modules.live, 1) for name in modules.live_names]
        processes += [(joints.HOOKS, modules.hooks, 1)] if known.tracking.webhooks else []
        board = Board.make(1 + len(processes))
        held.callback(board.close)
        say = logs.start("serve", logs.form_for(options.log_format, sys.stderr), options.log_level)
        numbers = Numbers()
        tasks = _tasks(folder, options, processes, (board, listening, shared))
        family = Family([Child(task, say, numbers, board.clear) for task in tasks], say)
        schedule = Schedule(folder, known.tracking.schedule, say, numbers, modules.job)
        server = Supervisor(family, schedule, board, numbers, say, modules.live_names, listening)
        where = address.url(listening)
        check = lambda: modules.check_definitions(folder)
        return server.run(check, lambda: ready(Serving(where, os.getpid(), known.name)))


def _tasks(
    folder: Path,
    options: Options,
    processes: Sequence[tuple[str, str, int]],
    held: tuple[Board, socket.socket, int],
) -> list[Task]:
    """The processes of a server, by name, module and order: slots of the board from 1."""
    board, listening, shared = held
    form = logs.form_for(options.log_format, sys.stderr)
    tasks = []
    for slot, (name, module, order) in enumerate(processes, 1):
        listen = listening.fileno() if order == 0 else None
        start = Start(str(folder.absolute()), name, slot, board.slots, board.handle, form, options.log_level, listen)
        handles = (board.handle, shared) if listen is None else (board.handle, shared, listen)
        tasks.append(Task(name, (sys.executable, "-m", module, start.text()), handles, order, slot))
    return tasks


class Supervisor:
    """The loop of the parent process."""

    def __init__(
        self,
        family: Family,
        schedule: Schedule,
        board: Board,
        numbers: Numbers,
        say: Callable[..., None],
        live: Sequence[str],
        listening: socket.socket,
    ) -> None:
        self._family, self._schedule, self._board, self._numbers = family, schedule, board, numbers
        self._say, self._live, self._listening = say, list(live), listening
        self._signals = 0
        self._wake = threading.Event()
        self._told = False

    def run(self, check: Callable[[], object], ready: Callable[[], None]) -> int:
        """Until a signal; the exit code.

        Raises what `check` does, while the children start, and StorageError when the HTTP process cannot even start.
        """
        heard = [number for number in _ENDS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._signalled) for number in heard}
        self._say("info", "started", pid=os.getpid())
        well = False
        try:
            self._family.look()
            check()
            self._go(ready)
        finally:
            well = self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0 if well else 1

    def _signalled(self, _number: int, _frame: object) -> None:
        self._signals += 1
        self._wake.set()

    def _go(self, ready: Callable[[], None]) -> None:
        shown = 0.0
        while not self._signals:
            self._family.look()
            self._schedule.look(datetime.now(UTC))
            if not self._told:
                self._told = self._announced(ready)
            if abs(time.monotonic() - shown) >= 0.5:
                shown = time.monotonic()
                self._show()
            self._wake.wait(TURN)

    def _announced(self, ready: Callable[[], None]) -> bool:
        """Tells that the server serves, once every HTTP process does."""
        https = [child for child in self._family.children if child.task.order == 0]
        if all(self._board.read(child.task.slot).get("state") == "serving" for child in https):
            self._show()
            ready()
            return True
        if any(child.looping for child in https):
            raise StorageError(
                "the HTTP process cannot start; its log lines above say why. Remedy: mend that, start again"
            )
        return False

    def _show(self, *, stopping: bool = False) -> None:
        content = {"name": "serve", "stopping": stopping, "loop": self._family.looping, "live": self._live}
        self._board.write(0, {**content, "numbers": self._numbers.snapshot()})

    def _stop(self) -> bool:
        """Ends everything in order: nothing new comes in, what is under way is finished, the worker ends its tick."""
        self._say("info", "stopping")
        self._show(stopping=True)
        self._listening.close()
        self._schedule.ask()
        asked = self._signals
        well = self._family.stop(lambda order: LIMITS[order], lambda: self._signals > max(asked, 1))
        self._schedule.stop(0.5 if self._signals <= max(asked, 1) else 0.0)
        self._say("info", "stopped", well=well)
        return well


_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
