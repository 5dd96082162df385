"""The event log in a file of its own: what was received, on disk before it is acknowledged.

.shoal/log.db   SQLite in WAL mode; one row and one sync a group of entries; many readers, one writer at a time
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from shoal.errors import Busy, NoRoom, StorageError, StoreError
from shoal.store.checkpoint import JOURNAL, Checkpoints
from shoal.store.frame import PUT_BACK, Row, beyond, gather, rows
from shoal.store.runs import storage

PATIENCE = 10  # seconds that an append waits for another process's
PAGE = 4096
VERSION = 1
SCARCE = 1 << 20  # free bytes under which an input/output error means a full disk
TABLE = (
    "CREATE TABLE IF NOT EXISTS event_log "
    "(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL)"
)


class SqliteLog:
    """An event log in one SQLite file, for the processes of one machine; safe to share between threads.

    The file is made by the first append; what reads only leaves no trace.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = SqliteLog(Path(folder) / "log.db")
    ...     log.append([b"one", b"two"]), log.read(1), log.last()
    ...     log.close()
    (2, [(2, b'two')], 2)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._writing, self._reading = Lock(), Lock()
        self._written: tuple[int, int] | None = None
        self._read: tuple[int, int] | None = None
        self._checkpoints = Checkpoints(path, self._writing)

    def append(self, entries: Sequence[bytes]) -> int:
        """Keeps entries in order, in one transaction with one sync, and returns the offset of the last.

        Raises NoRoom when the disk is full, Busy or StorageError otherwise: none of the entries is kept then.
        StoreError for a damaged file.
        """
        if not entries:
            return self.last()
        with self._writing, _told(self.path):
            if self._writer is None:
                self._writer = self._created()
            last, size = _insert(self._writer, entries)
            there = _identity(self.path) == self._written
        if not there:  # What was appended to a file that somebody deleted is gone with it: this is no acknowledgement.
            self.close()
            raise StorageError(
                f"{self.path}: was moved or deleted while it was written to. Rule: the event log stays where it is "
                "while Shoal runs. Remedy: put it back, send the events again"
            )
        self._checkpoints.written(size)
        return last

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """Offset and entry of at most `most` entries that follow `after`, in order; none only where there are none.

        Raises StoreError for a damaged row, a gap, or an `after` that the log has never reached.
        """
        if most < 1:
            return []
        with self._reading, _told(self.path):
            found = []
            if connection := self._opened():
                wanted = "SELECT last, first, crc, body FROM event_log WHERE last > ? ORDER BY last"
                with closing(connection.execute(wanted, (after,))) as cursor:
                    found = gather(map(Row._make, cursor), after, most, str(self.path))
        if not found and after > (last := self.last()):
            raise beyond(after, last, str(self.path))
        return found

    def last(self) -> int:
        """The offset of the last entry, 0 where there is none."""
        with self._reading, _told(self.path):
            connection = self._opened()
            return _last(connection) if connection else 0

    def close(self) -> None:
        """Ends the connections; the log may be used again, which opens it anew."""
        self._checkpoints.close()
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection:
                    connection.close()
            self._reader = self._writer = None

    def _created(self) -> sqlite3.Connection:
        """A connection that writes, to a file that a power cut leaves where it is."""
        home = self.path.parent
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            _sync_folder(home.parent)
        connection = _connect(self.path)
        self._written = _identity(self.path)
        return connection

    def _opened(self) -> sqlite3.Connection | None:
        """A connection that reads the file that is there now, if one is."""
        found = _identity(self.path)
        if self._reader and found != self._read:
            self._reader.close()
            self._reader = None
        if self._reader is None and found:
            self._reader, self._read = _connect(self.path), found
        return self._reader


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is there, None for none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            f"{path}: was written by a newer Shoal (version {version}). Rule: this one knows logs up to version "
            f"{VERSION}. Remedy: upgrade Shoal"
        )
    if version < VERSION:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(TABLE)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    # Checkpoints in the way of an append double its slowest percent: they are made beside it, see checkpoint.py.
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", f"journal_size_limit = {JOURNAL}"):
        connection.execute(f"PRAGMA {pragma}")


def _insert(connection: sqlite3.Connection, entries: Sequence[bytes]) -> tuple[int, int]:
    """Appends in one transaction; the offset of the last entry and the bytes of the bodies."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        last, size = _last(connection), 0
        for row in rows(entries, last):
            connection.execute("INSERT INTO event_log VALUES (?, ?, ?, ?)", row)
            last, size = row.last, size + len(row.body)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return last, size


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(last), 0) FROM event_log").fetchone()[0])


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's refusals as what they mean to the user."""
    try:
        with storage(path.parent):
            yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _scarce(path)):
            raise NoRoom(
                f"{path}: the disk is full; nothing of this was kept. Remedy: free some space, send it again"
            ) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise Busy(f"{path}: another program is writing here ({error}). Remedy: try again") from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "no such" in str(error):
            raise StoreError(f"{path}: is not what Shoal wrote ({error}). {PUT_BACK}") from error
        raise StorageError(
            f"{path}: {error}. Remedy: see that this user may write there, and that disk and quota have room"
        ) from error


def _scarce(path: Path) -> bool:
    return shutil.disk_usage(path.parent).free < SCARCE
