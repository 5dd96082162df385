"""The golden record: what is known of each person, and by which identifiers.

A trait's value is the latest one that is not null. Rows without a time (a source of kind `profiles` may have none)
count as older than any with a time; among them the source that stands first in shoal.yaml wins, then its later row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from shoal.unify.events import Written, instant, placed, typed, united
from shoal.unify.identifiers import name, quote
from shoal.unify.link import Feed, Sql


class Writing(Sql, Protocol):
    """What merging needs of an engine beside SQL: a query written as one Parquet file."""

    def write(self, sql: str, path: Path) -> int: ...


@dataclass(frozen=True)
class Merged:
    """Rows of the two tables, and the share of each source's profiles that another source knows too."""

    profiles: int
    identifiers: int
    shared: dict[str, float | None]


def merge(
    engine: Writing,
    sources: Sequence[Feed],
    kinds: Sequence[str],
    events: Written,
    profiles: Path,
    identifiers: Path,
) -> Merged:
    """Writes the tables `profiles` and `identifiers` as Parquet files at the paths given, sorted by person.

    `kinds` are the identifier types in order of rank (`Links.kinds`), `events` what `write_events` left.
    A profile is a person with at least one row. A trait whose sources disagree on its type is text.
    """
    traits = united([source.traits for source in sources])
    seen = _seen(engine, sources, events, traits)
    told = _told(engine, [source for source in sources if source.kind == "profiles"], kinds, traits)
    joined = [f"{_later(one)} AS {name(one)}" for one in traits]
    columns = [
        "least(seen.first_seen, told.first_seen) AS first_seen",
        "greatest(seen.last_seen, told.last_seen) AS last_seen",
    ]
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE link_profile AS SELECT {', '.join([*columns, *joined])}, person "
        f"FROM {seen} AS seen FULL OUTER JOIN {told} AS told USING (person)"
    )
    rows = engine.write("SELECT printf('p%016x', person) AS profile_id, * FROM link_profile ORDER BY person", profiles)
    found = engine.write(
        f"{_identifiers(sources, kinds)} ORDER BY owner.person, owner.kind, value, source", identifiers
    )
    return Merged(rows, found, {source.name: _shared(engine, source, identifiers) for source in sources})


def _value(one: str) -> str:
    return name(f"v_{one}")


def _time(one: str) -> str:
    return name(f"a_{one}")


def _later(one: str) -> str:
    """The later of a trait's values in events (`seen`) and in profile rows (`told`)."""
    value, time = _value(one), _time(one)
    told = f"seen.{value} IS NULL OR (told.{value} IS NOT NULL AND told.{time} > seen.{time})"
    return f"CASE WHEN {told} THEN told.{value} ELSE seen.{value} END"


def _columns(traits: dict[str, pa.DataType]) -> str:
    names = ["NULL::BIGINT AS person, NULL::TIMESTAMPTZ AS first_seen, NULL::TIMESTAMPTZ AS last_seen"]
    for one, kind in traits.items():
        names.append(f"{typed('NULL', pa.null(), kind)} AS {_value(one)}, NULL::TIMESTAMPTZ AS {_time(one)}")
    return ", ".join(names)


def _seen(engine: Sql, sources: Sequence[Feed], events: Written, traits: dict[str, pa.DataType]) -> str:
    """Each person's times and latest traits in the events, one bucket after the other to stay in bounded memory.

    Within a file rows stand in order of time, so a row's place in it decides between values of one instant.
    """
    columns = ['person, min("at") AS first_seen, max("at") AS last_seen']
    for one, kind in traits.items():
        givers = [_gives(source) for source in sources if source.kind == "events" and one in source.traits]
        if givers:
            field = f"properties.{name(one)}"
            given = f"{field} IS NOT NULL AND ({' OR '.join(givers)})"
            value = typed(f"arg_max({field}, file_row_number) FILTER (WHERE {given})", events.properties[one], kind)
            time = f'max("at") FILTER (WHERE {given})'
        else:
            value, time = typed("NULL", pa.null(), kind), "NULL::TIMESTAMPTZ"
        columns.append(f"{value} AS {_value(one)}, {time} AS {_time(one)}")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE link_seen AS SELECT {_columns(traits)} WHERE false")
    for file in events.files:
        rows = f"read_parquet({quote(str(file))}, file_row_number = true, hive_partitioning = false)"
        engine.execute(f"INSERT INTO link_seen SELECT {', '.join(columns)} FROM {rows} GROUP BY person")
    return "link_seen"


def _gives(source: Feed) -> str:
    """SQL for whether an event's properties may be traits."""
    mine = f"source = {quote(source.name)}"
    return f"{mine} AND event IN ({', '.join(map(quote, source.tells))})" if source.tells else mine


def _told(engine: Sql, sources: Sequence[Feed], kinds: Sequence[str], traits: dict[str, pa.DataType]) -> str:
    """Each person's times and latest traits in the rows of profile sources."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE link_told AS SELECT {_columns(traits)} WHERE false")
    if not sources:
        return "link_told"
    rows = []
    for place, source in enumerate(sources):
        columns = [f'rows."row", {-place} AS place', f'{instant("rows.at", source.at)} AS "at"']
        for one, kind in traits.items():
            column = f"rows.{name(f't_{one}')}" if one in source.traits else "NULL"
            columns.append(f"{typed(column, source.traits.get(one, pa.null()), kind)} AS {_value(one)}")
        rows.append(placed(engine, source, kinds, ", ".join(columns)))
    latest = ['person, min("at") AS first_seen, max("at") AS last_seen']
    for one in traits:
        given = f"FILTER (WHERE {_value(one)} IS NOT NULL)"
        latest.append(f'arg_max({_value(one)}, turn) {given} AS {_value(one)}, max("at") {given} AS {_time(one)}')
    engine.execute(
        f"INSERT INTO link_told SELECT {', '.join(latest)} FROM (SELECT *, row_number() OVER "
        f'(ORDER BY "at" NULLS FIRST, place, "row") AS turn FROM ({" UNION ALL ".join(rows)})) GROUP BY person'
    )
    return "link_told"


def _identifiers(sources: Sequence[Feed], kinds: Sequence[str]) -> str:
    """An identifier that joins nobody is listed only where rows fall to its own profile."""
    parts = [
        f"SELECT CAST({kinds.index(kind)} AS TINYINT) AS kind, {name(f'id_{kind}')} AS value, "
        f"{quote(source.name)} AS source, {instant('first_seen', source.at)} AS first_seen, "
        f"{instant('last_seen', source.at)} AS last_seen FROM {source.combos}"
        for source in sources
        for kind in source.identifiers
    ]
    used = (
        "SELECT kind, value, source, min(first_seen) AS first_seen, max(last_seen) AS last_seen "
        f"FROM ({' UNION ALL '.join(parts)}) WHERE value IS NOT NULL GROUP BY kind, value, source"
    )
    return (
        "SELECT printf('p%016x', owner.person) AS profile_id, owner.type, value, used.first_seen, used.last_seen, "
        f"source, owner.person FROM ({used}) AS used JOIN link_identity AS owner USING (kind, value) "
        "WHERE NOT owner.guarded OR owner.person IN (SELECT person FROM link_profile)"
    )


def _shared(engine: Sql, source: Feed, identifiers: Path) -> float | None:
    known = f"read_parquet({quote(str(identifiers))}, hive_partitioning = false)"
    mine = f"source = {quote(source.name)}"
    people = f"SELECT bool_or(NOT {mine}) AS elsewhere FROM {known} GROUP BY person HAVING bool_or({mine})"
    query = f"SELECT avg(CAST(elsewhere AS INTEGER)) AS share FROM ({people})"
    share: float | None = engine.query(query)["share"][0].as_py()
    return share
