"""An engine, and files to scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shoal.engine.duckdb import DuckDBEngine
from shoal.engine.protocol import Scan
from shoal.settings import Layout

Look = Callable[..., "Seen"]


class Seen:
    """A scan with its rows and rejects at hand."""

    def __init__(self, scan: Scan, engine: DuckDBEngine) -> None:
        self.scan = scan
        columns = ", ".join(f'"{name}"' for name in scan.columns) or "NULL"
        table = engine.query(f"SELECT _row, {columns} FROM {scan.view} ORDER BY _row")
        self.rows = {row.pop("_row"): tuple(row.values()) for row in table.to_pylist()}
        rejects = engine.query(f"SELECT * FROM {scan.rejects} ORDER BY row").to_pylist()
        self.rejects = {row["row"]: (row["reason"], row["raw"]) for row in rejects}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine("3GB", 2, tmp_path / "scratch") as engine:
        yield engine


@pytest.fixture
def look(engine: DuckDBEngine, tmp_path: Path) -> Look:
    """Writes bytes or text to a file and scans it."""

    def look(data: str | bytes, name: str = "x.csv", form: str = "csv", **layout: object) -> Seen:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return Seen(engine.scan("seen", [path], Layout.model_validate(layout), form), engine)  # type: ignore[arg-type]

    return look
