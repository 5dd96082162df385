"""Micro-segments found by their effect: searched on one half of the people, confirmed on the other.

The number in question is first adjusted for what recency, frequency and revenue say of it, so that "was a big
spender" is no finding. The story is `subgroups`; docs/subgroups.md tells it with its formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from shoal import summary
from shoal.intervals import clean, interval
from shoal.model import claim, rules
from shoal.model.confirm import Effect, benjamini_hochberg, partial, welch
from shoal.model.diverse import Chosen, Half, diverse
from shoal.model.matrix import STANDING, Array, sample
from shoal.model.meta import FeatureMeta
from shoal.model.plain import Past, beyond, expected, retold, splines, standing, variance
from shoal.model.search import search
from shoal.model.selectors import Bools, Rows, Selectors, family, numeric, selectors
from shoal.model.targets import Target

FEWEST = 200  # people of whom the target is known
EACH = 40  # of them, of either answer of a rate
SHARE = 0.02  # of the searching half that a subgroup needs
LOOKED = 20_000  # people who tell whether a number is the plain columns in other words
EVENTS = 10  # of the rarer answer that a subgroup like everybody would have
MOST = 0.25  # of the searching half that a subgroup ever needs
LEAST = 20  # people of the searching half that it needs
SURE = 0.025  # one-sided p that a confirmed effect has at most: its 95 % interval leaves out nothing


@dataclass(frozen=True)
class _Case:
    """All that one target's search needs."""

    before: pa.Table
    given: Selectors
    target: Target
    plain: Sequence[str]
    windows: Sequence[str]
    worth: Array | None
    seed: int
    rate: float
    most: int

    @property
    def past(self) -> claim.Past:
        return claim.Past.of(self.plain, self.given.meta)


def subgroups(
    before: pa.Table,
    meta: Mapping[str, FeatureMeta],
    targets: Sequence[Target],
    *,
    plain: Sequence[str],
    worth: Array | None = None,
    seed: int = 0,
    rate: float = 0.05,
    most: int = 10,
) -> list[summary.Subgroups]:
    """What conjunctions of up to three conditions tell of each target beyond the plain columns.

    Args:
        before: features of people as of the period's beginning, one row a person.
        meta: what its columns mean.
        targets: one number a person each (`targets.targets`), rows as in `before`.
        plain: the columns of the plain value model; empty where there is none, then nothing is adjusted.
        worth: past revenue per person.
        seed: decides the halves.
        rate: false discovery rate among what is confirmed, for each target.
        most: subgroups told of each target; as many are tested in each direction.

    >>> rng = np.random.default_rng(0)
    >>> evening, spend = rng.random(2000), rng.gamma(2.0, 20.0, 2000)
    >>> after = spend * np.where(evening >= 0.7, 2.0, 1.0) * rng.gamma(4.0, 0.25, 2000)
    >>> value = Target("value", "revenue", after, "amount", "are worth")
    >>> found = subgroups(pa.table({"revenue": spend, "evening_share": evening}), {}, [value], plain=["revenue"])
    >>> found[0].found[0].rule, found[0].confirmed
    ('evening_share >= 0.71', 1)
    """
    windows = family(plain, before.column_names)
    given = selectors(before, meta, plain=plain, barred=_retold(before, plain, windows, seed))
    first = np.random.default_rng(seed).permutation(before.num_rows) < before.num_rows // 2
    return [_one(_Case(before, given, one, plain, windows, worth, seed, rate, most), first) for one in targets]


def _retold(before: pa.Table, plain: Sequence[str], windows: Sequence[str], seed: int) -> list[str]:
    """Numbers that are the plain columns in other words."""
    if not plain or before.num_rows < FEWEST:
        return []
    rows = sample(before.num_rows, LOOKED, seed)
    others = [name for name in before.column_names if numeric(before, name) and name not in {*windows, *STANDING}]
    return retold(before, Past.of(before, plain, windows, rows), others, rows)


def _one(case: _Case, first: Bools) -> summary.Subgroups:
    """One target: search, choose, confirm, tell."""
    target = case.target
    known = np.isfinite(target.values)
    told = summary.Subgroups(
        target=target.name,
        words=target.words,
        people=int(known.sum()),
        selectors=len(case.given.conditions),
        rate=case.rate,
    )
    lacking = _lacking(target.values[known], target, case.given)
    if lacking:
        return told.model_copy(update={"says": f"not enough data: {lacking}"})
    chosen, looked_at = _searched(case, np.flatnonzero(known & first))
    found = _confirmed(case, chosen, np.flatnonzero(known & ~first))
    raw = benjamini_hochberg([one.raw_p for one in found])
    counts = {
        "looked_at": looked_at,
        "tested": len(found),
        "confirmed_raw": int((raw <= case.rate).sum()),
        "confirmed": sum(one.record.confirmed for one in found),
    }
    found.sort(key=lambda one: (not one.record.confirmed, 2.0 if one.record.q is None else one.record.q, one.rank))
    told = told.model_copy(update={**counts, "found": [one.record for one in found[: case.most]]})
    return told.model_copy(update={"says": _says(told, case.past)})


def _lacking(values: Array, target: Target, given: Selectors) -> str:
    """What the search would need and does not have; empty when it can begin."""
    if len(values) < FEWEST:
        return (
            f"{len(values):,} people of whom it is known; at least {FEWEST} are needed, half to search, half to confirm"
        )
    rarer = int(min((values > 0).sum(), (values <= 0).sum())) if target.kind == "rate" else len(values)
    if rarer < EACH:
        return f"{rarer:,} people have the rarer answer; at least {EACH} are needed"
    if values.min() == values.max():
        return "it is the same for everybody; people must differ in it"
    return "" if given.conditions else "no feature that a condition can be made of"


def _residual(case: _Case, rows: Rows) -> tuple[Past, Array, Array]:
    """The plain columns of some people, what these say of the target, and what is left of the target."""
    values = case.target.values[rows]
    past = Past.of(case.before, case.plain, case.windows, rows)
    fitted = expected(past, values, case.target.kind, seed=case.seed)
    return past, fitted, values - fitted


def _searched(case: _Case, rows: Rows) -> tuple[list[tuple[Chosen, float]], int]:
    """The diverse few that set people apart beyond the past, each with its effect; and how many were evaluated."""
    _, fitted, residual = _residual(case, rows)
    y, weight = standing(fitted, residual, case.target.kind)
    floor = _floor(case.target.values[rows])
    columns = {name: place for place, name in enumerate(dict.fromkeys(one.column for one in case.given.conditions))}
    held = case.given.matrix(rows)
    unequal = weight if case.target.kind == "amount" else None
    places = [columns[one.column] for one in case.given.conditions]
    done = search(held, y, places, weight=unequal, floor=floor)
    news = [one for one in done.found if any(case.given.conditions[m].column not in case.plain for m in one.members)]
    chosen = diverse(news, held, Half(case.given, rows, y, weight, floor), most=case.most)
    effects = [welch(residual, case.given.everywhere(one.conditions)[rows]).value for one in chosen]
    return list(zip(chosen, effects, strict=True)), done.looked_at


def _floor(values: Array) -> int:
    """People of the searching half that a subgroup needs: enough for ten of the rarer answer, at most a quarter."""
    rarer = min(float((values > 0).mean()), float((values <= 0).mean()))
    wanted = EVENTS / max(rarer, 1 / len(values)) if rarer > 0 else 0.0
    return int(max(LEAST, SHARE * len(values), min(wanted, MOST * len(values))))


@dataclass(frozen=True)
class _Tested:
    record: summary.Subgroup
    raw_p: float
    rank: int


def _confirmed(case: _Case, chosen: Sequence[tuple[Chosen, float]], rows: Rows) -> list[_Tested]:
    """Every chosen conjunction on the people who had no part in the search."""
    if not chosen:
        return []
    past, fitted, residual = _residual(case, rows)
    everybody = [case.given.everywhere(one.conditions) for one, _ in chosen]
    member = np.column_stack([mask[rows] for mask in everybody])
    terms = splines(past, fitted)
    rest = beyond(terms, member.astype(np.float64))
    scale = fitted if case.target.kind == "amount" else np.ones(len(rows))
    noise = variance(fitted, residual, case.target.kind)
    effects = [
        partial(residual, rest[:, place], member[:, place], scale, noise, terms.shape[1])
        for place in range(len(chosen))
    ]
    signs = [one.sign for one, _ in chosen]
    p = [effect.p(sign) for effect, sign in zip(effects, signs, strict=True)]
    q = benjamini_hochberg(p)
    tested = []
    for place, (one, found) in enumerate(chosen):
        mine = _Measured(effects[place], p[place], float(q[place]), found, member[:, place], rows)
        tested.append(_record(case, one, mine, everybody[place], fitted, place))
    return tested


@dataclass(frozen=True)
class _Measured:
    effect: Effect
    p: float
    q: float
    found: float
    member: Bools
    rows: Rows


def _record(case: _Case, one: Chosen, mine: _Measured, everybody: Bools, fitted: Array, rank: int) -> _Tested:
    """One tested conjunction as it is told."""
    given, values = case.given, case.target.values[mine.rows]
    raw = welch(values, mine.member)
    inside, outside = (float(values[part].mean()) if part.any() else np.nan for part in (mine.member, ~mine.member))
    numbers = _numbers(
        case.target, mine.effect, inside, float(fitted[mine.member].mean()) if mine.member.any() else np.nan
    )
    share = float(everybody.mean())
    value_share = _share(case.worth, everybody)
    confirmed = bool(mine.q <= case.rate and mine.p <= SURE)
    unit = numbers.expected if case.target.kind == "amount" else 1.0
    rule = given.rule(one.conditions)
    labels = {name: meta.spoken for name, meta in given.meta.items()}

    def spoken(rule: str) -> str:
        return rules.words(rule, case.before, labels)

    whom = claim.people(one.conditions, given.meta, spoken, given.whole)
    record = summary.Subgroup(
        rule=rule,
        words=spoken(rule),
        claim=claim.claim(case.target, whom, numbers, case.past, share, value_share) if confirmed else "",
        size=int(everybody.sum()),
        share=share,
        inside=clean(inside),
        outside=clean(outside),
        found=clean(mine.found),
        raw=interval(raw.value, *raw.ends()),
        adjusted=interval(unit * numbers.effect, unit * numbers.low, unit * numbers.high),
        p=clean(mine.p),
        q=clean(mine.q),
        confirmed=confirmed,
        value_share=clean(value_share),
    )
    return _Tested(record, raw.p(one.sign), rank)


def _numbers(target: Target, effect: Effect, inside: float, fitted: float) -> claim.Numbers:
    """An effect with what would be expected without it."""
    low, high = effect.ends()
    if target.kind == "rate":
        return claim.Numbers(inside, inside - effect.value, effect.value, low, high)
    without = inside / (1 + effect.value) if effect.value > -0.9 else fitted
    value, low, high = (max(one, -1.0) for one in (effect.value, low, high))  # nobody is worth less than nothing
    return claim.Numbers(inside, without, value, low, high)


def _share(worth: Array | None, member: Bools) -> float | None:
    """The members' share of past revenue."""
    if worth is None:
        return None
    amounts = np.clip(np.nan_to_num(worth, posinf=0.0, neginf=0.0), 0.0, None)
    return float(amounts[member].sum() / amounts.sum()) if amounts.sum() > 0 else None


def _says(told: summary.Subgroups, past: claim.Past) -> str:
    """The result in a sentence."""
    nothing = "no non-obvious micro-segment was found: "
    after = f" after taking account of {past.listed}" if past.names else ""
    unadjusted = "" if past.names else " (nothing tells of their past, nothing is adjusted)"
    if not told.tested:
        return f"{nothing}none of {told.looked_at:,} combinations of conditions stood out{after}{unadjusted}"
    start = f"{'' if told.confirmed else nothing}of {told.tested} {'candidate' if told.tested == 1 else 'candidates'}, "
    if not past.names:
        return f"{start}{_differ(told.confirmed)} from everybody else{unadjusted}"
    still = "still " if told.confirmed <= told.confirmed_raw else ""
    do = "does" if told.confirmed <= 1 else "do"
    return (
        f"{start}{_differ(told.confirmed_raw)} from everybody else before, "
        f"and {told.confirmed or 'none'} {still}{do}{after}"
    )


def _differ(count: int) -> str:
    return f"{count or 'none'} {'differs' if count <= 1 else 'differ'}"
