"""The audit by protected traits arranged for reading: one table a trait, the least even reach first."""

from __future__ import annotations

from dataclasses import dataclass

from shoal.report.charts import Whiskers, whiskers
from shoal.report.numbers import fixed, known, percent
from shoal.report.words import plural
from shoal.summary import Fairness, Makeup

EVEN = 0.8  # a reach below four fifths of that of the group reached most is told apart


@dataclass(frozen=True)
class Audit:
    """One trait: each segment's groups, with their shares on one axis."""

    trait: str
    segments: dict[str, list[Makeup]]
    axis: Whiskers

    def place(self, row: Makeup) -> int:
        """Where a group of a segment is on the axis."""
        return next(i for i, one in enumerate(self.rows) if one is row)

    @property
    def rows(self) -> list[Makeup]:
        return [row for rows in self.segments.values() for row in rows]

    @property
    def uneven(self) -> list[Makeup]:
        """Groups reached clearly less than another, the least first."""
        return sorted((row for row in self.rows if is_uneven(row)), key=lambda row: row.ratio or 0.0)

    @property
    def says(self) -> str:
        """How even the segments reach the groups, in a sentence."""
        if not any(row.ratio is not None for row in self.rows):
            return "Reach could not be compared."
        if not self.uneven:
            return f"Every segment reaches every group at least {EVEN} times as often as the one it reaches most."
        least, many = self.uneven[0], len({row.segment for row in self.uneven})
        segments = "1 reaches" if many == 1 else f"{many} reach"
        return (
            f"Of {plural(len(self.segments), 'segment')}, {segments} a group less than {EVEN} times as often as the "
            f"group reached most. Least even: {least.segment}, {least.group}, {fixed(least.ratio)} times."
        )


def is_uneven(row: Makeup) -> bool:
    """Whether the group is reached clearly less than the one reached most."""
    return row.ratio is not None and known(row.ratio) and row.ratio < EVEN


def audits(fairness: Fairness) -> list[Audit]:
    """One audit a trait, in the order of the traits; segments in the order given."""
    traits = dict.fromkeys([*fairness.traits, *(row.trait for row in fairness.makeup)])
    found = []
    for trait in traits:
        mine = [row for row in fairness.makeup if row.trait == trait]
        names = dict.fromkeys(row.segment for row in mine)
        segments = {name: [row for row in mine if row.segment == name] for name in names}
        if mine:
            ordered = [row for rows in segments.values() for row in rows]
            drawn = whiskers([(row.group, i, row.share) for i, row in enumerate(ordered)], percent, ends=(0.0, 1.0))
            found.append(Audit(trait, segments, drawn))
    return found
