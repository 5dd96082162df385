"""A typed tree as SQL with the same meaning, NULLs and odd numbers included.

DuckDB's dialect is the tongue of the engine; other dialects are translated from it by sqlglot. The session's time zone
must be UTC where naive timestamps (they hold UTC) meet instants. A number column is taken to be finite or NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shoal.define.functions import TIME_LOCAL, TIME_OFFSET, is_time
from shoal.define.tree import Call, Column, Expr, Literal, columns_of
from shoal.define.types import Type

_DUCK = {
    Type.NUMBER: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.BOOL: "BOOLEAN",
    Type.TIME: "TIMESTAMPTZ",
    Type.DURATION: "INTERVAL",
}
# Their results can leave the range of a double; the guard stands once, round the whole chain of them.
_CHAIN = frozenset({"+", "-", "*", "/", "%", "neg", "abs", "round", "floor", "ceil", "sqrt", "ln", "exp", "number"})
_PARTS = {"hour": "hour", "weekday": "isodow", "day": "day", "month": "month", "year": "year"}
_COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">="})
_LONG = 300


def to_sql(expr: Expr, dialect: str = "duckdb", *, time_zone: str = "UTC") -> str:
    """SQL text with the same meaning as `evaluate`, for a table whose columns bear the names in the tree.

    Args:
        expr: the tree.
        dialect: any dialect of sqlglot; everything but `duckdb` is translated, and worth a test on that engine.
        time_zone: the zone of hours, weekdays, days and of times written without an offset.

    >>> from shoal.define.parse import parse
    >>> to_sql(parse("orders_90d >= 3", {"orders_90d": Type.NUMBER}))
    '"orders_90d" >= 3'
    """
    text = _Writer(time_zone, columns_of(expr)).clause(expr)
    if dialect == "duckdb":
        return text
    import sqlglot

    return str(sqlglot.transpile(text, read="duckdb", write=dialect)[0])


def sql_text(value: str) -> str:
    """A text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """A column's name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class _Writer:
    def __init__(self, time_zone: str, columns: frozenset[str] = frozenset()) -> None:
        self.zone = sql_text(time_zone)
        self.names = 0
        self.prefix = "_v"
        while any(name.lower().startswith(self.prefix) for name in columns):
            self.prefix = "_" + self.prefix

    def once(self, sql: str, body: Callable[[str], str]) -> str:
        """`body` of the value of `sql`, without writing a long one twice.

        Repeating a long operand at every level of a nested formula would double its text each time.
        """
        if len(sql) <= _LONG:
            return body(sql)
        self.names += 1
        name = f"{self.prefix}{self.names}"
        return f"list_transform([{sql}], lambda {name}: {body(name)})[1]"

    def clause(self, expr: Expr) -> str:
        """A whole, or a part of and/or, where a comparison needs no parentheses."""
        text = self.sql(expr)
        return text[1:-1] if isinstance(expr, Call) and expr.function in _COMPARED else text

    def sql(self, expr: Expr) -> str:
        """The value as whoever reads it may see it: numbers finite or NULL."""
        if isinstance(expr, Column):
            return sql_name(expr.name)
        if isinstance(expr, Literal):
            return self.literal(expr)
        if expr.function in _CHAIN and expr.type is Type.NUMBER:
            return self.once(self.raw(expr), lambda v: f"(CASE WHEN isfinite({v}) THEN {v} END)")
        return self.call(expr)

    def raw(self, expr: Expr) -> str:
        """A number inside a chain of arithmetic: a double, perhaps infinite or NaN."""
        if isinstance(expr, Column):
            return f"CAST({sql_name(expr.name)} AS DOUBLE)"
        if isinstance(expr, Call) and expr.function in _CHAIN:
            return self.chain(expr)
        return self.sql(expr) if isinstance(expr, Literal) else f"CAST({self.sql(expr)} AS DOUBLE)"

    def chain(self, call: Call) -> str:
        name = call.function
        if name == "number":
            return f"TRY_CAST({self.sql(call.args[0])} AS DOUBLE)"
        args = [self.raw(arg) for arg in call.args]
        if name in ("/", "%"):
            return f"({args[0]} {name} {self.once(args[1], lambda v: f'(CASE WHEN {v} <> 0 THEN {v} END)')})"
        if name in ("+", "-", "*"):
            return f"({args[0]} {name} {args[1]})"
        if name == "neg":
            return f"(-{args[0]})"
        if name in ("sqrt", "ln"):
            sign = ">" if name == "ln" else ">="
            return self.once(args[0], lambda v: f"(CASE WHEN {v} {sign} 0 THEN {name}({v}) END)")
        if name == "round":
            digits = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], Literal) else 0
            return f"round({args[0]}, {int(digits or 0)})" if digits else f"round({args[0]})"
        return f"{name}({args[0]})"

    def literal(self, expr: Literal) -> str:
        value = expr.value
        if value is None:
            return f"CAST(NULL AS {_DUCK[expr.type]})" if expr.type in _DUCK else "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, str):
            return sql_text(value)
        if expr.type is Type.DURATION:
            return f"to_microseconds({int(value)})"
        text = repr(float(value))
        return f"CAST({sql_text(text)} AS DOUBLE)" if text.startswith("-") else text if "e" in text else f"{text}e0"

    def compared(self, expr: Expr, other: Expr) -> str:
        """One side of a comparison; a column beside a whole number stays as people would write it."""
        whole = isinstance(expr, Literal) and isinstance(expr.value, float) and expr.value == int(expr.value)
        if whole and isinstance(other, Column) and abs(expr.value) < 2**31:  # type: ignore[union-attr,arg-type]
            return str(int(expr.value))  # type: ignore[union-attr,arg-type]
        if expr.type is Type.NUMBER and isinstance(expr, Column) and not isinstance(other, Column | Literal):
            return f"CAST({sql_name(expr.name)} AS DOUBLE)"
        return self.sql(expr)

    def call(self, call: Call) -> str:
        name, args = call.function, call.args
        known = getattr(self, f"_{name}", None)
        if known is not None:
            return str(known(*args))
        if name in ("and", "or"):
            return f"({f' {name.upper()} '.join(map(self.clause, args))})"
        if name in _COMPARED:
            return f"({self.compared(args[0], args[1])} {name} {self.compared(args[1], args[0])})"
        if name in ("+", "-"):
            return self.shift(call)
        if name == "day_number":
            local = f"CAST(timezone({self.zone}, {self.instant(args[0])}) AS DATE)"
            return f"CAST(date_diff('day', DATE '1970-01-01', {local}) AS DOUBLE)"
        if name in _PARTS:
            return f"CAST({_PARTS[name]}(timezone({self.zone}, {self.instant(args[0])})) AS DOUBLE)"
        return f"{name}({', '.join(map(self.value, args))})"

    def value(self, expr: Expr) -> str:
        """A value beside others that must have its very type."""
        if isinstance(expr, Column) and expr.type in (Type.NUMBER, Type.TIME):
            return f"CAST({sql_name(expr.name)} AS {_DUCK[expr.type]})"
        return self.sql(expr)

    def instant(self, expr: Expr) -> str:
        return self.value(expr)

    def _not(self, arg: Expr) -> str:
        return f"(NOT {self.sql(arg)})"

    def _is_null(self, arg: Expr) -> str:
        return f"({self.sql(arg)} IS NULL)"

    def _in(self, subject: Expr, *values: Expr) -> str:
        listed = ", ".join(self.compared(value, subject) for value in values)
        return f"({self.sql(subject)} IN ({listed}))"

    def _between(self, subject: Expr, low: Expr, high: Expr) -> str:
        bounds = f"{self.compared(low, subject)} AND {self.compared(high, subject)}"
        return f"({self.compared(subject, low)} BETWEEN {bounds})"

    def _like(self, subject: Expr, pattern: Expr) -> str:
        return f"({self.sql(subject)} LIKE {self.sql(pattern)})"

    def _ilike(self, subject: Expr, pattern: Expr) -> str:
        return f"(lower({self.sql(subject)}) LIKE lower({self.sql(pattern)}))"

    def _case(self, *args: Expr) -> str:
        whens = [f"WHEN {self.sql(args[i])} THEN {self.value(args[i + 1])}" for i in range(0, len(args) - 1, 2)]
        return f"(CASE {' '.join(whens)} ELSE {self.value(args[-1])} END)"

    def _nullif(self, first: Expr, second: Expr) -> str:
        other = self.value(second)
        return self.once(self.value(first), lambda v: f"(CASE WHEN {v} = {other} THEN NULL ELSE {v} END)")

    def _length(self, arg: Expr) -> str:
        return f"CAST(length({self.sql(arg)}) AS DOUBLE)"

    def _concat(self, *args: Expr) -> str:
        return f"CAST({' || '.join(map(self.sql, args))} AS VARCHAR)"

    def _substr(self, subject: Expr, *cut: Expr) -> str:
        whole = ", ".join(str(int(part.value)) for part in cut if isinstance(part, Literal) and part.value is not None)
        return f"substr({self.sql(subject)}, {whole})"

    def _text(self, arg: Expr) -> str:
        if arg.type is not Type.NUMBER:
            return f"CAST({self.sql(arg)} AS VARCHAR)"
        return self.once(
            self.sql(arg),
            lambda v: (
                f"(CASE WHEN abs({v}) < 1e15 AND {v} = trunc({v}) THEN CAST(CAST({v} AS BIGINT) AS VARCHAR) "
                f"ELSE CAST({v} AS VARCHAR) END)"
            ),
        )

    def _time(self, arg: Expr) -> str:
        local, offset = sql_text(TIME_LOCAL), sql_text(TIME_OFFSET)
        if isinstance(arg, Literal) and isinstance(arg.value, str) and is_time(arg.value):
            plain = datetime.fromisoformat(arg.value).tzinfo is None
            written = f"{'TIMESTAMP' if plain else 'TIMESTAMPTZ'} {sql_text(arg.value)}"
            return f"timezone({self.zone}, {written})" if plain else written
        return self.once(
            self.sql(arg),
            lambda v: (
                f"(CASE WHEN regexp_full_match({v}, {local}) THEN timezone({self.zone}, TRY_CAST({v} AS TIMESTAMP)) "
                f"WHEN regexp_full_match({v}, {offset}) THEN TRY_CAST({v} AS TIMESTAMPTZ) END)"
            ),
        )

    def _date(self, year: Expr, month: Expr, day: Expr) -> str:
        first = self.once(
            self.value(year), lambda v: f"(CASE WHEN trunc({v}) BETWEEN 1 AND 9999 THEN CAST(trunc({v}) AS BIGINT) END)"
        )
        rest = ", ".join(f"CAST(trunc({self.value(part)}) AS BIGINT)" for part in (month, day))
        return f"timezone({self.zone}, TRY(make_timestamp({first}, {rest}, 0, 0, 0)))"

    def _day_number(self, at: Expr) -> str:
        local = f"CAST(timezone({self.zone}, {self.instant(at)}) AS DATE)"
        return f"CAST(date_diff('day', DATE '1970-01-01', {local}) AS DOUBLE)"

    def _days_between(self, first: Expr, last: Expr) -> str:
        span = f"(epoch_us({self.instant(last)}) - epoch_us({self.instant(first)}))"
        return f"({span} / 86400000000e0)"

    def shift(self, call: Call) -> str:
        """A time and a duration: elapsed time, whatever the clocks did."""
        return f"({self.instant(call.args[0])} {call.function} {self.sql(call.args[1])})"
