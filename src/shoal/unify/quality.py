"""How good a source's rows are: what is there, what is wrong with it, and where it went."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from shoal.define.types import Type
from shoal.summary import ColumnQuality
from shoal.unify.clean import Work
from shoal.unify.examine import Asks
from shoal.unify.mapping import Part
from shoal.unify.standard import named

EXACT = 1_000_000  # rows up to which distinct values are counted one by one
AT_ONCE = 100  # columns in one pass
FIRST = 200  # rows that examples are taken from
SHOWN = 60  # characters of an example
PRIVATE = frozenset({"email", "phone"})


def columns(engine: Asks, work: Work, read: str, rows: int) -> list[ColumnQuality]:
    """Completeness, distinct values, values that could not be read and examples of every mapped column.

    `read` is the relation of cleaned rows with their numbers and times, `rows` how many it has.
    """
    used = work.mapped.used
    result: list[ColumnQuality] = []
    names = list(used)
    for some in (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)):
        asked = [sql for place, name in enumerate(some) for sql in _asked(name, used[name], work, rows, place)]
        row = engine.query(f"SELECT {', '.join(asked)} FROM {read}").to_pylist()[0]
        shown = ", ".join(
            f"left(CAST({named('c:' + name)} AS VARCHAR), {SHOWN}) AS e{place}" for place, name in enumerate(some)
        )
        first = engine.query(f"SELECT {shown} FROM {read} LIMIT {FIRST}")
        for place, name in enumerate(some):
            words = [word for word in first.column(place).to_pylist() if word is not None] or [row[f"e{place}"]]
            result.append(_column(name, used[name], {**row, f"e{place}": dict.fromkeys(words)}, place, rows))
    return result


def _asked(name: str, parts: Sequence[Part], work: Work, rows: int, place: int) -> list[str]:
    column = named(f"c:{name}")
    distinct = f"count(DISTINCT {column})" if rows <= EXACT else f"approx_count_distinct({column})"
    return [
        f"count({column}) AS n{place}",
        f"{distinct} AS d{place}",
        f"count(*) FILTER ({invalid_sql(name, parts, work)}) AS i{place}",
        f"left(CAST(any_value({column}) AS VARCHAR), {SHOWN}) AS e{place}",
    ]


def invalid_sql(name: str, parts: Sequence[Part], work: Work) -> str:
    """SQL for whether a value is there and cannot be read as what it is mapped to."""
    mapped = work.mapped
    column = named(f"c:{name}")
    tests = []
    if name in mapped.numbers:
        tests.append(f"{column} IS NOT NULL AND {named('n:' + name)} IS NULL")
    for key, expr in mapped.times.items():
        if mapped.sql(expr) == column:
            tests.append(f"{column} IS NOT NULL AND {named(key)} IS NULL")
    if pa.types.is_floating(work.schema.field(name).type):
        tests.append(f"{named(name)} IS NOT NULL AND {column} IS NULL")
    for part in parts:
        if part.role == "identifier" and part.bare == name and part.expr.type in (Type.TEXT, Type.NUMBER):
            text = f"CAST({column} AS VARCHAR)"
            tests.append(f"{column} IS NOT NULL AND {work.normalise(part.name, text)} IS NULL")
    return " OR ".join(f"({test})" for test in tests) or "false"


def _column(name: str, parts: Sequence[Part], row: Mapping[str, Any], place: int, rows: int) -> ColumnQuality:
    private = any(part.label in PRIVATE for part in parts)
    examples = [str(example) for example in row[f"e{place}"] if example is not None]
    return ColumnQuality(
        column=name,
        role=", ".join(dict.fromkeys(part.label for part in parts)),
        completeness=row[f"n{place}"] / rows if rows else 0.0,
        distinct=row[f"d{place}"],
        invalid=row[f"i{place}"],
        examples=[masked(example) if private else example for example in examples[:3]],
    )


def masked(text: str) -> str:
    """A personal value of which only the shape is shown.

    >>> masked("ann.lee@example.org"), masked("+44 20 7946 0958")
    ('a**.***@e******.***', '+** ** **** ****')
    """
    hidden = re.sub(r"(?<=[^\W_])[^\W_]|\d", "*", text)
    return re.sub(r"(?<=\.)[^\W_]", "*", hidden)
