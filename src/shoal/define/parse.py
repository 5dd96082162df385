"""Text to typed tree: sqlglot reads the text, and only what this module names comes through."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from shoal.define.functions import FUNCTIONS, ROW_FUNCTIONS, Misuse, build, retype, unknown
from shoal.define.tree import Column, Expr, Literal, depth
from shoal.define.types import Columns, Type
from shoal.errors import ExpressionError, suggest

MAX_LENGTH = 10_000
MAX_NODES = 2_000
MAX_DEPTH = 64

UNITS = {
    "WEEK": 604_800_000_000,
    "DAY": 86_400_000_000,
    "HOUR": 3_600_000_000,
    "MINUTE": 60_000_000,
    "SECOND": 1_000_000,
    "MICROSECOND": 1,
}
_BINARY = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Mod": "%",
    "EQ": "=",
    "NEQ": "<>",
    "LT": "<",
    "LTE": "<=",
    "GT": ">",
    "GTE": ">=",
    "DPipe": "concat",
}


def parse(
    text: str,
    columns: Columns,
    *,
    expect: Type | None = None,
    functions: frozenset[str] = ROW_FUNCTIONS,
    lenient: bool = False,
) -> Expr:
    """The typed tree of a rule or formula over `columns`.

    Args:
        text: at most 10,000 characters of SQL-flavoured text.
        columns: names that may be read, with their types; a name with blanks is written in double quotes.
        expect: the type that the whole must have.
        functions: names of the functions that may be called.
        lenient: text that meets a number or a time is read as one (raw columns of a source are often all text).

    Raises ExpressionError with the place in the text and the nearest known name.

    >>> from shoal.define.types import Type
    >>> parse("orders >= 3", {"orders": Type.NUMBER}).type
    <Type.BOOL: 'bool'>
    """
    reader = _Reader(text, columns, functions, lenient)
    try:
        expr = reader.read(_tokens_to_tree(text))
        if expect is not None:
            expr = retype(expr, expect, lenient, "the whole expression")
    except RecursionError:
        raise ExpressionError("is nested too deeply; write it in parts", text) from None
    except Misuse as error:
        raise ExpressionError(str(error), text, 0) from None
    if depth(expr) > MAX_DEPTH:
        raise ExpressionError(f"is nested {depth(expr)} levels deep, at most {MAX_DEPTH}; write it in parts", text)
    return expr


@cache
def _dialect() -> Any:
    """DuckDB's grammar without statements or known functions, so that every call reaches us as written."""
    from sqlglot.dialects.duckdb import DuckDB

    base: Any = DuckDB
    case = base.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    tables = ("FUNCTIONS", "FUNCTION_PARSERS", "NO_PAREN_FUNCTIONS", "STATEMENT_PARSERS")
    plain: dict[str, Any] = {**{table: {} for table in tables}, "NO_PAREN_FUNCTION_PARSERS": {"CASE": case}}
    # sqlglot binds % as loosely as +; in SQL it binds as tightly as *.
    terms, factors = base.Parser.TERM, base.Parser.FACTOR
    modulo = {token: made for token, made in terms.items() if made.__name__ == "Mod"}
    plain["TERM"] = {token: made for token, made in terms.items() if token not in modulo}
    plain["FACTOR"] = {**factors, **modulo}
    parser = type("Parser", (base.Parser,), plain)
    tokenizer = type("Tokenizer", (base.Tokenizer,), {"COMMANDS": set()})
    return type("ShoalRules", (base,), {"Parser": parser, "Tokenizer": tokenizer})


def tokens(text: str) -> list[Any]:
    """The text's tokens as sqlglot cuts them: texts, quoted names and comments are told from the rest.

    Empty where the text is too long or a quote is not closed; `parse` says so.

    >>> [token.text for token in tokens("a >= 'in top' -- in top")]
    ['a', '>=', 'in top']
    """
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import TokenError

    try:
        return list(Dialect.get_or_raise(_dialect()).tokenize(text)) if len(text) <= MAX_LENGTH else []
    except TokenError:
        return []


def _tokens_to_tree(text: str) -> Any:
    import sqlglot
    from sqlglot.errors import ParseError, TokenError

    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"has {len(text):,} characters, at most {MAX_LENGTH:,}", text)
    if not text.strip():
        raise ExpressionError("is empty; write an expression such as value > 0", text, 0)
    try:
        trees = [tree for tree in sqlglot.parse(text, read=_dialect()) if tree is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = _offset(text, first.get("line"), first.get("col"))
        what = str(first.get("description", error)).split(" missing for <class")[0]
        what = what.replace("Required keyword: 'expression'", "something is missing after this")
        raise ExpressionError(f"cannot be read: {what}", text, place) from None
    except TokenError:
        raise ExpressionError("cannot be read: a quote or comment is not closed", text, _open_quote(text)) from None
    if len(trees) != 1:
        raise ExpressionError("must be one expression, without ;", text, max(text.find(";"), 0))
    return trees[0]


def _offset(text: str, line: int | None, column: int | None) -> int | None:
    if line is None or column is None:
        return None
    before = sum(len(part) + 1 for part in text.split("\n")[: line - 1])
    return min(max(before + column - 1, 0), max(len(text) - 1, 0))


def _open_quote(text: str) -> int | None:
    odd = [text.rfind(quote) for quote in "'\"" if text.count(quote) % 2]
    return max(odd) if odd else None


class _Reader:
    """Turns sqlglot's tree into ours, refusing whatever has no method here."""

    def __init__(self, text: str, columns: Columns, functions: frozenset[str], lenient: bool) -> None:
        self.text, self.columns, self.functions, self.lenient = text, columns, functions, lenient
        self.nodes = 0
        self.place = 0

    def read(self, node: Any) -> Expr:
        kind = type(node).__name__
        self.nodes += 1
        place = _place(node)
        self.place = self.place if place is None else place
        if self.nodes > MAX_NODES:
            raise ExpressionError(f"has more than {MAX_NODES:,} parts; write it in parts", self.text)
        if kind == "Paren":
            return self.read(node.this)
        known: Callable[[Any], Expr] = getattr(self, f"_{kind.lower()}", self._refused)
        try:
            return self.make(_BINARY[kind], node.this, node.expression) if kind in _BINARY else known(node)
        except Misuse as error:
            raise ExpressionError(str(error), self.text, self.place if place is None else place) from None

    def make(self, function: str, *nodes: Any) -> Expr:
        return build(function, [self.read(node) for node in nodes], lenient=self.lenient)

    def _refused(self, node: Any) -> Expr:
        raise Misuse(f"{_spoken(node)} is not part of the rule language")

    def _literal(self, node: Any) -> Expr:
        if node.is_string:
            return Literal(str(node.this), Type.TEXT)
        try:
            value = float(node.this)
        except ValueError:
            raise Misuse(f"'{node.this}' is not a number") from None
        if value in (float("inf"), float("-inf")):
            raise Misuse(f"{node.this} is beyond the range of a number")
        return Literal(value, Type.NUMBER)

    def _boolean(self, node: Any) -> Expr:
        return Literal(bool(node.this), Type.BOOL)

    def _null(self, _: Any) -> Expr:
        return Literal(None, Type.NULL)

    def _interval(self, node: Any) -> Expr:
        unit = str(node.args.get("unit") or "").upper().removesuffix("S")
        amount = node.this
        if unit not in UNITS or type(amount).__name__ != "Literal" or not re.fullmatch(r"\d{1,16}", str(amount.this)):
            raise Misuse("an interval is a whole number of weeks, days, hours, minutes or seconds: interval '30 days'")
        return Literal(int(amount.this) * UNITS[unit], Type.DURATION)

    def _column(self, node: Any) -> Expr:
        if node.args.get("table") is not None or type(node.this).__name__ != "Identifier":
            raise Misuse('column names have no dots; write one with odd characters as "a.b"')
        name = node.this.name
        if name not in self.columns:
            quotes = " Texts stand in single quotes." if node.this.args.get("quoted") else ""
            raise Misuse(f"unknown column '{name}'.{suggest(name, self.columns)}{quotes}")
        return Column(name, self.columns[name])

    def _anonymous(self, node: Any) -> Expr:
        name = str(node.this).lower()
        if name not in FUNCTIONS or name not in self.functions:
            raise Misuse(unknown(name, self.functions))
        return self.make(name, *node.expressions)

    def _neg(self, node: Any) -> Expr:
        return self.make("neg", node.this)

    def _not(self, node: Any) -> Expr:
        return self.make("not", node.this)

    def _and(self, node: Any) -> Expr:
        return self._chain("and", node)

    def _or(self, node: Any) -> Expr:
        return self._chain("or", node)

    def _chain(self, function: str, node: Any) -> Expr:
        """Long chains lean left; they are read along the spine so that their length is not their depth."""
        right: list[Any] = []
        kind = type(node)
        while type(node) is kind:
            right.append(node.expression)
            node = node.this
        return self.make(function, node, *reversed(right))

    def _is(self, node: Any) -> Expr:
        if type(node.expression).__name__ != "Null":
            raise Misuse("after `is` comes null or not null; write `x` or `not x` for true and false")
        return self.make("is_null", node.this)

    def _in(self, node: Any) -> Expr:
        if not node.expressions:
            raise Misuse("in needs values in parentheses: in ('a', 'b')")
        return self.make("in", node.this, *node.expressions)

    def _between(self, node: Any) -> Expr:
        return self.make("between", node.this, node.args["low"], node.args["high"])

    def _like(self, node: Any, function: str = "like") -> Expr:
        made = self.make(function, node.this, node.expression)
        return build("not", [made]) if node.args.get("negate") else made

    def _ilike(self, node: Any) -> Expr:
        return self._like(node, "ilike")

    def _case(self, node: Any) -> Expr:
        subject = node.args.get("this")
        parts: list[Expr] = []
        for branch in node.args["ifs"]:
            condition = self.read(branch.this) if subject is None else self.make("=", subject, branch.this)
            parts += [condition, self.read(branch.args["true"])]
        default = node.args.get("default")
        parts.append(Literal(None, Type.NULL) if default is None else self.read(default))
        return build("case", parts, lenient=self.lenient)


def _place(node: Any) -> int | None:
    """Where a node starts in the text: the least place that sqlglot noted at or under it."""
    places = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(places, default=None)


def _spoken(node: Any) -> str:
    """What a refused construct is called."""
    names = {
        "Select": "a query",
        "Subquery": "a query inside the expression",
        "Window": "a window (over ...)",
        "Star": "*",
        "Lambda": "a lambda",
        "Cast": "a cast (write number(...), text(...) or time(...))",
        "Alias": "a name after an expression",
        "Placeholder": "a placeholder",
        "Bracket": "an index [...]",
        "Exists": "exists (...)",
    }
    return names.get(type(node).__name__, f"'{type(node).__name__}'")


def names_in(text: str) -> frozenset[str]:
    """Names that a text reads as columns, before it is known what they are.

    >>> sorted(names_in("orders / greatest(days, 1)"))
    ['days', 'orders']
    """
    tree = _tokens_to_tree(text)
    return frozenset(node.name for node in tree.walk() if type(node).__name__ == "Column")
