"""Functions over texts: computed once for each distinct combination of words, then taken by code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define import clock
from shoal.define.functions import is_time
from shoal.define.tree import Call
from shoal.define.types import Type

if TYPE_CHECKING:
    from shoal.define.evaluate import Vector

Array = NDArray[Any]


def _vector(values: Array, valid: Array, words: Array | None = None) -> Vector:
    from shoal.define.evaluate import Vector

    return Vector(values, valid, words)


def objects(values: list[Any]) -> Array:
    """A one-dimensional array of Python objects."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def shared(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Both texts coded by one dictionary of distinct words, in order of code point."""
    places = {word: place for place, word in enumerate(sorted({*a.words, *b.words}))}
    words = objects(list(places))
    left = np.array([places[word] for word in a.words], np.int32)[a.values]
    right = np.array([places[word] for word in b.words], np.int32)[b.values]
    return _vector(left, a.valid, words), _vector(right, b.valid, words)


def ordered(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Both texts as codes that compare as the texts do; one written-out side needs no sorting."""
    if b.values.ndim == 0:
        word = b.words[int(b.values)]
        signs = np.array([(own > word) - (own < word) for own in a.words], np.int8)
        return _vector(signs[a.values], a.valid), _vector(np.array(0, np.int8), b.valid)
    return shared(a, b)


def same(vector: Vector, codes: Array) -> Array:
    """The codes, equal just where the texts are: a dictionary from outside may hold a text twice."""
    words = vector.dictionary
    if words is None or isinstance(words, np.ndarray) or len(codes) == 0:
        return codes
    if len(codes) < len(words):
        used, codes = np.unique(codes, return_inverse=True)
        words = words.take(used)
    if pc.count_distinct(words).as_py() == len(words):
        return codes
    return np.asarray(words.dictionary_encode().indices)[codes]


def by_words(expr: Call, args: list[Vector], time_zone: str) -> Vector:
    """A function of texts over rows: each distinct combination of arguments is computed once."""
    function = _function(expr, time_zone)
    shape = np.broadcast_shapes(*(arg.values.shape for arg in args), *(arg.valid.shape for arg in args))
    valid = np.logical_and.reduce([np.broadcast_to(arg.valid, shape) for arg in args])
    coded = [_coded(arg, shape) for arg in args]
    combined = np.zeros(shape, np.int64)
    for codes, words in coded:
        combined = combined * len(words) + codes
    size = int(np.prod([len(words) for _, words in coded], dtype=object))
    if size > 2 * combined.size + 1024 or size >= 2**62:
        combined, places = _dense([codes for codes, _ in coded], shape)
    else:
        places = list(np.unravel_index(np.arange(size), [len(words) for _, words in coded]))
    results = [function(*found) for found in zip(*(words[at] for at, (_, words) in zip(places, coded, strict=True)))]  # noqa: B905
    return _taken(results, combined, valid, expr.type)


def _coded(arg: Vector, shape: tuple[int, ...]) -> tuple[Array, Array]:
    if arg.dictionary is not None:
        return np.broadcast_to(arg.values, shape), arg.words
    distinct, codes = np.unique(arg.values, return_inverse=True)
    return np.broadcast_to(codes.reshape(arg.values.shape), shape), objects(distinct.tolist())


def _dense(codes: list[Array], shape: tuple[int, ...]) -> tuple[Array, list[Array]]:
    """Only the combinations that occur, where the product of the dictionaries is large."""
    rows = np.stack([np.ravel(code) for code in codes], axis=1)
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    return inverse.reshape(shape), list(distinct.T)


def _taken(results: list[Any], codes: Array, valid: Array, kind: Type) -> Vector:
    known = np.array([result is not None for result in results], bool)
    valid = valid & known[codes]
    if kind is Type.TEXT:
        places = {word: place for place, word in enumerate(dict.fromkeys(r for r in results if r is not None))}
        table = np.array([places.get(result, 0) for result in results], np.int32)
        return _vector(table[codes], valid, objects(list(places) or [""]))
    plain = {Type.NUMBER: np.float64, Type.BOOL: np.bool_}.get(kind, np.int64)
    return _vector(np.array([0 if result is None else result for result in results], plain)[codes], valid)


def _function(expr: Call, time_zone: str) -> Callable[..., Any]:
    name = expr.function
    if name in ("like", "ilike"):
        return _match(name == "ilike")
    if name == "time":
        return lambda text: clock.to_instant(datetime.fromisoformat(text), time_zone) if is_time(text) else None
    if name == "date":
        return lambda year, month, day: _date(year, month, day, time_zone)
    return _TEXT[name]


def _match(fold: bool) -> Callable[[str, str], bool]:
    def match(text: str, pattern: str) -> bool:
        if fold:
            text, pattern = _lower(text), _lower(pattern)
        return _pattern(pattern).fullmatch(text) is not None

    return match


@cache
def _pattern(like: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(sign) or re.escape(sign) for sign in like), re.DOTALL)


def _date(year: float, month: float, day: float, time_zone: str) -> int | None:
    try:
        return clock.to_instant(datetime(int(year), int(month), int(day)), time_zone)  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None


_DIGITS = r"\d+(_\d+)*"
_NUMBER = re.compile(rf"\s*\+?(-?({_DIGITS}(\.({_DIGITS})?)?|\.{_DIGITS})([eE][+-]?{_DIGITS})?)\s*", re.ASCII)


def number(value: Any) -> float | None:
    """Text or bool as a number, as `number(...)` reads it; None when it is none.

    >>> number(" 1.5 "), number("1,5"), number(True)
    (1.5, None, 1.0)
    """
    if not isinstance(value, str):
        return float(value)
    found = _NUMBER.fullmatch(value)
    read = float(found[1]) if found else float("inf")
    return read if abs(read) != float("inf") else None


def text(value: Any) -> str:
    """A value as `text(...)` writes it.

    >>> text(17850.0), text(0.5), text(True)
    ('17850', '0.5', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)
    return str(value)


def _lower(value: str) -> str:
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in value)


def _upper(value: str) -> str:
    return "".join(high if len(high := sign.upper()) == 1 else sign for sign in value)


def _substr(value: str, start: float, length: float | None = None) -> str:
    first = int(start) - 1
    return value[first:] if length is None else value[first : first + int(length)]


_TEXT: dict[str, Callable[..., Any]] = {
    "lower": _lower,
    "upper": _upper,
    "trim": lambda value: value.strip(" "),
    "length": len,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": lambda value, part: part in value,
    "replace": lambda value, old, new: value.replace(old, new) if old else value,
    "substr": _substr,
    "concat": lambda *parts: "".join(parts),
    "number": number,
    "text": text,
}
