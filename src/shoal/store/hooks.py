"""How far each webhook has come in the feed of membership changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from shoal.store import audit
from shoal.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Table


@dataclass(frozen=True)
class Place:
    """Where a hook stands.

    `place` is the position of the last change that it has, `last_change` that change's id; `sending` the last
    position of the batch that is on its way, None between batches; `disabled_at` when the receiver said it is gone.
    """

    place: int
    sending: int | None = None
    last_change: str = ""
    disabled_at: str | None = None


@cache
def _table() -> Table:
    from sqlalchemy import BigInteger, Column, MetaData, Table, Text

    return Table(
        "hooks",
        MetaData(),
        Column("hook", Text, primary_key=True),
        Column("place", BigInteger, nullable=False),
        Column("sending", BigInteger),
        Column("last_change", Text, nullable=False),
        Column("disabled_at", Text),
    )


class Hooks:
    """The places of one workspace's webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, hook: str) -> Place | None:
        """Where a hook stands, None for one that is new."""
        if not self._database.exists:
            return None
        table = _table()
        with self._database.reading() as connection:
            row = connection.execute(table.select().where(table.c.hook == hook)).mappings().first()
        return None if row is None else Place(**{name: value for name, value in row.items() if name != "hook"})

    def put(self, hook: str, *, place: int, sending: int | None, last_change: str) -> None:
        """Keeps where a hook stands; on disk when it returns."""
        table = _table()
        row = {"place": place, "sending": sending, "last_change": last_change}
        with self._database.writing() as connection:
            change = table.update().where(table.c.hook == hook).values(**row)
            if connection.execute(change).rowcount == 0:
                connection.execute(table.insert().values(hook=hook, **row))

    def disable(self, hook: str, *, where: str) -> None:
        """Ends a hook whose receiver is gone, with a line in the audit log; `where` is its host."""
        table, now = _table(), datetime.now(UTC).isoformat()
        detail = {"receiver": where, "why": "it answered 410 Gone"}
        with self._database.writing() as connection:
            change = {"disabled_at": now, "sending": None}
            connection.execute(table.update().where(table.c.hook == hook).values(**change))
            audit.note(connection, audit.Entry(now, "shoal", "webhook disabled", f"webhook {hook}", detail))

    def keep(self, hooks: Collection[str]) -> None:
        """Forgets all other hooks: one that comes back later starts at the present."""
        if not self._database.exists:
            return
        table = _table()
        with self._database.writing() as connection:
            connection.execute(table.delete().where(table.c.hook.not_in(list(hooks))))
