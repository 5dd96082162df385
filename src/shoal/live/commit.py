"""Group commit: many requests share one durable append, and each is answered after it.

An fsync costs milliseconds whatever it writes, so what arrives while one runs is written by the next, together. One
append runs at a time, in a thread of its own; the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TypeAlias

from shoal.errors import Busy, ShoalError, StorageError

from .counters import Counters
from .log import Log

PENDING = 32 * 1024 * 1024
GROUP = 8 * 1024 * 1024
_logger = logging.getLogger(__name__)
_Waiter: TypeAlias = "asyncio.Future[ShoalError | None]"


class GroupCommit:
    """Appends entries to a log in groups; belongs to one event loop.

    `pending` bounds the bytes that wait (beyond it, Busy), `group` the bytes of one append.

    >>> class Paper:
    ...     def append(self, entries):
    ...         print(entries)
    >>> async def both() -> None:
    ...     commit = GroupCommit(Paper())
    ...     await asyncio.gather(commit.put(b"one"), commit.put(b"two"))
    ...     await commit.close()
    >>> asyncio.run(both())
    [b'one', b'two']
    """

    def __init__(
        self, log: Log, *, pending: int = PENDING, group: int = GROUP, counters: Counters | None = None
    ) -> None:
        self._log, self._most, self._group_most = log, pending, group
        self.counters = counters or Counters()
        self._entries: list[bytes] = []
        self._waiters: list[_Waiter] = []
        self._bytes = self._writing = 0
        self._busy = self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shoal-log")

    @property
    def pending(self) -> int:
        """Bytes that are not yet on disk, those of the running append included."""
        return self._bytes + self._writing

    async def put(self, entry: bytes) -> None:
        """Returns when the entry is on disk.

        Raises Busy when too much waits already, and what the log raised (NoRoom, another StorageError); the entry is
        not kept then.
        """
        if self._closed or (self.pending and self.pending + len(entry) > self._most):
            raise Busy(self._why())
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._entries.append(entry)
        self._waiters.append(waiter)
        self._bytes += len(entry)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start, loop)  # what else arrives in this turn of the loop comes along
        begun = perf_counter()
        error = await waiter
        self.counters.waits.add(perf_counter() - begun)
        if error is not None:
            raise error.with_traceback(None)  # one error for all who wait: none inherits the trace of another

    async def close(self) -> None:
        """Waits for what is pending and ends the thread; the log stays open, and `put` raises Busy from now on."""
        self._closed = True
        while self._busy:
            await asyncio.sleep(0.001)
        self._thread.shutdown()

    def _why(self) -> str:
        if self._closed:
            return "the server is stopping; try again in a moment"
        return f"{self.pending:,} bytes wait for the disk, the most is {self._most:,}; try again in a moment"

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        entries, waiters = self._take()

        def write() -> None:
            error = _append(self._log, entries)
            loop.call_soon_threadsafe(self._finish, loop, waiters, error)

        self._thread.submit(write)

    def _take(self) -> tuple[list[bytes], list[_Waiter]]:
        """The next group: all that waits, or as much of it as one append may hold."""
        count, size = len(self._entries), self._bytes
        if size > self._group_most:
            count = size = 0
            for entry in self._entries:
                if count and size + len(entry) > self._group_most:
                    break
                count, size = count + 1, size + len(entry)
        entries, waiters = self._entries[:count], self._waiters[:count]
        del self._entries[:count], self._waiters[:count]
        self._bytes -= size
        self._writing = size
        return entries, waiters

    def _finish(self, loop: asyncio.AbstractEventLoop, waiters: list[_Waiter], error: ShoalError | None) -> None:
        self._writing = 0
        self.counters.groups += 1
        self.counters.failed_groups += error is not None
        for waiter in waiters:
            if not waiter.done():  # else its request was cancelled; the entry is kept all the same
                waiter.set_result(error)
        if self._entries:
            self._start(loop)
        else:
            self._busy = False


def _append(log: Log, entries: list[bytes]) -> ShoalError | None:
    """The error of an append, none when all is on disk: whatever goes wrong reaches those who wait."""
    try:
        log.append(entries)
    except ShoalError as error:
        return error
    except Exception as error:
        _logger.exception("the log refused %d entries", len(entries))
        return StorageError(f"the log refused {len(entries)} entries: {type(error).__name__}: {error}")
    return None
