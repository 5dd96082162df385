"""Releases in the store: what a person decided of a segment, added and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shoal import summary
from shoal.store import audit
from shoal.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Table

TEXTS = ("segment", "kind", "rule", "decision", "at", "by", "answer", "note", "run_id")
NUMBERS = ("version", "size")


@cache
def _table() -> Table:
    from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

    # `at` and `by` are words of SQL in some databases, so they are always quoted.
    columns: list[Any] = [Column(name, Text, nullable=False, quote=name in ("at", "by")) for name in TEXTS]
    columns += [Column(name, BigInteger, nullable=False) for name in NUMBERS]
    return Table("releases", MetaData(), Column("id", Integer, primary_key=True), *columns)


def add(database: Database, release: summary.Release, detail: Mapping[str, Any] | None = None) -> None:
    """Records a decision, and that it was taken, in one transaction. `detail` goes to the audit log."""
    row = release.model_dump(mode="json")
    entry = audit.Entry(
        at=release.at,
        who=release.by,
        what=release.decision,
        subject=f"{release.segment}@{release.version}",
        detail={**row, **(detail or {})},
    )
    with database.writing() as connection:
        connection.execute(_table().insert().values(**row))
        audit.note(connection, entry)


def history(database: Database) -> list[summary.Release]:
    """Every decision, the oldest first; none where no command has made a store yet."""
    if not database.exists:
        return []
    table = _table()
    with database.reading() as connection:
        rows = connection.execute(table.select().order_by(table.c.id)).mappings().all()
    return [summary.Release.model_validate({name: row[name] for name in (*TEXTS, *NUMBERS)}) for row in rows]
