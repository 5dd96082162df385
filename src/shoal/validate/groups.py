"""The groups that a protected trait divides people into: its values, or bands of a number. For accounting only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.contingency import Codes, Floats
from shoal.define.protected import is_protected, words_of

UNKNOWN = "unknown"
OTHER = "other"
MOST = 8  # groups of one trait, `other` among them
COMMON = 0.01  # share of those known that a value needs for a group of its own
FEW_VALUES = 5  # so many numbers are values, more are an amount
BANDS = 5
OLDEST = 120  # years
_AGES = frozenset({"age", "ages", "aged"})
_YEAR = r"^(?P<year>(?:18|19|20)\d\d)-\d\d"


@dataclass(frozen=True)
class Groups:
    """One trait: the names of its groups and each person's as a code; -1 where it is not known."""

    trait: str
    names: tuple[str, ...]
    codes: Codes

    @property
    def sizes(self) -> Codes:
        """People in each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).astype(np.int64)

    @property
    def words(self) -> str:
        """The trait as one says it.

        >>> Groups("SeniorCitizen", (), np.array([], dtype=np.int64)).words
        'senior citizen'
        """
        return " ".join(words_of(self.trait)) or self.trait


def protected_groups(table: pa.Table) -> list[Groups]:
    """The groups of every protected trait among the columns of `table`; what nobody has is left out.

    >>> found = protected_groups(pa.table({"orders": [1, 2, 3], "gender": ["f", "m", None]}))
    >>> [(one.trait, one.names, one.codes.tolist()) for one in found]
    [('gender', ('f', 'm'), [0, 1, -1])]
    """
    found = [groups(name, table[name]) for name in table.column_names if is_protected(name)]
    return [one for one in found if one.names]


def groups(trait: str, column: pa.ChunkedArray) -> Groups:
    """A trait's groups: texts and few numbers by value, ages and births by decade, other numbers by fifths.

    >>> groups("age", pa.chunked_array([[19, 34, 38, 71, 55, 42, None]])).names
    ('under 20', '30-39', '40-49', '50-59', '70 and over')
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_temporal(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        return _born(trait, pc.year(column))
    if pa.types.is_boolean(kind):
        return _by_value(trait, pc.if_else(column, "yes", "no"))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbered(trait, column)
    if not pa.types.is_string(kind) and not pa.types.is_large_string(kind):
        return Groups(trait, (), np.full(len(column), -1, dtype=np.int64))
    years = pc.struct_field(pc.extract_regex(column, _YEAR), "year")
    if years.null_count == column.null_count and years.null_count < len(years):
        return _born(trait, years.cast(pa.int64()))
    return _by_value(trait, column)


def _numbered(trait: str, column: pa.ChunkedArray) -> Groups:
    values = np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(), dtype=np.float64)
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if len(different) <= FEW_VALUES:
        said = {0.0: "no", 1.0: "yes"} if set(different) == {0.0, 1.0} else {}
        names = tuple(said.get(value, f"{value:g}") for value in different.tolist())
        return Groups(trait, names, np.where(np.isfinite(values), np.searchsorted(different, values), -1))
    if _AGES & set(words_of(trait)) and known.min() >= 0 and known.max() <= OLDEST:
        return _decades(trait, values)
    if (known >= 1800).all() and (known <= 2100).all():
        return _born(trait, column.cast(pa.float64()))
    return _fifths(trait, values)


def _decades(trait: str, ages: Floats) -> Groups:
    """Ages by decade; all under 20, and all from 70 on, are one."""
    edges = np.arange(20, 71, 10, dtype=np.float64)
    names = ["under 20", *(f"{edge:.0f}-{edge + 9:.0f}" for edge in edges[:-1]), "70 and over"]
    return _filled(trait, names, np.where(np.isfinite(ages), np.searchsorted(edges, ages, side="right"), -1))


def _born(trait: str, years: pa.ChunkedArray) -> Groups:
    """Years of birth by decade; those of before 1940, and those from 2000 on, are one."""
    year = np.asarray(pc.fill_null(years.cast(pa.float64()), np.nan).to_numpy(), dtype=np.float64)
    edges = np.arange(1940, 2001, 10, dtype=np.float64)
    names = ["before 1940", *(f"{edge:.0f}s" for edge in edges[:-1]), "2000 and later"]
    return _filled(trait, names, np.where(np.isfinite(year), np.searchsorted(edges, year, side="right"), -1))


def _fifths(trait: str, values: Floats) -> Groups:
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS, method="higher"))
    edges = edges[edges > known.min()]
    ends = [f"{edge:g}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    names = [f"under {ends[0]}", *between, f"{ends[-1]} and over"] if ends else ["all"]
    return _filled(trait, names, np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1))


def _by_value(trait: str, column: pa.ChunkedArray) -> Groups:
    """Common values, however they are capitalised; the rest is `other`, the empty is not known."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    folded = pc.utf8_lower(texts)
    folded = pc.if_else(pc.equal(folded, ""), None, folded)
    counted = sorted(
        ((one["counts"], one["values"]) for one in pc.value_counts(folded).to_pylist() if one["values"] is not None),
        key=lambda one: (-one[0], one[1]),
    )
    total = sum(count for count, _ in counted)
    kept = [value for count, value in counted if count >= COMMON * total]
    kept = sorted(kept if len(counted) <= MOST and len(kept) == len(counted) else kept[: MOST - 1])
    rest = len(counted) > len(kept)
    places = pc.fill_null(pc.index_in(folded, pa.array(kept, pa.string())), len(kept)).to_numpy()
    codes = np.where(pc.is_null(folded).to_numpy(), -1, places).astype(np.int64)
    names = [*(_spelt(texts, folded, value) for value in kept), *([OTHER] if rest else [])]
    return Groups(trait, tuple(names), codes)


def _spelt(texts: pa.ChunkedArray, folded: pa.ChunkedArray, value: str) -> str:
    """As it is written first."""
    return str(texts[pc.index(folded, value).as_py()].as_py())


def _filled(trait: str, names: Sequence[str], codes: Codes) -> Groups:
    """Without the groups that nobody is in."""
    used, places = np.unique(codes[codes >= 0], return_inverse=True)
    tight = np.full(len(codes), -1, dtype=np.int64)
    tight[codes >= 0] = places
    return Groups(trait, tuple(names[code] for code in used), tight)
