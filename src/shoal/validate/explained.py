"""How much of the next period each way of cutting explains, on people it was not learned from.

Segment means are learned on one half of the people and scored on the other, both ways, over several splits. All
scores are ratios of sums over people, so one set of bootstrap weights over blocks of people serves every score of every
cut at once, and differences between cuts are paired by person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoal.contingency import Codes, Floats, tidy
from shoal.errors import UsageError
from shoal.intervals import interval
from shoal.summary import Interval
from shoal.validate.outcome import Cut, Outcome

PEOPLE = 100_000
SPLITS = 5
DRAWS = 1_000
BLOCKS = 1_000
LEAST = 4
RETAINED = "retained"


@dataclass(frozen=True)
class Scores:
    """Scores of every cut: `table[metric]` is cuts x (1 + draws), the estimate first, NaN where undefined."""

    cuts: tuple[Cut, ...]
    table: Mapping[str, Floats]
    words: Mapping[str, str]
    made_of: Mapping[str, str]
    primary: str
    people: int
    sampled: int

    def interval(self, metric: str, cut: int) -> Interval:
        """A cut's score with its 95 % interval."""
        return _percentiles(self.table[metric][cut])

    @property
    def parts(self) -> str:
        """What the deciding score is the mean of, in words; empty where it is one outcome."""
        return self.made_of.get(self.primary, "")

    def lead(self, metric: str, a: int, b: int) -> Interval:
        """By how much cut `a` is ahead of cut `b`, paired by person."""
        return _percentiles(self.table[metric][a] - self.table[metric][b])


def explained(cuts: Sequence[Cut], outcomes: Sequence[Outcome], *, seed: int = 0, auc: bool = True) -> Scores:
    """Out-of-sample share of variance explained (R2) of each outcome, AUC for retention, and their summaries.

    With m the mean of a person's segment and M that of everybody, both learned on the other half, and Y that of
    everybody in the person's own half, R2 = sum (m - M)(y - Y) / sum (y - Y)^2. As y is independent of what was
    learned, this is centred on the share that the true segment means explain, whatever the number of segments: one
    segment of everybody scores exactly 0, random ones 0 on average. (1 - sum (y - m)^2 / sum (y - M)^2 also charges
    for the noise in m, about 2 k / n.)

    `value` is the mean R2 of the value outcomes that count, `behaviour` that of the behaviour outcomes, `overall` the
    mean of both where both are there. Intervals are percentiles of 1,000 bootstrap draws of (blocks of) people; at most
    100,000 people, drawn with the seed, are used. AUC takes most of the time, and is left out where nobody asks for it.

    Raises:
        UsageError: cuts and outcomes are not of the same people.

    >>> cut = Cut("tiers", "value", np.repeat([0, 1], 50))
    >>> spent = Outcome("spent", "revenue", np.repeat([1.0, 9.0], 50) + np.tile([0.0, 1.0], 50))
    >>> explained([cut], [spent]).interval("value", 0).value > 0.95
    True
    """
    people = _agreed(cuts, outcomes)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(people, PEOPLE, replace=False)) if people > PEOPLE else np.arange(people)
    if len(rows) < LEAST:
        nothing = np.full((len(cuts), 2), np.nan)
        table = {outcome.name: nothing for outcome in outcomes}
    else:
        table = _table(cuts, outcomes, rows, rng, auc=auc)
    summaries, primary = _summaries(table, outcomes, len(cuts))
    words = {outcome.name: outcome.words for outcome in outcomes} | {"auc": "retention (AUC)"} | _names(outcomes)
    return Scores(tuple(cuts), table | summaries, words, _made_of(outcomes), primary, people, len(rows))


def _agreed(cuts: Sequence[Cut], outcomes: Sequence[Outcome]) -> int:
    if not cuts or not outcomes:
        raise UsageError("a comparison needs at least one cut and one outcome")
    lengths = {f"cut '{cut.name}'": len(cut.codes) for cut in cuts}
    lengths |= {f"outcome '{outcome.name}'": len(outcome.values) for outcome in outcomes}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise UsageError(f"cuts and outcomes must be of the same people, in the same order: {told}")
    return next(iter(lengths.values()))


def _table(
    cuts: Sequence[Cut], outcomes: Sequence[Outcome], rows: Codes, rng: np.random.Generator, *, auc: bool
) -> dict[str, Floats]:
    n = len(rows)
    blocks = min(n, BLOCKS)
    block = rng.permutation(n) % blocks
    halves = [rng.permutation(n) % 2 for _ in range(SPLITS)]
    weights = _weights(blocks, rng)
    codes = [tidy(cut.codes[rows]) for cut in cuts]
    table = {}
    for outcome in outcomes:
        values = outcome.values[rows]
        known = np.isfinite(values)
        values = np.where(known, values, 0.0)
        parts = _parts(values, known, halves, codes)
        sums = weights @ np.stack([np.bincount(block, weights=part, minlength=blocks) for part in parts], axis=1)
        total = np.where(sums[:, 0] > 1e-12 * (1 + float((values**2).sum())) / n, sums[:, 0], np.nan)
        table[outcome.name] = sums[:, 1:].T / total
        if auc and outcome.name == RETAINED and outcome.is_rate:
            table["auc"] = np.stack([_auc(values, known, halves, block, weights, *cut) for cut in codes])
    return table


def _weights(blocks: int, rng: np.random.Generator) -> Floats:
    """How often each block is drawn: a row of ones for the estimate, then one row a bootstrap draw."""
    drawn = rng.integers(0, blocks, size=(DRAWS, blocks)) + blocks * np.arange(DRAWS)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=DRAWS * blocks).reshape(DRAWS, blocks)
    return np.concatenate([np.ones((1, blocks)), counts.astype(np.float64)])


def _learned(values: Floats, known: Codes, cell: Codes, k: int) -> Floats:
    """Per half and segment (the last: in none) the mean of the *other* half; everybody's where it has nobody."""
    counts = np.bincount(cell, weights=known, minlength=2 * (k + 1)).reshape(2, k + 1)[::-1]
    sums = np.bincount(cell, weights=values, minlength=2 * (k + 1)).reshape(2, k + 1)[::-1]
    everybody = sums.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), everybody))


def _cells(half: Codes, codes: Codes, k: int) -> Codes:
    return np.asarray(half * (k + 1) + np.where(codes < 0, k, codes))


def _parts(values: Floats, known: Codes, halves: Sequence[Codes], codes: Sequence[tuple[Codes, int]]) -> list[Floats]:
    """Each person's part of the total sum of squares, then of each cut's explained one, summed over the splits.

    Over people, 2 (m - M)(y - Y) - (m - M)(own half's m - Y) sums to (m - M)(y - Y); written so, a person's part is
    also their influence on the score, and drawing people anew gives intervals that hold.
    """
    parts = [np.zeros(len(values)) for _ in range(len(codes) + 1)]
    for half in halves:
        both = _learned(values, known, half, 0)[:, 0]
        off = (values - both[::-1][half]) * known
        parts[0] += off**2
        for part, (code, k) in zip(parts[1:], codes, strict=True):
            cell = _cells(half, code, k)
            apart = _learned(values, known, cell, k) - both[:, None]
            part += apart.ravel()[cell] * (2 * off - apart[::-1].ravel()[cell] * known)
    return parts


def _auc(
    values: Floats, known: Codes, halves: Sequence[Codes], block: Codes, weights: Floats, codes: Codes, k: int
) -> Floats:
    """AUC of the other half's segment rate for who was retained, per row of weights, mean over halves and splits."""
    blocks, cells = weights.shape[1], 2 * (k + 1)
    parts = []
    for half in halves:
        cell = _cells(half, codes, k)
        learned = _learned(values, known, cell, k)
        place = block * cells + cell
        stayed = np.bincount(place, weights=values, minlength=blocks * cells).reshape(blocks, cells)
        left = np.bincount(place, weights=known - values, minlength=blocks * cells).reshape(blocks, cells)
        for side in (0, 1):
            own = slice(side * (k + 1), (side + 1) * (k + 1))
            parts.append(_ranked(weights @ stayed[:, own], weights @ left[:, own], learned[side]))
    return np.asarray(np.mean(parts, axis=0))


def _ranked(stayed: Floats, left: Floats, score: Floats) -> Floats:
    """Mann-Whitney: the chance that one who stayed is scored above one who left, ties count half."""
    rank = np.unique(score, return_inverse=True)[1]
    same = np.zeros((len(score), int(rank.max()) + 1))
    same[np.arange(len(score)), rank] = 1.0
    up, down = stayed @ same, left @ same
    wins = (up * (np.cumsum(down, axis=1) - down / 2)).sum(axis=1)
    pairs = up.sum(axis=1) * down.sum(axis=1)
    return np.asarray(np.where(pairs > 0, wins / np.where(pairs > 0, pairs, 1.0), np.nan))


def _summaries(table: Mapping[str, Floats], outcomes: Sequence[Outcome], cuts: int) -> tuple[dict[str, Floats], str]:
    """Mean R2 by kind of outcome and overall, and the name of the one that decides."""
    found = {}
    for kind in ("value", "behaviour"):
        names = [outcome.name for outcome in outcomes if outcome.kind == kind and outcome.counts]
        defined = [table[name] for name in names if np.isfinite(table[name][:, 0]).all()]
        if names:
            found[kind] = np.mean(defined, axis=0) if defined else np.full((cuts, 2), np.nan)
    if len(found) == 2 and all(np.isfinite(part[:, 0]).all() for part in found.values()):
        found["overall"] = (found["value"] + found["behaviour"]) / 2
        return found, "overall"
    best = next((name for name, part in found.items() if np.isfinite(part[:, 0]).all()), next(iter(found), ""))
    return found, best or outcomes[0].name


def _names(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Words for the summaries; one outcome alone is told as itself."""

    def told(kind: str) -> str:
        words = [outcome.words for outcome in outcomes if outcome.kind == kind and outcome.counts]
        return words[0] if len(words) == 1 else f"next-period {kind}"

    return {"value": told("value"), "behaviour": told("behaviour"), "overall": "next-period value and behaviour"}


def _made_of(outcomes: Sequence[Outcome]) -> dict[str, str]:
    kinds = {
        kind: [outcome.words for outcome in outcomes if outcome.kind == kind and outcome.counts]
        for kind in ("value", "behaviour")
    }
    told = {kind: f"mean of {', '.join(words)}" for kind, words in kinds.items() if len(words) > 1}
    both = " and ".join(f"{kind} ({len(words)} outcomes)" for kind, words in kinds.items())
    return told | {"overall": f"mean of {both}"}


def _percentiles(row: Floats) -> Interval:
    estimate, draws = float(row[0]), row[1:][np.isfinite(row[1:])]
    if not np.isfinite(estimate) or len(draws) < max(0.9 * (len(row) - 1), 100):
        return interval(estimate)
    low, high = np.quantile(draws, [0.025, 0.975])
    return interval(estimate, float(low), float(high))
