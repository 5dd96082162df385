"""The event log in Postgres, for workspaces of more than one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from shoal.errors import Busy, Fault, NoRoom, SettingsError, StorageError, StoreError
from shoal.store.frame import BATCH, Row, beyond, gather, rows
from shoal.store.query import expand, shown

if TYPE_CHECKING:
    from psycopg import Connection

LOCK = 7_310_045_012  # of the advisory lock that an append holds until its commit
PATIENCE = "10s"  # how long an append waits for another's
# Postgres would compress every body, which takes longer than writing it: EXTERNAL.
TABLE = """
CREATE TABLE IF NOT EXISTS event_log (
  last bigint PRIMARY KEY, first bigint NOT NULL, crc bigint NOT NULL, body bytea NOT NULL
);
ALTER TABLE event_log ALTER COLUMN body SET STORAGE EXTERNAL
"""
LAST = "SELECT coalesce(max(last), 0) FROM event_log"
INSERT = """
INSERT INTO event_log SELECT coalesce(max(last), 0) + %b, coalesce(max(last), 0) + 1, %b, %b FROM event_log
RETURNING last
"""
READ = """
SELECT last, first, crc, body FROM event_log WHERE last > %(after)s AND last <= (
  SELECT max(last) FROM (
    SELECT last, sum(last - first + 1) OVER upto - (last - first + 1) AS entries,
      sum(octet_length(body)) OVER upto - octet_length(body) AS bytes
    FROM (SELECT * FROM event_log WHERE last > %(after)s ORDER BY last LIMIT %(most)s) AS next
    WINDOW upto AS (ORDER BY last)
  ) AS next WHERE entries < %(most)s AND bytes < %(bytes)s
) ORDER BY last
"""  # the rows that hold the next `most` entries, but no more than `bytes` and one row


class PostgresLog:
    """An event log in one table, `event_log`, of a Postgres; safe to share between threads and machines.

    `url` as in `postgresql://me:${PASSWORD}@host/database`; `${NAME}` is taken from the environment. Nothing is
    connected before the first call, and a lost connection is made anew by the next.
    """

    def __init__(self, url: str) -> None:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        self._address = expand(url, os.environ).replace("postgresql+psycopg://", "postgresql://", 1)
        self._shown = shown(url)
        try:
            conninfo_to_dict(self._address)
        except psycopg.ProgrammingError as error:
            what = f"{self._shown} is no address of a Postgres ({_first(error)})"
            raise SettingsError([Fault("shoal.yaml", None, "tracking.log", what, "mend it")]) from None
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._writing, self._reading = Lock(), Lock()

    def append(self, entries: Sequence[bytes]) -> int:
        """Keeps entries in order, in one transaction, and returns the offset of the last.

        An append waits for the one before to be committed, so that no reader sees an offset before all that are
        smaller. Raises NoRoom when the server's disk is full, Busy or StorageError otherwise: none of the entries is
        kept then, unless the connection broke during the commit itself.
        """
        if not entries:
            return self.last()
        with self._writing, self._told():
            if self._writer is None or self._writer.closed:
                self._writer = self._connect()
            # A pipeline sends everything at once, so that the lock is not held while answers travel.
            with self._writer.pipeline(), self._writer.transaction():
                self._writer.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                for row in rows(entries, 0):
                    inserted = self._writer.execute(INSERT, (row.last - row.first + 1, row.crc, row.body))
            return _number(inserted.fetchone())

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """Offset and entry of at most `most` entries that follow `after`, in order; none only where there are none.

        Raises StoreError for a damaged row, a gap, or an `after` that the log has never reached.
        """
        if most < 1:
            return []
        with self._reading, self._told():
            reader = self._opened()
            cursor = reader.execute(READ, {"after": after, "most": most, "bytes": BATCH}, binary=True)
            found = gather(map(Row._make, cursor), after, most, self._shown)
            if not found and after > (last := _number(reader.execute(LAST).fetchone())):
                raise beyond(after, last, self._shown)
            return found

    def last(self) -> int:
        """The offset of the last entry, 0 where there is none."""
        with self._reading, self._told():
            return _number(self._opened().execute(LAST).fetchone())

    def close(self) -> None:
        """Ends the connections; the log may be used again, which opens them anew."""
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection:
                    connection.close()
            self._reader = self._writer = None

    def _opened(self) -> Connection:
        if self._reader is None or self._reader.closed:
            self._reader = self._connect()
        return self._reader

    def _connect(self) -> Connection:
        import psycopg

        connection = psycopg.connect(self._address, autocommit=True, connect_timeout=10, tcp_user_timeout=30_000)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Postgres's refusals as what they mean to the user."""
        import psycopg
        from psycopg import errors

        try:
            yield
        except errors.DiskFull as error:
            raise NoRoom(
                f"{self._shown}: the server's disk is full; nothing of this was kept. Remedy: free some space there, "
                "send it again"
            ) from error
        except (errors.LockNotAvailable, errors.QueryCanceled) as error:
            raise Busy(f"{self._shown}: another program is appending ({_first(error)}). Remedy: try again") from error
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.DatatypeMismatch) as error:
            raise StoreError(
                f"{self._shown}: the table event_log is not what Shoal wrote ({_first(error)}). Remedy: use another "
                "database, or put back the table's last copy (docs/log.md)"
            ) from error
        except psycopg.Error as error:
            raise StorageError(
                f"{self._shown}: {_first(error)}. Remedy: see that the database runs and that this user may write there"
            ) from error


def _prepare(connection: Connection) -> None:
    """The session's settings, and the table where there is none."""
    import psycopg

    # Read committed, since an append must see the commit it waited for. And a commit that is not synced is none.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    connection.execute(f"SET lock_timeout = '{PATIENCE}'")
    if connection.execute("SHOW synchronous_commit").fetchone() == ("off",):
        connection.execute("SET synchronous_commit = on")
    if connection.execute("SELECT to_regclass('event_log')").fetchone() == (None,):
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute(TABLE)


def _number(row: tuple[int, ...] | None) -> int:
    assert row is not None
    return row[0]


def _first(error: Exception) -> str:
    return str(error).split("\n")[0]
