"""The operational store: what must survive a crash and be transactional. SQLite beside the runs, or Postgres by URL.

.shoal/shoal.db   SQLite in WAL mode, every commit synced to disk
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoal.errors import Busy, Fault, NoRoom, SettingsError, SourceError, StorageError, StoreError
from shoal.store.query import expand, shown
from shoal.store.runs import storage
from shoal.store.schema import STEPS, WORDS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import DBAPIError

FILE = "shoal.db"
PATIENCE = 10_000  # milliseconds that SQLite waits for another writer
LOCK = 7_310_045_011  # of the advisory lock that migrations on Postgres hold
PRAGMAS = (f"busy_timeout = {PATIENCE}", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


class Database:
    """One workspace's store. Every connection is closed when its block ends; nothing is held between calls."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.home = folder / ".shoal"
        self.url = url
        self.shown = shown(url) if url else str(self.home / FILE)

    @property
    def exists(self) -> bool:
        """Whether there may be anything to read: a database by URL, or a file that a command has made."""
        return self.url is not None or (self.home / FILE).exists()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store."""
        with self._connected(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of the block's changes are kept and on disk when it ends well, none when it does not.

        Raises Busy, StorageError or NoRoom (transient), StoreError (damaged, or of a newer Shoal) or SettingsError.
        """
        with self._connected(writes=True) as connection:
            yield connection

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Connection]:
        from sqlalchemy.exc import DBAPIError

        if self.url is None:
            with storage(self.home):
                self.home.mkdir(parents=True, exist_ok=True)
        engine = self._engine()
        try:
            self._prepare(engine)
            with engine.connect() as connection, connection.execution_options(writes=writes).begin():
                yield connection
        except DBAPIError as error:
            raise _told(error, self.shown) from None
        finally:
            engine.dispose()

    def _prepare(self, engine: Engine) -> None:
        """Brings the schema up to date; a store that is takes no lock, so that readers wait for nobody."""
        with engine.connect() as connection, connection.begin():
            ready = schema_version(connection, self.shown) == len(STEPS)
        if not ready:
            with engine.connect() as connection, connection.execution_options(writes=True).begin():
                migrate(connection, self.shown)

    def _engine(self) -> Engine:
        import sqlalchemy
        from sqlalchemy.pool import NullPool

        try:
            file = sqlalchemy.URL.create("sqlite+pysqlite", database=str(self.home / FILE))
            address = expand(self.url, os.environ) if self.url else file
            engine = sqlalchemy.create_engine(address, poolclass=NullPool)
        except SourceError as error:
            raise SettingsError([Fault("shoal.yaml", None, "store", str(error).removeprefix("url: "))]) from None
        except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
            raise SettingsError([_unusable(self.shown, str(error))]) from None
        if engine.dialect.name not in WORDS:
            raise SettingsError([_unusable(self.shown, f"{engine.dialect.name} is neither SQLite nor Postgres")])
        if engine.dialect.name == "sqlite":
            _tune(engine)
        return engine


def schema_version(connection: Connection, shown: str) -> int:
    """The last step that the store has had, 0 for an empty one.

    Raises StoreError when a newer Shoal has written it.
    """
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table("schema_version"):
        return 0
    version = connection.execute(text("SELECT max(version) FROM schema_version")).scalar() or 0
    if version > len(STEPS):
        raise StoreError(
            f"{shown}: was written by a newer Shoal (schema {version}). Rule: this one knows schemas up to "
            f"{len(STEPS)}. Remedy: upgrade Shoal"
        )
    return int(version)


def migrate(connection: Connection, shown: str) -> None:
    """Runs the steps that the store has not had yet, all in the connection's transaction, one program at a time."""
    from sqlalchemy import text

    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    had = schema_version(connection, shown)
    if had == 0:
        connection.execute(
            text('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, "at" TEXT NOT NULL)')
        )
    for version, step in enumerate(STEPS[had:], had + 1):
        for statement in step[dialect]:
            connection.execute(text(statement))
        done = {"version": version, "at": datetime.now(UTC).isoformat()}
        connection.execute(text('INSERT INTO schema_version (version, "at") VALUES (:version, :at)'), done)


def _tune(engine: Engine) -> None:
    """SQLite as a store needs it: transactions that are begun by us, so that they hold what makes tables too."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        # A reader that turns writer halfway would fail where another writes; who means to write says so at once.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unusable(url: str, why: str) -> Fault:
    remedy = "install its driver, such as `pip install shoal[postgres]`, and write it like postgresql+psycopg://..."
    return Fault("shoal.yaml", None, "store", f"{url} names no database that can be used ({why})", remedy)


def _told(error: DBAPIError, where: str) -> StorageError | StoreError | Busy:
    """A database's refusal as what it means to the user."""
    said = str(error.orig or error).split("\n")[0]
    low = said.lower()
    if "append-only" in low:
        return StoreError(f"{where}: {said}. Rule: what was decided stays on record. Remedy: decide anew")
    if "locked" in low or "busy" in low:
        return Busy(f"{where}: another program is writing here ({said}). Remedy: wait until it ends")
    if "disk is full" in low:
        return NoRoom(f"{where}: the disk is full; nothing was changed. Remedy: free some space, try again")
    if any(sign in low for sign in _FOREIGN) or type(error).__name__ == "ProgrammingError":
        return StoreError(
            f"{where}: is not what Shoal wrote ({said}). Remedy: put back its last copy; or move it away, and the "
            "releases in it are forgotten"
        )
    return StorageError(f"{where}: {said}. Remedy: see that the database runs and that this user may write there")


_FOREIGN = ("malformed", "not a database", "no such table", "no such column")
