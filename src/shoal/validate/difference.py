"""What each segment did in the next period, and whether that differs from the rest and from its nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from shoal.contingency import Floats, label, tidy
from shoal.intervals import interval, wilson
from shoal.summary import Interval, Verdict
from shoal.validate.intervals import mean_interval
from shoal.validate.outcome import Outcome
from shoal.validate.verdict import judge
from shoal.validate.welch import LEVEL, Found, Sums, plain, welch


@dataclass(frozen=True)
class Contrast:
    """The largest next-period difference of one group of people from another, in standard deviations, unsigned.

    The interval holds for all comparisons made at once (Bonferroni); `p` is adjusted by Holm.
    """

    segment: int
    other: int | None
    outcome: str
    inside: float | None
    outside: float | None
    effect: Interval
    p: float | None
    differing: tuple[str, ...]
    people: int


def next_period(
    codes: npt.ArrayLike, outcomes: Sequence[Outcome], *, k: int | None = None
) -> tuple[dict[str, Interval], ...]:
    """Per segment the mean of each outcome in the next period, with its 95 % interval.

    Rates have Wilson's interval; amounts Hall's, which allows for skewness. A segment with nobody has no values.

    Args:
        codes: each person's segment at T, 0..k-1; negative is in none.
        outcomes: what the same people did in (T, T + h].
        k: how many segments there are, when the last may be empty.

    >>> kept = Outcome("retained", "retention", np.array([1.0, 1.0, 0.0]))
    >>> [found["retained"].value for found in next_period([0, 0, 1], [kept])]
    [1.0, 0.0]
    """
    labels, count = tidy(codes, k)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels + 1, minlength=count + 1))
    members = [order[start:end] for start, end in pairwise(ends)]
    rates = {outcome.name: outcome.is_rate for outcome in outcomes}
    return tuple(
        {outcome.name: _mean(outcome.values[rows], rate=rates[outcome.name]) for outcome in outcomes}
        for rows in members
    )


def against_rest(codes: npt.ArrayLike, outcomes: Sequence[Outcome], *, k: int | None = None) -> tuple[Contrast, ...]:
    """Each segment against everybody else, by Welch's t in every outcome that counts, Holm-adjusted over all.

    >>> spent = Outcome("log_revenue", "revenue", np.repeat([1.0, 3.0], 50) + np.tile([0.0, 1.0], 50))
    >>> against_rest(np.repeat([0, 1], 50), [spent])[1].differing
    ('log_revenue',)
    """
    return _against_rest(Sums.of(codes, outcomes, k), outcomes)


def _against_rest(sums: Sums, outcomes: Sequence[Outcome]) -> tuple[Contrast, ...]:
    found = welch(sums.head(), sums.rest(), sums)
    return tuple(_strongest(found, row, row, None, sums, outcomes) for row in range(len(sums.n) - 1))


def against_neighbour(
    codes: npt.ArrayLike, outcomes: Sequence[Outcome], *, k: int | None = None
) -> tuple[Contrast, ...]:
    """Each segment against the one most similar to it: the one from which its largest difference is smallest."""
    return _against_neighbour(Sums.of(codes, outcomes, k), outcomes)


def _against_neighbour(sums: Sums, outcomes: Sequence[Outcome]) -> tuple[Contrast, ...]:
    count = len(sums.n) - 1
    one, two = np.triu_indices(count, 1)
    found = welch(sums.at(one), sums.at(two), sums)
    largest = np.max(np.where(np.isfinite(found.effect), np.abs(found.effect), -1.0), axis=1, initial=-1.0)
    contrasts = []
    for code in range(count):
        pairs = np.flatnonzero(((one == code) | (two == code)) & (largest >= 0))
        if len(pairs) == 0:
            contrasts.append(_unknown(code, int(sums.people[code])))
            continue
        pair = int(pairs[np.argmin(largest[pairs])])
        other = int(two[pair] if one[pair] == code else one[pair])
        contrasts.append(_strongest(found, pair, code, other, sums, outcomes))
    return tuple(contrasts)


def contrast_verdicts(codes: npt.ArrayLike, outcomes: Sequence[Outcome], names: Sequence[str]) -> list[Verdict]:
    """The verdicts on each segment's difference from the rest and from its most similar segment."""
    sums = Sums.of(codes, outcomes, len(names))
    rest, near = _against_rest(sums, outcomes), _against_neighbour(sums, outcomes)
    verdicts = []
    for check, contrasts in (("contrast", rest), ("neighbour", near)):
        for found in contrasts:
            part = found.effect
            note = _told(found, names, outcomes)
            verdicts.append(
                judge(check, label(names, found.segment), part.value, part.low, part.high, found.people, note)
            )
    return verdicts


def _strongest(
    found: Found, row: int, code: int, other: int | None, sums: Sums, outcomes: Sequence[Outcome]
) -> Contrast:
    """The outcome in which a pair differs most, with the ends of the widest claim over all outcomes."""
    counted = [outcome for outcome in outcomes if outcome.counts]
    size = np.abs(found.effect[row])
    if not np.isfinite(size).any():
        return _unknown(code, int(sums.people[code]))
    place = int(np.nanargmax(size))
    most = counted[place]
    inside = plain(most, sums.mean[code, place])
    away = float(np.sign(found.effect[row, place])) * (1 if other is None or code < other else -1)
    outside = plain(most, sums.mean[code, place] - away * size[place])
    p = found.p[row]
    return Contrast(
        segment=code,
        other=other,
        outcome=most.name,
        inside=inside,
        outside=outside,
        effect=interval(
            float(size[place]),
            float(np.nanmax(size - found.spread[row])),
            float(np.nanmax(size + found.spread[row])),
        ),
        p=float(p[place]),
        differing=tuple(outcome.name for outcome, value in zip(counted, p, strict=True) if value < LEVEL),
        people=int(found.people[row, place]),
    )


def _unknown(code: int, people: int) -> Contrast:
    return Contrast(code, None, "", None, None, interval(None), None, (), people)


def _told(found: Contrast, names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    if found.inside is None or found.outside is None:
        return "no outcome could be compared"
    words = next(outcome.words for outcome in outcomes if outcome.name == found.outcome)
    who = "the rest" if found.other is None else label(names, found.other)
    text = f"most in {words}: {written(found.inside)} against {written(found.outside)} for {who}"
    return text if found.differing else f"{text}; no outcome differs after Holm's correction"


def written(value: float) -> str:
    """A mean of an outcome as people write it: never with an exponent, three digits or all before the point.

    >>> written(1112.4), written(152.0), written(31.24), written(0.0456), written(0.0)
    ('1,112', '152', '31.2', '0.046', '0')
    """
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    digits = 1 if size >= 9.995 else 2 if size >= 0.0995 else 3
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _mean(values: Floats, *, rate: bool) -> Interval:
    known = values[np.isfinite(values)]
    return wilson(float(known.sum()), len(known)) if rate else mean_interval(known)
