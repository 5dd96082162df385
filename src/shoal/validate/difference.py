"""What each segment did in the next period, and whether that differs from the rest and from its nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.contingency import Codes, Floats, label, tidy
from shoal.intervals import interval, wilson
from shoal.summary import Interval, Verdict
from shoal.validate.intervals import holm, mean_interval
from shoal.validate.outcome import Outcome
from shoal.validate.verdict import CHECKS, judge

LEVEL = 0.05
GUARD = 30


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
    return _against_rest(_Sums.of(codes, outcomes, k), outcomes)


def _against_rest(sums: _Sums, outcomes: Sequence[Outcome]) -> tuple[Contrast, ...]:
    rest = _Sums(*(part.sum(axis=0, keepdims=True) - part[:-1] for part in (sums.n, sums.total, sums.square)))
    found = _compared(sums.head(), rest, sums)
    return tuple(_strongest(found, row, row, None, sums, outcomes) for row in range(len(sums.n) - 1))


def against_neighbour(
    codes: npt.ArrayLike, outcomes: Sequence[Outcome], *, k: int | None = None
) -> tuple[Contrast, ...]:
    """Each segment against the one most similar to it: the one from which its largest difference is smallest."""
    return _against_neighbour(_Sums.of(codes, outcomes, k), outcomes)


def _against_neighbour(sums: _Sums, outcomes: Sequence[Outcome]) -> tuple[Contrast, ...]:
    count = len(sums.n) - 1
    one, two = np.triu_indices(count, 1)
    found = _compared(sums.at(one), sums.at(two), sums)
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
    sums = _Sums.of(codes, outcomes, len(names))
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


@dataclass(frozen=True)
class _Sums:
    """People, sums and sums of squares of standardised outcomes: rows are groups (the last: in none)."""

    n: Floats
    total: Floats
    square: Floats

    @classmethod
    def of(cls, codes: npt.ArrayLike, outcomes: Sequence[Outcome], k: int | None) -> _Sums:
        labels, count = tidy(codes, k)
        place = np.where(labels < 0, count, labels)
        sums: list[tuple[Floats, Floats, Floats]] = []
        for outcome in outcomes:
            if outcome.counts:
                part = _scaled(outcome.values)
                known = np.isfinite(part)
                part = np.where(known, part, 0.0)
                sums.append((_summed(place, known, count), _summed(place, part, count), _summed(place, part**2, count)))
        return cls(*(np.stack(columns, axis=1) for columns in zip(*sums, strict=True)))

    def at(self, rows: Codes) -> _Sums:
        return _Sums(self.n[rows], self.total[rows], self.square[rows])

    def head(self) -> _Sums:
        return _Sums(self.n[:-1], self.total[:-1], self.square[:-1])

    @property
    def people(self) -> Floats:
        return np.asarray(self.n.max(axis=1, initial=0))

    @property
    def mean(self) -> Floats:
        return np.asarray(self.total / np.maximum(self.n, 1))

    @property
    def error(self) -> Floats:
        """Variance of the mean. A spread below everybody's (1) is drawn towards it with the weight of 30 people, so
        that a few who are all alike are not taken for certain."""
        own = np.maximum(self.square - self.n * self.mean**2, 0)
        freedom = np.maximum(self.n - 1, 1)
        within = np.maximum(own / freedom, (own + GUARD) / (freedom + GUARD))
        return np.asarray(within / np.maximum(self.n, 1))


@dataclass(frozen=True)
class _Found:
    """Welch comparisons, pairs x outcomes; NaN where either side has too few people."""

    effect: Floats
    spread: Floats
    p: Floats
    people: Floats


def _compared(a: _Sums, b: _Sums, sums: _Sums) -> _Found:
    from scipy.special import stdtr, stdtrit

    least = CHECKS["contrast"].least
    usable = (a.n >= least) & (b.n >= least) & ((sums.square - sums.total * sums.mean).sum(axis=0) > 0)
    error = np.sqrt(a.error + b.error)
    freedom = (a.error + b.error) ** 2 / (a.error**2 / np.maximum(a.n - 1, 1) + b.error**2 / np.maximum(b.n - 1, 1))
    effect = np.where(usable, a.mean - b.mean, np.nan)
    p = holm(2 * stdtr(freedom, -np.abs(effect) / error))
    critical = stdtrit(freedom, 1 - LEVEL / 2 / max(int(usable.sum()), 1))
    return _Found(effect, critical * error, p, np.minimum(a.n, b.n))


def _strongest(
    found: _Found, row: int, code: int, other: int | None, sums: _Sums, outcomes: Sequence[Outcome]
) -> Contrast:
    """The outcome in which a pair differs most, with the ends of the widest claim over all outcomes."""
    counted = [outcome for outcome in outcomes if outcome.counts]
    size = np.abs(found.effect[row])
    if not np.isfinite(size).any():
        return _unknown(code, int(sums.people[code]))
    place = int(np.nanargmax(size))
    most = counted[place]
    inside = _plain(most, sums.mean[code, place])
    away = float(np.sign(found.effect[row, place])) * (1 if other is None or code < other else -1)
    outside = _plain(most, sums.mean[code, place] - away * size[place])
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
    text = f"most in {words}: {found.inside:.3g} against {found.outside:.3g} for {who}"
    return text if found.differing else f"{text}; no outcome differs after Holm's correction"


def _mean(values: Floats, *, rate: bool) -> Interval:
    known = values[np.isfinite(values)]
    return wilson(float(known.sum()), len(known)) if rate else mean_interval(known)


def _summed(place: Codes, part: npt.NDArray[Any], count: int) -> Floats:
    return np.asarray(np.bincount(place, weights=part, minlength=count + 1), dtype=np.float64)


def _scaled(values: Floats) -> Floats:
    """With mean 0 and standard deviation 1 over everybody; all alike are 0."""
    mean, spread = _moments(values)
    return np.asarray((values - mean) / (spread or 1.0))


def _plain(outcome: Outcome, scaled: float) -> float:
    mean, spread = _moments(outcome.values)
    return mean + float(scaled) * spread


def _moments(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0, 0.0
    mean = float(known.mean())
    spread = float(known.std())
    return mean, spread if spread > 1e-12 * max(abs(mean), 1e-300) else 0.0
