"""What the server does by itself when its time has come: `tracking.schedule` of shoal.yaml."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from shoal.errors import ShoalError
from shoal.server.metrics import Numbers
from shoal.store.runs import Runs

Say = Callable[..., None]
SOON = timedelta(minutes=10)  # after a run that failed; twice as long after each further one
KNOWN = ("run",)


def last_good(folder: Path) -> datetime | None:
    """When the last good run began; None where there is none, or where it cannot be told."""
    try:
        run = Runs(folder).last()
        return None if run is None else datetime.strptime(f"{run.run_id[:21]}+0000", "%Y%m%dT%H%M%S%f%z")
    except (ShoalError, OSError, ValueError):
        return None


def due(every: timedelta, last: datetime | None, failed: datetime | None, failures: int) -> datetime | None:
    """The next time a run is due; None for at once.

    After failures it waits 10 minutes, 20, 40, ... and at most `every`.

    >>> day, start = timedelta(days=1), datetime(2026, 1, 1, tzinfo=UTC)
    >>> due(day, start, start + day, 2).isoformat()
    '2026-01-02T00:20:00+00:00'
    """
    if failed is not None and failures:
        return failed + min(every, SOON * (1 << min(failures - 1, 20)))
    return None if last is None else last + every


def _span(text: str) -> timedelta:
    from shoal.define.feature import span

    return timedelta(microseconds=span(text))


class Schedule:
    """Starts `shoal run` as a child whenever it is due, one at a time."""

    def __init__(
        self,
        folder: Path,
        spans: Mapping[Literal["run", "sync"], str],
        say: Say,
        numbers: Numbers,
        command: tuple[str, ...] | None = None,
    ) -> None:
        self._folder, self._say, self._numbers = folder, say, numbers
        self._every = _span(spans["run"]) if "run" in spans else None
        self._command = command or (sys.executable, "-m", "shoal.server.job", "run", "--json", "-w", str(folder))
        self._job: subprocess.Popen[bytes] | None = None
        self._began = datetime.now(UTC)
        self._failed: datetime | None = None
        self._failures = 0
        for name in spans:
            if name not in KNOWN:
                say("warning", "schedule-skipped", what=name, why="this version of Shoal has no such command")

    def look(self, now: datetime) -> None:
        """Notes a run that ended; starts one that is due."""
        if self._job is not None:
            self._noted(now)
        elif self._every is not None and self._is_due(now):
            self._start(now)

    def _is_due(self, now: datetime) -> bool:
        assert self._every is not None
        last = last_good(self._folder)
        if last is not None:
            self._numbers.put("shoal_run_last_success_timestamp_seconds", last.timestamp())
        at = due(self._every, last, self._failed, self._failures)
        return at is None or now >= at

    def _start(self, now: datetime) -> None:
        self._began = now
        try:
            self._job = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a run's words may quote data
                start_new_session=True,
            )
        except OSError as error:
            self._fail(now, error=type(error).__name__)
            return
        self._say("info", "run-started", pid=self._job.pid)

    def _noted(self, now: datetime) -> None:
        assert self._job is not None
        code = self._job.poll()
        if code is None:
            return
        self._leave()
        seconds = round((now - self._began).total_seconds(), 1)
        if code == 0:
            self._failures, self._failed = 0, None
            self._say("info", "run-ended", seconds=seconds)
        else:
            self._fail(now, code=code, seconds=seconds)

    def _fail(self, now: datetime, **told: str | float) -> None:
        self._failures, self._failed = self._failures + 1, now
        self._numbers.add("shoal_run_failures_total")
        self._say("error", "run-failed", **told, remedy="`shoal run` by hand says why")

    def _leave(self) -> None:
        if self._job is not None and self._job.stdin is not None:
            with suppress(OSError):
                self._job.stdin.close()
        self._job = None

    def ask(self) -> None:
        """Asks a run that goes on to end; what it had done is not published."""
        if self._job is not None and self._job.poll() is None:
            self._job.send_signal(signal.SIGINT)

    def stop(self, limit: float) -> None:
        """Ends a run that goes on, after `limit` seconds for certain."""
        if self._job is None:
            return
        self.ask()
        try:
            self._job.wait(limit)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._job.pid, signal.SIGKILL)
            self._job.wait()
        self._leave()
