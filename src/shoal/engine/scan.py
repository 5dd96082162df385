"""The SQL by which DuckDB reads CSV, JSON lines and Parquet as raw rows, with every refused line kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from shoal.engine.mend import Cut, Mended, is_gzip
from shoal.engine.protocol import Kind

REJECTS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.string()),
    ]
)
REASONS = {
    "MISSING COLUMNS": ("columns", "has fewer columns than the file"),
    "TOO MANY COLUMNS": ("columns", "has more columns than the file"),
    "UNQUOTED VALUE": ("quotes", "has text after a closing quote"),
    "LINE SIZE OVER MAXIMUM": ("too_long", "is longer than a line may be"),
    "INVALID ENCODING": ("encoding", "is not in the file's encoding"),
}
DEPTH = 4  # how deep JSON objects are unfolded into columns


def name(text: str) -> str:
    """An identifier, quoted.

    >>> name('Invoice No')
    '"Invoice No"'
    """
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant, quoted.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def read_csv(mended: Mended, tag: str) -> str:
    """The table function that reads a mended file as text, refused lines going to `TAG_errors`."""
    spec = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in mended.columns)
    longest = max(1 << 21, mended.longest * 2 + 1024)
    return (
        f"read_csv({literal(str(mended.path))}, auto_detect=false, columns={{{spec}}}, header={mended.header}, "
        f"delim={literal(mended.delimiter)}, quote={literal(mended.quote)}, escape={literal(mended.quote)}, "
        f"max_line_size={longest}, buffer_size={max(1 << 25, 2 * longest)}, store_rejects=true, "
        f"rejects_table={literal(tag + '_errors')}, rejects_scan={literal(tag + '_scans')}"
        f"{compression(mended.path)})"
    )


def read_lines(path: Path, longest: int) -> str:
    """The table function that reads a text file line by line into the column `line`."""
    size = max(1 << 21, longest * 2 + 1024)
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, columns={{'line': 'VARCHAR'}}, header=false, "
        f"delim='\x01', quote='', escape='', max_line_size={size}, buffer_size={max(1 << 25, 2 * size)}"
        f"{compression(path)})"
    )


def read_array(path: Path) -> str:
    """The table function that reads one JSON array, an element a row, into the column `line`."""
    limit = 20 * path.stat().st_size + (1 << 20)
    source = f"read_json_objects({literal(str(path))}, format='array', maximum_object_size={limit})"
    return f"(SELECT json::VARCHAR AS line FROM {source})"


def compression(path: Path) -> str:
    """The option that names a gzip file whatever its suffix."""
    return ", compression='gzip'" if is_gzip(path) else ", compression='none'"


def rejected(errors: pa.Table, mended: Mended, file: str) -> list[dict[str, Any]]:
    """Refused lines of one file, cuts included, each with its number among the file's data rows."""
    skip = 1 if mended.header else 0
    seen: dict[int, dict[str, Any]] = {}
    for error in errors.sort_by("byte_position").to_pylist():
        reason, why = REASONS.get(error["error_type"], ("unreadable", str(error["error_type"]).lower()))
        raw = error["csv_line"] or ""
        line = {"file": file, "row": error["line"] - skip, "reason": reason, "detail": f"the line {why}", "raw": raw}
        seen.setdefault(error["line"], line)
    return merge([seen[key] for key in sorted(seen)], mended.cuts, file)


def swallowed(errors: pa.Table) -> bool:
    """Whether a refused line may have taken others with it: it holds several, or its quotes confused the parser."""
    texts = zip(errors["error_type"].to_pylist(), errors["csv_line"].to_pylist(), strict=True)
    return any(sort == "UNQUOTED VALUE" or "\n" in (text or "").rstrip("\r\n") for sort, text in texts)


def merge(lines: list[dict[str, Any]], cuts: Sequence[Cut], file: str) -> list[dict[str, Any]]:
    """Joins refused lines, numbered in the mended file, with cuts, numbered in the original one."""
    result = [
        {"file": file, "row": cut.row, "reason": cut.reason, "detail": cut.detail, "raw": cut.raw} for cut in cuts
    ]
    waiting = sorted(cut.row for cut in cuts)
    before = 0
    for line in lines:
        while before < len(waiting) and waiting[before] <= line["row"] + before:
            before += 1
        result.append({**line, "row": line["row"] + before})
    return sorted(result, key=lambda line: line["row"])


def shifts(rows: Sequence[int]) -> list[tuple[int, int]]:
    """How far kept rows move up when the rows numbered `rows` were left out: (from kept row, by).

    >>> shifts([3, 4, 9])
    [(3, 1), (3, 2), (7, 3)]
    """
    return [(row - place, place + 1) for place, row in enumerate(sorted(rows))]


def kind(sql_type: str) -> Kind:
    """What sort of value a DuckDB column holds.

    >>> kind("DECIMAL(18,3)"), kind("VARCHAR"), kind("TIMESTAMP WITH TIME ZONE"), kind("STRUCT(a INTEGER)")
    ('number', 'text', 'time', 'other')
    """
    base = sql_type.split("(")[0]
    if sql_type.endswith("]") or base in ("STRUCT", "MAP", "UNION"):
        return "other"
    if base == "VARCHAR" or base in ("ENUM", "UUID", "JSON"):
        return "text"
    if base == "BOOLEAN":
        return "bool"
    if base == "DATE" or base.startswith("TIMESTAMP"):
        return "time"
    numbers = ("INT", "FLOAT", "DOUBLE", "DECIMAL")
    return "number" if any(part in base for part in numbers) and base != "INTERVAL" else "other"


def leaves(structure: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the values of a JSON structure, objects unfolded.

    >>> leaves({"a": "UBIGINT", "b": {"c": "VARCHAR"}, "d": ["VARCHAR"]})
    [('a',), ('b', 'c'), ('d',)]
    """
    paths: list[tuple[str, ...]] = []
    for key, below in structure.items():
        if '"' in key or not key:
            continue
        if isinstance(below, Mapping) and below and len(prefix) < DEPTH - 1:
            paths += leaves(below, (*prefix, key))
        else:
            paths.append((*prefix, key))
    return paths


def unfold(lines: str, paths: Sequence[tuple[str, ...]], columns: Sequence[str]) -> str:
    """The query that turns a relation of JSON lines into text columns."""
    wanted = ", ".join(literal("$" + "".join(f'."{key}"' for key in path)) for path in paths)
    picked = "".join(f", v[{place}] AS {name(column)}" for place, column in enumerate(columns, 1))
    return (
        f"SELECT _row, _file{picked} FROM (SELECT _row, _file, json_extract_string(line, [{wanted}]) AS v FROM {lines})"
    )


def structure(text: str | None) -> dict[str, Any]:
    """The mapping in DuckDB's description of JSON lines; empty when the lines share no object."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
