"""Reads one source: files or a query to clean events, a quarantine and a report of its quality.

What comes out are relations in the engine: `clean_NAME` (row, event_id, event, at, value, id_*, p_*, t_*) and
`quarantine_NAME` (tables.QUARANTINE). Every data row is in exactly one of the two.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from shoal.define.types import Type
from shoal.errors import ExpressionError, NoRoom, ShoalError, SourceError
from shoal.settings import Layout, Settings, Source
from shoal.summary import SourceQuality
from shoal.unify import quality
from shoal.unify.clean import LONGEST_RAW, CleanPlan, Work, plan, repeats_sql
from shoal.unify.examine import examine
from shoal.unify.mapping import Normalise, map_source
from shoal.unify.standard import named, quoted

Format = Literal["csv", "json", "parquet"]
SUFFIXES: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
Rows = Callable[[str, str], Iterator[pa.RecordBatch]]
"""Runs a query: (url, sql) to Arrow batches."""


class Scanned(Protocol):
    """What scanning gives; see engine.protocol.Scan."""

    @property
    def view(self) -> str: ...
    @property
    def columns(self) -> Mapping[str, str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def rejects(self) -> str: ...
    @property
    def rejected(self) -> int: ...
    @property
    def files(self) -> tuple[str, ...]: ...
    @property
    def offsets(self) -> tuple[int, ...]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def errors(self) -> Mapping[str, str]: ...


class Tables(Protocol):
    """The part of an engine that reading needs; see engine.protocol.Engine."""

    def scan(self, view: str, paths: Sequence[Path], layout: Layout, format: Format) -> Scanned: ...  # noqa: A002
    def ingest(self, view: str, batches: Iterable[pa.RecordBatch], origin: str) -> Scanned: ...
    def register(self, name: str, data: pa.Table) -> None: ...
    def execute(self, sql: str) -> None: ...
    def query(self, sql: str) -> pa.Table: ...
    def keep(self, name: str, sql: str, *, rows: int) -> None: ...
    def drop(self, name: str) -> None: ...


@dataclass(frozen=True)
class Cleaned:
    """One source, read. `clean` and `quarantine` are relations; absent when the source has an error or no columns."""

    name: str
    quality: SourceQuality
    clean: str | None = None
    quarantine: str | None = None
    columns: dict[str, pa.DataType] = field(default_factory=dict)
    kind: str = "events"

    @property
    def identifiers(self) -> dict[str, str]:
        """Identifier type to the clean column that holds it."""
        return {name.removeprefix("id_"): name for name in self.columns if name.startswith("id_")}


def read_source(
    engine: Tables,
    name: str,
    settings: Settings,
    folder: Path,
    normalise: Normalise,
    *,
    now: datetime | None = None,
    rows: Rows | None = None,
) -> Cleaned:
    """Reads the source `name` of a workspace in `folder`; a source that cannot be read says why and raises nothing.

    That the disk or the memory is full is no fault of the source: NoRoom is raised.

    `normalise` gives SQL for the one spelling of an identifier; `rows` runs queries of SQL sources;
    `now` is the moment after which times are refused (the clock's when left out).
    """
    source = settings.sources[name]
    try:
        scan = _scan(engine, f"raw_{name}", source, folder, rows)
        try:
            return _clean(engine, name, source, settings, scan, normalise, now or datetime.now(UTC))
        except NoRoom:
            raise
        except ShoalError as error:
            return Cleaned(name, _failed(name, error, list(scan.files), [*scan.notes, *scan.errors.values()]))
    except NoRoom:
        raise
    except ShoalError as error:
        return Cleaned(name, _failed(name, error, [source.path or "query"], []))


def paths_of(pattern: str, folder: Path) -> list[Path]:
    """The files that a path or glob names, in order of name.

    Raises SourceError when there is none.
    """
    whole = str(folder / Path(pattern).expanduser())
    if Path(whole).exists() or not glob.has_magic(pattern):
        return [Path(whole)]
    found = sorted(Path(path) for path in glob.glob(whole, recursive=True) if Path(path).is_file())  # noqa: PTH207
    if not found:
        raise SourceError(f"no file matches '{pattern}'. It was looked for in {folder}; mend `path`")
    return found


def format_of(path: Path) -> Format:
    """The format that a file's suffix tells, `.gz` set aside.

    >>> format_of(Path("a.jsonl.gz")), format_of(Path("b.txt"))
    ('json', 'csv')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return SUFFIXES.get(suffixes[-1], "csv") if suffixes else "csv"


def _scan(engine: Tables, view: str, source: Source, folder: Path, rows: Rows | None) -> Scanned:
    if source.path is not None:
        paths = paths_of(source.path, folder)
        return engine.scan(view, paths, source.csv, source.format or format_of(paths[0]))
    if rows is None or source.url is None or source.sql is None:
        raise SourceError("this source is a query, and queries cannot be run here")
    return engine.ingest(view, rows(source.url, source.sql), "query")


def _clean(
    engine: Tables,
    name: str,
    source: Source,
    settings: Settings,
    scan: Scanned,
    normalise: Normalise,
    now: datetime,
) -> Cleaned:
    schema = engine.query(f"SELECT * FROM {named(scan.view)} LIMIT 0").schema
    if not scan.columns:
        return _without_columns(engine, name, scan, source.kind)
    mapped = map_source(source, types_of(scan.columns), source.time_zone or settings.time_zone, settings.row_kind(name))
    found = examine(engine, scan.view, mapped, schema, source.at_format, source.csv.decimal)
    work = Work(name, source, settings, scan.view, schema, mapped, found, normalise, now)
    work, repeated = _repeats(engine, work)
    made = plan(work)
    counts = _make(engine, made, scan.rows)
    reasons = _quarantine(engine, name, scan, some=any(row["reason"] is not None for row in counts))
    columns = quality.columns(engine, work, made.read, scan.rows)
    report = _report(work, scan, counts, reasons, repeated).model_copy(update={"columns": columns})
    engine.drop(scan.view)
    sample = engine.query(f"SELECT * FROM clean_{name} LIMIT 0").schema
    return Cleaned(
        name,
        report,
        f"clean_{name}",
        f"quarantine_{name}",
        dict(zip(sample.names, sample.types, strict=True)),
        source.kind,
    )


def types_of(columns: Mapping[str, str]) -> dict[str, Type]:
    """The rule language's types of raw columns; what it has no type for is text."""
    known = {"number": Type.NUMBER, "bool": Type.BOOL, "time": Type.TIME}
    return {name: known.get(kind, Type.TEXT) for name, kind in columns.items()}


def _repeats(engine: Tables, work: Work) -> tuple[Work, int]:
    """Finds the rows that repeat an earlier one, and keeps them as a table when there are any."""
    shared, found = repeats_sql(work)
    table = f"repeats_{work.name}"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE shared_{work.name} AS {shared}")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {found.replace('{table}', f'shared_{work.name}')}")
    engine.drop(f"shared_{work.name}")
    count = int(engine.query(f"SELECT count(*) FROM {table}").column(0)[0].as_py())
    return (replace(work, repeats=table) if count else work), count


def _make(engine: Tables, made: CleanPlan, rows: int) -> list[dict[str, Any]]:
    """Makes `judged_NAME` and `clean_NAME`; returns how many rows there are of each reason, with their times."""
    name = made.source
    for old in (f"clean_{name}", f"quarantine_{name}"):
        engine.drop(old)
    engine.keep(f"judged_{name}", made.judged, rows=rows)
    engine.execute(f"CREATE TEMP VIEW clean_{name} AS SELECT {made.columns} FROM judged_{name} WHERE reason IS NULL")
    ends = ", ".join(f"strftime({end}(\"at\"), '%Y-%m-%dT%H:%M:%SZ') AS {end}" for end in ("min", "max"))
    counted = (
        f"SELECT reason, count(*) AS n, count(*) FILTER (matched) AS matched, {ends} FROM judged_{name} GROUP BY reason"
    )
    found: list[dict[str, Any]] = engine.query(counted).to_pylist()
    return found


def _quarantine(engine: Tables, name: str, scan: Scanned, *, some: bool) -> dict[str, int]:
    """Makes `quarantine_NAME`; returns how many rows each reason has, the commonest first."""
    rejected = (
        f"SELECT {quoted(name)} AS source, row, reason, detail, left(raw, {LONGEST_RAW}) AS raw FROM {scan.rejects}"
    )
    judged = f"SELECT {quoted(name)}, row, reason, detail, raw FROM judged_{name} WHERE reason IS NOT NULL"
    both = f"{rejected} UNION ALL {judged}" if some else rejected
    engine.execute(f"CREATE TEMP TABLE quarantine_{name} AS {both}")
    if len(scan.files) > 1:
        engine.execute(f"UPDATE quarantine_{name} SET detail = concat_ws('; ', detail, {_place(scan)})")
    counted = f"SELECT reason, count(*) AS n FROM quarantine_{name} GROUP BY reason ORDER BY n DESC, reason"
    found = engine.query(counted)
    return dict(zip(found["reason"].to_pylist(), found["n"].to_pylist(), strict=True))


def _place(scan: Scanned) -> str:
    """SQL for the file and line of a row, where a source has several files."""
    whens = " ".join(
        f"WHEN row > {start} THEN {quoted(f'{Path(path).name} row ')} || CAST(row - {start} AS VARCHAR)"
        for path, start in sorted(zip(scan.files, scan.offsets, strict=True), key=lambda pair: -pair[1])
    )
    return f"CASE {whens} END"


def _report(
    work: Work, scan: Scanned, counts: Sequence[Mapping[str, Any]], reasons: dict[str, int], repeated: int
) -> SourceQuality:
    loaded: Mapping[str, Any] = next((row for row in counts if row["reason"] is None), {})
    read = scan.rows + scan.rejected
    return SourceQuality(
        source=work.name,
        files=list(scan.files),
        read=read,
        loaded=loaded.get("n", 0),
        quarantined=sum(reasons.values()),
        duplicates=repeated,
        reasons=reasons,
        first=loaded.get("min"),
        last=loaded.get("max"),
        match_rate=sum(row["matched"] for row in counts) / read if read else None,
        notes=[*scan.notes, *scan.errors.values(), *work.mapped.notes, *work.found.notes],
    )


def _without_columns(engine: Tables, name: str, scan: Scanned, kind: str) -> Cleaned:
    """A source that has no columns: it is empty, or not one of its lines could be read."""
    engine.drop(f"quarantine_{name}")
    reasons = _quarantine(engine, name, scan, some=False)
    report = SourceQuality(
        source=name,
        files=list(scan.files),
        read=scan.rejected,
        loaded=0,
        quarantined=scan.rejected,
        duplicates=0,
        reasons=reasons,
        notes=[*scan.notes, *scan.errors.values()],
    )
    return Cleaned(name, report, None, f"quarantine_{name}", {}, kind)


def _failed(name: str, error: ShoalError, files: list[str], notes: list[str]) -> SourceQuality:
    """A source that cannot be read says why; it counts no rows."""
    what = f"sources.{name}.{error}" if isinstance(error, ExpressionError) else str(error)
    return SourceQuality(
        source=name, files=files, read=0, loaded=0, quarantined=0, duplicates=0, error=what, notes=notes
    )
