"""Brings files into DuckDB as raw rows: CSV and JSON lines as tables of text, Parquet as a view.

Files are read one after the other, so that a bad one loses no other; lines that cannot be cut are kept aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from shoal.engine import scan as sql
from shoal.engine.mend import Mended, mend, opening, unique
from shoal.errors import DataError, NoRoom, StorageError, is_full
from shoal.settings import Layout

NO_ERRORS = pa.schema(
    [("line", pa.int64()), ("byte_position", pa.int64()), ("error_type", pa.string()), ("csv_line", pa.string())]
).empty_table()


class Connection(Protocol):
    """The part of the engine that reading files needs."""

    def execute(self, sql: str) -> None:
        """Runs statements whose result nobody needs."""

    def query(self, sql: str) -> pa.Table:
        """Runs a query and returns its whole result."""

    def register(self, name: str, data: pa.Table) -> None:
        """Makes an Arrow table visible to SQL under `name`."""

    def drop(self, name: str) -> None:
        """Forgets the relation `name`, if there is one."""


@dataclass
class Reader:
    """Reads `paths` into the relation `view`; `scratch` is a folder for mended copies."""

    engine: Connection
    view: str
    paths: Sequence[Path]
    layout: Layout
    scratch: Path
    refused: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    offsets: list[int] = field(default_factory=list)
    done: int = 0

    def csv(self) -> None:
        """Text tables, the columns of all files united by name."""
        self._table(self.view, {})
        self._each(self._one_csv)

    def json(self) -> None:
        """JSON lines, or one array: objects unfolded to dotted text columns."""
        lines = f"lines_{self.view}"
        self._table(lines, {"line": "VARCHAR", "good": "BOOLEAN"})
        self._each(lambda path: self._one_json(lines, path))
        good = f"(SELECT * FROM {lines} WHERE good)"
        found = self.engine.query(f"SELECT json_group_structure(line::JSON)::VARCHAR AS s FROM {good}")["s"][0].as_py()
        picked = sql.leaves(sql.structure(found))
        columns = unique([".".join(path) for path in picked])
        self.engine.execute(f"CREATE TEMP TABLE {sql.name(self.view)} AS {sql.unfold(good, picked, columns)}")
        bad = self.engine.query(
            "SELECT _file AS file, _row AS row, 'bad_json' AS reason, 'the line is not a JSON object' AS detail, "
            f"line AS raw FROM {lines} WHERE NOT good ORDER BY _row"
        )
        self.refused = bad.to_pylist()
        self.engine.drop(lines)

    def parquet(self) -> None:
        """Parquet, read where it lies; columns keep their types."""
        good: list[tuple[Path, int]] = []

        def one(path: Path) -> int:
            good.append((path, self.done))
            return int(pq.read_metadata(path).num_rows)

        self._each(one)
        good = [(path, start) for path, start in good if str(path) not in self.errors]
        if good:
            self._parquet_view(good)
        else:
            self._table(self.view, {})

    def _each(self, read: Callable[[Path], int]) -> None:
        """Reads each file, which says how many data rows it had; a fault is kept and the others go on."""
        for path in self.paths:
            self.offsets.append(self.done)
            try:
                rows = read(path)
            except NoRoom:
                raise
            except (OSError, DataError, StorageError, LookupError, pa.ArrowException) as error:
                if isinstance(error, OSError) and is_full(error):
                    raise NoRoom(f"the disk is full ({error}). Free some space, run again") from error
                self.errors[str(path)] = why(path, error)
                continue
            if not rows:
                self._note(path, "the file is empty" if not path.stat().st_size else "the file has no rows")
            self.done += rows

    def _note(self, path: Path, note: str) -> None:
        self.notes.append(note if len(self.paths) == 1 else f"{path.name}: {note}")

    def _table(self, name: str, columns: dict[str, str]) -> None:
        listed = "".join(f", {sql.name(column)} {kind}" for column, kind in columns.items())
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {sql.name(name)} (_row BIGINT, _file VARCHAR{listed})")

    def _one_csv(self, path: Path) -> int:
        mended, errors, kept = self._insert_csv(path, careful=False)
        if mended.quote and sql.swallowed(errors):
            self.engine.execute(f"DELETE FROM {sql.name(self.view)} WHERE _row > {self.done}")
            mended, errors, kept = self._insert_csv(path, careful=True)
        refused = sql.rejected(errors, mended, str(path))
        if refused:
            self._renumber([line["row"] for line in refused])
        self.refused += [{**line, "row": line["row"] + self.done} for line in refused]
        for note in mended.notes:
            self._note(path, note)
        return kept + len(refused)

    def _insert_csv(self, path: Path, *, careful: bool) -> tuple[Mended, pa.Table, int]:
        out = self.scratch / f"{self.view}.csv"
        tag = f"scan_{self.view}"
        try:
            mended = mend(path, self.layout, out, careful=careful)
            if not mended.columns:
                return mended, NO_ERRORS, 0
            self._widen(mended.columns)
            inserted = self.engine.query(
                f"INSERT INTO {sql.name(self.view)} BY NAME SELECT {self.done} + row_number() OVER () AS _row, "
                f"{sql.literal(str(path))} AS _file, * FROM {sql.read_csv(mended, tag)}"
            )
            errors = self.engine.query(f"SELECT line, byte_position, error_type, csv_line FROM {tag}_errors")
        finally:
            self.engine.execute(f"DROP TABLE IF EXISTS {tag}_errors; DROP TABLE IF EXISTS {tag}_scans")
            out.unlink(missing_ok=True)
        return mended, errors, int(inserted.column(0)[0].as_py())

    def _widen(self, columns: Sequence[str]) -> None:
        """Adds the columns that earlier files did not have."""
        described = self.engine.query(f"SELECT * FROM {sql.name(self.view)} LIMIT 0").column_names[2:]
        known = {column.casefold() for column in described}
        fresh = [column for column in columns if column.casefold() not in known]
        if fresh and not self.done:
            rest = dict.fromkeys([*described, *fresh], "VARCHAR")
            self._table(self.view, rest)
            return
        for column in fresh:
            self.engine.execute(f"ALTER TABLE {sql.name(self.view)} ADD COLUMN {sql.name(column)} VARCHAR")

    def _renumber(self, missing: Sequence[int]) -> None:
        """Gives kept rows the numbers that they have in the file, where `missing` ones were refused."""
        moves = dict(sql.shifts(missing))
        starts = [self.done + start for start in moves]
        self.engine.register("moves", pa.table({"start": starts, "shift": list(moves.values())}))
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {sql.name(self.view)} AS "
            f"SELECT t.* REPLACE (_row + coalesce(shift, 0) AS _row) "
            f"FROM {sql.name(self.view)} t ASOF LEFT JOIN moves ON t._row >= moves.start ORDER BY _row"
        )
        self.engine.drop("moves")

    def _one_json(self, lines: str, path: Path) -> int:
        out = self.scratch / f"{self.view}.json"
        plain = self.layout.model_copy(update={"delimiter": "\x01", "header": False, "columns": ["line"], "quote": ""})
        try:
            mended = mend(path, plain, out)
            for note in mended.notes:
                self._note(path, note)
            if mended.empty:
                return 0
            if opening(mended.path, mended.encoding).lstrip().startswith("["):
                source, where = sql.read_array(mended.path), "true"
            else:
                source, where = sql.read_lines(mended.path, mended.longest), "trim(line) <> ''"
            inserted = self.engine.query(
                f"INSERT INTO {lines} SELECT {self.done} + row_number() OVER (), {sql.literal(str(path))}, line, "
                f"CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END FROM {source} WHERE {where}"
            )
        finally:
            out.unlink(missing_ok=True)
        return int(inserted.column(0)[0].as_py())

    def _parquet_view(self, files: Sequence[tuple[Path, int]]) -> None:
        listed = ", ".join(sql.literal(str(path)) for path, _ in files)
        source = f"read_parquet([{listed}], union_by_name=true)"
        names = self.engine.query(f"SELECT * FROM {source} LIMIT 0").column_names
        pairs = zip(names, unique(names), strict=True)
        columns = ", ".join(f"{sql.name(name)} AS {sql.name(fresh)}" for name, fresh in pairs)
        starts = ", ".join(str(start) for _, start in files)
        one = len(files) == 1
        row = "file_row_number + 1" if one else f"file_row_number + 1 + [{starts}][(file_index + 1)::BIGINT]"
        file = listed if one else f"[{listed}][(file_index + 1)::BIGINT]"
        self.engine.execute(
            f"CREATE TEMP VIEW {sql.name(self.view)} AS "
            f"SELECT ({row})::BIGINT AS _row, {file} AS _file, {columns} FROM {source}"
        )


def why(path: Path, error: Exception) -> str:
    """Why a file could not be read, and what to do."""
    if isinstance(error, FileNotFoundError) or not path.exists():
        return f"{path.name}: there is no such file. It was looked for at {path}; mend `path` or put it back"
    if isinstance(error, PermissionError):
        return f"{path.name}: the file may not be read. Give this user the right to read {path}"
    if isinstance(error, LookupError):
        return f"{path.name}: {error}. Give `csv.encoding` as utf-8, latin-1, cp1252 or another that Python knows"
    if isinstance(error, StorageError):
        return f"{path.name}: {error}"
    first = re.sub(r"\n.*", "", str(error), flags=re.DOTALL)
    return f"{path.name}: cannot be read ({first}). Open it, mend or replace it"
