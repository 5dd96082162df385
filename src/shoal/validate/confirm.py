"""Does the difference hold on people it was not found on? Searched on one half, confirmed on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.contingency import label, tidy
from shoal.intervals import interval
from shoal.summary import Interval, Verdict
from shoal.validate.difference import written
from shoal.validate.outcome import Outcome
from shoal.validate.verdict import judge
from shoal.validate.welch import Sums, plain, welch


@dataclass(frozen=True)
class Confirmed:
    """One segment's difference from the rest in the outcome that differed most on the searched half.

    `found` is its size there, `effect` on the other half in the direction found there (negative: it turned round),
    both in standard deviations; the interval holds for all segments at once (Bonferroni).
    """

    segment: int
    outcome: str
    found: float | None
    effect: Interval
    inside: float | None = None
    outside: float | None = None
    people: int = 0


def confirmed(
    codes: npt.ArrayLike, outcomes: Sequence[Outcome], *, k: int | None = None, seed: int = 0
) -> tuple[Confirmed, ...]:
    """Each segment's largest next-period difference from the rest, found on one half and measured on the other.

    To take the largest of several differences flatters it; on people who had no part in the choice it is honest. The
    largest is that whose interval ends farthest from 0, lest a noisy outcome be chosen.

    Args:
        codes: each person's segment at T, 0..k-1; negative is in none.
        outcomes: what the same people did in (T, T + h]; those that count are searched.
        k: how many segments there are, when the last may be empty.
        seed: of the halves.

    >>> spent = Outcome("log_revenue", "revenue", np.tile(np.repeat([1.0, 3.0], 200), 2) + np.tile([0.0, 1.0], 400))
    >>> one = confirmed(np.tile(np.repeat([0, 1], 200), 2), [spent])[0]
    >>> one.outcome, one.effect.low > 1.5
    ('log_revenue', True)
    """
    labels, count = tidy(codes, k)
    half = np.random.default_rng(seed).permutation(len(labels)) % 2
    place = np.where(labels < 0, count, labels) + half * (count + 1)
    both = Sums.of(place, outcomes, 2 * (count + 1))
    one, other = both.at(slice(0, count + 1)), both.at(slice(count + 1, -1))
    searched = welch(one.head(), one.rest(), one)
    certain = np.abs(searched.effect) - searched.spread
    tested = welch(other.head(), other.rest(), other, comparisons=count)
    counted = [outcome for outcome in outcomes if outcome.counts]
    found = []
    for code in range(count):
        if not np.isfinite(certain[code]).any():
            found.append(Confirmed(code, "", None, interval(None), people=int(both.people[code])))
            continue
        best = int(np.nanargmax(certain[code]))
        sign = float(np.sign(searched.effect[code, best]))
        effect, spread = sign * float(tested.effect[code, best]), float(tested.spread[code, best])
        found.append(
            Confirmed(
                segment=code,
                outcome=counted[best].name,
                found=abs(float(searched.effect[code, best])),
                effect=interval(effect, effect - spread, effect + spread),
                inside=plain(counted[best], other.mean[code, best]),
                outside=plain(counted[best], other.rest().mean[code, best]),
                people=int(tested.people[code, best]),
            )
        )
    return tuple(found)


def confirmed_verdicts(found: Sequence[Confirmed], outcomes: Sequence[Outcome], names: Sequence[str]) -> list[Verdict]:
    """The verdict on each segment's difference on the half it was not searched on."""
    words = {outcome.name: outcome.words for outcome in outcomes}
    return [
        judge(
            "confirmed",
            label(names, one.segment),
            one.effect.value,
            one.effect.low,
            one.effect.high,
            one.people,
            _told(one, words.get(one.outcome, "")),
        )
        for one in found
    ]


def _told(found: Confirmed, words: str) -> str:
    if found.found is None or found.inside is None or found.outside is None:
        return "no outcome could be compared on both halves"
    return (
        f"{words}, {found.found:.2g} SD on the half searched: "
        f"{written(found.inside)} against {written(found.outside)} for the rest on the other"
    )
