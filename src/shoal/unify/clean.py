"""Turns a source's mapping into SQL: raw rows to clean events, each refused row with its reason.

A plan is pure: text in, SQL out. The layers are raw, cleaned (`c:`), read (`n:` numbers, `t:` times),
mapped (`o:`) and judged; the engine fuses them into one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from shoal.define.types import Type
from shoal.errors import DataError
from shoal.settings import Settings, Source
from shoal.unify.examine import Findings, cleaned, id_like
from shoal.unify.mapping import ROW, Mapped, Normalise, Part
from shoal.unify.standard import mapped_sql, named, number_sql, quoted
from shoal.unify.times import time_sql

LONGEST_RAW = 10_000  # characters of a refused row that quarantine keeps
LARGEST_VALUE = "1e15"  # more is no money; sums of it would leave the numbers behind
SIGNED_UP = "Signed Up"


@dataclass(frozen=True)
class CleanPlan:
    """The SQL of one source. `judged` has the columns of the clean table plus reason, detail, raw and matched."""

    source: str
    read: str
    judged: str
    outputs: dict[str, str]
    """Output column to the SQL type it has."""
    identifiers: tuple[str, ...]

    @property
    def columns(self) -> str:
        """The clean table's columns as a list for SELECT."""
        return ", ".join(named(name) for name in self.outputs)


@dataclass(frozen=True)
class Work:
    """What a plan is made from."""

    name: str
    source: Source
    settings: Settings
    view: str
    schema: pa.Schema
    mapped: Mapped
    found: Findings
    normalise: Normalise
    now: datetime
    repeats: str | None = None
    """Relation of repeated rows: row, first (the row they repeat), number (2 for the first repeat)."""


def plan(work: Work) -> CleanPlan:
    """The SQL that reads one source.

    Raises DataError when the source has no identifier left.
    """
    if not work.mapped.all("identifier"):
        raise DataError(f"source '{work.name}': no identifier can be read. Map one under `identifiers`")
    read = read_sql(work)
    columns = _mapped(work)
    select = ", ".join(f"{sql} AS {named('o:' + name)}" for name, sql in columns.items())
    middle = f"(SELECT *, {select} FROM {read})"
    repeats = f' LEFT JOIN {work.repeats} ON "again:row" = _row' if work.repeats else ""
    outputs = _outputs(work)
    out = ", ".join(f"{sql} AS {named(name)}" for name, sql in outputs.items())
    inner = f'(SELECT *, {_reason(work)} AS "o:reason" FROM {middle}{repeats})'
    matched = " OR ".join(f'"o:id_{part.name}" IS NOT NULL' for part in work.mapped.all("identifier"))
    judged = (
        f'SELECT {out}, "o:reason" AS reason, {_detail(work)} AS detail, {_raw(work)} AS raw, '
        f"({matched}) AS matched FROM {inner}"
    )
    ids = tuple(f"id_{part.name}" for part in work.mapped.all("identifier"))
    return CleanPlan(work.name, read, judged, dict.fromkeys(outputs, ""), ids)


def read_sql(work: Work) -> str:
    """The relation of cleaned rows with texts read as numbers and times."""
    mapped = work.mapped
    decimal = work.source.csv.decimal
    made = [f"{_number(column, decimal)} AS {named('n:' + column)}" for column in sorted(mapped.numbers)]
    for key, expr in mapped.times.items():
        made.append(f"{time_sql(mapped.sql(expr), work.found.ways.get(key, []), mapped.zone)} AS {named(key)}")
    relation = cleaned(work.view, mapped, work.schema)
    return f"(SELECT {', '.join(['*', *made])} FROM {relation})"


def hash_sql(work: Work) -> str:
    """SQL for an id made of a row's content, the same in every run."""
    cells = ", ".join(f"coalesce(CAST({named(name)} AS VARCHAR), chr(30))" for name in raw_columns(work.schema))
    return f"left(md5(concat_ws(chr(31), {quoted(work.name)}, {cells})), 16)"


def raw_columns(schema: pa.Schema) -> list[str]:
    """The source's own columns."""
    return [name for name in schema.names if name not in ("_row", "_file")]


def _number(column: str, decimal: str) -> str:
    text = named(f"c:{column}")
    as_people = number_sql(text, decimal)
    if decimal == ",":
        return as_people
    # CASE, not coalesce: only a CASE keeps the costly reading off the rows that do not need it.
    return f"(CASE WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) ELSE {as_people} END)"


def _mapped(work: Work) -> dict[str, str]:
    """The mapped columns: what the expressions give, before rows are judged."""
    mapped = work.mapped
    columns: dict[str, str] = {}
    for part in mapped.all("identifier"):
        columns[f"raw_{part.name}"] = text_of(part, work)
    at = mapped.part("at")
    columns["at"] = mapped.sql(at.expr) if at else "CAST(NULL AS TIMESTAMPTZ)"
    where, returns = mapped.part("where"), mapped.part("returns")
    columns["kept"] = f"coalesce({mapped.sql(where.expr)}, false)" if where else "true"
    columns["returned"] = f"coalesce({mapped.sql(returns.expr)}, false)" if returns else "false"
    value = mapped.part("value")
    columns["value"] = mapped.sql(value.expr) if value else "CAST(NULL AS DOUBLE)"
    columns["rate"] = _rate(work)
    columns["event"] = _event(work)
    return {**columns, **{f"id_{part.name}": _identifier(part, work, columns) for part in mapped.all("identifier")}}


def _identifier(part: Part, work: Work, columns: Mapping[str, str]) -> str:
    raw = columns[f"raw_{part.name}"]
    return raw if part.bare == ROW else work.normalise(part.name, raw)


def text_of(part: Part, work: Work) -> str:
    """SQL for a part as text: whole numbers without a point, not rounded as a double would be."""
    if part.bare is not None and pa.types.is_integer(work.schema.field(part.bare).type):
        return f"CAST({named(part.bare)} AS VARCHAR)"
    if part.expr.type is Type.TEXT:
        return work.mapped.sql(part.expr)
    from shoal.define.tree import Call

    return work.mapped.sql(Call("text", (part.expr,), Type.TEXT))


def _event(work: Work) -> str:
    source, column = work.source, work.mapped.part("event")
    if isinstance(source.event, str):
        plain = SIGNED_UP if source.kind == "profiles" and source.event == "Event" else source.event
        return quoted(plain)
    names = source.event.names
    return mapped_sql(text_of(column, work), names) if column is not None else "CAST(NULL AS VARCHAR)"


def _rate(work: Work) -> str:
    """SQL for what one unit of the row's currency is worth in the workspace's; NULL when that is unknown."""
    settings, source = work.settings, work.source
    column = work.mapped.part("currency")
    if source.currency is None:
        return "1e0"
    rates = {code.upper(): rate for code, rate in settings.rates.items()}
    if settings.currency is not None:
        rates.setdefault(settings.currency.upper(), 1.0)
    if column is None:
        code = source.currency.upper()
        alone = settings.currency is None and not settings.rates
        rate = 1.0 if alone else rates.get(code)
        return "CAST(NULL AS DOUBLE)" if rate is None else repr(float(rate)) + "e0"
    if settings.currency is None and len(work.found.currencies) == 1:
        rates.setdefault(work.found.currencies[0], 1.0)
    code = f"upper({text_of(column, work)})"
    whens = " ".join(f"WHEN {code} = {quoted(name)} THEN {float(rate)!r}e0" for name, rate in rates.items())
    return f"(CASE WHEN {code} IS NULL THEN 1e0 {whens} END)"


def _outputs(work: Work) -> dict[str, str]:
    """The clean table's columns."""
    mapped, source = work.mapped, work.source
    number = "coalesce('-' || CAST(\"again:number\" AS VARCHAR), '')" if work.repeats else "''"
    made = f"{hash_sql(work)} || {number}"
    given = mapped.part("id")
    event = (
        f'CASE WHEN "o:returned" THEN {quoted(source.returns.event)} ELSE "o:event" END'
        if source.returns
        else '"o:event"'
    )
    outputs = {
        "row": "_row",
        "event_id": f"coalesce({text_of(given, work)} || {number}, {made})" if given else made,
        "event": f"CASE WHEN {_at(work)} IS NULL THEN NULL ELSE {event} END" if source.kind == "profiles" else event,
        "at": _at(work),
        "value": '(CASE WHEN "o:returned" THEN abs("o:value") ELSE "o:value" END) * "o:rate"',
    }
    for part in mapped.all("identifier"):
        outputs[f"id_{part.name}"] = named(f"o:id_{part.name}")
    traits = {part.name: part for part in mapped.all("trait")}
    properties = {part.name: part for part in mapped.all("property")}
    if source.kind == "events":
        properties = {**traits, **properties}
    outputs |= {f"p_{name}": typed(part, work) for name, part in properties.items()}
    return outputs | {f"t_{name}": typed(part, work) for name, part in traits.items()}


def _at(work: Work) -> str:
    if work.source.kind == "events":
        return '"o:at"'
    return f'(CASE WHEN "o:at" BETWEEN {_instant(_dawn(work))} AND {_instant(_limit(work))} THEN "o:at" END)'


def typed(part: Part, work: Work) -> str:
    """SQL for a property or trait in the type that its values have."""
    mapped, found = work.mapped, work.found
    kind = found.types.get(part.bare) if part.bare is not None else None
    if kind == "number":
        return named(f"n:{part.bare}")
    if kind == "time":
        return named(mapped.time(part.expr))
    if kind == "bool":
        return f"TRY_CAST({mapped.sql(part.expr)} AS BOOLEAN)"
    if part.name in found.words:
        return mapped_sql(mapped.sql(part.expr), found.words[part.name])
    if id_like(part) and part.expr.type in (Type.TEXT, Type.NUMBER):
        text = text_of(part, work)
        bare = quoted(r"^([+-]?\d+)\.0+$")
        return f"(CASE WHEN {text} LIKE '%.0' THEN regexp_replace({text}, {bare}, '\\1') ELSE {text} END)"
    sql = mapped.sql(part.expr)
    return f"CAST({sql} AS DOUBLE)" if part.expr.type is Type.NUMBER else sql


def _dawn(work: Work) -> datetime:
    return datetime(1900, 1, 1, tzinfo=work.now.tzinfo)


def _limit(work: Work) -> datetime:
    return work.now + timedelta(days=1)


def _instant(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S%z}'"


def _reason(work: Work) -> str:
    """SQL for the code of why a row is refused, the first that holds; NULL when it is good."""
    mapped, source = work.mapped, work.source
    missing = " AND ".join(f'"o:id_{part.name}" IS NULL' for part in mapped.all("identifier"))
    whens = [('NOT "o:kept"', "excluded"), (missing, "no_identifier")]
    if source.kind == "events":
        whens += [
            (f'"o:at" IS NULL OR "o:at" < {_instant(_dawn(work))}', "bad_time"),
            (f'"o:at" > {_instant(_limit(work))}', "future_time"),
            ('"o:event" IS NULL', "no_event"),
        ]
    if work.repeats and source.drops_repeats:
        whens.append(('"again:row" IS NOT NULL', "duplicate"))
    if texts := _value_texts(work):
        whens.append((" OR ".join(f"({_unread(name)})" for name in texts), "bad_value"))
    if mapped.part("value") is not None:
        whens.append((f'abs("o:value") > {LARGEST_VALUE}', "bad_value"))
        whens += [
            ('"o:value" IS NOT NULL AND "o:rate" IS NULL', "unknown_currency"),
            ('"o:value" < 0 AND NOT "o:returned"', "negative_value"),
        ]
    cases = " ".join(f"WHEN {test} THEN {quoted(code)}" for test, code in whens)
    return f"(CASE {cases} END)"


def _value_texts(work: Work) -> list[str]:
    value = work.mapped.part("value")
    return sorted(value.reads & work.mapped.numbers) if value is not None else []


def _unread(column: str) -> str:
    return f"{named('c:' + column)} IS NOT NULL AND {named('n:' + column)} IS NULL"


def _detail(work: Work) -> str:
    """SQL for what was wrong with a refused row, with the value it had."""
    mapped, source = work.mapped, work.source
    at = mapped.sql(mapped.times[mapped.at]) if mapped.at else '"o:at"'
    ids = " || ', ' || ".join(
        f"{quoted(part.name + ' ')} || coalesce({_shown(named('o:raw_' + part.name))}, 'blank')"
        for part in mapped.all("identifier")
    )
    value = " ".join(
        f"WHEN {_unread(name)} THEN {quoted(name + ' ')} || {_shown(named('c:' + name))}" for name in _value_texts(work)
    )
    large = "'value ' || CAST(\"o:value\" AS VARCHAR)"
    currency = mapped.part("currency")
    money = text_of(currency, work) if currency else quoted(source.currency or "")
    repeated = "'repeats row ' || CAST(\"again:first\" AS VARCHAR)" if work.repeats else "''"
    whens = {
        "excluded": quoted(f"where: {source.where or ''}"),
        "no_identifier": ids,
        "bad_time": f"'at ' || coalesce({_shown(at)}, 'blank')",
        "future_time": "'at ' || CAST(\"o:at\" AS VARCHAR)",
        "no_event": "'the event is blank'",
        "duplicate": repeated,
        "bad_value": f"(CASE {value} ELSE {large} END)" if value else large,
        "unknown_currency": f"'currency ' || coalesce({_shown(money)}, 'blank')",
        "negative_value": "'value ' || CAST(\"o:value\" AS VARCHAR)",
    }
    cases = " ".join(f"WHEN {quoted(code)} THEN {sql}" for code, sql in whens.items())
    return f'(CASE "o:reason" {cases} END)'


def _shown(sql: str) -> str:
    """A value in quotes, not longer than a line."""
    return f"('''' || left(CAST({sql} AS VARCHAR), 80) || '''')"


def _raw(work: Work) -> str:
    cells = ", ".join(f"{quoted(name)}: {named(name)}" for name in raw_columns(work.schema))
    return f'(CASE WHEN "o:reason" IS NOT NULL THEN left(CAST(to_json({{{cells}}}) AS VARCHAR), {LONGEST_RAW}) END)'


def repeats_sql(work: Work) -> tuple[str, str]:
    """SQL for the rows that may repeat another, and for those that do, given the table `TABLE` of the first.

    Rows are compared by a 64-bit hash first and by content among those that share it.
    """
    given = work.mapped.part("id")
    columns: Sequence[str] = [named(name) for name in raw_columns(work.schema)]
    relation = named(work.view)
    if given is not None:
        relation = f"(SELECT _row, {text_of(given, work)} AS given FROM {read_sql(work)})"
        columns = ["given"]
    listed = ", ".join(columns)
    some = " WHERE given IS NOT NULL" if given is not None else ""
    hashed = f"SELECT _row, hash({listed}) AS h FROM {relation}{some}"
    shared = f"SELECT h FROM ({hashed}) GROUP BY h HAVING count(*) > 1"
    numbered = "row_number() OVER w"
    found = (
        f'SELECT _row AS "again:row", first_value(_row) OVER w AS "again:first", {numbered} AS "again:number" '
        f"FROM (SELECT *, hash({listed}) AS h FROM {relation}) WHERE h IN (SELECT h FROM {{table}}) "
        f"WINDOW w AS (PARTITION BY {listed} ORDER BY _row) QUALIFY {numbered} > 1"
    )
    return shared, found
