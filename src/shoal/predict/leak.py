"""Refuses fields that know the label: times of later, what was written down once the outcome was known.

Features over events cannot leak: the kernel sees nothing later than its instant. Traits have no time, so they are
looked at one by one: alone, an honest field rarely ranks outcomes nearly perfectly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.predict.heldout import auc_of
from shoal.predict.learner import Array, Examples

KNOWS = 0.9  # AUC of one field alone from which it is taken to know the label
WRITTEN = 0.6  # the same for a field whose name says that it was filled in afterwards
SURE, COVERED = 0.99, 0.4  # a value that is nearly always followed by the outcome, for this share of all outcomes
BINS, FOLDS, SHRINK = 20, 5, 5.0
FEW = 50  # values with fewer rows are not looked at for sureness
_EPOCH = {1: (1e9, 2.1e9), 1000: (1e12, 2.1e12)}  # seconds and milliseconds since 1970, 2001 to 2036
# Fields that people fill in after they have dealt with someone, as CRMs and registers call them.
_AFTERWARDS = re.compile(
    r"\b(tags?|last( notable)? (activity|session|log ?in|seen|visit)( creation)?( time| date| at)?|"
    r"lead (quality|profile|status|stage|grade)|(deal|opportunity|sales) (stage|status)|disposition|outcome|result|"
    r"resolution|(closed?|won|lost|cancel(l?ed|l?ation)?|churn(ed)?|exit|terminat(ed|ion)|end|loss)"
    r"( (date|time|reason|at|category|score|type))|reason( for)?( .*)?)\b"
)


def leaks(train: Examples, fields: Iterable[str], allow: Collection[str] = ()) -> dict[str, str]:
    """The `fields` of the table that know the label, each with the reason; `allow` lets one in.

    >>> y = np.tile([0.0, 1.0], 200)
    >>> table = pa.table({"closed": np.where(y > 0, "won", "lost"), "size": np.arange(400.0) % 7})
    >>> rows = np.arange(400)
    >>> leaks(Examples(table, y, rows, rows * 0), ["closed", "size"])
    {'closed': 'refused: alone it tells the outcome (AUC 1.00); `allow` it where it is known beforehand'}
    """
    found: dict[str, str] = {}
    if not len(train):
        return found
    for name in fields:
        reason = "" if name in allow else _leak(train, name)
        if reason:
            found[name] = reason
    return found


def is_time(column: pa.ChunkedArray | pa.Array) -> bool:
    """Whether a field holds instants, also as seconds or milliseconds since 1970."""
    if pa.types.is_temporal(column.type):
        return True
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    known = pc.drop_null(column)
    if not len(known):
        return False
    low, high = pc.min_max(known).as_py().values()
    return any(first <= low and high <= last for first, last in _EPOCH.values())


def _leak(train: Examples, name: str) -> str:
    column = train.table[name]
    if is_time(column):
        return "refused: a time without a history of its own knows what came after the cut-off"
    codes = _codes(column)
    both = 0 < train.y.sum() < len(train)
    auc = auc_of(_rates(codes, train.y, train.person), train.y > 0) if both else 0.5
    if auc >= KNOWS:
        return f"refused: alone it tells the outcome (AUC {auc:.2f}); `allow` it where it is known beforehand"
    if auc >= WRITTEN and _AFTERWARDS.search(_spoken(name)):
        return (
            f"refused: by its name it is filled in once the outcome shows, and it tells it (AUC {auc:.2f}); "
            "`allow` it where it is known beforehand"
        )
    sure = _sure(codes, train.y)
    if sure >= COVERED:
        return f"refused: one of its values is always followed by the outcome, in {sure:.0%} of all cases; `allow` it"
    return ""


def _spoken(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()).strip()


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The column in at most some dozens of groups: levels, or quantiles with the most frequent value by itself."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64(), safe=False).to_numpy()
        known = values[np.isfinite(values)]
        if not len(known):
            return np.zeros(len(values), np.int64)
        distinct, counts = np.unique(known, return_counts=True)
        common = distinct[counts.argmax()]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        places = np.searchsorted(edges, values, side="right") + 1
        places[values == common] = len(edges) + 2
        return np.where(np.isfinite(values), places, 0).astype(np.int64)
    text = column.cast(pa.string()).combine_chunks().dictionary_encode()
    indices = pc.fill_null(text.indices, -1).to_numpy(zero_copy_only=False)
    codes: NDArray[np.int64] = indices.astype(np.int64) + 1  # 0 is no value
    return codes


def _rates(codes: NDArray[np.int64], y: Array, person: NDArray[np.int64]) -> Array:
    """The outcome's rate among other people with the same code: each person's own fold is left out."""
    fold = (np.unique(person, return_inverse=True)[1] * 2_654_435_761 % 4_294_967_296) % FOLDS
    size, mean = int(codes.max()) + 1, float(y.mean())
    found = np.empty(len(y))
    for one in range(FOLDS):
        inside = fold == one
        count = np.bincount(codes[~inside], minlength=size)
        some = np.bincount(codes[~inside], y[~inside], minlength=size)
        found[inside] = ((some + SHRINK * mean) / (count + SHRINK))[codes[inside]]
    return found


def _sure(codes: NDArray[np.int64], y: Array) -> float:
    """The largest share of all outcomes that one value foretells nearly without fail; rare outcomes only say so."""
    count = np.bincount(codes)
    some = np.bincount(codes, y)
    sure = (count >= FEW) & (some >= SURE * count)
    return float(some[sure].max() / y.sum()) if sure.any() and y.mean() < 0.5 else 0.0
