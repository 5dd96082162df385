"""A small engine for the pure parts of unify: DuckDB with the methods that they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest


class SmallEngine:
    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 2})

    def execute(self, sql: str) -> None:
        self.connection.execute(sql)

    def query(self, sql: str) -> pa.Table:
        return self.connection.execute(sql).to_arrow_table()

    def register(self, name: str, data: pa.Table) -> None:
        self.connection.register(name, data)

    def write(self, sql: str, path: Path) -> int:
        row = self.connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 245760)").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def sql() -> Iterator[SmallEngine]:
    engine = SmallEngine()
    yield engine
    engine.connection.close()
