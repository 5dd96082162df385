"""Looks at a source's values before they are read: what writes its times, which properties are numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from shoal.define.types import Type
from shoal.unify.countries import country_code
from shoal.unify.mapping import ID_LIKE, Mapped, Part
from shoal.unify.standard import named, number_sql, plain_number_sql, quoted, text_sql
from shoal.unify.times import Form, form_of, formats, local, shape_sql

SAME = 0.99  # share of a text column's values that must be numbers for it to be one
FIRST = 5_000  # rows that are enough to tell prose
MOST_SHAPES = 2_000
MOST_WORDS = 20_000
COUNTRY = "country"


class Asks(Protocol):
    """The part of an engine that looking needs."""

    def query(self, sql: str) -> pa.Table:
        """Runs a query and returns its whole result."""


@dataclass
class Findings:
    """What a look at the values found."""

    ways: dict[str, list[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """Text column to number, bool, time or text."""
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    """Column to the words that are written otherwise (countries)."""
    currencies: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def cleaned(view: str, mapped: Mapped, schema: pa.Schema, columns: Sequence[str] | None = None) -> str:
    """The relation of raw rows with a cleaned column `c:NAME` for each column that is used."""
    wanted = mapped.used if columns is None else columns
    made = [f"{clean_sql(name, schema.field(name).type, mapped)} AS {named('c:' + name)}" for name in wanted]
    return f"(SELECT {', '.join(['*', *made])} FROM {named(view)})"


def clean_sql(name: str, arrow: pa.DataType, mapped: Mapped) -> str:
    """SQL for a raw column without blanks, odd numbers and wall-clock times."""
    column = named(name)
    if pa.types.is_floating(arrow):
        return f"(CASE WHEN isfinite({column}) THEN {column} END)"
    if pa.types.is_date(arrow):
        return local(f"CAST({column} AS TIMESTAMP)", mapped.zone)
    if pa.types.is_timestamp(arrow):
        return column if arrow.tz else local(f"CAST({column} AS TIMESTAMP)", mapped.zone)
    if mapped.columns[name] is not Type.TEXT:
        return column
    text = column if pa.types.is_string(arrow) else f"CAST({column} AS VARCHAR)"
    country = any(part.name == COUNTRY for part in mapped.used.get(name, []))
    return text_sql(text, keep_na=country)


def examine(
    engine: Asks, view: str, mapped: Mapped, schema: pa.Schema, at_format: str | None, decimal: str
) -> Findings:
    """Looks at every value that text must be understood from, in a few passes."""
    findings = Findings()
    relation = cleaned(view, mapped, schema)
    _infer(engine, relation, mapped, decimal, findings)
    for key, expr in mapped.times.items():
        if at_format is not None and key == mapped.at:
            findings.ways[key] = [at_format]
            continue
        sql = mapped.sql(expr)
        label = "at" if key == mapped.at else sql.replace('"c:', '"').replace('"', "")
        findings.ways[key] = ways_of(engine, relation, sql, label, findings.notes)
    for part in (*mapped.all("property"), *mapped.all("trait")):
        if part.name == COUNTRY and part.expr.type is Type.TEXT:
            findings.words[part.label] = _countries(engine, relation, mapped.sql(part.expr))
    currency = mapped.part("currency")
    if currency is not None:
        found = _distinct(engine, relation, f"upper({mapped.sql(currency.expr)})")
        findings.currencies = found or []
    return findings


def ways_of(engine: Asks, relation: str, text: str, label: str, notes: list[str]) -> list[str]:
    """How the values of a text write instants, the commonest way first; notes what had to be decided."""
    shapes = engine.query(
        f"SELECT {shape_sql(text)} AS shape, count(*) AS n FROM {relation} WHERE {text} IS NOT NULL "
        f"GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_SHAPES}"
    )
    counts: dict[Form, int] = {}
    for shape, count in zip(shapes["shape"].to_pylist(), shapes["n"].to_pylist(), strict=True):
        if (form := form_of(shape)) is not None:
            counts[form] = counts.get(form, 0) + count
    day_first = True
    if any(form.swapped for form in counts):
        day_first = _day_first(engine, relation, text, label, notes)
    ways = formats(counts, day_first=day_first)
    if len(ways) > 1:
        notes.append(f"{label} is written in {len(ways)} ways: {', '.join(ways)}")
    return ways


def _day_first(engine: Asks, relation: str, text: str, label: str, notes: list[str]) -> bool:
    pattern = quoted(r"^(\d{1,2})[-/. ](\d{1,2})[-/. ]\d")
    first, second = (f"TRY_CAST(regexp_extract({text}, {pattern}, {group}) AS INTEGER)" for group in (1, 2))
    row = engine.query(
        f"SELECT count(*) FILTER ({first} > 12) AS days, count(*) FILTER ({second} > 12) AS months, "
        f"count(*) FILTER ({text} LIKE '%/%') AS slashes FROM {relation}"
    ).to_pylist()[0]
    if row["days"] and row["months"]:
        more = "day" if row["days"] >= row["months"] else "month"
        notes.append(f"{label} mixes day-first and month-first dates; read as {more} first, the others are refused")
    elif not row["days"] and not row["months"]:
        notes.append(f"{label} does not say whether day or month comes first; read as day first. Set `at_format`")
    return bool(row["days"] >= row["months"])


def _infer(engine: Asks, relation: str, mapped: Mapped, decimal: str, findings: Findings) -> None:
    """The type of each text column that stands alone as a property or trait."""
    parts = {
        part.bare: part
        for part in (*mapped.all("property"), *mapped.all("trait"))
        if part.bare is not None and part.expr.type is Type.TEXT
    }
    open_ones = [name for name, part in parts.items() if name and not id_like(part)]
    first = engine.query(
        f"SELECT {', '.join(named('c:' + name) for name in open_ones) or 1} FROM {relation} LIMIT {FIRST}"
    )
    findings.types = {name: "text" for place, name in enumerate(open_ones) if _is_prose(first.column(place))}
    open_ones = [name for name in open_ones if name not in findings.types]
    for some in (open_ones[start : start + 200] for start in range(0, len(open_ones), 200)):
        asked = ", ".join(_stats(name, place) for place, name in enumerate(some))
        row = engine.query(f"SELECT {asked} FROM {relation}").to_pylist()[0]
        for place, name in enumerate(some):
            stats = {key: row[f"{key}{place}"] for key in ("n", "plain", "zeros", "bools", "low", "high")}
            findings.types[name] = _type(engine, relation, name, stats, decimal)
    for name, kind in findings.types.items():
        if kind == "number":
            mapped.number(name)
        if kind == "time":
            mapped.time(parts[name].expr)


def _is_prose(column: pa.ChunkedArray) -> bool:
    """Whether a few rows are enough to say that a column is neither numbers nor times nor true and false."""
    words = {word for word in column.to_pylist() if word is not None}
    plain = [
        word for word in words if word.lower() not in ("true", "false") and not any(sign.isdigit() for sign in word)
    ]
    return len(plain) > (1 - SAME) * len(words) + 1


def id_like(part: Part) -> bool:
    """Whether a property's values are names, even when they look like numbers.

    >>> from shoal.define.tree import Column
    >>> id_like(Part("property", "order_id", "InvoiceNo", Column("c:InvoiceNo", Type.TEXT), "InvoiceNo"))
    True
    """
    return bool(ID_LIKE.search(part.name)) or part.name == COUNTRY


def _stats(name: str, place: int) -> str:
    column = named(f"c:{name}")
    return (
        f"count({column}) AS n{place}, count({plain_number_sql(column)}) AS plain{place}, "
        f"count(*) FILTER ({column} > '0' AND {column} < '1' AND {column} NOT LIKE '0.%') AS zeros{place}, "
        f"count(*) FILTER (lower({column}) IN ('true', 'false')) AS bools{place}, "
        f"min({column}) AS low{place}, max({column}) AS high{place}"
    )


def _type(engine: Asks, relation: str, name: str, stats: Mapping[str, object], decimal: str) -> str:
    count = int(str(stats["n"]))
    if not count:
        return "text"
    if int(str(stats["plain"])) >= SAME * count:
        return "text" if stats["zeros"] else "number"
    if stats["bools"] == count:
        return "bool"
    ends = [str(stats["low"]), str(stats["high"])]
    digits = str.maketrans("123456789", "0" * 9)
    if all(not end.isdigit() and form_of(end.translate(digits)) for end in ends):
        return "time"
    if any(any(letter.isdigit() for letter in end) for end in ends):
        column = named(f"c:{name}")
        sample = f"(SELECT {column} FROM {relation} WHERE {column} IS NOT NULL LIMIT 10000)"
        row = engine.query(
            f"SELECT count(*) AS n, count({number_sql(column, decimal)}) AS good FROM {sample}"
        ).to_pylist()
        if row[0]["good"] >= SAME * row[0]["n"]:
            return "number"
    return "text"


def _countries(engine: Asks, relation: str, text: str) -> dict[str, str]:
    words = _distinct(engine, relation, text) or []
    return {word: code for word in words if (code := country_code(word)) is not None and code != word}


def _distinct(engine: Asks, relation: str, text: str) -> list[str] | None:
    found = engine.query(
        f"SELECT {text} AS word FROM {relation} WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT {MOST_WORDS + 1}"
    )["word"].to_pylist()
    return found if len(found) <= MOST_WORDS else None
