"""Moves what was appended from SQLite's write-ahead journal into its file, beside the appends and not in their way."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Event, Lock, Thread

STEP = 4 << 20  # bytes appended between two checkpoints: small ones, whose sync is soon over
JOURNAL = 16 << 20  # bytes of the journal after which it is begun anew, even if an append has to wait
QUIET = 1.0  # seconds without an append after which the rest is moved too


class Checkpoints:
    """A thread that moves the journal into the file; it begins with the first append and ends with `close`.

    `writing` is held while the journal is begun anew, so that appends of this process wait for it and not for SQLite's
    turns of sleeping and asking.
    """

    def __init__(self, path: Path, writing: Lock) -> None:
        self.path = path
        self._writing = writing
        self._wake = Event()
        self._closing = False
        self._thread: Thread | None = None
        self._pending = 0

    def written(self, size: int) -> None:
        """Notes that `size` bytes were appended."""
        self._pending += size
        if self._thread is None:
            self._closing = False
            self._thread = Thread(target=self._run, name="log checkpoints", daemon=True)
            self._thread.start()
        if self._pending >= STEP:
            self._wake.set()

    def close(self) -> None:
        """Ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing = True
            self._wake.set()
            thread.join()
            self._wake.clear()

    def _run(self) -> None:
        connection = sqlite3.connect(self.path, timeout=0.1, isolation_level=None)
        try:
            seen = 0
            while not self._closing:
                woken = self._wake.wait(QUIET)
                self._wake.clear()
                if woken or (self._pending and self._pending == seen):
                    self._pending = 0
                    self._move(connection)
                seen = self._pending
        finally:
            connection.close()

    def _move(self, connection: sqlite3.Connection) -> None:
        """Moves most of it while appends go on, and the rest, if it must be, while they wait."""
        try:
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            page = connection.execute("PRAGMA page_size").fetchone()[0]
            if pages * page > JOURNAL:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                with self._writing:
                    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error:
            return  # A full disk or a slow reader: the journal keeps what it has, and the next append asks again.
