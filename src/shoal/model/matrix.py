"""The design matrix of discovery: which features go in, on what scale, with what weight."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.protected import barred
from shoal.model.meta import OUTCOME, WINDOWS, FeatureMeta, complete, split

if TYPE_CHECKING:
    from shoal.model.outlook import Outlook

STANDING = frozenset({"person", "profile_id", "as_of"})
BROWSING = frozenset({"sessions", "views", "searches", "carts", "checkouts", "logins", "wishes", "comparisons"})
COUNTS_OF_LINES = frozenset({"events", "active_days", "events_trend", "depth", "adoption"})
CONSTANT = 0.97
MISSING = 0.05
HABIT = 3
REDUNDANT = 0.95
SAMPLE = 50_000
LARGEST = 1e30  # what trees can cut: they work in single precision
# What moves a segment's next period gets more of the distance than what decorates it (docs/discovery.md).
THEME_SHARE = {
    "value": 1.0,
    "rhythm": 1.0,
    "engagement": 0.75,
    "intent": 0.75,
    "affinity": 0.5,
    "lifecycle": 0.25,
    "care": 0.25,
    "timing": 0.25,
}
VALUES_SHARE = 0.125  # of a trait that is a text, beside 0.5 of one that is a number


Array = NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """A bounded sample of the people as points.

    `values` are scaled and weighted, `raw` as measured, both (people, inputs). `absent` says on which side of every
    threshold people without a value stand: `high` for days (never is longer than any), `low` for everything else;
    `whole` names the inputs that count. `outlook` is what the next period holds for them, where that could be learned.
    """

    meta: tuple[FeatureMeta, ...]
    raw: Array
    values: Array
    rows: NDArray[np.int64]
    dropped: Mapping[str, str]
    absent: Mapping[str, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    outlook: Outlook | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(meta.name for meta in self.meta)

    @property
    def opposites(self) -> dict[str, str]:
        """The inputs whose name is a rule, with the rule of the opposite."""
        return {meta.name: meta.otherwise for meta in self.meta if meta.otherwise}

    def take(self, places: NDArray[np.int64]) -> Matrix:
        """The same matrix for some of its people (positions in the sample)."""
        outlook = None if self.outlook is None else self.outlook.take(places)
        return replace(self, raw=self.raw[places], values=self.values[places], rows=self.rows[places], outlook=outlook)


def build(
    table: pa.Table, meta: Mapping[str, FeatureMeta], *, seed: int = 0, inputs: Sequence[str] | None = None
) -> Matrix:
    """The design matrix of `table` (one row a person), from a seeded sample of at most 50,000 people.

    `inputs` limits the features considered; whatever is left out is in `dropped` with the reason.
    """
    names = [name for name in (table.column_names if inputs is None else inputs) if name not in STANDING]
    known = complete(names, meta)
    names = [name for name in names if not known[name].hidden]
    rows = sample(table.num_rows, SAMPLE, seed)
    dropped = {**lines_only(names, known), **_no_habit_yet(table, [known[name] for name in names])}
    dropped |= {name: "not used: an objective predicts it" for name in names if known[name].theme == OUTCOME}
    columns: dict[str, Array] = {}
    for name in sorted(set(names) - set(dropped), key=lambda name: known[name].readability):
        reason = _unusable(table, name) or _covered(name, columns)
        if not reason:
            columns[name] = _fill(numbers(table, name, rows), known[name])
            reason = _constant(columns[name])
        if reason:
            dropped[name] = reason
            columns.pop(name, None)
    scaled = {name: uniform(values) for name, values in columns.items()}
    kept = _distinct(scaled, known, dropped)
    chosen = tuple(known[name] for name in kept)
    weights = theme_weights(chosen, [float(scaled[name].std()) for name in kept])
    empty = np.empty((len(rows), 0))
    return Matrix(
        meta=chosen,
        raw=np.column_stack([columns[name] for name in kept]) if kept else empty,
        values=np.column_stack([scaled[name] for name in kept]) * weights if kept else empty,
        rows=rows,
        dropped=dropped,
        absent={item.name: absent_side(item) for item in chosen if missing(table, item.name)},
        whole=frozenset(item.name for item in chosen if item.unit == "count" and whole(table, item.name)),
    )


def absent_side(meta: FeatureMeta) -> str:
    """Where people without a value stand: beyond every number of days, below every other number."""
    return "high" if meta.days else "low"


def missing(table: pa.Table, name: str) -> int:
    """People without a value; NaN is none."""
    column = table[name]
    found: int = column.null_count
    if pa.types.is_floating(column.type):
        found += pc.sum(pc.is_nan(column)).as_py() or 0
    return found


def whole(table: pa.Table, name: str) -> bool:
    """Whether a column counts: whole numbers from 0 up, whatever type they are kept in."""
    values = numbers(table, name, sample(table.num_rows, SAMPLE, 0))
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool((known >= 0).all()) and bool((known == np.floor(known)).all())


def _fill(values: Array, meta: FeatureMeta) -> Array:
    present = values[~np.isnan(values)]
    if len(present) in (0, len(values)):
        return values
    filled: Array = np.nan_to_num(values, nan=float(present.max() + 1 if meta.days else present.min() - 1))
    return filled


def sample(people: int, limit: int, seed: int) -> NDArray[np.int64]:
    """Sorted positions of at most `limit` people, all of them when they are few.

    >>> sample(3, 10, seed=0).tolist()
    [0, 1, 2]
    """
    if people <= limit:
        return np.arange(people, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(people, limit, replace=False)).astype(np.int64)


def numbers(table: pa.Table, name: str, rows: NDArray[np.int64] | None = None) -> Array:
    """A numeric feature as float64, NaN where it is null; only at `rows` when given."""
    column = table[name]
    if rows is not None and len(rows) < table.num_rows:
        column = column.take(pa.array(rows))
    values: Array = column.cast(pa.float64(), safe=False).to_numpy()
    return np.clip(values, -LARGEST, LARGEST)


def uniform(values: Array) -> Array:
    """Average rank over the number of people, in (0, 1): no outlier, no skew; equal values stay equal.

    >>> uniform(np.array([0.0, 0.0, 7.0, 1e9])).tolist()
    [0.25, 0.25, 0.625, 0.875]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts
    ranks: Array = ((before + counts / 2) / len(values))[place]
    return ranks


def theme_weights(meta: Sequence[FeatureMeta], spread: Sequence[float]) -> Array:
    """Weights under which a theme's total variance is its share times the root of its number of inputs.

    So a theme gains by saying more, but not by saying the same in many columns. Values of a trait have one small share
    together: clusters part at an input of two values before they look at any other.
    """
    counts = Counter(item.theme for item in meta)
    parts = [
        VALUES_SHARE / counts[item.theme]
        if item.otherwise
        else THEME_SHARE.get(item.theme, 0.5) / math.sqrt(counts[item.theme])
        for item in meta
    ]
    weights: Array = np.sqrt(parts) / np.asarray(spread)
    return weights


def lines_only(names: Sequence[str], meta: Mapping[str, FeatureMeta]) -> dict[str, str]:
    """Where purchases are all there is, a count of events is a count of order lines: an artefact of the file."""
    names = [name for name in names if not meta[name].recorded]
    if "orders" not in names or BROWSING & set(names):
        return {}
    return {
        name: "not used: every event is a line of an order, and orders say it better"
        for name in names
        if split(name)[0] in COUNTS_OF_LINES
    }


def _no_habit_yet(table: pa.Table, meta: Sequence[FeatureMeta]) -> dict[str, str]:
    """Times of day and week, where most people came too seldom to have any."""
    often = next((name for name in ("orders", "active_days", "sessions") if name in table.column_names), None)
    if often is None or np.nanmedian(np.append(numbers(table, often), 0.0)) >= HABIT:
        return {}
    return {
        item.name: f"not used: half of the people have fewer than {HABIT} {often.replace('_', ' ')} to tell a habit by"
        for item in meta
        if item.theme == "timing"
    }


def _unusable(table: pa.Table, name: str) -> str:
    column = table[name]
    if reason := barred(name):
        return f"not used: {reason}"
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return _no_number(column)
    infinite = (pc.sum(pc.is_inf(column)).as_py() or 0) if pa.types.is_floating(column.type) else 0
    share = missing(table, name) / max(table.num_rows, 1)
    if share > MISSING:
        return f"not used: missing for {_percent(share)} of people"
    return f"not used: infinite for {infinite:,} people" if infinite else ""


def _no_number(column: pa.ChunkedArray) -> str:
    if column.null_count == len(column):
        return "not used: nobody has it"
    if not pa.types.is_string(column.type):
        kind = "a time" if pa.types.is_timestamp(column.type) else str(column.type)
        return f"not used: {kind} is not a number"
    return f"not used: a text of {pc.count_distinct(column).as_py():,} values is not a number"


def _covered(name: str, columns: Mapping[str, Array]) -> str:
    """One window a measure is enough beside the whole past: three of them would count it three times."""
    base, window = split(name)
    other = next((f"{base}_{days}d" for days in WINDOWS if f"{base}_{days}d" in columns), None) if window else None
    return f"not used: '{other}' is the window for it" if other else ""


def _constant(values: Array) -> str:
    if not len(values) or np.isnan(values).all():
        return "not used: nobody has it"
    _, counts = np.unique(values, return_counts=True)
    share = float(counts.max() / len(values))
    return f"not used: the same for {_percent(share)} of people" if share >= CONSTANT else ""


def _distinct(scaled: Mapping[str, Array], meta: Mapping[str, FeatureMeta], dropped: dict[str, str]) -> list[str]:
    """The inputs in order of readability, without those that rank people as a kept one does (Spearman)."""
    kept: list[str] = []
    standard = {name: _standard(values[:: max(1, len(values) // 10_000)]) for name, values in scaled.items()}
    for name in scaled:
        twin = next(
            (other for other in kept if abs(float(np.mean(standard[name] * standard[other]))) >= REDUNDANT), None
        )
        if twin is None:
            kept.append(name)
        else:
            correlation = float(np.mean(standard[name] * standard[twin]))
            dropped[name] = f"not used: ranks people as '{meta[twin].label}' does (rank correlation {correlation:.2f})"
    return kept


def _standard(ranks: Array) -> Array:
    deviation = float(ranks.std())
    centred: Array = (ranks - ranks.mean()) / (deviation or 1.0)
    return centred


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"
