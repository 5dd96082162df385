"""Random well-typed trees and tables, for tests that compare two ways to one answer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from shoal.define.functions import Misuse, build, retype
from shoal.define.tree import Column, Expr, Literal
from shoal.define.types import Type

COLUMNS = {
    "a": Type.NUMBER,
    "b": Type.NUMBER,
    "n": Type.NUMBER,
    "s": Type.TEXT,
    "u u": Type.TEXT,
    "p": Type.BOOL,
    "t": Type.TIME,
}
WORDS = st.text("aAbZ é%_'1.-5e+ ", max_size=5) | st.sampled_from(
    [
        "2011-12-09",
        "2011-02-30",
        "2011-12-09 18:30",
        "2012-02-29T01:02:03.5Z",
        "2011-07-01 00:00:00+02:00",
        "1e400",
        "nan",
    ]
)
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -2.5, 3.0, 100.0, 1e16, 0.1, 1e-5, 1e300]) | st.integers(
    -20, 20
).map(float)
_LEAVES: dict[Type, st.SearchStrategy[Expr]] = {
    Type.NUMBER: NUMBERS.map(lambda value: Literal(value, Type.NUMBER)),
    Type.TEXT: WORDS.map(lambda value: Literal(value, Type.TEXT)),
    Type.BOOL: st.booleans().map(lambda value: Literal(value, Type.BOOL)),
    Type.TIME: st.just(build("time", [Literal("2011-12-09 18:30", Type.TEXT)])),
}
_SHAPES: dict[Type, list[tuple[str, tuple[Type, ...]]]] = {
    Type.NUMBER: [
        *((sign, (Type.NUMBER,) * 2) for sign in "+-*/%"),
        *((name, (Type.NUMBER,)) for name in ("neg", "abs", "round", "floor", "ceil", "sqrt", "ln", "exp", "number")),
        *((name, (Type.NUMBER,) * 2) for name in ("least", "greatest", "coalesce", "nullif")),
        ("length", (Type.TEXT,)),
        ("number", (Type.TEXT,)),
        ("number", (Type.BOOL,)),
        *((name, (Type.TIME,)) for name in ("hour", "weekday", "day", "day_number", "month", "year")),
        ("days_between", (Type.TIME, Type.TIME)),
        ("case", (Type.BOOL, Type.NUMBER, Type.NUMBER)),
    ],
    Type.TEXT: [
        *((name, (Type.TEXT,)) for name in ("lower", "upper", "trim")),
        ("replace", (Type.TEXT,) * 3),
        ("concat", (Type.TEXT,) * 2),
        ("text", (Type.NUMBER,)),
        ("text", (Type.BOOL,)),
        *((name, (Type.TEXT,) * 2) for name in ("least", "greatest", "coalesce", "nullif")),
        ("case", (Type.BOOL, Type.TEXT, Type.BOOL, Type.TEXT, Type.TEXT)),
    ],
    Type.BOOL: [
        *((sign, (kind, kind)) for sign in ("=", "<>") for kind in (Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME)),
        *((sign, (kind, kind)) for sign in ("<", "<=", ">", ">=") for kind in (Type.NUMBER, Type.TEXT, Type.TIME)),
        ("and", (Type.BOOL,) * 2),
        ("or", (Type.BOOL,) * 3),
        ("not", (Type.BOOL,)),
        *(("is_null", (kind,)) for kind in (Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME)),
        *(("in", (kind,) * 3) for kind in (Type.NUMBER, Type.TEXT)),
        *(("between", (kind,) * 3) for kind in (Type.NUMBER, Type.TEXT, Type.TIME)),
        *((name, (Type.TEXT, Type.TEXT)) for name in ("starts_with", "ends_with", "contains")),
        ("coalesce", (Type.BOOL,) * 2),
    ],
    Type.TIME: [
        ("time", (Type.TEXT,)),
        ("date", (Type.NUMBER,) * 3),
        ("coalesce", (Type.TIME,) * 2),
        ("least", (Type.TIME,) * 2),
        ("case", (Type.BOOL, Type.TIME, Type.TIME)),
    ],
}


def _leaf(kind: Type) -> st.SearchStrategy[Expr]:
    columns = st.sampled_from([Column(name, own) for name, own in COLUMNS.items() if own is kind])
    null = st.just(Literal(None, Type.NULL))
    return st.one_of(columns, columns, columns, _LEAVES[kind], _LEAVES[kind], null)


@st.composite
def trees(draw: Any, kind: Type | None = None) -> Expr:
    """A tree of the given type, built through the one typing door."""
    wanted = kind or draw(st.sampled_from(list(_SHAPES)))
    return retype(draw(_trees(wanted, 4)), wanted, False, "the tree")


@st.composite
def _trees(draw: Any, kind: Type, depth: int) -> Expr:
    if depth > 0 and draw(st.integers(0, 4)) > 0:
        made = draw(_calls(kind, depth))
        if made is not None:
            return made
    return draw(_leaf(kind))


@st.composite
def _calls(draw: Any, kind: Type, depth: int) -> Expr | None:
    try:
        return draw(_made(kind, depth))
    except Misuse:  # only nulls to work on, or a time written out that is none
        return None


@st.composite
def _made(draw: Any, kind: Type, depth: int) -> Expr:
    special = draw(st.integers(0, 9))
    if special == 0 and kind is Type.BOOL:
        pattern = Literal(draw(WORDS), Type.TEXT)
        return build(draw(st.sampled_from(["like", "ilike"])), [draw(_trees(Type.TEXT, depth - 1)), pattern])
    if special == 0 and kind is Type.NUMBER:
        digits = Literal(float(draw(st.integers(-3, 3))), Type.NUMBER)
        return build("round", [draw(_trees(Type.NUMBER, depth - 1)), digits])
    if special == 0 and kind is Type.TEXT:
        cut = [Literal(float(draw(st.integers(1, 4))), Type.NUMBER) for _ in range(draw(st.integers(1, 2)))]
        return build("substr", [draw(_trees(Type.TEXT, depth - 1)), *cut])
    if special == 0 and kind is Type.TIME:
        span = Literal(draw(st.integers(0, 10**13)), Type.DURATION)
        return build(draw(st.sampled_from("+-")), [draw(_trees(Type.TIME, depth - 1)), span])
    name, takes = draw(st.sampled_from(_SHAPES[kind]))
    return build(name, [draw(_trees(take, depth - 1)) for take in takes])


_TIMES = st.integers(1_262_304_000_000_000, 1_356_998_400_000_000) | st.just(1_323_455_400_000_000)


@st.composite
def tables(draw: Any) -> pa.Table:
    """A few rows for COLUMNS, nulls included; texts plain or by dictionary."""
    rows = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)

    text = pa.dictionary(pa.int32(), pa.string()) if draw(st.booleans()) else pa.string()
    return pa.table(
        {
            "a": column(NUMBERS, pa.float64()),
            "b": column(NUMBERS, pa.float64()),
            "n": column(st.integers(-5, 5), pa.int64()),
            "s": column(WORDS, text),
            "u u": column(WORDS, pa.string()),
            "p": column(st.booleans(), pa.bool_()),
            "t": column(_TIMES, pa.timestamp("us", "UTC")),
        }
    )
