"""What a source's mapping means over its raw columns: each expression parsed, typed and made ready for SQL.

Text that an expression uses as a number or a time is not cast on the spot: it becomes a column of its own
(`n:NAME`, `t:0`), so that one reading of decimal marks and date formats serves every expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shoal.define.parse import parse
from shoal.define.tree import Call, Column, Expr, columns_of
from shoal.define.types import Type
from shoal.define.words import to_sql
from shoal.errors import ExpressionError, suggest
from shoal.settings import EventColumn, Source

ID_LIKE = re.compile(
    r"(^|_|\b)(id|ids|no|nr|code|sku|zip|postcode|postal_code|phone|key|ref|gtin|ean|isbn)$", re.IGNORECASE
)

ROW = "_row"  # the column of row numbers, which every scan has


@dataclass(frozen=True)
class Part:
    """One thing that a source maps: its role (`at`, `value`, `identifier`, ...), its name and its expression."""

    role: str
    name: str
    text: str
    expr: Expr
    bare: str | None = None
    """The raw column, where the expression is nothing but one."""
    reads: frozenset[str] = frozenset()
    """The raw columns that it reads."""

    @property
    def label(self) -> str:
        """What the mapping calls it."""
        return self.name if self.role in ("identifier", "property", "trait") else self.role


@dataclass
class Mapped:
    """A source's mapping, ready for SQL."""

    columns: Mapping[str, Type]
    zone: str
    parts: list[Part] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)
    """Raw text columns that are read as numbers."""
    times: dict[str, Expr] = field(default_factory=dict)
    """Texts that are read as times: name of the column made of them to expression."""
    at: str | None = None
    """The one of `times` that is the event's time, where that is read from text."""
    notes: list[str] = field(default_factory=list)

    def part(self, role: str) -> Part | None:
        """The only part with a role."""
        return next((part for part in self.parts if part.role == role), None)

    def all(self, role: str) -> list[Part]:
        """Every part with a role, in the mapping's order."""
        return [part for part in self.parts if part.role == role]

    @property
    def used(self) -> dict[str, list[Part]]:
        """Raw columns that the mapping reads, each with the parts that read it."""
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            for name in part.reads:
                found.setdefault(name, []).append(part)
        return {name: found[name] for name in self.columns if name in found}

    def sql(self, expr: Expr) -> str:
        """SQL over the cleaned columns."""
        return to_sql(expr, time_zone=self.zone)

    def number(self, column: str) -> str:
        """The name of a text column read as a number."""
        self.numbers.add(column)
        return f"n:{column}"

    def time(self, expr: Expr) -> str:
        """The name of a text read as a time."""
        for name, known in self.times.items():
            if known == expr:
                return name
        name = f"t:{len(self.times)}"
        self.times[name] = expr
        return name


def map_source(source: Source, columns: Mapping[str, Type], zone: str, row_kind: str | None = None) -> Mapped:
    """Parses every expression of a source over its raw columns.

    `row_kind` is the identifier type of row numbers, where they are all that tells the source's people apart.
    A property, a trait or one of several identifiers that cannot be read is left out with a note.
    Raises ExpressionError, which names the setting, for what the source cannot do without.
    """
    mapped = Mapped(columns, zone)
    _add(mapped, "id", "id", source.id, Type.TEXT)
    _add(mapped, "at", "at", source.at, None)
    _as_time(mapped)
    _add(mapped, "value", "value", source.value, Type.NUMBER)
    _add(mapped, "where", "where", source.where, Type.BOOL)
    if source.returns is not None:
        _add(mapped, "returns", "returns.when", source.returns.when, Type.BOOL)
    if isinstance(source.event, EventColumn):
        _add_column(mapped, "event", "event.column", source.event.column)
    if source.currency is not None and source.currency in columns:
        _add_column(mapped, "currency", "currency", source.currency)
    faults = _add_all(mapped, "identifier", source.identifiers, Type.TEXT)
    if faults and not mapped.all("identifier"):
        raise faults[0]
    if row_kind is not None:
        mapped.parts.append(Part("identifier", row_kind, ROW, Column(ROW, Type.NUMBER), ROW))
    faults += _add_all(mapped, "property", source.properties, None)
    faults += _add_all(mapped, "trait", source.traits, None)
    mapped.notes += [f"left out: {fault}" for fault in faults]
    return mapped


def _as_time(mapped: Mapped) -> None:
    """Makes the event's time an instant, whether its expression is a time, a text or a number."""
    part = mapped.part("at")
    if part is None:
        return
    expr = part.expr
    if expr.type is not Type.TIME:
        text = expr if expr.type is Type.TEXT else Call("text", (expr,), Type.TEXT)
        expr = Column(mapped.time(text), Type.TIME)
        mapped.parts[mapped.parts.index(part)] = replace(part, expr=expr)
    if isinstance(expr, Column) and expr.name in mapped.times:
        mapped.at = expr.name


def _add_all(
    mapped: Mapped, role: str, expressions: Mapping[str, str | None] | Mapping[str, str], expect: Type | None
) -> list[ExpressionError]:
    plural = {"identifier": "identifiers", "property": "properties", "trait": "traits"}[role]
    faults = []
    for name, text in expressions.items():
        try:
            _add(mapped, role, f"{plural}.{name}", text, expect, name)
        except ExpressionError as error:
            faults.append(error)
    return faults


def _add(mapped: Mapped, role: str, setting: str, text: str | None, expect: Type | None, name: str = "") -> None:
    if text is None:
        return
    if text in mapped.columns:
        _add_column(mapped, role, setting, text, expect, name)
        return
    try:
        expr = parse(text, mapped.columns, expect=expect, lenient=True)
    except ExpressionError as error:
        raise ExpressionError(f"{setting} {error.what}", error.text, error.position) from None
    bare = expr.name if isinstance(expr, Column) else None
    mapped.parts.append(Part(role, name or role, text, _ready(expr, mapped), bare, columns_of(expr)))


def _add_column(
    mapped: Mapped, role: str, setting: str, column: str, expect: Type | None = None, name: str = ""
) -> None:
    """A mapping that is a column's name as it stands in the file, blanks and all."""
    if column not in mapped.columns:
        raise ExpressionError(f"{setting} names no column.{suggest(column, mapped.columns)}", column)
    quoted = '"' + column.replace('"', '""') + '"'
    expr = parse(quoted, mapped.columns, expect=expect, lenient=True)
    mapped.parts.append(Part(role, name or role, column, _ready(expr, mapped), column, frozenset({column})))


def _ready(expr: Expr, mapped: Mapped) -> Expr:
    """The expression over cleaned columns, its casts of text replaced by the columns that hold them."""
    if isinstance(expr, Column):
        return Column(f"c:{expr.name}", expr.type)
    if not isinstance(expr, Call):
        return expr
    inner = expr.args[0] if expr.args else None
    if expr.function == "number" and isinstance(inner, Column) and inner.type is Type.TEXT:
        return Column(mapped.number(inner.name), Type.NUMBER)
    args = tuple(_ready(arg, mapped) for arg in expr.args)
    if expr.function == "time" and args[0].type is Type.TEXT:
        return Column(mapped.time(args[0]), Type.TIME)
    return Call(expr.function, args, expr.type)


Normalise = Callable[[str, str], str]
"""SQL for the one spelling of an identifier: (type, SQL of its raw text) to SQL, NULL for what identifies nobody."""
