"""The events table: every source's events under the person they belong to, sorted, in buckets.

Files are `bucket=000.parquet`, `bucket=001.parquet`, ...: a bucket holds a range of the person number's top bits, so
that bucket order is person order, and within a file rows are sorted by (person, at, event_id). To stay in bounded
memory at any size, rows are first dealt into buckets on disk, then each bucket is sorted by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from shoal.errors import Fault, SettingsError
from shoal.settings import FILE
from shoal.tables import EVENTS, INSTANT, PROFILES, profile_ids
from shoal.unify.identifiers import name, quote
from shoal.unify.link import Feed, Sql

if TYPE_CHECKING:
    from pyarrow import parquet

BUCKET_ROWS = 1_000_000
MOST_BUCKETS = 256
FIRST = "bucket=000.parquet"
GROUP_ROWS = 245_760
THREADS = 2  # buckets written at once; each is held in memory twice
TRAITS_TAKEN = frozenset({*PROFILES.names, "person"})


@dataclass(frozen=True)
class Written:
    """What `write_events` left: files in person order, their rows, and the properties' types."""

    rows: int
    files: tuple[Path, ...]
    properties: dict[str, pa.DataType]
    notes: tuple[str, ...] = ()


def check_names(sources: Sequence[Feed]) -> None:
    """Refuses properties and traits called like a column that always stands, all faults at once.

    Raises SettingsError.
    """
    faults = [
        Fault(FILE, None, f"sources.{where}", f"'{one}' and '{other}' differ in case only", "spell them alike")
        for where, one, other in _near(sources)
    ]
    for source in sources:
        for part, found in (("properties", source.properties), ("traits", source.traits)):
            taken = TRAITS_TAKEN if source.kind == "profiles" else TRAITS_TAKEN | set(EVENTS.names)
            faults += [
                Fault(
                    FILE,
                    None,
                    f"sources.{source.name}.{part}.{one}",
                    f"'{one}' is the name of a column that every table of its kind has",
                    f"call it something else, such as `{source.name}_{one}`",
                )
                for one in found
                if one.lower() in taken
            ]
    if faults:
        raise SettingsError(faults)


def _near(sources: Sequence[Feed]) -> Iterator[tuple[str, str, str]]:
    """Names that the engine would take for one, since it does not tell case apart."""
    first: dict[str, str] = {}
    for source in sources:
        for part, found in (("properties", source.properties), ("traits", source.traits)):
            for one in found:
                other = first.setdefault(one.lower(), one)
                if other != one:
                    yield f"{source.name}.{part}.{one}", one, other


def united(sources: Sequence[dict[str, pa.DataType]]) -> dict[str, pa.DataType]:
    """The one type of every name: the common type, float for mixed numbers, text for anything else that differs.

    >>> united([{"size": pa.int64()}, {"size": pa.string(), "price": pa.float64()}])
    {'size': DataType(string), 'price': DataType(double)}
    """
    types: dict[str, pa.DataType] = {}
    for source in sources:
        for one, kind in source.items():
            kind = _plain(kind)
            before = types.setdefault(one, kind)
            if before != kind:
                numbers = {before, kind} <= {pa.int64(), pa.float64()}
                types[one] = pa.float64() if numbers else pa.string()
    return types


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    return INSTANT if pa.types.is_timestamp(kind) else pa.string()


def typed(sql: str, have: pa.DataType, want: pa.DataType) -> str:
    """SQL that casts a column of Arrow type `have` to one of `united`'s types; naive times are UTC."""
    if want == INSTANT:
        return instant(sql, have)
    names = {pa.bool_(): "BOOLEAN", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR"}
    return sql if have == want else f"CAST({sql} AS {names[want]})"


def instant(sql: str, have: pa.DataType) -> str:
    """SQL for a time with its zone, from a naive time in UTC or one that has its zone."""
    return sql if pa.types.is_timestamp(have) and have.tz else f"CAST({sql} AS TIMESTAMP) AT TIME ZONE 'UTC'"


def placed(engine: Sql, source: Feed, kinds: Sequence[str], columns: str) -> str:
    """SQL for `columns` of a source's rows (alias `rows`) with the `person` that each belongs to.

    A row belongs to its first identifier that joins people; one that has none but a guarded identifier
    belongs to that identifier's own profile. Rows without an identifier are left out (see `unidentified`). It is
    decided once for each combination of identifiers, which are far fewer than the rows.
    """
    guarded = "SELECT value FROM link_identity WHERE guarded AND type ="
    shared = set(engine.query("SELECT DISTINCT type FROM link_identity WHERE guarded")["type"].to_pylist())
    raw = {kind: f"rows.{name(f'id_{kind}')}" for kind in source.identifiers}
    free = {
        kind: f"CASE WHEN {sql} IN ({guarded} {quote(kind)}) THEN NULL ELSE {sql} END"
        for kind, sql in raw.items()
        if kind in shared
    }
    choices = [(kind, free.get(kind, sql)) for kind, sql in raw.items()] + [(kind, raw[kind]) for kind in free]
    which = " ".join(f"WHEN {sql} IS NOT NULL THEN {kinds.index(kind)}" for kind, sql in choices)
    value = f"coalesce({', '.join(sql for _, sql in choices)})" if len(choices) > 1 else choices[0][1]
    key = (
        f"CAST({kinds.index(choices[0][0])} AS TINYINT)" if len(choices) == 1 else f"CAST(CASE {which} END AS TINYINT)"
    )
    own = [name(f"id_{kind}") for kind in source.identifiers]
    table = name(f"link_owner_{source.name}")
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(f'rows.{one}' for one in own)}, owner.person FROM "
        f"(SELECT *, {value} AS link_value, {key} AS link_kind FROM {source.combos} AS rows) AS rows "
        "JOIN link_identity AS owner ON owner.value = link_value AND owner.kind = link_kind"
    )
    same = " AND ".join(f"rows.{one} IS NOT DISTINCT FROM owner.{one}" for one in own)
    return f"SELECT {columns}, owner.person FROM {source.table} AS rows JOIN {table} AS owner ON {same}"


def write_events(
    engine: Sql,
    sources: Sequence[Feed],
    kinds: Sequence[str],
    folder: Path,
    *,
    own_ids: Collection[str] | None = None,
    bucket_rows: int = BUCKET_ROWS,
) -> Written:
    """Writes every event into `folder`, which appears whole or not at all.

    `kinds` are the identifier types in order of rank (`Links.kinds`). A row of a profile source is an event when clean
    gave it a name and a time, such as a sign-up. Traits of event sources become properties too, so that they are known
    as of any moment; those of profile sources do not, since they may be later than the event. Without any event one
    bucket stands empty. An event id that two
    sources share gets the later source's name before it; `own_ids` names the sources that bring their own ids (None:
    any may), as ids made by clean are unique.
    Raises SettingsError when a property or trait has the name of a standing column.
    """
    check_names(sources)
    properties = united([_properties(source) for source in sources])
    clashes = _clashes(engine, [source for source in sources if own_ids is None or source.name in own_ids])
    rows = " UNION ALL ".join(_rows(engine, source, kinds, properties, clashes.get(source.name)) for source in sources)
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        counts = " UNION ALL ".join(f'SELECT "rows" FROM {source.combos}' for source in sources)
        total: int = engine.query(f'SELECT coalesce(sum("rows"), 0)::BIGINT AS n FROM ({counts})')["n"][0].as_py()
        _write_buckets(engine, rows, _bits(total, bucket_rows), properties, partial)
        if not event_files(partial):
            _write(_packed(engine.query(f"SELECT * FROM ({rows}) LIMIT 0"), properties), partial / FIRST)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    notes = tuple(f"source {one}: {n} event ids that an earlier source has too" for one, n in clashes.items())
    files = event_files(folder)
    return Written(sum(_rows_in(file) for file in files), files, properties, notes)


def _properties(source: Feed) -> dict[str, pa.DataType]:
    """A name that is both property and trait is taken as property."""
    return source.traits | source.properties if source.kind == "events" else source.properties


def _bits(rows: int, bucket_rows: int) -> int:
    buckets = min(max(1, -(-rows // bucket_rows)), MOST_BUCKETS)
    return (buckets - 1).bit_length()


def _rows_in(file: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(file).num_rows)


def event_files(folder: Path) -> tuple[Path, ...]:
    """The bucket files of an events folder, in person order."""
    return tuple(sorted(folder.glob("bucket=*.parquet")))


def _clashes(engine: Sql, sources: Sequence[Feed]) -> dict[str, int]:
    """Leaves `link_clash_<source>` for every source whose event ids an earlier source has too; counts them."""
    found = {}
    for i, source in enumerate(sources[1:], 1):
        earlier = " UNION ALL ".join(f"SELECT event_id FROM {one.table}" for one in sources[:i])
        table = name(f"link_clash_{source.name}")
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT event_id FROM ({earlier}) "
            f"SEMI JOIN {source.table} USING (event_id)"
        )
        count: int = engine.query(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py()
        if count:
            found[source.name] = count
    return found


def _rows(
    engine: Sql, source: Feed, kinds: Sequence[str], properties: dict[str, pa.DataType], clash: int | None
) -> str:
    """One source's rows, flat."""
    event_id = "rows.event_id"
    if clash:
        again = f"rows.event_id IN (FROM {name(f'link_clash_{source.name}')})"
        event_id = f"CASE WHEN {again} THEN {quote(f'{source.name}:')} || rows.event_id ELSE rows.event_id END"
    columns = [
        f"{event_id} AS event_id",
        f'{instant("rows.at", source.at)} AS "at"',
        "rows.event",
        f"{quote(source.name)} AS source",
        "CAST(rows.value AS DOUBLE) AS value",
    ]
    have = _properties(source)
    for one, want in properties.items():
        column = f"rows.{name(('p_' if one in source.properties else 't_') + one)}" if one in have else "NULL"
        columns.append(f"{typed(column, have.get(one, pa.null()), want)} AS {name(f'p_{one}')}")
    where = "" if source.kind == "events" else ' WHERE rows.event IS NOT NULL AND rows."at" IS NOT NULL'
    return placed(engine, source, kinds, ", ".join(columns)) + where


def _write_buckets(engine: Sql, rows: str, bits: int, properties: dict[str, pa.DataType], folder: Path) -> None:
    """Deals rows into buckets on disk, then sorts and writes each, some of them at once."""
    from pyarrow import parquet

    if not bits:
        _write(_packed(engine.query(rows), properties), folder / FIRST)
        return
    dealt = folder / "dealt"
    bucket = f"(person >> {64 - bits}) + {2 ** (bits - 1)}"
    engine.execute(
        f"COPY (SELECT *, {bucket} AS bucket FROM ({rows})) TO {quote(str(dealt))} "
        "(FORMAT parquet, COMPRESSION lz4_raw, PARTITION_BY (bucket))"
    )

    def write(index: int) -> None:
        part = dealt / f"bucket={index}"
        if part.is_dir():
            files = sorted(part.glob("*.parquet"))
            table = pa.concat_tables([parquet.read_table(file, partitioning=None, use_threads=False) for file in files])
            _write(_packed(table, properties), folder / f"bucket={index:03d}.parquet")
            shutil.rmtree(part)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(2**bits)))
    shutil.rmtree(dealt, ignore_errors=True)


def _packed(rows: pa.Table, properties: dict[str, pa.DataType]) -> pa.Table:
    """The events table of flat rows, sorted; far quicker in Arrow than in the engine, whose sort carries every text."""
    import pyarrow.compute as pc

    rows = rows.combine_chunks()
    rows = rows.take(pc.sort_indices(rows, sort_keys=[(one, "ascending") for one in ("person", "at", "event_id")]))
    parts = {one: rows[f"p_{one}"].combine_chunks() for one in properties} or {"none": pa.nulls(len(rows), pa.string())}
    columns = {
        "event_id": rows["event_id"],
        "profile_id": profile_ids(rows["person"].to_numpy()),
        "at": rows["at"].cast(INSTANT),
        **{one: rows[one] for one in ("event", "source", "value")},
        "properties": pa.StructArray.from_arrays(list(parts.values()), names=list(parts)),
        "person": rows["person"],
    }
    return pa.table(columns)


def _write(table: pa.Table, path: Path) -> None:
    """Texts but the event's id, which never comes again, have dictionaries."""
    from pyarrow import parquet

    struct = table.schema.field("properties").type
    texts = [field.name for field in table.schema if pa.types.is_string(field.type) and field.name != "event_id"]
    texts += [f"properties.{field.name}" for field in struct if pa.types.is_string(field.type)]
    parquet.write_table(
        table,
        path,
        compression="zstd",
        compression_level=1,
        row_group_size=GROUP_ROWS,
        use_dictionary=[*texts, "person"],
    )


def batches(files: Path | Sequence[Path], columns: Sequence[str], *, rows: int = 500_000) -> Iterator[pa.RecordBatch]:
    """Streams flat columns of the events in order: standing columns by their name, any other name as a property.

    `files` is an events folder or some of its bucket files, in person order; a batch has at most `rows` rows and
    ends with its row group. Text comes as dictionary arrays, each batch with its own dictionary. A property that no
    event has is a column of nulls.
    """
    from pyarrow import parquet

    for path in event_files(files) if isinstance(files, Path) and files.is_dir() else _listed(files):
        with parquet.ParquetFile(path) as plain:
            schema = plain.schema_arrow
        paths = {one: _path(schema, one) for one in columns}
        text = [path for path, kind in paths.values() if path and pa.types.is_string(kind)]
        with parquet.ParquetFile(path, read_dictionary=text, pre_buffer=True) as file:
            yield from _flat(file, paths, rows)


def _listed(files: Path | Sequence[Path]) -> Sequence[Path]:
    return [files] if isinstance(files, Path) else files


def _path(schema: pa.Schema, column: str) -> tuple[str | None, pa.DataType]:
    """Where a column lies in the file (None: nowhere) and its type."""
    if column in EVENTS.names and column != "properties":
        return column, schema.field(column).type
    struct = schema.field("properties").type
    index = struct.get_field_index(column)
    return (None, pa.string()) if index < 0 else (f"properties.{column}", struct.field(index).type)


def _flat(
    file: parquet.ParquetFile, paths: dict[str, tuple[str | None, pa.DataType]], rows: int
) -> Iterator[pa.RecordBatch]:
    wanted = [path for path, _ in paths.values() if path]
    for group in range(file.num_row_groups):  # Arrow cannot join a struct's dictionaries across row groups
        for batch in file.iter_batches(batch_size=rows, row_groups=[group], columns=wanted, use_threads=False):
            yield pa.record_batch([_column(batch, one, path) for one, (path, _) in paths.items()], names=list(paths))


def _column(batch: pa.RecordBatch, column: str, path: str | None) -> pa.Array:
    if path is None:
        return pa.nulls(batch.num_rows, pa.dictionary(pa.int32(), pa.string()))
    return batch.column(column) if path == column else batch.column("properties").field(column)
