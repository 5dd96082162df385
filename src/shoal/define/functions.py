"""The functions and operators of the rule language, and the one door through which calls are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shoal.define.tree import Call, Expr, Literal
from shoal.define.types import Type
from shoal.errors import suggest

N, T, B, I = Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME  # noqa: E741


class Misuse(ValueError):
    """A call that the language does not allow; the parser adds the place."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function by name: the types it takes (None: all arguments alike), the type it gives (None: theirs)."""

    name: str
    takes: tuple[Type, ...] | None
    gives: Type | None
    says: str
    example: str
    optional: int = 0
    written: tuple[int, ...] = ()
    many: bool = False


_ROWS = [
    Function("abs", (N,), N, "distance from zero", "abs(a)"),
    Function("round", (N, N), N, "to the nearest whole number, or to n decimals; halves away from zero",
             "round(a, 2)", optional=1, written=(1,)),
    Function("floor", (N,), N, "largest whole number not above", "floor(a)"),
    Function("ceil", (N,), N, "smallest whole number not below", "ceil(a)"),
    Function("sqrt", (N,), N, "square root; null below zero", "sqrt(a)"),
    Function("ln", (N,), N, "natural logarithm; null at or below zero", "ln(a)"),
    Function("exp", (N,), N, "e to the power", "exp(a)"),
    Function("least", None, None, "smallest of the values that are not null", "least(a, b)", many=True),
    Function("greatest", None, None, "largest of the values that are not null", "greatest(a, b)", many=True),
    Function("coalesce", None, None, "first value that is not null", "coalesce(a, 0)", many=True),
    Function("nullif", None, None, "null when both are equal, else the first", "nullif(a, 0)"),
    Function("lower", (T,), T, "in small letters", "lower(s)"),
    Function("upper", (T,), T, "in capital letters", "upper(s)"),
    Function("trim", (T,), T, "without blanks at both ends", "trim(s)"),
    Function("length", (T,), N, "number of characters", "length(s)"),
    Function("starts_with", (T, T), B, "whether the text starts so", "starts_with(s, 'C')"),
    Function("ends_with", (T, T), B, "whether the text ends so", "ends_with(s, '.com')"),
    Function("contains", (T, T), B, "whether the text holds the other", "contains(s, 'gift')"),
    Function("replace", (T, T, T), T, "with every occurrence of the second changed to the third",
             "replace(s, ',', '.')"),
    Function("substr", (T, N, N), T, "characters from a position (the first is 1), at most so many",
             "substr(s, 1, 3)", optional=1, written=(1, 2)),
    Function("concat", (T, T), T, "texts joined, also written `||`; null when one is null", "concat(s, '-', u)",
             many=True),
    Function("number", (N,), N, "text (or true as 1, false as 0) as a number; null when it is none", "number(s)"),
    Function("text", (T,), T, "number or bool as text; whole numbers without a decimal point", "text(a)"),
    Function("time", (T,), I, "ISO 8601 text as a time, local where it names no offset; null when it is none",
             "time('2011-12-09')"),
    Function("date", (N, N, N), I, "midnight of a local day from year, month and day; null when there is no such day",
             "date(2011, 12, 9)"),
    Function("hour", (I,), N, "local hour, 0 to 23", "hour(t)"),
    Function("weekday", (I,), N, "local day of the week, Monday is 1 and Sunday is 7", "weekday(t)"),
    Function("day", (I,), N, "local day of the month", "day(t)"),
    Function("day_number", (I,), N, "local days since 1970; count distinct ones for active days", "day_number(t)"),
    Function("month", (I,), N, "local month, 1 to 12", "month(t)"),
    Function("year", (I,), N, "local year", "year(t)"),
    Function("days_between", (I, I), N, "elapsed days of 24 hours from the first to the second, with fractions",
             "days_between(t, time('2011-12-09'))"),
]  # fmt: skip
FUNCTIONS = {function.name: function for function in _ROWS}
ROW_FUNCTIONS = frozenset(FUNCTIONS)

ARITHMETIC = frozenset("+-*/%")
COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
OPERATORS = ARITHMETIC | COMPARISONS | {"neg", "and", "or", "not", "is_null", "in", "between", "like", "ilike", "case"}

# ISO 8601 as `time(...)` reads it, the same in NumPy and SQL: local without an offset, else with one.
TIME_LOCAL = r"\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)?"
TIME_OFFSET = r"\d{4}-\d{2}-\d{2}[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)"

# From a type to the function that brings text to it, where the mode is lenient.
_BRINGS = {N: "number", I: "time"}


def build(function: str, args: Sequence[Expr], *, lenient: bool = False) -> Expr:
    """A typed call, or Misuse when the language does not allow it.

    With `lenient`, text that meets a number or a time is read as one, and a number that meets a text function as text.

    >>> from shoal.define.tree import Column
    >>> build("+", [Column("a", Type.NUMBER), Literal(1.0, Type.NUMBER)]).type
    <Type.NUMBER: 'number'>
    """
    if function in FUNCTIONS:
        return _call(FUNCTIONS[function], list(args), lenient)
    return _OPERATOR[function](function, list(args), lenient)


def retype(expr: Expr, wanted: Type, lenient: bool, where: str) -> Expr:
    """`expr` as `wanted`: a bare null takes the type; in lenient mode text and numbers are brought over."""
    if expr.type is wanted:
        return expr
    if isinstance(expr, Literal) and expr.type is Type.NULL:
        return Literal(None, wanted)
    if lenient and expr.type is T and wanted in _BRINGS:
        return build(_BRINGS[wanted], [expr])
    if lenient and expr.type in (N, B) and wanted is T:
        return build("text", [expr])
    raise Misuse(f"{where} needs {wanted.value}, got {expr.type.value}{_remedy(expr.type, wanted)}")


def _remedy(got: Type, wanted: Type) -> str:
    brings = {(T, N): "number(...)", (T, I): "time(...)", (N, T): "text(...)", (B, N): "number(...)"}.get((got, wanted))
    return f"; write {brings} around it" if brings else ""


def _alike(function: str, args: list[Expr], lenient: bool, says: str) -> list[Expr]:
    """All arguments of one type: the first that is not a bare null decides, a number or time before a text."""
    kinds = [arg.type for arg in args if arg.type is not Type.NULL]
    if not kinds:
        raise Misuse(f"{function} has only null to work on; name a column")
    decides = next((kind for kind in kinds if kind in _BRINGS), kinds[0]) if lenient else kinds[0]
    for kind in kinds:
        if kind is not decides and not (lenient and {kind, decides} <= {N, I, T} and T in (kind, decides)):
            brings = _BRINGS.get(kind) or _BRINGS.get(kinds[0]) if T in (kind, kinds[0]) else None
            remedy = f"; write {brings}(...) around the text" if brings else ""
            raise Misuse(f"{says} {kinds[0].value} with {kind.value}{remedy}")
    return [retype(arg, decides, lenient, function) for arg in args]


def _call(known: Function, args: list[Expr], lenient: bool) -> Expr:
    name = known.name
    most = len(known.takes) if known.takes is not None else 2
    least = most - known.optional
    if len(args) < least or (len(args) > most and not known.many):
        needs = f"at least {least}" if known.many else str(least) if least == most else f"{least} to {most}"
        raise Misuse(f"{name} takes {needs} argument{'s' if needs != '1' else ''}, got {len(args)}: {known.example}")
    if name in ("number", "text"):
        args = [_castable(name, args[0])]
    elif known.takes is None:
        args = _alike(name, args, lenient, f"{name} mixes")
        if args[0].type is B and name in ("least", "greatest"):
            raise Misuse(f"{name} needs numbers, texts or times, got bool")
    else:
        wanted = [*known.takes, *[known.takes[-1]] * (len(args) - most)]
        args = [retype(arg, kind, lenient, name) for arg, kind in zip(args, wanted, strict=False)]
    _written(known, args)
    return Call(name, tuple(args), known.gives or args[0].type)


def _castable(name: str, arg: Expr) -> Expr:
    if isinstance(arg, Literal) and arg.type is Type.NULL:
        return Literal(None, N if name == "number" else T)
    if arg.type not in (N, T, B):
        raise Misuse(f"{name} needs text, number or bool, got {arg.type.value}")
    return arg


def _written(known: Function, args: list[Expr]) -> None:
    """What is written out is checked before any row is seen: times, digits and places."""
    said = args[0].value if isinstance(args[0], Literal) else None
    if known.name == "time" and isinstance(said, str) and not is_time(said):
        raise Misuse(f"'{said}' is not a time; write it as 2011-12-09 or 2011-12-09 18:30")
    for index in known.written:
        if index >= len(args):
            continue
        arg = args[index]
        value = arg.value if isinstance(arg, Literal) else None
        least, most = (-15, 15) if known.name == "round" else (2 - index, 1_000_000)
        if not isinstance(value, float) or value != int(value) or not least <= value <= most:
            raise Misuse(f"{known.name} needs a whole number from {least} to {most} written out: {known.example}")


def _arithmetic(function: str, args: list[Expr], lenient: bool) -> Expr:
    left, right = args
    if function in "+-" and right.type is Type.DURATION:
        return Call(function, (retype(left, I, lenient, f"'{function}' with an interval"), right), I)
    if function == "-" and left.type is I and right.type is I:
        raise Misuse("times are not subtracted with -; write days_between(earlier, later)")
    return Call(function, tuple(retype(arg, N, lenient, f"'{function}'") for arg in args), N)


def _negative(function: str, args: list[Expr], lenient: bool) -> Expr:
    (arg,) = args
    if isinstance(arg, Literal) and isinstance(arg.value, float):
        return Literal(-arg.value, N)
    return Call(function, (retype(arg, N, lenient, "'-'"),), N)


def _comparison(function: str, args: list[Expr], lenient: bool) -> Expr:
    alike = _alike(f"'{function}'", args, lenient, "compares")
    if alike[0].type is B and function not in ("=", "<>"):
        raise Misuse(f"'{function}' cannot order true and false; use = or <>")
    return Call(function, tuple(alike), B)


def _membership(function: str, args: list[Expr], lenient: bool) -> Expr:
    if len(args) < 2:
        raise Misuse("in needs at least one value: in ('a', 'b')")
    return Call(function, tuple(_alike(function, args, lenient, "compares")), B)


def _logic(function: str, args: list[Expr], lenient: bool) -> Expr:
    del lenient
    flat: list[Expr] = []
    for arg in args:
        if isinstance(arg, Call) and arg.function == function and function != "not":
            flat.extend(arg.args)
        else:
            flat.append(retype(arg, B, False, f"'{function}'"))
    return Call(function, tuple(flat), B)


def _pattern(function: str, args: list[Expr], lenient: bool) -> Expr:
    if not isinstance(args[1], Literal) or args[1].type is not T:
        raise Misuse(f"{function} needs its pattern written out: {function} 'gift%'")
    return Call(function, (retype(args[0], T, lenient, function), args[1]), B)


def _case(function: str, args: list[Expr], lenient: bool) -> Expr:
    conditions = [retype(arg, B, False, "case when") for arg in args[:-1:2]]
    values = _alike("case", [*args[1:-1:2], args[-1]], lenient, "case mixes")
    parts = [part for pair in zip(conditions, values, strict=False) for part in pair]
    return Call(function, (*parts, values[-1]), values[0].type)


def _is_null(function: str, args: list[Expr], lenient: bool) -> Expr:
    del lenient
    return Call(function, tuple(args), B)


_OPERATOR: dict[str, Callable[[str, list[Expr], bool], Expr]] = {
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys(COMPARISONS, _comparison),
    "neg": _negative,
    "and": _logic,
    "or": _logic,
    "not": _logic,
    "is_null": _is_null,
    "in": _membership,
    "between": _membership,
    "like": _pattern,
    "ilike": _pattern,
    "case": _case,
}


def is_time(text: str) -> bool:
    """Whether `time(...)` can read the text.

    >>> is_time("2011-12-09 18:30"), is_time("2011-02-30"), is_time("9.12.2011")
    (True, False, False)
    """
    if not re.fullmatch(f"{TIME_LOCAL}|{TIME_OFFSET}", text, re.ASCII):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def unknown(name: str, allowed: frozenset[str]) -> str:
    """What to say of a function that is not in the language."""
    if name in FUNCTIONS:
        return f"{name}(...) cannot be used here.{suggest(name, allowed - {name})}"
    return f"unknown function '{name}'.{suggest(name, allowed)}"
