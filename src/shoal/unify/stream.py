"""The source `live`: what was logged while people acted, cleaned by the live side and handed in as files.

What comes out is what `read` leaves of any other source: `clean_live` and `quarantine_live`. Of events with one id the
first that was received counts; the others are quarantined as `duplicate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from shoal.summary import ColumnQuality, SourceQuality
from shoal.unify.identifiers import name, quote
from shoal.unify.link import Feed, feed
from shoal.unify.quality import AT_ONCE, PRIVATE, SHOWN, masked
from shoal.unify.read import Tables

Kind = Literal["number", "bool", "text"]
SOURCE = "live"


class Replayed(Protocol):
    """Cleaned events on disk; see live.replay.Replayed."""

    @property
    def files(self) -> Sequence[Path]: ...
    @property
    def refused(self) -> Sequence[Path]: ...
    @property
    def identifiers(self) -> Sequence[str]: ...
    @property
    def properties(self) -> Mapping[str, Kind]: ...
    @property
    def traits(self) -> Sequence[str]: ...
    @property
    def tells(self) -> Sequence[str]: ...
    @property
    def offsets(self) -> Sequence[int]: ...
    @property
    def read(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def notes(self) -> Sequence[str]: ...


Replay = Callable[[Path, Mapping[str, Kind]], Replayed]
"""Cleans the log into a folder, given the kinds of the columns that the other sources have."""


@dataclass(frozen=True)
class Streamed:
    """The log as a source. `feed` is absent where no message was good."""

    quality: SourceQuality
    quarantine: str
    feed: Feed | None
    offsets: Sequence[int]


def read_log(engine: Tables, replay: Replay, folder: Path, feeds: Sequence[Feed]) -> Streamed:
    """Makes `clean_live` and `quarantine_live` of the log; `feeds` are the other sources, `folder` is for its files."""
    found = replay(folder, _kinds(feeds))
    repeated = _clean(engine, found) if found.files else 0
    reasons = _quarantine(engine, found)
    loaded = found.events - repeated
    quality = SourceQuality(
        source=SOURCE,
        files=[],
        read=found.read,
        loaded=loaded,
        quarantined=sum(reasons.values()),
        duplicates=repeated,
        reasons=reasons,
        notes=list(found.notes),
    )
    if not loaded:
        return Streamed(quality, f"quarantine_{SOURCE}", None, found.offsets)
    ends = ", ".join(f"strftime({end}(\"at\"), '%Y-%m-%dT%H:%M:%SZ') AS {end}" for end in ("min", "max"))
    times = engine.query(f"SELECT {ends} FROM clean_{SOURCE}").to_pylist()[0]
    columns = _columns(engine, found, loaded)
    quality = quality.model_copy(update={"first": times["min"], "last": times["max"], "columns": columns})
    told = replace(feed(engine, SOURCE, "events"), tells=tuple(found.tells))
    return Streamed(quality, f"quarantine_{SOURCE}", told, found.offsets)


def _kinds(feeds: Sequence[Feed]) -> dict[str, Kind]:
    """The kinds of the columns of other sources; one of two kinds is text."""
    kinds: dict[str, Kind] = {}
    for one in feeds:
        for column, have in [*one.properties.items(), *one.traits.items()]:
            kind = _kind(have)
            kinds[column] = kind if kinds.get(column, kind) == kind else "text"
    return kinds


def _kind(have: pa.DataType) -> Kind:
    if pa.types.is_boolean(have):
        return "bool"
    number = pa.types.is_integer(have) or pa.types.is_floating(have) or pa.types.is_decimal(have)
    return "number" if number else "text"


def _clean(engine: Tables, found: Replayed) -> int:
    """Makes `clean_live`, and `again_live` of the rows whose id an earlier one has; returns how many these are."""
    engine.drop(f"clean_{SOURCE}")
    rows = _parquet(found.files)
    firsts = f"SELECT event_id, min(row) AS first FROM {rows} GROUP BY event_id HAVING count(*) > 1"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE again_{SOURCE} AS SELECT row, first, event_id FROM {rows} "
        f"JOIN ({firsts}) USING (event_id) WHERE row > first"
    )
    repeated: int = engine.query(f"SELECT count(*) AS n FROM again_{SOURCE}")["n"][0].as_py()
    columns = ["row", "event_id", "event", '"at"', "value"]
    columns += [name(f"id_{kind}") for kind in found.identifiers] + [name(f"p_{one}") for one in found.properties]
    columns += [f"{name(f'p_{one}')} AS {name(f't_{one}')}" for one in found.traits]
    once = f" WHERE row NOT IN (SELECT row FROM again_{SOURCE})" if repeated else ""
    engine.execute(f"CREATE TEMP VIEW clean_{SOURCE} AS SELECT {', '.join(columns)} FROM {rows}{once}")
    return repeated


def _quarantine(engine: Tables, found: Replayed) -> dict[str, int]:
    """Makes `quarantine_live`; returns how many rows each reason has, the commonest first."""
    parts = [f"SELECT source, row, reason, detail, raw FROM {_parquet(found.refused)}"] if found.refused else []
    if found.files:
        parts.append(
            f"SELECT {quote(SOURCE)}, row, 'duplicate', 'repeats row ' || CAST(first AS VARCHAR) || ': its message id "
            f"was received before', CAST(NULL AS VARCHAR) FROM again_{SOURCE}"
        )
    none = (
        "SELECT CAST(NULL AS VARCHAR) AS source, CAST(NULL AS BIGINT) AS row, CAST(NULL AS VARCHAR) AS reason, "
        "CAST(NULL AS VARCHAR) AS detail, CAST(NULL AS VARCHAR) AS raw WHERE false"
    )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE quarantine_{SOURCE} AS {' UNION ALL '.join([none, *parts])}")
    counts = engine.query(
        f"SELECT reason, count(*) AS n FROM quarantine_{SOURCE} GROUP BY reason ORDER BY n DESC, reason"
    )
    return dict(zip(counts["reason"].to_pylist(), counts["n"].to_pylist(), strict=True))


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(quote(str(file)) for file in files)}], hive_partitioning = false)"


def _columns(engine: Tables, found: Replayed, rows: int) -> list[ColumnQuality]:
    """Completeness, distinct values and an example of every identifier and property."""
    roles = {f"id_{kind}": kind for kind in found.identifiers} | {f"p_{one}": one for one in found.properties}
    names = list(roles)
    result = []
    for some in (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)):
        asked = ", ".join(
            f"count({name(one)}) AS n{place}, approx_count_distinct({name(one)}) AS d{place}, "
            f"left(CAST(any_value({name(one)}) AS VARCHAR), {SHOWN}) AS e{place}"
            for place, one in enumerate(some)
        )
        row = engine.query(f"SELECT {asked} FROM clean_{SOURCE}").to_pylist()[0]
        for place, one in enumerate(some):
            example = row[f"e{place}"]
            shown = masked(example) if example is not None and roles[one] in PRIVATE else example
            result.append(
                ColumnQuality(
                    column=roles[one],
                    role=roles[one] if one.startswith("id_") else "",
                    completeness=row[f"n{place}"] / rows,
                    distinct=row[f"d{place}"],
                    examples=[] if shown is None else [shown],
                )
            )
    return result
