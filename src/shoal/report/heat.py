"""The feature heat map: every segment's mean of every input, coloured by how far it is from everybody's."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shoal.report.numbers import compact, decimal, known, percent
from shoal.report.words import title
from shoal.summary import Segment


@dataclass(frozen=True)
class Cell:
    mean: float | None
    away: float | None


@dataclass(frozen=True)
class Row:
    feature: str
    cells: list[Cell]
    unit: str = ""  # share, days, or none that is known

    def told(self, mean: float | None) -> str:
        """A mean in its unit.

        >>> Row("orders", []).told(2.5), Row("sale_share", [], "share").told(0.25), Row("age", [], "days").told(31.2)
        ('2.5', '25%', '31 d')
        """
        if self.unit == "share":
            return percent(mean)
        days = decimal(mean, 2 if mean is not None and abs(mean) < 100 else 3)
        return f"{days} d" if self.unit == "days" and known(mean) else compact(mean)

    @property
    def reach(self) -> float:
        return max((abs(cell.away) for cell in self.cells if cell.away is not None), default=0.0)


def heat(
    segments: Sequence[Segment],
    spreads: Mapping[str, object] | None = None,
    label: Callable[[str], str] = title,
) -> list[Row]:
    """Rows of the heat map, the features that tell segments apart best first when `spreads` are known.

    Args:
        segments: with their `means`; the mean of everybody is taken as theirs, weighted by size.
        spreads: the standard deviation of each feature over people. Where it is not known, the standard deviation
            between segments stands in, and only cells of one row can be compared.
        label: a feature in plain words, which tell its unit.
    """
    features = dict.fromkeys(name for segment in segments for name in segment.means)
    rows = [_row(name, segments, (spreads or {}).get(name)) for name in features]
    rows = [replace(row, unit=_unit(f"{row.feature} {label(row.feature)}", row.cells)) for row in rows]
    return sorted(rows, key=lambda row: -row.reach) if spreads else rows


def _unit(told: str, cells: Sequence[Cell]) -> str:
    """Its unit by its words: a window of days is none, days since or between are."""
    said = re.sub(r"(in|over|last|past|next)?[ _]*(the )?(last |past |next )?\d+[ _]*d(ays)?\b", " ", told.lower())
    words = set(re.findall(r"[a-z]+", said))
    means = [cell.mean for cell in cells if cell.mean is not None and known(cell.mean)]
    if words & {"share", "rate", "ratio", "part"} and all(0 <= mean <= 1 for mean in means):
        return "share"
    return "days" if "days" in words and not words & {"active", "number", "count"} else ""


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
