"""What is new since the last release: segments that emerge, split, merge, vanish, grow, shrink or move.

A way of cutting is never the same twice, so a different cut alone is no news: whatever is told rests on numbers of
people that changed by one and the same rule, evaluated then and now, by more than chance explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shoal.intervals import difference
from shoal.model.lineage import jaccard, together
from shoal.model.shift import LEAST as MANY
from shoal.model.shift import largest, shifts, staying
from shoal.model.sides import Mask, Part, Side, Sided
from shoal.summary import Change, Interval, Trait

OVERLAP = 0.5  # Jaccard from which a segment of then is said to be there still
WITHIN = 0.7  # of its people, for a segment to lie in another, and of the whole, for the parts to make it up
GREW = 0.2  # relative change of a share
NEW = 0.5  # an emerging segment has at least half as many people again by its rule; a vanishing one half as many
LEAST = 50  # people
ALARM = 0.05  # chance that anything is told where nothing changed


def changes(
    today: Sequence[Part], then: Sequence[Part], now: Side, before: Side, *, floor: float, since: str
) -> list[Change]:
    """What changed between two instants, by kind of segment; nothing where nothing more than chance did.

    Intervals are adjusted for all comparisons of a kind of change (Bonferroni), so that in all at most one set of
    segments in twenty in which nothing changed is told of at all.

    Args:
        today: the segments found now; `then`: those of the last release, or of the last run.
        now, before: the people of both instants. Both tables are sorted by `person`.
        floor: the smallest share of the people that an emerging segment may have.
        since: the instant of `before`, ISO 8601.
    """
    found: list[Change] = []
    kinds = [kind for kind in dict.fromkeys(one.kind for one in then) if any(one.kind == kind for one in today)]
    for kind in kinds:
        ours, theirs = ([one for one in parts if one.kind == kind] for parts in (today, then))
        found += _Compared(Sided.of(ours, now, before), Sided.of(theirs, now, before), now, before, len(kinds)).told(
            floor
        )
    return [one.model_copy(update={"since": since}) for one in found]


@dataclass(frozen=True)
class _Compared:
    """Today's segments of one kind against those of then."""

    today: Sided
    past: Sided
    now: Side
    before: Side
    kinds: int

    @cached_property
    def there(self) -> Mask:
        """The people of today who were there then; everybody where nobody was."""
        known = np.isin(self.now.table["person"].to_numpy(), self.before.table["person"].to_numpy())
        return known if known.any() else ~known

    @cached_property
    def ours(self) -> list[Mask]:
        return [mask[self.there] for mask in self.today.now]

    @cached_property
    def theirs(self) -> list[Mask]:
        return [mask[self.there] for mask in self.past.now]

    @cached_property
    def overlap(self) -> NDArray[np.float64]:
        return jaccard(self.ours, self.theirs)

    @cached_property
    def common(self) -> NDArray[np.float64]:
        return together(self.ours, self.theirs)

    @cached_property
    def people(self) -> tuple[int, int]:
        return self.now.table.num_rows, self.before.table.num_rows

    def level(self, comparisons: int) -> float:
        """Standard errors for a two-sided test of one of so many comparisons; sizes and profiles share the alarms."""
        from scipy.special import ndtri

        return float(-ndtri(ALARM / 2 / 2 / self.kinds / max(comparisons, 1)))

    @cached_property
    def z(self) -> float:
        return self.level(len(self.today.parts) + len(self.past.parts))

    def told(self, floor: float) -> list[Change]:
        splits = {place: parts for place in range(len(self.past.parts)) if (parts := self._parts_of(place))}
        merges = {place: parts for place in range(len(self.today.parts)) if (parts := self._sources_of(place))}
        split_off = {part for parts in splits.values() for part in parts}
        gone = {*splits, *(source for sources in merges.values() for source in sources)}
        found = [self._emerging(place, floor) for place in range(len(self.today.parts)) if place not in split_off]
        found += [self._splitting(place, parts) for place, parts in splits.items()]
        found += [self._merging(place, sources) for place, sources in merges.items()]
        found += [self._size(place, may_vanish=place not in gone) for place in range(len(self.past.parts))]
        found += [self._moved(place) for place in range(len(self.past.parts))]
        return [one for one in found if one is not None]

    def _emerging(self, place: int, floor: float) -> Change | None:
        part, size, was = self.today.parts[place], self.today.sizes[place], self.today.sizes_then[place]
        nearest, overlap = _nearest(self.overlap[place], self.past)
        named = any(part.name == old.name for old in self.past.parts)
        if named or overlap >= OVERLAP or size < LEAST or size < floor * self.people[0]:
            return None
        near = f"the nearest of then is {nearest}, with a Jaccard overlap of {overlap:.2f}" if nearest else ""
        if was is None and not self.today.fresh[place]:
            return None
        if was is None:
            words = f"{part.name} is new: {_people(size, self.people[0])}; its rule reads what was not known then"
        else:
            gap = difference(size, self.people[0], was, self.people[1], z=self.z)
            if not _rose(gap) or size / self.people[0] < (1 + NEW) * was / self.people[1]:
                return None
            words = (
                f"{part.name} is new: {_people(size, self.people[0])}, against {_share(was, self.people[1])} then by "
                f"the same rule ({_points(gap)})"
            )
        return Change(
            kind="emerging",
            segment=part.name,
            words="; ".join(one for one in (words, near) if one),
            overlap=round(overlap, 6),
            size_before=was,
            size=size,
        )

    def _parts_of(self, place: int) -> list[int]:
        """Today's segments that make up one of then, where its people are divided otherwise than then; else none."""
        parts = _inside(self.common[:, place], self.ours, self.theirs[place])
        return parts if any(self._shifted(own, self.past, place, self.today) for own in parts) else []

    def _sources_of(self, place: int) -> list[int]:
        """Segments of then that make up one of today, where they are mixed otherwise than then; else none."""
        sources = _inside(self.common[place], self.theirs, self.ours[place])
        return sources if any(self._shifted(old, self.today, place, self.past) for old in sources) else []

    def _shifted(self, part: int, wholes: Sided, whole: int, parts: Sided) -> bool:
        """Whether a part's share of a whole changed by a fifth and by more than chance."""
        gap, rate, rate_then = self._share_within(part, wholes, whole, parts)
        return gap is None or (_clear(gap) and abs(rate - rate_then) >= GREW * rate_then)

    def _share_within(self, part: int, wholes: Sided, whole: int, parts: Sided) -> tuple[Interval | None, float, float]:
        """A part's share of a whole now less then, and both shares; no interval where it was not known then."""
        own, own_then, all_now, all_then = parts.now[part], parts.then[part], wholes.now[whole], wholes.then[whole]
        n = int(all_now.sum())
        inside = int((own & all_now).sum())
        if own_then is None or all_then is None or not n or not all_then.any():
            return None, inside / max(n, 1), 0.0
        was, m = int((own_then & all_then).sum()), int(all_then.sum())
        return difference(inside, n, was, m, z=self.z), inside / n, was / m

    def _splitting(self, place: int, parts: Sequence[int]) -> Change:
        told = []
        for own in parts:
            gap, rate, rate_then = self._share_within(own, self.past, place, self.today)
            told.append(f"{self.today.parts[own].name} ({_against(gap, rate, rate_then)} of it)")
        name = self.past.parts[place].name
        return Change(
            kind="splitting",
            segment=name,
            words=f"{name} splits into {_listed(told)}, by the same rules then and now",
            overlap=round(float(self.overlap[:, place].max()), 6),
            size_before=self.past.sizes_then[place],
            size=self.past.sizes[place],
        )

    def _merging(self, place: int, sources: Sequence[int]) -> Change:
        told = []
        for old in sources:
            gap, rate, rate_then = self._share_within(old, self.today, place, self.past)
            told.append(f"{self.past.parts[old].name} ({_against(gap, rate, rate_then)} of it)")
        name = self.today.parts[place].name
        return Change(
            kind="merging",
            segment=name,
            words=f"{_listed(told)} are one segment now, {name}",
            overlap=round(float(self.overlap[place].max()), 6),
            size_before=self.today.sizes_then[place],
            size=self.today.sizes[place],
        )

    def _size(self, place: int, *, may_vanish: bool) -> Change | None:
        """Growing, shrinking or vanishing: its own rule's share of the people, now and then."""
        size, was = self.past.sizes[place], self.past.sizes_then[place]
        if was is None or max(size, was) < LEAST:
            return None
        gap = difference(size, self.people[0], was, self.people[1], z=self.z)
        rate, rate_then = size / self.people[0], was / self.people[1]
        if not _clear(gap) or abs(rate - rate_then) < GREW * rate_then:
            return None
        overlap = float(self.overlap[:, place].max(initial=0.0))
        vanishes = may_vanish and overlap < OVERLAP and rate <= NEW * rate_then
        name = self.past.parts[place].name
        numbers = f"{_people(size, self.people[0])}, against {_share(was, self.people[1])} then ({_points(gap)})"
        verb = "vanishes" if vanishes else "grows" if rate > rate_then else "shrinks"
        more = "; no segment found today overlaps it by half" if vanishes else ""
        return Change(
            kind="vanishing" if vanishes else "growing" if rate > rate_then else "shrinking",
            segment=name,
            words=f"{name} {verb}: {numbers}{more}",
            overlap=round(overlap, 6),
            size_before=was,
            size=size,
        )

    def _moved(self, place: int) -> Change | None:
        """Its profile shifted, or its people went elsewhere."""
        member, was = self.past.now[place], self.past.then[place]
        if was is None or min(int(member.sum()), int(was.sum())) < MANY:
            return None
        z = self.level(len(self.past.parts) * max(len(self.now.crowd.values), 1))
        traits = shifts(self.now.crowd, member, self.before.crowd, was, z=z)
        left = self._left(member, was)
        if not traits and not left:
            return None
        name = self.past.parts[place].name
        told = [f"by the same rule its people differ from those of then: {_listed_traits(traits)}"] if traits else []
        return Change(
            kind="moved",
            segment=name,
            words=f"{name} moved: {'; '.join([*told, *left])}",
            overlap=round(float(self.overlap[:, place].max(initial=0.0)), 6),
            size_before=int(was.sum()),
            size=int(member.sum()),
            traits=traits,
        )

    def _left(self, member: Mask, was: Mask) -> list[str]:
        """Says so where most of its people of then are elsewhere now."""
        still, rows = staying(self.now.table, member, self.before.table, was)
        if len(rows) < MANY or still.value is None or still.high is None or still.high >= OVERLAP:
            return []
        found = f"only {still.value:.0%} of its {len(rows):,} people of then are in it still"
        gone = rows[~member[rows]]
        most = largest(gone, self.today.now)
        if most is not None:
            found += f"; most of the others are in {self.today.parts[most[0]].name} now ({most[1]:.0%})"
        return [found]


def _inside(common: NDArray[np.float64], parts: Sequence[Mask], whole: Mask) -> list[int]:
    """The parts that lie mostly in a whole, where there are two at least and they make up most of it."""
    sizes = np.array([int(part.sum()) for part in parts])
    found = np.flatnonzero((common >= LEAST) & (common >= WITHIN * sizes)).tolist()
    return found if len(found) > 1 and common[found].sum() >= WITHIN * whole.sum() else []


def _nearest(overlaps: NDArray[np.float64], past: Sided) -> tuple[str, float]:
    if not len(overlaps):
        return "", 0.0
    place = int(np.argmax(overlaps))
    return (past.parts[place].name if overlaps[place] > 0 else ""), float(overlaps[place])


def _clear(gap: Interval) -> bool:
    """Whether an interval excludes 0."""
    return gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0)


def _rose(gap: Interval) -> bool:
    return gap.low is not None and gap.low > 0


def _share(people: int, all_people: int) -> str:
    return f"{100 * people / max(all_people, 1):.3g} %"


def _people(people: int, all_people: int) -> str:
    return f"{people:,} people, {_share(people, all_people)} of all"


def _points(gap: Interval) -> str:
    low, high = gap.low or 0.0, gap.high or 0.0
    return f"{100 * (gap.value or 0.0):+.1f} points, {100 * low:+.1f} to {100 * high:+.1f}"


def _against(gap: Interval | None, rate: float, rate_then: float) -> str:
    return f"{rate:.0%}" if gap is None else f"{rate:.0%} against {rate_then:.0%} then"


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}"


def _listed_traits(traits: Sequence[Trait]) -> str:
    return "; ".join(trait.words for trait in traits)
