"""The port to the analytical engine: what a stage's run.py may ask of it.

SQL in DuckDB's dialect is the common tongue; tables cross as Arrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from shoal.settings import Layout

Kind = Literal["text", "number", "bool", "time", "other"]
Format = Literal["csv", "json", "parquet"]


@dataclass(frozen=True)
class Scan:
    """What a scan registered.

    The relation `view` has the raw columns plus `_row` (1-based number of the data row, unique in the scan:
    a file's rows follow those of the file before it) and `_file`. The relation `rejects` has
    `file, row, reason, detail, raw`, one row per line that could not be cut into columns.
    """

    view: str
    columns: dict[str, Kind]
    rows: int
    rejects: str
    rejected: int
    files: tuple[str, ...]
    offsets: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Data rows seen: those in the view and those rejected."""
        return self.rows + self.rejected


class Engine(Protocol):
    """An analytical engine. Names of relations are plain (letters, digits, `_`)."""

    def scan(self, view: str, paths: Sequence[Path], layout: Layout, format: Format) -> Scan:  # noqa: A002
        """Registers the raw rows of files under `view`; one bad line or file never loses the others."""

    def ingest(self, view: str, batches: Iterable[pa.RecordBatch], origin: str) -> Scan:
        """Registers rows that come as Arrow batches of one schema, such as a query's, under `view`."""

    def register(self, name: str, data: pa.Table) -> None:
        """Makes an Arrow table visible to SQL under `name`."""

    def execute(self, sql: str) -> None:
        """Runs statements whose result nobody needs."""

    def query(self, sql: str) -> pa.Table:
        """Runs a query and returns its whole result."""

    def batches(self, sql: str, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """Runs a query and streams its result in batches of about `rows` rows."""

    def write(self, sql: str, path: Path) -> int:
        """Writes a query's result as one Parquet file, whole or not at all; returns its number of rows."""

    def keep(self, name: str, sql: str, *, rows: int) -> None:
        """Makes a query's rows the relation `name`, to be read many times; `rows` says about how many there are."""

    def drop(self, name: str) -> None:
        """Forgets the relation `name`, if there is one."""

    def close(self) -> None:
        """Ends the engine and removes its scratch files."""
