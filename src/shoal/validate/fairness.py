"""Whom the segments reach, by protected traits: make-up, disparate reach, and clauses that stand in for a trait.

An audit, never an input: it changes no rule. A difference is not unlawful by itself; it must be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.contingency import Codes
from shoal.define.evaluate import Frame
from shoal.define.select import read
from shoal.define.words import Label
from shoal.intervals import clean
from shoal.summary import Fairness, Interval, Makeup, Segment, Verdict
from shoal.validate.groups import UNKNOWN, Groups, protected_groups
from shoal.validate.intervals import Rates, critical, ratio
from shoal.validate.proxy import proxies, proxy_verdicts
from shoal.validate.verdict import CHECKS, judge

Members = NDArray[np.bool_]
AUDITED = ("discovered", "predictive", "rule")
NOTHING = "no profile has a protected trait (age, gender, ...): make-up and reach could not be audited"
ALIKE = "one group is all there is, so nothing can be compared"


def audit(
    segments: Sequence[Segment], people: pa.Table, traits: pa.Table, labels: Mapping[str, Label] | None = None
) -> tuple[Fairness, list[Verdict]]:
    """The audit of discovered, predictive, own and released segments by every protected trait, with its verdicts.

    Intervals and verdicts hold for all comparisons at once (Bonferroni), so that in 95 of 100 data sets in which the
    traits have nothing to do with the segments nothing is flagged.

    Args:
        segments: those of the run; others than the audited kinds are left out.
        people: one row a person, with the columns that rules read.
        traits: the same people, row by row, with their traits; those that are not protected are left out.
        labels: how rules speak of columns.

    >>> audit([], pa.table({"orders": [1]}), pa.table({"plan": ["pro"]}))[0].note
    'no profile has a protected trait (age, gender, ...): make-up and reach could not be audited'
    """
    known = protected_groups(traits)
    if not known:
        return Fairness(note=NOTHING), []
    audited = [one for one in segments if one.kind in AUDITED or one.status == "released"]
    frame = Frame(people, people.num_rows)
    members = [frame.mask(read(one.rule, people)) for one in audited]
    z = critical(len(audited) * sum(_pairs(one) for one in known))
    makeup: list[Makeup] = []
    verdicts: list[Verdict] = []
    for one, member in zip(audited, members, strict=True):
        reached = [_Reached.of(member, trait, z) for trait in known]
        makeup += [row for part in reached for row in part.rows(one.subject)]
        verdicts.append(_parity(one.subject, reached))
    found, told = proxies([(one.subject, one.rule) for one in audited], people, known, labels or {})
    names = [one.trait for one in known]
    alike = [one.trait for one in known if len(one.names) < 2]
    note = f"{', '.join(alike)}: {ALIKE}" if alike else ""
    return Fairness(traits=names, makeup=makeup, proxies=found, note=note), [*verdicts, *proxy_verdicts(told)]


class _Reached:
    """One segment by one trait: how much of each group is in it."""

    def __init__(self, trait: Groups, member: Members, inside: Codes, z: float) -> None:
        self.trait, self.inside, self.z = trait, inside, z
        self.missing, self.missed = int((trait.codes < 0).sum()), int(member[trait.codes < 0].sum())
        self.reach = Rates.of(inside, trait.sizes, z)
        self.share = Rates.of(inside, np.full(len(inside), inside.sum()), z)
        judged = _judged(trait)
        rates = np.where(judged, self.reach.value, -1.0)
        self.best = int(np.argmax(rates)) if judged.sum() > 1 and rates.max() > 0 else None
        self.ratio = Rates(*(np.full(len(inside), np.nan) for _ in range(3)))
        if self.best is not None:
            found = ratio(self.reach, _only(self.reach, self.best))
            self.ratio = Rates(*(np.where(judged, part, np.nan) for part in (found.value, found.low, found.high)))

    @classmethod
    def of(cls, member: Members, trait: Groups, z: float) -> _Reached:
        mine = trait.codes[member]
        return cls(trait, member, np.bincount(mine[mine >= 0], minlength=len(trait.names)).astype(np.int64), z)

    def rows(self, segment: str) -> list[Makeup]:
        """A row a group, and one for those of whom the trait is not known: shown, not judged."""
        sizes = self.trait.sizes
        found = [
            Makeup(
                segment=segment,
                trait=self.trait.trait,
                group=name,
                people=int(self.inside[place]),
                share=self.share[place],
                everybody=float(sizes[place] / sizes.sum()),
                reach=self.reach[place],
                ratio=clean(float(self.ratio.value[place])),
            )
            for place, name in enumerate(self.trait.names)
        ]
        return [*found, self._unknown(segment, int(self.inside.sum()))] if self.missing else found

    def _unknown(self, segment: str, known: int) -> Makeup:
        people = len(self.trait.codes)
        share = Rates.of([self.missed], [self.missed + known], self.z)[0]
        reach = Rates.of([self.missed], [self.missing], self.z)[0]
        return Makeup(
            segment=segment,
            trait=self.trait.trait,
            group=UNKNOWN,
            people=self.missed,
            share=share,
            everybody=self.missing / people,
            reach=reach,
        )

    def least(self) -> tuple[int, Interval] | None:
        """The group reached least for certain: of those whose interval excludes four fifths, else of all."""
        others = [place for place in range(len(self.inside)) if place != self.best and self.ratio.value[place] >= 0]
        if not others:
            return None
        place = min(
            others, key=lambda one: (self.ratio.high[one] >= CHECKS["reach parity"].passes, self.ratio.value[one])
        )
        return place, self.ratio[place]

    def words(self, place: int) -> str:
        """Both rates of a comparison in a sentence."""
        name, best = self.trait.names[place], self.trait.names[self.best or 0]
        mine, most = self.reach.value[place], self.reach.value[self.best or 0]
        return f"{self.trait.words}: it reaches {mine:.1%} of `{name}` and {most:.1%} of `{best}`"


def _parity(segment: str, reached: Sequence[_Reached]) -> Verdict:
    """The verdict on the lowest ratio of reach of one segment."""
    limit = CHECKS["reach parity"].passes
    found = [(part, *least) for part in reached if (least := part.least()) is not None]
    if not found:
        needed = CHECKS["reach parity"].least
        return judge("reach parity", segment, None, note=f"it takes two groups of {needed} people, one of them reached")
    part, place, lowest = min(found, key=lambda one: ((one[2].high or 0) >= limit, one[2].value or 0))
    flagged = [one for one in found if one[2].high is not None and one[2].high < limit]
    others = [other.trait.words for other, _, _ in flagged if other is not part]
    note = part.words(place) + (f"; also {', '.join(others)}" if others else "")
    smaller = int(min(part.trait.sizes[place], part.trait.sizes[part.best or 0]))
    return judge("reach parity", segment, lowest.value, lowest.low, lowest.high, smaller, note)


def _judged(trait: Groups) -> Members:
    return np.asarray(trait.sizes >= CHECKS["reach parity"].least)


def _pairs(trait: Groups) -> int:
    groups = int(_judged(trait).sum())
    return groups * (groups - 1) // 2


def _only(rates: Rates, place: int) -> Rates:
    """One rate, for each of all."""
    return Rates(*(np.full(len(part), part[place]) for part in (rates.value, rates.low, rates.high)))
