"""Who did what to which subject, and when: rows that are added and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from shoal.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


@dataclass(frozen=True)
class Entry:
    """One line of the audit log; `at` is ISO 8601 in UTC."""

    at: str
    who: str
    what: str
    subject: str
    detail: Mapping[str, Any]


@cache
def _table() -> Table:
    from sqlalchemy import JSON, Column, Integer, MetaData, Table, Text

    names = [Column(name, Text, nullable=False, quote=name == "at") for name in ("at", "who", "what", "subject")]
    return Table(
        "audit", MetaData(), Column("id", Integer, primary_key=True), *names, Column("detail", JSON, nullable=False)
    )


def note(connection: Connection, entry: Entry) -> None:
    """Adds a line, in the transaction of what it tells."""
    connection.execute(
        _table()
        .insert()
        .values(at=entry.at, who=entry.who, what=entry.what, subject=entry.subject, detail=dict(entry.detail))
    )


def entries(database: Database) -> list[Entry]:
    """The whole log, the oldest first."""
    if not database.exists:
        return []
    table = _table()
    with database.reading() as connection:
        rows = connection.execute(table.select().order_by(table.c.id)).mappings().all()
    return [Entry(**{name: row[name] for name in ("at", "who", "what", "subject", "detail")}) for row in rows]
