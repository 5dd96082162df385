"""The analytical engine on one machine: DuckDB, with its memory, threads and scratch folder bounded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from shoal.engine.files import Reader
from shoal.engine.mend import unique
from shoal.engine.protocol import Format, Kind, Scan
from shoal.engine.scan import REJECTS, kind, literal, name
from shoal.errors import DataError, NoRoom, SourceError, StorageError, is_full
from shoal.settings import Layout

IN_MEMORY = 2_000_000  # rows up to which `keep` holds them in memory
FULL = re.compile(r"no space left|disk quota|file too large", re.IGNORECASE)


class DuckDBEngine:
    """DuckDB behind the engine port.

    `memory` is a bound such as "3GB", `threads` the cores to use (None: all), `temp` a folder for scratch files,
    made when missing and removed by `close`. Raises StorageError when the folder cannot be written.

    >>> import tempfile
    >>> engine = DuckDBEngine("500MB", 1, Path(tempfile.mkdtemp()) / "scratch")
    >>> engine.query("SELECT 6 * 7 AS answer").to_pylist()
    [{'answer': 42}]
    >>> engine.close()
    """

    def __init__(self, memory: str = "3GB", threads: int | None = None, temp: Path = Path(".shoal-temp")) -> None:
        self.temp = temp
        with _translated():
            (temp / "spill").mkdir(parents=True, exist_ok=True)
            (temp / "mended").mkdir(exist_ok=True)
        config: dict[str, str | int] = {"memory_limit": memory.replace(" ", ""), "temp_directory": str(temp / "spill")}
        if threads is not None:
            config["threads"] = threads
        self._connection = duckdb.connect(":memory:", config=config)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register(self, name: str, data: pa.Table) -> None:
        """Makes an Arrow table visible to SQL under `name`."""
        self.drop(name)
        self._connection.register(name, data)

    def execute(self, sql: str) -> None:
        """Runs statements whose result nobody needs."""
        with _translated():
            self._connection.execute(sql)

    def query(self, sql: str) -> pa.Table:
        """Runs a query and returns its whole result."""
        with _translated():
            return self._connection.execute(sql).to_arrow_table()

    def batches(self, sql: str, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """Runs a query and streams its result; other statements wait until it is read to its end."""
        with _translated():
            yield from self._connection.execute(sql).to_arrow_reader(rows)

    def write(self, sql: str, path: Path) -> int:
        """Writes a query's result as one Parquet file, whole or not at all; returns its number of rows."""
        partial = path.with_name(f".{path.name}.part")
        with _translated():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                target = f"{literal(str(partial))} (FORMAT PARQUET, COMPRESSION ZSTD)"
                done = self._connection.execute(f"COPY ({sql}) TO {target}").fetchone()
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        return int(done[0]) if done else 0

    def keep(self, name: str, sql: str, *, rows: int) -> None:
        """Makes a query's rows the relation `name`, to be read many times; `rows` says about how many there are.

        Few are held in memory; many go to a scratch file, as they would be spilled and read back whole otherwise.
        """
        self.drop(name)
        if rows <= IN_MEMORY:
            self.execute(f"CREATE TEMP TABLE {_quoted(name)} AS {sql}")
            return
        folder = self.temp / "kept" / name
        shutil.rmtree(folder, ignore_errors=True)
        with _translated():
            folder.parent.mkdir(exist_ok=True)
        to = literal(str(folder))
        self.execute(f"COPY ({sql}) TO {to} (FORMAT parquet, COMPRESSION lz4_raw, PER_THREAD_OUTPUT)")
        parts = literal(f"{folder}/*.parquet")
        self.execute(f"CREATE TEMP VIEW {_quoted(name)} AS FROM read_parquet({parts}, hive_partitioning = false)")

    def drop(self, name: str) -> None:
        """Forgets the relation `name`, if there is one."""
        self._connection.unregister(name)
        tables = "SELECT table_type FROM information_schema.tables WHERE lower(table_name) = lower(?)"
        for (sort,) in self._connection.execute(tables, [name]).fetchall():
            self._connection.execute(f"DROP {'VIEW' if sort == 'VIEW' else 'TABLE'} IF EXISTS {_quoted(name)}")

    def close(self) -> None:
        """Ends the engine and removes its scratch files."""
        self._connection.close()
        shutil.rmtree(self.temp, ignore_errors=True)

    def scan(self, view: str, paths: Sequence[Path], layout: Layout, format: Format) -> Scan:  # noqa: A002
        """Registers the raw rows of files under `view`; one bad line or file never loses the others.

        Raises SourceError when no file can be read.
        """
        self.drop(view)
        self.drop(f"rejects_{view}")
        reader = Reader(self, view, paths, layout, self.temp / "mended")
        {"csv": reader.csv, "json": reader.json, "parquet": reader.parquet}[format]()
        if reader.errors and len(reader.errors) == len(paths):
            raise SourceError(next(iter(reader.errors.values())))
        self.register(f"rejects_{view}", pa.Table.from_pylist(reader.refused, schema=REJECTS))
        rejected = len(reader.refused)
        return Scan(
            view=view,
            columns=self._columns(view),
            rows=reader.done - rejected,
            rejects=f"rejects_{view}",
            rejected=rejected,
            files=tuple(str(path) for path in paths),
            offsets=tuple(reader.offsets),
            notes=tuple(reader.notes),
            errors=reader.errors,
        )

    def ingest(self, view: str, batches: Iterable[pa.RecordBatch], origin: str) -> Scan:
        """Registers rows that come as Arrow batches of one schema, such as a query's, under `view`."""
        self.drop(view)
        self.register(f"rejects_{view}", REJECTS.empty_table())
        stream = iter(batches)
        first = next(stream, None)
        if first is None:
            first = pa.record_batch({})
        names = unique(first.schema.names)
        schema = pa.schema([field.with_name(fresh) for field, fresh in zip(first.schema, names, strict=True)])
        renamed = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in chain([first], stream))
        count = f"SELECT row_number() OVER () AS _row, {literal(origin)} AS _file, * FROM arriving"
        if names:
            self._connection.register("arriving", pa.RecordBatchReader.from_batches(schema, renamed))
        else:
            count = "SELECT 0::BIGINT AS _row, '' AS _file WHERE false"
        try:
            self.execute(f"CREATE TEMP TABLE {_quoted(view)} AS {count}")
        finally:
            self._connection.unregister("arriving")
        rows = int(self.query(f"SELECT count(*) FROM {_quoted(view)}").column(0)[0].as_py())
        notes = () if rows else (f"{origin} gave no rows",)
        return Scan(view, self._columns(view), rows, f"rejects_{view}", 0, (origin,), (0,), notes)

    def _columns(self, view: str) -> dict[str, Kind]:
        described = self._connection.execute(f"DESCRIBE {_quoted(view)}").fetchall()
        return {str(row[0]): kind(str(row[1])) for row in described if row[0] not in ("_row", "_file")}


_quoted = name


@contextmanager
def _translated() -> Iterator[None]:
    """Turns failures that are no fault of ours into Shoal's errors, each with a remedy."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise NoRoom(
            f"the engine needs more memory, or room for its scratch files, than it may use ({_first(error)}). "
            "Raise `memory` in shoal.yaml, or free space on the disk"
        ) from error
    except duckdb.IOException as error:
        if FULL.search(str(error)):
            raise NoRoom(f"the disk is full ({_first(error)}). Free some space, run again") from error
        raise StorageError(f"{_first(error)}. Free space on the disk, or mend the path or its rights") from error
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise DataError(_first(error)) from error
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None  # how DuckDB tells Ctrl-C
        raise
    except OSError as error:
        if is_full(error):
            raise NoRoom(f"the disk is full ({error}). Free some space, run again") from error
        raise StorageError(f"{error}. Free space on the disk, or mend the path or its rights") from error


def _first(error: Exception) -> str:
    """The first line of DuckDB's message: what follows is advice in words that Shoal's users do not have."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
