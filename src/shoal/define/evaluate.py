"""A typed tree over Arrow columns, in NumPy: SQL's three-valued logic, texts by their dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define import clock, textual
from shoal.define.tree import Call, Column, Expr, Literal
from shoal.define.types import Type, type_of
from shoal.errors import DataError

Array = NDArray[Any]
Bools = NDArray[np.bool_]
_TRUE = np.array(True)
ARROW = {
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.BOOL: pa.bool_(),
    Type.TIME: pa.timestamp("us", "UTC"),
    Type.DURATION: pa.duration("us"),
}


@dataclass(frozen=True)
class Vector:
    """Values with their validity, each of one entry a row.

    `values` is float64 (NUMBER), bool (BOOL), int64 microseconds (TIME, DURATION) or int32 codes into `dictionary`
    (TEXT); what stands where `valid` is false means nothing.
    """

    values: Array
    valid: Bools
    dictionary: Array | pa.Array | None = None

    @cached_property
    def words(self) -> Array:
        """The dictionary as Python texts, made only when a function looks at them; empty for what is no text."""
        if self.dictionary is None or isinstance(self.dictionary, np.ndarray):
            return np.zeros(0, object) if self.dictionary is None else self.dictionary
        return np.asarray(self.dictionary.to_numpy(zero_copy_only=False), object)

    def arrow(self, kind: Type) -> pa.Array:
        """The vector as an Arrow array, nulls included."""
        null = ~self.valid
        if self.dictionary is not None:
            codes = pa.array(self.values.astype(np.int32), mask=null)
            words = self.dictionary if isinstance(self.dictionary, pa.Array) else pa.array(self.words, pa.string())
            return pa.DictionaryArray.from_arrays(codes, words).cast(pa.string())
        if kind is Type.TIME:
            return pa.array(self.values, pa.int64(), mask=null).cast(pa.timestamp("us", "UTC"))
        return pa.array(self.values, mask=null)


class Frame:
    """The rows under evaluation: columns are decoded once, and equal subtrees are computed once."""

    def __init__(self, table: Mapping[str, Any] | pa.Table | pa.RecordBatch, rows: int, time_zone: str = "UTC") -> None:
        self.table, self.zone, self.rows = table, time_zone, rows
        self._seen: dict[Expr, Vector] = {}

    def get(self, expr: Expr) -> Vector:
        """The vector of a subtree; constants stay single values that broadcast."""
        found = self._seen.get(expr)
        if found is None:
            found = self._seen[expr] = _compute(expr, self)
        return found

    def full(self, expr: Expr) -> Vector:
        """The vector of a whole expression: one entry a row, numbers finite or null."""
        found = _settled(self.get(expr), expr)
        shape = (self.rows,)
        return Vector(np.broadcast_to(found.values, shape), np.broadcast_to(found.valid, shape), found.dictionary)

    def mask(self, expr: Expr) -> Bools:
        """Rows where a predicate is true."""
        found = self.full(expr)
        return found.values & found.valid


class Taken(Frame):
    """Some rows of a frame, in any number, with columns of their own before the frame's."""

    def __init__(self, frame: Frame, places: NDArray[np.int64], own: Mapping[str, Vector]) -> None:
        super().__init__(own, len(places), frame.zone)
        self._frame, self._places = frame, places

    def get(self, expr: Expr) -> Vector:
        """The vector of a subtree; a column that is not its own is taken from the frame."""
        if isinstance(expr, Column) and expr.name not in self.table and expr not in self._seen:
            held = self._frame.full(expr)
            self._seen[expr] = Vector(held.values[self._places], held.valid[self._places], held.dictionary)
        return super().get(expr)


def evaluate(expr: Expr, table: pa.Table | pa.RecordBatch, *, time_zone: str = "UTC") -> Vector:
    """The expression over every row of the table.

    >>> from shoal.define.parse import parse
    >>> rows = pa.table({"a": [1.0, None, 3.0]})
    >>> evaluate(parse("a / (a - 1)", {"a": Type.NUMBER}), rows).arrow(Type.NUMBER).to_pylist()
    [None, None, 1.5]
    """
    return Frame(table, table.num_rows, time_zone).full(expr)


def mask(expr: Expr, table: pa.Table | pa.RecordBatch, *, time_zone: str = "UTC") -> Bools:
    """Rows for which a predicate is true; where it is null the row is not selected.

    >>> from shoal.define.parse import parse
    >>> mask(parse("a > 1", {"a": Type.NUMBER}), pa.table({"a": [1.0, None, 3.0]}))
    array([False, False,  True])
    """
    return Frame(table, table.num_rows, time_zone).mask(expr)


def load(column: pa.ChunkedArray | pa.Array, expected: Column) -> Vector:
    """A column of a table as a vector; infinities and NaN are null.

    Raises DataError when the column does not hold the type that the expression was written for.
    """
    array = _single(column)
    kind = type_of(array.type)
    if pa.types.is_null(array.type):
        array, kind = array.cast(ARROW[expected.type]), expected.type
    if kind is not expected.type:
        held = str(array.type) if kind is None else kind.value
        raise DataError(f"column '{expected.name}' holds {held}, but was declared as {expected.type.value}")
    if kind is Type.TEXT:
        return _load_text(array)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    valid = _TRUE if array.null_count == 0 else np.asarray(pc.is_valid(array))
    if kind is Type.BOOL:
        return Vector(np.asarray(pc.fill_null(array, False)), valid)
    if kind is Type.TIME:
        zone = array.type.tz if pa.types.is_timestamp(array.type) else None
        instants = array.cast(pa.timestamp("us", zone)).cast(pa.int64())
        return Vector(np.asarray(pc.fill_null(instants, 0)), valid)
    numbers = np.asarray(pc.fill_null(array.cast(pa.float64()), 0.0))
    finite = np.isfinite(numbers)
    return Vector(numbers, valid if finite.all() else valid & finite)


def _single(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _load_text(array: pa.Array) -> Vector:
    if not pa.types.is_dictionary(array.type):
        array = (array if pa.types.is_string(array.type) else array.cast(pa.string())).dictionary_encode()
    words = array.dictionary
    if words.null_count:
        return _load_text(array.cast(pa.string()))
    valid = _TRUE if array.null_count == 0 else np.asarray(pc.is_valid(array))
    codes = np.asarray(pc.fill_null(array.indices, 0)).astype(np.int32, copy=False)
    if len(words) == 0:
        return Vector(codes, np.array(False), np.array([""], object))
    return Vector(codes, valid, words if pa.types.is_string(words.type) else words.cast(pa.string()))


def _settled(found: Vector, expr: Expr) -> Vector:
    """A number as whoever reads it may see it: beyond the range of a double is null."""
    if expr.type is not Type.NUMBER or not isinstance(expr, Call) or expr.function not in _CHAIN:
        return found
    return Vector(found.values, found.valid & np.isfinite(found.values))


_CHAIN = frozenset({"+", "-", "*", "/", "%", "neg", "abs", "round", "floor", "ceil", "sqrt", "ln", "exp", "number"})


def _compute(expr: Expr, frame: Frame) -> Vector:
    if isinstance(expr, Column):
        held = frame.table[expr.name]
        return held if isinstance(held, Vector) else load(held, expr)
    if isinstance(expr, Literal):
        return _constant(expr)
    args = [frame.get(arg) for arg in expr.args]
    with np.errstate(all="ignore"):
        if expr.function in _CHAIN and expr.type is Type.NUMBER and expr.function != "number":
            return _NUMERIC[expr.function](*args)
        args = [_settled(found, arg) for found, arg in zip(args, expr.args, strict=True)]
        known = _KNOWN.get(expr.function)
        if known is not None:
            return known(*args)
        if expr.function in clock.PARTS:
            local = clock.to_local(np.atleast_1d(args[0].values), frame.zone)
            values = clock.part(local, expr.function).astype(np.float64)
            return Vector(values.reshape(args[0].values.shape), args[0].valid)
        if expr.function == "number" and args[0].dictionary is None:
            return Vector(args[0].values.astype(np.float64), args[0].valid)
        return textual.by_words(expr, args, frame.zone)


def _constant(expr: Literal) -> Vector:
    valid = np.array(expr.value is not None)
    if expr.type is Type.TEXT:
        return Vector(np.array(0, np.int32), valid, np.array([expr.value or ""], object))
    if expr.type in (Type.TIME, Type.DURATION):
        return Vector(np.array(expr.value or 0, np.int64), valid)
    if expr.type is Type.BOOL:
        return Vector(np.array(bool(expr.value)), valid)
    return Vector(np.array(float(expr.value or 0)), valid)


def _divide(a: Vector, b: Vector) -> Vector:
    zero = b.values == 0
    return Vector(a.values / np.where(zero, 1.0, b.values), a.valid & b.valid & ~zero)


def _modulo(a: Vector, b: Vector) -> Vector:
    zero = b.values == 0
    return Vector(np.fmod(a.values, np.where(zero, 1.0, b.values)), a.valid & b.valid & ~zero)


def _round(a: Vector, digits: Vector | None = None) -> Vector:
    places = 0 if digits is None else int(digits.values)
    if places == 0:
        return Vector(_half_away(a.values), a.valid)
    scale = 10.0 ** abs(places)
    shifted = _half_away(a.values * scale if places > 0 else a.values / scale)
    rounded = shifted / scale if places > 0 else shifted * scale
    return Vector(np.where(np.isfinite(rounded), rounded, a.values if places > 0 else 0.0), a.valid)


def _half_away(values: Array) -> Array:
    whole = np.trunc(values)
    return np.asarray(whole + np.copysign(np.abs(values - whole) >= 0.5, values))


def _root(a: Vector) -> Vector:
    good = a.values >= 0
    return Vector(np.sqrt(np.where(good, a.values, 0.0)), a.valid & good)


def _log(a: Vector) -> Vector:
    good = a.values > 0
    return Vector(np.log(np.where(good, a.values, 1.0)), a.valid & good)


_NUMERIC: dict[str, Callable[..., Vector]] = {
    "+": lambda a, b: Vector(a.values + b.values, a.valid & b.valid),
    "-": lambda a, b: Vector(a.values - b.values, a.valid & b.valid),
    "*": lambda a, b: Vector(a.values * b.values, a.valid & b.valid),
    "/": _divide,
    "%": _modulo,
    "neg": lambda a: Vector(-a.values, a.valid),
    "abs": lambda a: Vector(np.abs(a.values), a.valid),
    "round": _round,
    "floor": lambda a: Vector(np.floor(a.values), a.valid),
    "ceil": lambda a: Vector(np.ceil(a.values), a.valid),
    "sqrt": _root,
    "ln": _log,
    "exp": lambda a: Vector(np.exp(a.values), a.valid),
}


def _and(*args: Vector) -> Vector:
    true = np.logical_and.reduce(np.broadcast_arrays(*(arg.valid & arg.values for arg in args)))
    false = np.logical_or.reduce(np.broadcast_arrays(*(arg.valid & ~arg.values for arg in args)))
    return Vector(true, true | false)


def _not(arg: Vector) -> Vector:
    return Vector(~arg.values, arg.valid)


def _or(*args: Vector) -> Vector:
    return _not(_and(*map(_not, args)))


_COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "=": np.equal,
    "<>": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def compare(sign: str, a: Vector, b: Vector) -> Vector:
    """A comparison; texts by code point, through their dictionaries."""
    if a.dictionary is not None:
        a, b = textual.ordered(a, b)
    return Vector(_COMPARE[sign](a.values, b.values), a.valid & b.valid)


def _in(subject: Vector, *listed: Vector) -> Vector:
    written = all(value.values.ndim == 0 and value.valid.ndim == 0 and bool(value.valid) for value in listed)
    if subject.dictionary is not None and written:
        wanted = {value.words[0] for value in listed}
        return Vector(np.array([word in wanted for word in subject.words])[subject.values], subject.valid)
    return _or(*(compare("=", subject, value) for value in listed))


def _between(subject: Vector, low: Vector, high: Vector) -> Vector:
    return _and(compare(">=", subject, low), compare("<=", subject, high))


def _choose(take: Array, a: Vector, b: Vector) -> Vector:
    """`a` where `take`, else `b`."""
    if a.dictionary is not None:
        a, b = textual.shared(a, b)
    return Vector(np.where(take, a.values, b.values), np.where(take, a.valid, b.valid), a.dictionary)


def _case(*args: Vector) -> Vector:
    found = args[-1]
    for condition, value in zip(reversed(args[:-1:2]), reversed(args[1:-1:2]), strict=True):
        found = _choose(condition.valid & condition.values, value, found)
    return found


def _coalesce(*args: Vector) -> Vector:
    found = args[-1]
    for arg in reversed(args[:-1]):
        found = _choose(arg.valid, arg, found)
    return found


def _extreme(sign: str) -> Callable[..., Vector]:
    def pick(*args: Vector) -> Vector:
        found = args[0]
        for arg in args[1:]:
            better = compare(sign, found, arg)
            found = _choose(found.valid & (~arg.valid | better.values), found, arg)
        return found

    return pick


def _nullif(a: Vector, b: Vector) -> Vector:
    same = compare("=", a, b)
    return Vector(a.values, a.valid & ~(same.valid & same.values), a.dictionary)


def _is_null(arg: Vector) -> Vector:
    return Vector(~arg.valid, _TRUE)


def _shift(sign: int) -> Callable[[Vector, Vector], Vector]:
    return lambda at, span: Vector(at.values + sign * span.values, at.valid & span.valid)


def _days_between(first: Vector, last: Vector) -> Vector:
    return Vector((last.values - first.values) / clock.DAY, first.valid & last.valid)


_KNOWN: dict[str, Callable[..., Vector]] = {
    **{sign: (lambda a, b, sign=sign: compare(sign, a, b)) for sign in _COMPARE},
    "and": _and,
    "or": _or,
    "not": _not,
    "in": _in,
    "between": _between,
    "case": _case,
    "coalesce": _coalesce,
    "least": _extreme("<="),
    "greatest": _extreme(">="),
    "nullif": _nullif,
    "is_null": _is_null,
    "+": _shift(1),
    "-": _shift(-1),
    "days_between": _days_between,
}
