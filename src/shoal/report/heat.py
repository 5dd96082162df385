"""The feature heat map: every segment's mean of every input, coloured by how far it is from everybody's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shoal.report.numbers import known
from shoal.summary import Segment


@dataclass(frozen=True)
class Cell:
    mean: float | None
    away: float | None


@dataclass(frozen=True)
class Row:
    feature: str
    cells: list[Cell]

    @property
    def reach(self) -> float:
        return max((abs(cell.away) for cell in self.cells if cell.away is not None), default=0.0)


def heat(segments: Sequence[Segment], spreads: Mapping[str, object] | None = None) -> list[Row]:
    """Rows of the heat map, the features that tell segments apart best first when `spreads` are known.

    Args:
        segments: with their `means`; the mean of everybody is taken as theirs, weighted by size.
        spreads: the standard deviation of each feature over people. Where it is not known, the standard deviation
            between segments stands in, and only cells of one row can be compared.
    """
    features = dict.fromkeys(name for segment in segments for name in segment.means)
    rows = [_row(name, segments, (spreads or {}).get(name)) for name in features]
    return sorted(rows, key=lambda row: -row.reach) if spreads else rows


def _row(feature: str, segments: Sequence[Segment], spread: object) -> Row:
    means = [segment.means.get(feature) for segment in segments]
    pairs = [(m, s.size) for m, s in zip(means, segments, strict=True) if m is not None and known(m) and s.size > 0]
    people = sum(size for _, size in pairs)
    if not people:
        return Row(feature, [Cell(None, None) for _ in segments])
    centre = sum(m * size for m, size in pairs) / people
    scale = spread if isinstance(spread, int | float) and spread > 0 else _between(pairs, centre, people)
    return Row(
        feature,
        [
            Cell(m, (m - centre) / scale if scale else 0.0) if m is not None and known(m) else Cell(None, None)
            for m in means
        ],
    )


def _between(pairs: Sequence[tuple[float, int]], centre: float, people: int) -> float:
    return math.sqrt(sum(size * (mean - centre) ** 2 for mean, size in pairs) / people)
