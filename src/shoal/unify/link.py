"""Which identifiers belong to one person: those that stand in one row, and whatever that joins.

Identifiers are nodes, rows are edges, people are connected components. Text stays in the engine: edges cross
as pairs of integer codes. Relations left in the engine:

* `link_combo_<source>`: the source's distinct identifier combinations, `id_<type>..., first_seen, last_seen, rows`;
* `link_node`: `code BIGINT` (dense from 0), `kind TINYINT` (place in `Links.kinds`), `value`, `guarded BOOLEAN`,
  `component BIGINT`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import pyarrow as pa

from shoal.identifiers import PASSED_ON, STRONG, Guards, rank
from shoal.unify.identifiers import Phone, Reason, name, phones, quote

SHOWN = 10


class Sql(Protocol):
    """What linking needs of an engine: SQL in DuckDB's dialect, tables as Arrow."""

    def execute(self, sql: str) -> None: ...

    def query(self, sql: str) -> pa.Table: ...

    def register(self, name: str, data: pa.Table) -> None: ...


@dataclass(frozen=True)
class Feed:
    """A source as clean left it in the relation `clean_<name>`, with the types of its columns."""

    name: str
    kind: Literal["events", "profiles"]
    identifiers: tuple[str, ...]
    properties: dict[str, pa.DataType] = field(default_factory=dict)
    traits: dict[str, pa.DataType] = field(default_factory=dict)
    at: pa.DataType = field(default_factory=lambda: pa.timestamp("us"))
    relation: str = ""
    """What to read instead of `clean_<name>`."""
    tells: tuple[str, ...] = ()
    """The events whose rows tell traits; all of them where it is empty."""

    @property
    def table(self) -> str:
        return name(self.relation or f"clean_{self.name}")

    @property
    def combos(self) -> str:
        return name(f"link_combo_{self.name}")


def feed(engine: Sql, source: str, kind: Literal["events", "profiles"]) -> Feed:
    """Reads from the relation `clean_<source>` which identifiers, properties and traits it has."""
    schema = engine.query(f"SELECT * FROM {name(f'clean_{source}')} LIMIT 0").schema

    def under(prefix: str) -> dict[str, pa.DataType]:
        return {one.name.removeprefix(prefix): one.type for one in schema if one.name.startswith(prefix)}

    kinds = tuple(sorted(under("id_"), key=rank))
    return Feed(source, kind, kinds, under("p_"), under("t_"), schema.field("at").type)


@dataclass(frozen=True)
class Guarded:
    """An identifier that joins nobody, because it was seen with too many others of one type."""

    kind: str
    value: str
    other: str
    count: int


@dataclass(frozen=True)
class Group:
    """One person's identifiers, counted by type."""

    identifiers: int
    kinds: dict[str, int]
    example: str


@dataclass(frozen=True)
class LinkReport:
    """What linking found. `guarded` and `largest` hold the first few, `guarded_count` counts them all."""

    nodes: int
    edges: int
    people: int
    guarded_count: int = 0
    guarded: tuple[Guarded, ...] = ()
    largest: tuple[Group, ...] = ()
    suspicious: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Links:
    """The identifier types of a run in order of rank, and what linking found."""

    kinds: tuple[str, ...]
    report: LinkReport


@dataclass(frozen=True)
class Phoned:
    """The sources with E.164 numbers in `id_phone`, and their refused rows by source and reason."""

    sources: tuple[Feed, ...]
    refused: dict[str, dict[Reason, int]]


def standardise_phones(
    engine: Sql, sources: Sequence[Feed], region: str | None, placeholders: Iterable[str] = ()
) -> Phoned:
    """Puts E.164 numbers in every `id_phone`, NULL where it is none, as views `link_phoned_<source>`.

    `region` is the ISO 3166 code for numbers written without a country.
    """
    placeholders = tuple(placeholders)
    refused: dict[str, dict[Reason, int]] = {}
    done = []
    for source in sources:
        if "phone" in source.identifiers:
            counts = f"SELECT id_phone AS raw, count(*) AS n FROM {source.table} WHERE id_phone IS NOT NULL GROUP BY 1"
            raw = engine.query(counts)
            found = phones(raw["raw"].to_pylist(), region, placeholders)
            refused[source.name] = {}
            for text, count in zip(raw["raw"].to_pylist(), raw["n"].to_pylist(), strict=True):
                if (reason := found[text].reason) is not None:
                    refused[source.name][reason] = refused[source.name].get(reason, 0) + count
            source = _phoned(engine, source, found)
        done.append(source)
    return Phoned(tuple(done), refused)


def _phoned(engine: Sql, source: Feed, found: dict[str, Phone]) -> Feed:
    numbers, view = f"link_phone_{source.name}", f"link_phoned_{source.name}"
    columns = {"raw": list(found), "number": [phone.value for phone in found.values()]}
    schema = pa.schema([("raw", pa.string()), ("number", pa.string())])
    engine.register("link_phone", pa.table(columns, schema=schema))
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {name(numbers)} AS FROM link_phone")
    joined = f"{source.table} AS rows LEFT JOIN {name(numbers)} AS numbers ON numbers.raw = rows.id_phone"
    replaced = f"SELECT rows.* REPLACE (numbers.number AS id_phone) FROM {joined}"
    engine.execute(f"CREATE OR REPLACE TEMP VIEW {name(view)} AS {replaced}")
    return replace(source, relation=view)


def unidentified(engine: Sql, source: Feed) -> pa.Table:
    """The rows that no identifier is left in, as quarantine rows: `source, row, reason, detail, raw`."""
    absent = " AND ".join(f"{name(f'id_{kind}')} IS NULL" for kind in source.identifiers)
    return engine.query(
        f"SELECT {quote(source.name)} AS source, \"row\", 'no_identifier' AS reason, "
        "'no column of the row says who it was' AS detail, CAST(NULL AS VARCHAR) AS raw "
        f'FROM {source.table} WHERE {absent} ORDER BY "row"'
    )


def link(engine: Sql, sources: Sequence[Feed], max_shared: int = 10, max_users: int | None = None) -> Links:
    """Joins identifiers into people.

    `max_shared` is the guard: an identifier seen with more distinct values of one other strong type joins nobody.
    An `account_id` is exempt from it, since a company rightly has many users. `max_users` is the guard of devices and
    cookies: how many users or customers one may be seen with; when None they have the guard of all others.
    """
    kinds = tuple(sorted({kind for source in sources for kind in source.identifiers}, key=rank))
    for source in sources:
        columns = ", ".join(name(f"id_{kind}") for kind in source.identifiers)
        engine.execute(
            f'CREATE OR REPLACE TEMP TABLE {source.combos} AS SELECT {columns}, min("at") AS first_seen, '
            f'max("at") AS last_seen, count(*) AS "rows" FROM {source.table} '
            f"WHERE coalesce({columns}, NULL) IS NOT NULL GROUP BY {columns}"
        )
    _make_nodes(engine, sources, kinds)
    if len(kinds) < 2:
        engine.execute("CREATE OR REPLACE TEMP TABLE link_node AS SELECT *, code AS component FROM link_value")
        return Links(kinds, _single(engine))
    several = [source for source in sources if len(source.identifiers) > 1]
    guards = Guards(max_shared, max_users)
    count, guarded = _guard(engine, several, kinds, guards)
    edges = _edges(engine, several, kinds)
    _components(engine, edges)
    return Links(kinds, _report(engine, kinds, edges.num_rows, count, guarded, guards))


def met(sources: Sequence[Feed]) -> str:
    """SQL for who was seen with whom, as the guards count it: `type, value` with `other_type, other_value`, strong."""
    parts = [
        f"SELECT {quote(one)} AS type, {name(f'id_{one}')} AS value, {quote(other)} AS other_type, "
        f"{name(f'id_{other}')} AS other_value FROM {source.combos}"
        for source in sources
        for one in source.identifiers
        for other in source.identifiers
        if one not in (other, "account_id") and other in STRONG
    ]
    nobody = "SELECT " + ", ".join(f"NULL::VARCHAR AS {one}" for one in ("type", "value", "other_type", "other_value"))
    return (
        f"SELECT DISTINCT * FROM ({' UNION ALL '.join([*parts, nobody])}) "
        "WHERE value IS NOT NULL AND other_value IS NOT NULL ORDER BY type, value, other_type, other_value"
    )


def _make_nodes(engine: Sql, sources: Sequence[Feed], kinds: Sequence[str]) -> None:
    values = [
        f"SELECT CAST({kinds.index(kind)} AS TINYINT) AS kind, {name(f'id_{kind}')} AS value FROM {source.combos}"
        for source in sources
        for kind in source.identifiers
    ]
    distinct = f"SELECT DISTINCT kind, value FROM ({' UNION ALL '.join(values)}) WHERE value IS NOT NULL"
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE link_value AS SELECT row_number() OVER () - 1 AS code, kind, value, "
        f"false AS guarded FROM ({distinct})"
    )


def _guard(
    engine: Sql, sources: Sequence[Feed], kinds: Sequence[str], guards: Guards
) -> tuple[int, tuple[Guarded, ...]]:
    """Marks the identifiers that join nobody; returns how many, and those with the most others."""
    engine.execute(
        'CREATE OR REPLACE TEMP TABLE link_guard (kind TINYINT, value VARCHAR, other TINYINT, "count" BIGINT)'
    )
    for one in (kind for kind in kinds if kind != "account_id"):
        for other in (kind for kind in kinds if kind != one and kind in STRONG):
            pairs = [
                f"SELECT {name(f'id_{one}')} AS value, {name(f'id_{other}')} AS other FROM {source.combos}"
                for source in sources
                if {one, other} <= set(source.identifiers)
            ]
            if pairs:
                engine.execute(
                    f"INSERT INTO link_guard SELECT {kinds.index(one)}, value, {kinds.index(other)}, "
                    f"count(DISTINCT other) FROM ({' UNION ALL '.join(pairs)}) "
                    "WHERE value IS NOT NULL AND other IS NOT NULL "
                    f"GROUP BY value HAVING count(DISTINCT other) > {guards.most(one, other)}"
                )
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE link_value AS SELECT * REPLACE (EXISTS (FROM link_guard AS g "
        "WHERE g.kind = v.kind AND g.value = v.value) AS guarded) FROM link_value AS v"
    )
    count = engine.query("SELECT count(*) AS n FROM link_value WHERE guarded")["n"][0].as_py()
    shown = engine.query(f'SELECT * FROM link_guard ORDER BY "count" DESC, kind, value, other LIMIT {SHOWN}')
    return count, tuple(
        Guarded(kinds[row["kind"]], row["value"], kinds[row["other"]], row["count"]) for row in shown.to_pylist()
    )


def _edges(engine: Sql, sources: Sequence[Feed], kinds: Sequence[str]) -> pa.Table:
    """Pairs of codes `a, b`: the first identifier of a combination with each of its others."""
    stars = []
    for source in sources:
        joins = [
            f"LEFT JOIN link_value AS v{i} ON v{i}.kind = {kinds.index(kind)} AND NOT v{i}.guarded "
            f"AND v{i}.value = combo.{name(f'id_{kind}')}"
            for i, kind in enumerate(source.identifiers)
        ]
        codes = [f"v{i}.code" for i in range(len(source.identifiers))]
        heads = [f"coalesce({', '.join(codes[:i])})" if i > 1 else codes[0] for i in range(1, len(codes))]
        pairs = ", ".join(f"{{'a': {head}, 'b': {code}}}" for head, code in zip(heads, codes[1:], strict=True))
        stars.append(f"SELECT unnest([{pairs}]) AS pair FROM {source.combos} AS combo {' '.join(joins)}")
    if not stars:
        return pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64())})
    return engine.query(
        f"SELECT pair.a AS a, pair.b AS b FROM ({' UNION ALL '.join(stars)}) "
        "WHERE pair.a IS NOT NULL AND pair.b IS NOT NULL"
    )


def _components(engine: Sql, edges: pa.Table) -> None:
    """Leaves `link_node`: `link_value` with each node's component."""
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count: int = engine.query("SELECT count(*) AS n FROM link_value")["n"][0].as_py()
    small = np.int32 if count < 2**31 else np.int64
    a, b = (edges[side].to_numpy().astype(small) for side in ("a", "b"))
    ones = np.ones(len(a), np.bool_)
    graph = coo_matrix((ones, (a, b)), shape=(count, count)).tocsr()
    labels = connected_components(graph, directed=False)[1] if count else np.zeros(0, small)
    codes = np.arange(count, dtype=np.int64)
    engine.register("link_label", pa.table({"code": codes, "component": labels.astype(np.int64)}))
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE link_node AS SELECT link_value.*, link_label.component "
        "FROM link_value JOIN link_label USING (code)"
    )


def _single(engine: Sql) -> LinkReport:
    count = engine.query("SELECT count(*) AS n FROM link_node")["n"][0].as_py()
    return LinkReport(nodes=count, edges=0, people=count)


def _report(
    engine: Sql, kinds: Sequence[str], edges: int, count: int, guarded: tuple[Guarded, ...], guards: Guards
) -> LinkReport:
    totals = engine.query(
        "SELECT count(*) AS nodes, count(DISTINCT component) FILTER (NOT guarded) AS people FROM link_node"
    ).to_pylist()[0]
    strong = [index for index, kind in enumerate(kinds) if kind in STRONG]
    many = "false" if not strong else f"max(n) FILTER (kind IN ({', '.join(map(str, strong))})) > {guards.max_shared}"
    by_kind = "SELECT component, kind, count(*) AS n FROM link_node WHERE NOT guarded GROUP BY component, kind"
    giants = f"SELECT component FROM ({by_kind}) GROUP BY component HAVING {many}"
    suspicious: int = engine.query(f"SELECT count(*) AS n FROM ({giants})")["n"][0].as_py()
    largest = _largest(engine, kinds)
    return LinkReport(
        nodes=totals["nodes"],
        edges=edges,
        people=totals["people"],
        guarded_count=count,
        guarded=guarded,
        largest=largest,
        suspicious=suspicious,
        notes=tuple(_notes(count, guarded, largest, suspicious, guards)),
    )


def _largest(engine: Sql, kinds: Sequence[str]) -> tuple[Group, ...]:
    sizes = "SELECT component FROM link_node GROUP BY component HAVING count(*) > 1"
    top = f"{sizes} ORDER BY count(*) DESC, min(value) LIMIT {SHOWN}"
    rows = engine.query(
        f"SELECT component, kind, count(*) AS n, min(value) AS example FROM link_node WHERE component IN ({top}) "
        "GROUP BY component, kind ORDER BY component, kind"
    ).to_pylist()
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["component"], []).append(row)
    found = [
        Group(sum(part["n"] for part in parts), {kinds[part["kind"]]: part["n"] for part in parts}, parts[0]["example"])
        for parts in groups.values()
    ]
    return tuple(sorted(found, key=lambda group: (-group.identifiers, group.example)))


def _notes(
    count: int, guarded: Sequence[Guarded], largest: Sequence[Group], suspicious: int, guards: Guards
) -> Iterable[str]:
    if count:
        worst = guarded[0]
        many, setting = "others of one type", "max_shared"
        if worst.kind in PASSED_ON and guards.max_users is not None:
            many, setting = f"others of one type (a device or cookie: {guards.max_users} users)", "max_users"
        yield (
            f"{count} identifier{'s' if count > 1 else ''} seen with more than {guards.max_shared} {many} "
            f"join nobody, such as {worst.kind} '{worst.value}' with {worst.count} values of {worst.other}. "
            f"If it stands for nobody, add it to `unify.placeholders`; if it is right, raise `unify.{setting}`."
        )
    if suspicious and largest:
        made_of = ", ".join(f"{n} {kind}" for kind, n in largest[0].kinds.items())
        hold = "profiles hold" if suspicious > 1 else "profile holds"
        yield (
            f"{suspicious} {hold} more than {guards.max_shared} values of one strong type and may be several people; "
            f"the largest has {made_of}, with {next(iter(largest[0].kinds))} "
            f"'{largest[0].example}'. Lower `unify.max_shared`, or leave the identifier that joins them out of "
            "`identifiers`."
        )
