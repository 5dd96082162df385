"""Segments by what people will do next: rules over scores, with thresholds that the models' tests stand for."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.relative import threshold
from shoal.define.select import read
from shoal.define.tree import columns_of
from shoal.model import boxes, readable
from shoal.model.brief import said
from shoal.model.matrix import Array, numbers
from shoal.model.meta import FeatureMeta, complete
from shoal.model.name import unique_names
from shoal.model.rules import Cut, select
from shoal.model.scores import ScoreMeta, level, named, owner
from shoal.summary import ModelCard

KIND = "predictive"
MOST = 5
FEWEST = 20  # people
TWICE = 2.0  # precision over the base rate from which somebody counts as likely to leave
LEAST = 0.05  # of the people: a smaller group of them gives way to the top fifth
FIFTH = 0.2
TENTH = 0.1
VALUABLE = 0.3
HALF = 0.5
QUARTER = 0.25
ALIKE = 0.1  # similarity: more alike than the least alike tenth of the seed's own members
ENOUGH = 100  # people that the top tenth must have to be worth a segment
NAMES = {
    "churn": "Likely to leave",
    "decline": "Likely to spend less",
    "purchase": "Ready to buy",
    "intent": "Ready to buy",
    "conversion": "Likely to convert",
    "upsell": "Likely to spend more",
}
# What a decline is called where nothing is bought.
DOING = {"decline": "Likely to do less", "upsell": "Likely to do more"}
TAGS = {
    "churn": "leaving",
    "decline": "shrinking",
    "purchase": "ready",
    "intent": "ready",
    "conversion": "converting",
    "upsell": "upgrading",
    "cross_sell": "crossing",
    "label": "likely",
    "lookalike": "alike",
    "value": "promising",
}
CLEARLY = 1.2  # times everybody's mean
LOSING = ("churn", "decline")
PAST = ("revenue_365d", "revenue")


def predictive(
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
    models: Sequence[ModelCard],
    *,
    floor: float = 0.02,
    taken: Collection[str] = (),
) -> list[Cut]:
    """At most five segments from the scores of models in use, one a model first; none where there are no scores.

    Models that beat their baseline come before those for which a plain way stands in.

    Args:
        table: one row a person, with the score columns; `meta` says which they are.
        models: every card; those not used give nothing.
        floor: a segment with a smaller share of the people is niche.
        taken: names that others have.
    """
    columns = _by_model(meta, table)
    first: list[Cut] = []
    second: list[Cut] = []
    for card in sorted(models, key=lambda card: card.stands_in):
        own = [one for one in columns if owner(one.model, models) == card]
        if card.status == "used" and own:
            made = list(_of_card(card, own, columns, table))
            first += made[:1]
            second += made[1:]
    cuts: dict[str, Cut] = {}
    for cut in [*first, *second]:
        people = int(select(cut.rule, table).sum())
        if cut.name not in cuts and len(cuts) < MOST and people >= FEWEST:
            status = "niche" if people < floor * table.num_rows else "draft"
            cuts[cut.name] = Cut(cut.name, KIND, cut.rule, status)
    named = unique_names(list(cuts), taken)
    return [Cut(name, KIND, cut.rule, cut.status) for name, cut in zip(named, cuts.values(), strict=True)]


def _by_model(meta: Mapping[str, FeatureMeta], table: pa.Table) -> list[ScoreMeta]:
    """One column a score: the short name where it has two."""
    found: dict[str, ScoreMeta] = {}
    for one in meta.values():
        if isinstance(one, ScoreMeta) and one.name in table.column_names:
            shorter = one.model not in found or len(one.name) < len(found[one.model].name)
            found[one.model] = one if shorter else found[one.model]
    return list(found.values())


def _of_card(card: ModelCard, own: list[ScoreMeta], every: list[ScoreMeta], table: pa.Table) -> Iterator[Cut]:
    """The segments that one model speaks of, the most telling first."""
    if card.kind == "value":
        yield from _valuable(own, table)
        return
    one = own[0]
    values = _known(table, one.name)
    share = min(_twice(card, values), FIFTH) if card.kind in LOSING else FIFTH
    if card.kind == "lookalike":
        share = min(float((values >= ALIKE).mean()) if len(values) else 0.0, FIFTH)
    clause = _top(table, one, share)
    if not clause:
        return
    yield Cut(_name(card, one), KIND, clause)
    if card.kind == "churn":
        yield from _valuable_leaving(clause, every, table)


def _name(card: ModelCard, one: ScoreMeta) -> str:
    if card.kind == "cross_sell":
        return f"Likely to buy {level(card, one.part)}"
    if card.kind == "lookalike":
        return f"Lookalikes of {card.extra.get('segment') or named(card)}"
    doing = DOING.get(card.kind) if card.label.startswith("does ") else None
    return doing or NAMES.get(card.kind) or f"Likely {named(card)}"


def _valuable(own: list[ScoreMeta], table: pa.Table) -> Iterator[Cut]:
    """The top tenth by what they will bring, and those who will bring more than they did."""
    worth = worth_column(own)
    if worth is None:
        return
    tenth = len(_known(table, worth.name)) * TENTH
    clause = _top(table, worth, TENTH if tenth >= ENOUGH else FIFTH)
    if clause:
        yield Cut("Most valuable ahead", KIND, clause)
    past = "revenue_365d"
    if worth.part == "clv_12m" and past in table.column_names and (half := _top(table, worth, HALF)):
        yield Cut("Rising value", KIND, f"{half} and {boxes.quoted(worth.name)} > {past}")


def _valuable_leaving(leaving: str, every: list[ScoreMeta], table: pa.Table) -> Iterator[Cut]:
    """Those likely to leave who also are in the top 30% by value: ahead, or past where that leaves too few.

    Lifetime value falls with the probability to leave, so that the most valuable ahead are seldom likely to leave.
    """
    worth = worth_column(every)
    past = [complete([name], {})[name] for name in PAST if name in table.column_names]
    found: list[tuple[int, str]] = []
    for one in [*([worth] if worth else []), *past]:
        clause = _top(table, one, VALUABLE)
        rule = f"{leaving} and {clause}"
        people = int(select(rule, table).sum()) if clause else 0
        found.append((people, rule))
        if people >= ENOUGH:
            break
    people, rule = max(found, key=lambda pair: pair[0], default=(0, ""))
    if people:
        yield Cut("Valuable and likely to leave", KIND, rule)


def worth_column(columns: Sequence[ScoreMeta]) -> ScoreMeta | None:
    """The score that says what a person will bring: a year's lifetime value, or what is nearest to it."""
    for part in ("clv_12m", "clv_24m", "clv_3m", "revenue"):
        for one in columns:
            if one.kind == "value" and one.part == part:
                return one
    return None


def _twice(card: ModelCard, values: Array) -> float:
    """The share of the people, from the top, of whom at least twice as many left as of everybody in the model's test.

    The caller keeps it to a fifth: where few leave at all, twice as many are still few.

    Without a test by tenths the calibrated scores themselves say it. Where that is nobody, or hardly anybody: a fifth.
    """
    people = np.array([one.people for one in card.deciles], dtype=float)
    observed = np.array([one.observed for one in card.deciles], dtype=float)
    if not people.sum() > 0:
        people, observed = np.ones(len(values)), np.sort(values)[::-1]
    base = float((people * observed).sum() / people.sum()) if len(people) else 0.0
    so_far = np.cumsum(people * observed) / np.maximum(np.cumsum(people), 1.0)
    good = np.flatnonzero(so_far >= TWICE * base) if base > 0 else np.array([], dtype=int)
    share = float(people[: good[-1] + 1].sum() / people.sum()) if len(good) else 0.0
    return share if share >= LEAST else FIFTH


def _known(table: pa.Table, column: str) -> Array:
    values = numbers(table, column)
    return values[np.isfinite(values)]


def _top(table: pa.Table, one: FeatureMeta, share: float) -> str:
    """The clause of the top share of those with a value, with a number that can be remembered; empty where all tie."""
    values = np.sort(_known(table, one.name))
    wanted = math.floor(len(values) * share)
    if not wanted or values[0] == values[-1]:
        return ""
    exact, chosen = threshold(values, wanted)
    if chosen > max(HALF * len(values), wanted):
        return ""
    below, edge = float(values[values < exact].max()), float(values[values >= exact].min())
    near = values[-max(50, 2 * wanted) :]
    rounded = readable.threshold(near if near[0] < edge else values, (below + edge) / 2, one.unit)
    return boxes.rule([{one.name: (_shorter(values, rounded, one.unit), math.inf)}])


def _shorter(values: Array, exact: float, unit: str) -> float:
    """A chance near 1 or 0 with fewer places, where that adds or takes at most a quarter of the chosen."""
    if unit != "share" or round(exact, 3) == exact:
        return exact
    chosen = int((values >= exact).sum())
    for places in (3, 4, 5):
        for step in (0.0, -(10.0**-places)):
            found = round(exact + step, places)
            if abs(int((values >= found).sum()) - chosen) <= QUARTER * chosen:
                return found
    return exact


@dataclass(frozen=True)
class Forecast:
    """What scores say of a segment: before its headline, of its value, and as words for the playbook."""

    lead: str = ""
    worth: str = ""
    tags: frozenset[str] = frozenset()


def forecast(
    rule: str, member: NDArray[np.bool_], table: pa.Table, meta: Mapping[str, FeatureMeta], currency: str | None = None
) -> Forecast:
    """What the scores that a rule reads say of its people; nothing where it reads none."""
    names = sorted(columns_of(read(rule, table)))
    asked = [one for name in names if isinstance(one := meta.get(name), ScoreMeta)]
    if not asked or not member.any():
        return Forecast()
    told, tags = [], set()
    for one in asked:
        values = numbers(table, one.name)
        inside, everybody = _mean(values[member]), _mean(values)
        if inside is None or everybody is None:
            continue
        told.append(f"{one.label} {said(one, inside)} on average against {said(one, everybody)} among everybody")
        if inside > everybody * CLEARLY:
            tags.add(TAGS.get(one.kind, "likely"))
    return Forecast(", ".join(told[:2]), _stake(asked, member, table, meta, currency), frozenset(tags))


def _stake(
    asked: Sequence[ScoreMeta],
    member: NDArray[np.bool_],
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
    currency: str | None,
) -> str:
    """What may be lost, or what is to come, in money."""
    worth = worth_column(_by_model(meta, table))
    if worth is None:
        return ""
    unit = f" {currency}" if currency else ""
    values = np.nan_to_num(numbers(table, worth.name))
    losing = next((one for one in asked if one.kind in LOSING), None)
    if losing is not None:
        stake = float((np.nan_to_num(numbers(table, losing.name)) * values)[member].sum())
        return f"Expected value at stake: {stake:,.0f}{unit} ({losing.label} times {worth.label}, summed)."
    total, mine = float(values.sum()), float(values[member].sum())
    share = f", {mine / total:.0%} of everybody's" if total > 0 else ""
    return f"Expected: {mine:,.0f}{unit} ({worth.label}, summed{share})."


def _mean(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
