"""Recency, frequency, monetary value: quintile scores as thresholds, and the eleven named segments."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.model import boxes
from shoal.model.levels import Basis, basis, bounded, cut_offs, level_of
from shoal.model.matrix import missing, numbers, whole
from shoal.model.meta import FeatureMeta, describe
from shoal.model.rules import Cut

LEVELS = 5
Span = tuple[int, int]
_ANY: Span = (1, 5)

# Name to boxes of (recency, frequency, monetary) scores, 5 is best; disjoint, and together all 125 cells.
NAMED: Mapping[str, tuple[tuple[Span, Span, Span], ...]] = {
    "Champions": (((5, 5), (4, 5), (4, 5)),),
    "Loyal {people}": (((3, 4), (4, 5), _ANY), ((5, 5), (4, 5), (1, 3))),
    "Potential loyalists": (((4, 5), (2, 3), _ANY),),
    "New {people}": (((5, 5), (1, 1), _ANY),),
    "Promising": (((4, 4), (1, 1), _ANY),),
    "Need attention": (((3, 3), (3, 3), _ANY), ((3, 3), (1, 2), (4, 5))),
    "About to sleep": (((3, 3), (1, 2), (1, 3)),),
    "Cannot lose them": (((1, 2), (5, 5), _ANY), ((1, 2), (1, 4), (5, 5))),
    "At risk": (((1, 2), (3, 4), (1, 4)),),
    "Hibernating": (((2, 2), (1, 2), (1, 4)), ((1, 1), (1, 2), (3, 4))),
    "Lost": (((1, 1), (1, 2), (1, 2)),),
}


@dataclass(frozen=True)
class Scores:
    """Cut-offs of one measure and the score (1 to 5) of each of its levels."""

    column: str
    cuts: tuple[float, ...]
    falling: bool

    def score(self, level: int) -> int:
        """Levels spread over 1 to 5 when there are fewer than five; a single level scores 3."""
        last = len(self.cuts)
        place = (last - level if self.falling else level) / last if last else 0.5
        return 1 + round(4 * place)

    def bounds(self, span: Span) -> boxes.Bounds | None:
        """The values whose score is within `span`; None where no level scores so."""
        levels = [level for level in range(len(self.cuts) + 1) if span[0] <= self.score(level) <= span[1]]
        if not levels:
            return None
        low = self.cuts[min(levels) - 1] if min(levels) > 0 else -math.inf
        high = self.cuts[max(levels)] if max(levels) < len(self.cuts) else math.inf
        return (low, high)


@dataclass(frozen=True)
class Rfm:
    """The three measures' scores, and who cannot be scored: null in `nullable`, or without any order when `idle`."""

    scores: tuple[Scores, Scores, Scores]
    nullable: tuple[str, ...]
    idle: bool
    whole: frozenset[str]
    basis: Basis

    @property
    def rest(self) -> str:
        """The rule of the people who cannot be scored; empty when everybody can."""
        clauses = [f"{boxes.quoted(column)} is null" for column in self.nullable]
        return " or ".join([*clauses, *([f"{boxes.quoted(self.scores[1].column)} < 1"] if self.idle else [])])


def scale(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> Rfm | None:
    """Quintile cut-offs of recency, frequency and monetary value among the people who have any; None without them."""
    found = basis(table)
    if not (found.recency and found.frequency and found.monetary):
        return None
    columns = (found.recency, found.frequency, found.monetary)
    nullable = [column for column in columns if missing(table, column)]
    values = {column: bounded(table, column) for column in columns}
    idle = bool((values[found.frequency] < 1).any())
    have = np.all([np.isfinite(values[column]) for column in columns], axis=0) & ~(values[found.frequency] < 1)
    if np.count_nonzero(have) < 2:
        return None
    scores = [
        Scores(
            column,
            tuple(cut_offs(values[column][have], LEVELS, (meta.get(column) or describe(column)).unit)),
            falling=column == found.recency,
        )
        for column in columns
    ]
    return Rfm(
        scores=(scores[0], scores[1], scores[2]),
        nullable=tuple(nullable),
        idle=idle,
        whole=frozenset(column for column in columns[1:] if whole(table, column)),
        basis=found,
    )


def rfm(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """The named RFM segments as rules, disjoint and exhaustive; those that no score can reach are left out.

    Scores are quintiles of recency_days, orders and revenue; without revenue, of recency_days and activity.
    People without a single order (or visit) form their own segment.
    """
    scaled = scale(table, meta)
    if scaled is None:
        return []
    people = scaled.basis.people
    cuts = []
    for name, cells in NAMED.items():
        rule = _rule(scaled, cells)
        if rule is not None:
            cuts.append(Cut(name.format(people=people), "rfm", rule))
    return [*cuts, *_unscored(scaled)]


def grouped(table: pa.Table, n: int, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """`n` segments of the total RFM score (3 to 15), as equal in size as the scores allow: for comparison.

    People who cannot be scored are in the last one.
    """
    scaled = scale(table, meta)
    if scaled is None:
        return []
    cells: dict[int, list[tuple[Span, Span, Span]]] = {}
    edges = _total_edges(table, scaled, n)
    for cell in itertools.product(range(1, 6), repeat=3):
        place = int(np.searchsorted(edges, sum(cell), side="right"))
        cells.setdefault(place, []).append(((cell[0],) * 2, (cell[1],) * 2, (cell[2],) * 2))
    rules = [rule for place in sorted(cells, reverse=True) if (rule := _rule(scaled, cells[place])) is not None]
    if scaled.rest:
        rules[-1] = f"({rules[-1]}) or {scaled.rest}"
    return [Cut(f"RFM group {place}", "rfm", rule) for place, rule in enumerate(rules, 1)]


def cells(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> NDArray[np.int64] | None:
    """Each person's cell of the three scores, 125 at most, numbered without gaps; -1 without scores, None without any.

    The finest cut that marketers use: for comparison with as many small segments.
    """
    scaled = scale(table, meta)
    if scaled is None:
        return None
    place = np.zeros(table.num_rows, dtype=np.int64)
    scored = np.ones(table.num_rows, dtype=bool)
    for scores in scaled.scores:
        values = numbers(table, scores.column)
        scored &= np.isfinite(values)
        place = place * LEVELS + level_of(np.nan_to_num(values), scores.cuts)
    scored &= ~(numbers(table, scaled.scores[1].column) < 1)
    found = np.full(table.num_rows, -1, dtype=np.int64)
    found[scored] = np.unique(place[scored], return_inverse=True)[1]
    return found


def _total_edges(table: pa.Table, scaled: Rfm, bins: int) -> list[float]:
    total = np.zeros(len(bounded(table, scaled.scores[0].column)))
    for scores in scaled.scores:
        values = bounded(table, scores.column)
        by_level = np.array([scores.score(level) for level in range(len(scores.cuts) + 1)], dtype=float)
        total += np.where(np.isfinite(values), by_level[level_of(values, scores.cuts)], np.nan)
    idle = bounded(table, scaled.scores[1].column) < 1
    return cut_offs(np.where(idle, np.nan, total), bins, "count")


def _unscored(scaled: Rfm) -> list[Cut]:
    name = "No purchase yet" if scaled.basis.people == "customers" else "No activity yet"
    return [Cut(name, "rfm", scaled.rest)] if scaled.rest else []


def _rule(scaled: Rfm, cells: Iterable[tuple[Span, Span, Span]]) -> str | None:
    union: list[boxes.Box] = []
    for cell in cells:
        sides = [scores.bounds(span) for scores, span in zip(scaled.scores, cell, strict=True)]
        if all(side is not None for side in sides):
            box = {s.column: side for s, side in zip(scaled.scores, sides, strict=True) if side is not None}
            union.append(boxes.narrow(box, scaled.scores[1].column, low=1.0) if scaled.idle else box)
    if not union:
        return None
    union = list(boxes.simplify(union))
    text = boxes.rule(union, [scores.column for scores in scaled.scores], whole=scaled.whole)
    known = [
        f"{boxes.quoted(column)} is not null" for column in scaled.nullable if not all(column in box for box in union)
    ]
    if not known:
        return text
    return " and ".join(known) if text == "true" else f"{' and '.join(known)} and ({text})"
