"""A typed tree as text: the rule language's own canonical text, and plain words for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal as Choice

from shoal.define.parse import UNITS
from shoal.define.sql import to_sql as to_sql
from shoal.define.tree import Call, Column, Expr, Literal
from shoal.define.types import Type

Unit = Choice["days", "ago", "money", "share", "count"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Words that the grammar may read as something else than a name; names like these are always quoted.
KEYWORDS = frozenset(
    """
    all alter and as between case create cross describe distinct drop else end except false fetch for force from
    glob grant group having ilike in inner insert install intersect interval into is join lateral like limit not
    notnull null on only or order outer partitioned_by positional qualify regexp returning revoke rlike rollback
    select summarize tablesample then true uncache union using values when where with xor
    """.split()  # noqa: SIM905
)
_LEVEL = {"or": 1, "and": 2, "not": 3, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "neg": 8}
_PRIMARY = 9


@dataclass(frozen=True, slots=True)
class Label:
    """How a column is spoken of: its words, and its unit (`ago` for days since something)."""

    text: str
    unit: Unit | None = None


def to_text(expr: Expr) -> str:
    """The canonical text of a tree; parsing it gives an equal tree.

    >>> from shoal.define.parse import parse
    >>> to_text(parse("NOT a IN (1,2) and (b)", {"a": Type.NUMBER, "b": Type.BOOL}))
    'a not in (1, 2) and b'
    """
    return _write(expr)[0]


def quoted(name: str) -> str:
    """A column's name as it is written in a rule.

    >>> quoted("value"), quoted("Invoice No")
    ('value', '"Invoice No"')
    """
    if _BARE.fullmatch(name) and name.lower() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def number_text(value: float) -> str:
    """A number as short as it can be written without loss.

    >>> number_text(3.0), number_text(0.25)
    ('3', '0.25')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _write(expr: Expr) -> tuple[str, int]:
    """Text and how tightly it binds."""
    if isinstance(expr, Literal):
        text = _literal(expr)
        return text, 8 if text.startswith("-") else _PRIMARY
    if isinstance(expr, Column):
        return quoted(expr.name), _PRIMARY
    name, args = expr.function, expr.args
    if name in ("and", "or"):
        level = _LEVEL[name]
        return f" {name} ".join(_inner(arg, level + 1) for arg in args), level
    if name == "not":
        return _negated(args[0])
    if name == "neg":
        return f"-{_inner(args[0], _PRIMARY)}", _LEVEL[name]
    if name in _LEVEL:
        level = _LEVEL[name]
        return f"{_inner(args[0], level)} {name} {_inner(args[1], level + 1)}", level
    if name == "case":
        whens = [f"when {to_text(args[i])} then {to_text(args[i + 1])}" for i in range(0, len(args) - 1, 2)]
        return f"case {' '.join(whens)} else {to_text(args[-1])} end", _PRIMARY
    return _relation(expr, "") or (f"{name}({', '.join(map(to_text, args))})", _PRIMARY)


def _inner(expr: Expr, least: int) -> str:
    text, level = _write(expr)
    return text if level >= least else f"({text})"


def _negated(arg: Expr) -> tuple[str, int]:
    inner = _relation(arg, "not ") if isinstance(arg, Call) and arg.function not in _PLAIN else None
    return inner or (f"not {_inner(arg, _PRIMARY)}", 3)


_PLAIN = frozenset({"=", "<>", "<", "<=", ">", ">="})


def _relation(call: Call, no: str) -> tuple[str, int] | None:
    """Comparisons and their kin, which SQL writes in the middle."""
    name, args = call.function, call.args
    first = _inner(args[0], 6)
    if name in _PLAIN:
        return f"{first} {name} {_inner(args[1], 6)}", 4
    if name == "is_null":
        return f"{first} is {no}null", 4
    if name == "in":
        return f"{first} {no}in ({', '.join(map(to_text, args[1:]))})", 4
    if name == "between":
        return f"{first} {no}between {_inner(args[1], 6)} and {_inner(args[2], 6)}", 4
    if name in ("like", "ilike"):
        return f"{first} {no}{name} {to_text(args[1])}", 4
    return None


def _literal(expr: Literal) -> str:
    value = expr.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if expr.type is Type.DURATION:
        return f"interval '{_duration(int(value))}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return number_text(value)


def _duration(microseconds: int) -> str:
    unit = next(name for name, size in UNITS.items() if microseconds % size == 0 and (microseconds or name == "DAY"))
    count = microseconds // UNITS[unit]
    return f"{count} {unit.lower()}{'' if count == 1 else 's'}"


_THAN = {"=": "is", "<>": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least"}
_AGO = {"=": "", "<>": "not", "<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_COMPARED = frozenset({*_THAN, "in", "between"})
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "modulo"}


def to_words(expr: Expr, labels: Mapping[str, Label] | None = None, phrases: Mapping[str, str] | None = None) -> str:
    """The rule in plain words, with each column spoken of by its label.

    `phrases` say in other words what a comparison (in canonical text) came from: `{"clv >= 9": "in the top 20%"}`.

    >>> from shoal.define.parse import parse
    >>> rule = parse("orders_90d >= 3 and recency_days <= 20",
    ...              {"orders_90d": Type.NUMBER, "recency_days": Type.NUMBER})
    >>> to_words(rule, {"orders_90d": Label("orders in 90 days", "count"), "recency_days": Label("last order", "ago")})
    'orders in 90 days is at least 3 and last order at most 20 days ago'
    """
    return _Speaker(labels or {}, phrases or {}).say(expr)


class _Speaker:
    def __init__(self, labels: Mapping[str, Label], phrases: Mapping[str, str]) -> None:
        self.labels, self.phrases = labels, phrases

    def label(self, expr: Expr) -> Label:
        if isinstance(expr, Column):
            return self.labels.get(expr.name, Label(expr.name.replace("_", " ")))
        return Label(self.say(expr))

    def say(self, expr: Expr) -> str:
        if isinstance(expr, Literal):
            return self.value(expr, None)
        if isinstance(expr, Column):
            return self.label(expr).text
        if expr.function in _THAN:
            return " ".join(self.compared(expr)).strip()
        known = getattr(self, f"_{expr.function}", None)
        if known is not None:
            return str(known(*expr.args))
        if expr.function in _SIGNS:
            left, right = map(self.operand, expr.args)
            return f"{left} {_SIGNS[expr.function]} {right}"
        return f"{expr.function.replace('_', ' ')} of {', '.join(map(self.operand, expr.args))}"

    def operand(self, expr: Expr) -> str:
        said = self.say(expr)
        tight = not isinstance(expr, Call) or (expr.function not in _LEVEL and expr.function not in _THAN)
        return said if tight else f"({said})"

    def value(self, expr: Expr, unit: Unit | None) -> str:
        if not isinstance(expr, Literal):
            return self.say(expr)
        value = expr.value
        if value is None:
            return "unknown"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return value or "empty"
        if expr.type is Type.DURATION:
            return _duration(int(value))
        return amount(value, unit)

    def compared(self, call: Call) -> tuple[str, str]:
        """Subject and predicate of a comparison, so that two on one subject can share it."""
        subject, rest = self._compared(call)
        phrase = self.phrases.get(to_text(call)) if self.phrases else None
        return subject, f"is {phrase} ({rest.removeprefix('is ')})" if phrase else rest

    def _compared(self, call: Call) -> tuple[str, str]:
        left, right = call.args
        name = call.function
        if isinstance(left, Literal) and not isinstance(right, Literal):
            left, right, name = right, left, _FLIP[name]
        label = self.label(left)
        if label.unit == "ago" and isinstance(right, Literal):
            return label.text, f"{_AGO[name]} {self.value(right, 'days')} ago".strip()
        if left.type is Type.TIME:
            when = {"<": "is before", "<=": "is at or before", ">": "is after", ">=": "is at or after"}
            return label.text, f"{when.get(name, _THAN[name])} {self.value(right, None)}"
        return label.text, f"{_THAN[name]} {self.value(right, label.unit)}"

    def _and(self, *args: Expr) -> str:
        said: list[str] = []
        last = None
        for arg in args:
            if isinstance(arg, Call) and arg.function in _THAN:
                subject, rest = self.compared(arg)
                said.append(rest.removeprefix("is ") if subject == last else f"{subject} {rest}")
                last = subject
            else:
                said.append(self.joined(arg))
                last = None
        return " and ".join(said)

    def _or(self, *args: Expr) -> str:
        said: list[str] = []
        for place, arg in enumerate(args):
            if place and self._also_unknown(args[place - 1], arg):
                said[-1] += ", or unknown"
            else:
                said.append(self.joined(arg))
        return " or ".join(said)

    def _also_unknown(self, before: Expr, arg: Expr) -> bool:
        """Whether `arg` is that what was just compared is unknown: then it need not be named again."""
        if not (isinstance(before, Call) and isinstance(arg, Call) and arg.function == "is_null"):
            return False
        label = self.label(arg.args[0])
        if label.unit == "ago" and label.text.startswith("last "):  # "no order yet" says more
            return False
        return before.function in _COMPARED and before.args[0] == arg.args[0]

    def joined(self, expr: Expr) -> str:
        said = self.say(expr)
        return f"({said})" if isinstance(expr, Call) and expr.function in ("and", "or") else said

    def _not(self, arg: Expr) -> str:
        if isinstance(arg, Call) and arg.function in ("in", "is_null", "like", "ilike", "between"):
            return str(getattr(self, f"_{arg.function}")(*arg.args, no="not "))
        return f"not {self.operand(arg)}"

    def _in(self, subject: Expr, *values: Expr, no: str = "") -> str:
        label = self.label(subject)
        said = [self.value(value, label.unit) for value in values]
        return f"{label.text} is {no}{said[0] if len(said) == 1 else 'one of ' + ', '.join(said)}"

    def _is_null(self, arg: Expr, no: str = "") -> str:
        label = self.label(arg)
        if label.unit == "ago" and label.text.startswith("last "):
            noun = label.text.removeprefix("last ")
            return f"some {noun}" if no else f"no {noun} yet"
        return f"{self.say(arg)} is {'known' if no else 'unknown'}"

    def _between(self, subject: Expr, low: Expr, high: Expr, no: str = "") -> str:
        label = self.label(subject)
        unit: Unit | None = "days" if label.unit == "ago" else label.unit
        bounds = f"{self.value(low, None if unit == 'days' else unit)} and {self.value(high, unit)}"
        return (
            f"{label.text} {no}between {bounds} ago"
            if label.unit == "ago"
            else (f"{label.text} is {no}between {bounds}")
        )

    def _like(self, subject: Expr, pattern: Expr, no: str = "") -> str:
        return f"{self.say(subject)} is {no}like {self.value(pattern, None)}"

    _ilike = _like

    def _starts_with(self, subject: Expr, part: Expr) -> str:
        return f"{self.say(subject)} starts with {self.say(part)}"

    def _ends_with(self, subject: Expr, part: Expr) -> str:
        return f"{self.say(subject)} ends with {self.say(part)}"

    def _contains(self, subject: Expr, part: Expr) -> str:
        return f"{self.say(subject)} contains {self.say(part)}"

    def _neg(self, arg: Expr) -> str:
        return f"minus {self.operand(arg)}"

    def _time(self, arg: Expr) -> str:
        return self.say(arg)

    _number = _text = _time

    def _coalesce(self, first: Expr, *rest: Expr) -> str:
        return f"{self.say(first)} (or {' or '.join(map(self.say, rest))} where unknown)"

    def _case(self, *args: Expr) -> str:
        whens = [f"{self.say(args[i + 1])} when {self.say(args[i])}" for i in range(0, len(args) - 1, 2)]
        return f"{', '.join(whens)}, otherwise {self.say(args[-1])}"


def amount(value: float, unit: Unit | None) -> str:
    """A number in its unit, rounded to what people read.

    >>> amount(0.257, "share"), amount(1234.5, "money"), amount(1, "days"), amount(2.5, None)
    ('25.7%', '1,234.50', '1 day', '2.5')
    """
    if unit == "share":
        return f"{_rounded(value * 100, 1)}%"
    if unit == "money":
        return f"{value:,.2f}".removesuffix(".00")
    if unit in ("days", "ago"):
        said = _rounded(value, 1)
        return f"{said} day" if said == "1" else f"{said} days"
    return _rounded(value, 4)


def _rounded(value: float, digits: int) -> str:
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) < 10**-digits:
        return f"{value:.2g}"
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".")
