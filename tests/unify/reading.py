"""Reads one source written by a test, with its rows at hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from shoal.engine.duckdb import DuckDBEngine
from shoal.settings import parse
from shoal.unify.read import Cleaned, Rows, read_source

NOW = datetime(2025, 1, 1, tzinfo=UTC)
ORDERS = {"at": "at", "identifiers": {"customer_id": "who"}, "value": "amount", "event": "Order Completed"}


def plain(kind: str, sql: str) -> str:
    """A stand-in for unify.identifiers.normalise_sql."""
    del kind
    bare = rf"regexp_replace({sql}, '^([+-]?[0-9]+)\.0+$', '\1')"
    return f"(CASE WHEN lower({sql}) <> 'unknown' THEN {bare} END)"


class Read:
    """A source that was read."""

    def __init__(self, engine: DuckDBEngine, found: Cleaned) -> None:
        self.found, self.quality = found, found.quality
        self.rows: list[dict[str, Any]] = []
        self.refused: dict[int, str] = {}
        self.details: dict[int, str] = {}
        self.raw: dict[int, str] = {}
        if found.clean is not None:
            self.rows = engine.query(f"SELECT * FROM {found.clean} ORDER BY row").to_pylist()
        if found.quarantine is not None:
            for row in engine.query(f"SELECT * FROM {found.quarantine} ORDER BY row").to_pylist():
                self.refused[row["row"]] = row["reason"]
                self.details[row["row"]] = row["detail"]
                self.raw[row["row"]] = row["raw"]
        assert self.quality.read == self.quality.loaded + self.quality.quarantined
        assert self.quality.loaded == len(self.rows)
        assert self.quality.quarantined == len(self.refused) == sum(self.quality.reasons.values())

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def instants(self) -> list[str | None]:
        return [row["at"] and row["at"].strftime("%Y-%m-%d %H:%M:%S") for row in self.rows]


def read(
    engine: DuckDBEngine, folder: Path, text: str | bytes | None, source: dict[str, Any], *,
    settings: dict[str, Any] | None = None, file: str = "s.csv", rows: Rows | None = None,
) -> Read:  # fmt: skip
    """Writes `text` to a file of `folder`, and reads it as the source described."""
    if text is not None:
        (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    origin = {} if "sql" in source else {"path": file}
    whole = parse(yaml.safe_dump({**(settings or {}), "sources": {"s": {**origin, **source}}}))
    return Read(engine, read_source(engine, "s", whole, folder, plain, now=NOW, rows=rows))
