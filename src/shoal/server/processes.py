"""Child processes that are kept running: started, watched, started again after they died, stopped in order.

A child ends by itself when its parent is gone: the parent holds the other end of its stdin.
"""

from __future__ import annotations

import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep

from shoal.server.metrics import Numbers

Say = Callable[..., None]
PATIENCE = 10.0  # seconds between attempts to start a child, at most
WINDOW = 60.0  # seconds in which deaths are counted
LOOP = 5  # deaths in the window that make a crash loop


@dataclass(frozen=True)
class Task:
    """What a child is: its command, the handles it inherits, and when it is stopped (lower `order` first)."""

    name: str
    command: tuple[str, ...]
    handles: tuple[int, ...] = ()
    order: int = 0
    slot: int = 0


def pause(deaths: int) -> float:
    """Seconds to wait before a child is started again, by its deaths in the last minute.

    >>> [pause(deaths) for deaths in (1, 2, 3, 20)]
    [0.1, 0.2, 0.4, 10.0]
    """
    return float(min(0.1 * 2 ** (min(deaths, 30) - 1), PATIENCE))


class Child:
    """One task and the process that does it now."""

    def __init__(
        self,
        task: Task,
        say: Say,
        numbers: Numbers,
        clear: Callable[[int], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.task, self._say, self._numbers, self._clear, self._clock = task, say, numbers, clear, clock
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: deque[float] = deque(maxlen=LOOP)
        self._again = 0.0

    @property
    def looping(self) -> bool:
        """Whether it died so often lately that somebody should look after it."""
        return len(self.deaths) == LOOP and self._clock() - self.deaths[0] <= WINDOW

    def look(self) -> bool:
        """Starts the process when it is due, notes when it died; whether it runs."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self._died(code)
        if self.process is None and self._clock() >= self._again:
            self._start()
        self._numbers.put("shoal_child_up", float(self.process is not None), self.task.name)
        return self.process is not None

    def _start(self) -> None:
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                self.task.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=self.task.handles,
                start_new_session=True,  # Ctrl-C in the terminal reaches the parent alone
            )
        except OSError as error:  # out of processes or memory: later, perhaps
            self._say("error", "child-not-started", child=self.task.name, error=type(error).__name__)
            self._note()
            return
        self._say("info", "child-started", child=self.task.name, pid=self.process.pid)

    def _died(self, code: int) -> None:
        self._release()
        self._clear(self.task.slot)
        self._note()
        ended = signal.Signals(-code).name if code < 0 else code
        wait = round(self._again - self._clock(), 3)
        self._say("error", "child-died", child=self.task.name, code=ended, again_s=wait, crash_loop=self.looping)

    def _note(self) -> None:
        now = self._clock()
        self.deaths.append(now)
        self._again = now + pause(sum(now - death <= WINDOW for death in self.deaths))
        self._numbers.add("shoal_child_restarts_total", 1, self.task.name)

    def _release(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        self.process = None

    def ask(self) -> None:
        """Asks the process to end well."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def ended(self) -> bool:
        """Whether there is no process any more."""
        if self.process is not None and self.process.poll() is not None:
            self._release()
        return self.process is None

    def kill(self) -> None:
        """Ends the process at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._release()


class Family:
    """All children of one server."""

    def __init__(self, children: Sequence[Child], say: Say) -> None:
        self.children, self._say = children, say

    def look(self) -> None:
        """Does what is due for each; to be called a few times a second."""
        for child in self.children:
            child.look()

    @property
    def looping(self) -> list[str]:
        """The names of children in a crash loop."""
        return [child.task.name for child in self.children if child.looping]

    def stop(self, limits: Callable[[int], float], hurried: Callable[[], bool]) -> bool:
        """Ends all, in order; whether each ended by itself. `limits` gives an order's seconds.

        `hurried` turns true when nobody wants to wait any more.
        """
        well = True
        for order in sorted({child.task.order for child in self.children}):
            group = [child for child in self.children if child.task.order == order]
            for child in group:
                child.ask()
            _wait(group, limits(order), hurried)
            for child in group:
                if not child.ended():
                    well = False
                    self._say("error", "child-killed", child=child.task.name)
                    child.kill()
        return well


def _wait(group: Iterable[Child], limit: float, hurried: Callable[[], bool]) -> None:
    end = monotonic() + limit
    left = list(group)
    while left and monotonic() < end and not hurried():
        left = [child for child in left if not child.ended()]
        if left:
            sleep(0.02)
