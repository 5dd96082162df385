"""Features as the numbers that learners take: what goes in, as what, and what is left out and why."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.protected import barred, words_of
from shoal.predict.learner import Array

LEVELS = 50
SAMPLE = 100_000
PARSES = 0.95  # a text column of which so much reads as numbers is one of numbers
DIFFERENT = 0.9  # of texts: an id, or written freely
FEW = 20  # rows or levels under which nothing is told from how many differ
_IDS = frozenset({"id", "ids", "uuid", "guid", "key", "number", "no", "nr", "code", "index", "row"})
_TRUE = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Input:
    """One input of a model. A category has its levels in order of their codes; a number its median as `typical`.

    Where `rest` holds, more levels were seen than are kept, and code `len(levels)` stands for all others. `yes_no`
    marks a number that was true or false.
    """

    name: str
    kind: Literal["number", "category"]
    levels: tuple[str, ...] = ()
    rest: bool = False
    typical: float | None = None
    yes_no: bool = False

    def say(self, code: float) -> str | None:
        """The level behind a category's code; nothing where it is missing."""
        if np.isnan(code):
            return None
        place = int(code)
        return self.levels[place] if place < len(self.levels) else "another value"


@dataclass(frozen=True)
class Encoding:
    """How a table of features becomes inputs: fitted once, plain data, the same for training and scoring."""

    inputs: tuple[Input, ...]
    dropped: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs' names, in order."""
        return tuple(item.name for item in self.inputs)

    @property
    def categories(self) -> NDArray[np.bool_]:
        """Which inputs (inputs,) are codes without order."""
        return np.array([item.kind == "category" for item in self.inputs], dtype=bool)

    def encode(self, table: pa.Table | Columns, places: Collection[int] | None = None) -> Array:
        """The table's rows as (rows, inputs); NaN where a value, or its whole column, is missing or unknown.

        `places` are the inputs wanted, all when left out; the others are NaN.

        >>> table = pa.table({"plan": ["a", "b", None, "a"], "seats": [1, 2, 3, None]})
        >>> Encoding.fit(table).encode(pa.table({"plan": ["b", "new"]})).tolist()
        [[1.0, nan], [nan, nan]]
        """
        columns = table if isinstance(table, Columns) else Columns(table)
        x = np.full((columns.rows, len(self.inputs)), np.nan)
        for place in range(len(self.inputs)) if places is None else places:
            item = self.inputs[place]
            if item.name in columns:
                x[:, place] = columns.numbers(item.name) if item.kind == "number" else columns.codes(item)
        return x

    @classmethod
    def fit(cls, table: pa.Table, *, allow: Collection[str] = (), exclude: Collection[str] = ()) -> Encoding:
        """Looks at every column of `table` (at most 100,000 of its rows, evenly spaced).

        `allow` names columns that a purpose lets in though they are a protected trait or look like an id; `exclude`
        those that stay out.

        >>> Encoding.fit(pa.table({"gender": ["f", "m", "f"], "visits": [3, 5, 1], "shop": ["x", "x", "x"]})).dropped
        {'gender': 'a protected trait', 'shop': 'the same for everybody'}
        """
        places = pa.array(np.arange(0, table.num_rows, max(-(-table.num_rows // SAMPLE), 1)))
        inputs: list[Input] = []
        dropped: dict[str, str] = {}
        for name in table.column_names:
            found = (
                "excluded"
                if name in exclude
                else _input(name, _plain(_copied(table[name]).take(places)), free=name in allow)
            )
            if isinstance(found, Input):
                inputs.append(found)
            else:
                dropped[name] = found
        return cls(tuple(inputs), dropped)

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain data; `from_dict` is the inverse."""
        return {
            "inputs": [
                {
                    "name": item.name,
                    "kind": item.kind,
                    "levels": list(item.levels),
                    "rest": item.rest,
                    "typical": item.typical,
                    "yes_no": item.yes_no,
                }
                for item in self.inputs
            ],
            "dropped": dict(self.dropped),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Encoding:
        """The encoding that `to_dict` gave."""
        return cls(
            tuple(
                Input(
                    item["name"],
                    item["kind"],
                    tuple(item["levels"]),
                    bool(item["rest"]),
                    item["typical"],
                    bool(item["yes_no"]),
                )
                for item in data["inputs"]
            ),
            dict(data["dropped"]),
        )


class Columns:
    """A table's columns as encodings read them: each is decoded when first asked for, and once for all models."""

    def __init__(self, table: pa.Table) -> None:
        self.rows: int = table.num_rows
        self._columns = dict(zip(table.column_names, table.columns, strict=True))
        self._numbers: dict[str, Array] = {}
        self._plain: dict[str, pa.Array] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def numbers(self, name: str) -> Array:
        """A column as float64 (rows,); NaN where it is null, infinite or no number."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = _swift(self._columns[name])
        return found

    def codes(self, item: Input) -> Array:
        """A column as the codes (rows,) of a category's levels."""
        return _codes(self._text(item.name), item)

    def _text(self, name: str) -> pa.Array:
        found = self._plain.get(name)
        if found is None:
            found = self._plain[name] = _plain(self._columns[name])
        return found


def _swift(column: pa.ChunkedArray) -> Array:
    """`_numbers` of a column; those that are numbers already are spared Arrow's slow ways around."""
    if column.type not in _NUMBERS or column.num_chunks != 1:
        return _numbers(_plain(column))
    held = column.chunk(0).to_numpy(zero_copy_only=False)
    found: Array = held.astype(np.float64, copy=False)
    return found if np.isfinite(found).all() else np.where(np.isfinite(found), found, np.nan)


_NUMBERS = frozenset({pa.float64(), pa.int64()})


def _input(name: str, column: pa.Array, *, free: bool) -> Input | str:
    """What a column becomes, or why it is left out."""
    if not free and (reason := barred(name)):
        return reason
    if pa.types.is_temporal(column.type):
        return "a time: only features made from it can be learned from"
    if not _readable(column.type):
        return f"neither numbers nor texts but {column.type}"
    if column.null_count == len(column):
        return "nobody has it"
    if pa.types.is_dictionary(column.type):
        texts = column.dictionary_decode().drop_null()
        if not len(texts):
            return "nobody has it"
        if not _as_numbers(texts):
            return _category(name, texts, whole=len(texts) == len(column), free=free)
    return _number(name, column, free=free)


def _number(name: str, column: pa.Array, *, free: bool) -> Input | str:
    values = _numbers(column)
    known = values[~np.isnan(values)]
    if not len(known):
        return "nobody has it"
    if len(known) == len(values) and known.min() == known.max():
        return "the same for everybody"
    if not free and _IDS & set(words_of(name)) and _numbered(known):
        return "an id: nearly all its values differ"
    return Input(name, "number", typical=float(np.median(known)), yes_no=pa.types.is_boolean(column.type))


def _numbered(known: Array) -> bool:
    """Whether whole numbers tell nearly all rows apart."""
    whole = bool((known == np.floor(known)).all())
    return whole and len(known) > FEW and len(np.unique(known)) >= DIFFERENT * len(known)


def _category(name: str, texts: pa.Array, *, whole: bool, free: bool) -> Input | str:
    """A category by its known texts; `whole` when no row is without."""
    counted = sorted(
        ((item["values"], item["counts"]) for item in pc.value_counts(texts).to_pylist()),
        key=lambda pair: (-pair[1], pair[0]),
    )
    if len(counted) == 1 and whole:
        return "the same for everybody"
    if not free and len(counted) > FEW and len(counted) >= DIFFERENT * len(texts):
        return "an id or free text: nearly all its values differ"
    least = 3 if len(texts) > 100 else 1
    levels = tuple(level for level, count in counted[:LEVELS] if count >= least)
    return Input(name, "category", levels, rest=len(levels) < len(counted))


def _readable(kind: pa.DataType) -> bool:
    types = pa.types
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(numeric or types.is_boolean(kind) or types.is_dictionary(kind) or types.is_null(kind))


def _copied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Views of texts as texts: Arrow computes little on views."""
    return column.cast(pa.string()) if pa.types.is_string_view(column.type) else column


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """One array; texts as a dictionary without blanks around them, empty ones null, so that each is looked at once."""
    array = _copied(column).combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no chunk, or too long for one
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = array.dictionary_encode()
    if not pa.types.is_dictionary(array.type):
        return array
    if not (pa.types.is_string(array.type.value_type) or pa.types.is_large_string(array.type.value_type)):
        return _plain(pa.chunked_array([array.dictionary_decode()]))
    texts = pc.utf8_trim_whitespace(array.dictionary.cast(pa.string()))
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), texts)


def _look_up(column: pa.Array, found: list[float]) -> Array:
    """The number found for each text of a dictionary, as the rows have them; NaN where they have none."""
    values = np.array([*found, np.nan])
    places = pc.fill_null(column.indices, len(found)).to_numpy(zero_copy_only=False)
    result: Array = values[places]
    return result


_WRITTEN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\d{1,3}(,\d{3})+(\.\d*)?")


def _read(text: str | None) -> float:
    """A text as a number, NaN where it is none.

    >>> _read("1,204.5"), _read("29.85"), _read("true"), _read("n/a")
    (1204.5, 29.85, 1.0, nan)
    """
    if text is None:
        return np.nan
    text = _TRUE.get(text.lower(), text)
    return float(text.replace(",", "")) if _WRITTEN.fullmatch(text) else np.nan


def _as_numbers(texts: pa.Array) -> bool:
    """Whether nearly all of the known texts are numbers."""
    counted = pc.value_counts(texts)
    counts = counted.field("counts").to_numpy()
    reads = [_WRITTEN.fullmatch(text) is not None for text in counted.field("values").to_pylist()]
    return bool(counts[np.array(reads, dtype=bool)].sum() >= PARSES * counts.sum())


def _numbers(column: pa.Array) -> Array:
    """Any column as float64; NaN where it is null, infinite or no number."""
    if not _readable(column.type) or pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_dictionary(column.type):
        return _look_up(column, [_read(text) for text in column.dictionary.to_pylist()])
    whole = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
    found: Array = whole.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found if np.isfinite(found).all() else np.where(np.isfinite(found), found, np.nan)


def _codes(column: pa.Array, item: Input) -> Array:
    """The codes of a category's levels."""
    if not _readable(column.type) or pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    code = {level: float(place) for place, level in enumerate(item.levels)}
    other = float(len(item.levels)) if item.rest else np.nan
    texts = column.dictionary.to_pylist()
    return _look_up(column, [np.nan if text is None else code.get(text, other) for text in texts])
