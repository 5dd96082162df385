"""What a marketer needs to act: who they are, what they are worth, what to do, what could go wrong. Facts only."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from shoal.define.words import amount
from shoal.model.meta import OUTCOME, FeatureMeta, split
from shoal.model.playbook import recommend
from shoal.model.portrait import Crowd, Portrait
from shoal.model.tags import DISCOUNTS, tags
from shoal.summary import Brief, Interval, Trait

TRAITS = 5
NOTABLE = 0.3
KNOWN = 0.8
FEW_PEOPLE = 100
FEW_TIMES = 2.0
CONCENTRATED = 0.5
STABLE = 0.75
FAITHFUL = 0.8
_STAGE = {
    "new": "new",
    "active": "active",
    "fading": "seen less lately than is usual",
    "lapsed": "not seen for long",
}


def brief(
    everybody: Crowd,
    own: Portrait,
    *,
    stability: float | None = None,
    fidelity: float | None = None,
    drift: float | None = None,
    expected: Interval | None = None,
    floor: float = 0.02,
    currency: str | None = None,
    lead: str = "",
    worth: str = "",
    ahead: Collection[str] = (),
) -> Brief:
    """The brief of one segment.

    Args:
        everybody, own: `crowd(...)` of the features and the segment's `portrait(...)`.
        stability: mean bootstrap Jaccard (0 to 1), `fidelity` the rule's overlap with its cluster (0 to 1).
        drift: change of its share of people since the period before, as a fraction of it.
        expected: a person's revenue in the next period.
        lead: how the segment was made, put before the headline ("the 3% of people who made 18% of revenue").
        worth: a sentence more on its value; `ahead` words for the playbook, of what its people will do next.
    """
    found = tags(everybody, own)
    return Brief(
        headline=_headline(everybody, own, found, lead),
        traits=traits(everybody, own),
        value=" ".join(part for part in (_value(everybody, own, expected, currency), worth) if part),
        strategies=recommend(found | set(ahead)) if own.size else [],
        risks=[*_risks(own, stability, fidelity, drift, floor), *_habits(everybody, own, found)],
        expected_revenue=expected,
    )


def traits(everybody: Crowd, own: Portrait, most: int = TRAITS) -> list[Trait]:
    """What sets the segment apart most, at most one trait a measure, with both numbers.

    Days and money are medians, everything else means.
    """
    found: list[Trait] = []
    measures: set[str] = set()
    worth_saying = [name for name in own.effects if _speaks(everybody, own, name)]
    order = sorted(worth_saying, key=lambda name: (-abs(own.effects[name]), everybody.meta[name].readability))
    for name in order:
        meta, effect = everybody.meta[name], own.effects[name]
        measure = _measure(name)
        if abs(effect) < NOTABLE or measure in measures or len(found) == most:
            continue
        inside, outside = _typical(meta, own)
        if math.isnan(inside) or math.isnan(outside) or said(meta, inside) == said(meta, outside):
            continue
        measures.add(measure)
        words = f"{meta.label}: {said(meta, inside)} against {said(meta, outside)}"
        found.append(Trait(feature=name, words=words, inside=inside, outside=outside, effect=effect))
    return found


def _speaks(everybody: Crowd, own: Portrait, name: str) -> bool:
    """Whether people ask about it: not a spread, not a third window, not what few of them have, not file lines."""
    base, window = split(name)
    if base.endswith("_std") or name in everybody.artefacts or own.known.get(name, 0.0) < KNOWN:
        return False
    return window in ("", "90") or not {base, f"{base}_90d"} & set(own.effects)


def said(meta: FeatureMeta, number: float) -> str:
    """A number as people say it in its unit.

    >>> from shoal.model.meta import describe
    >>> said(describe("recency_days"), 11.7), said(describe("revenue"), 1240.4), said(describe("orders"), 3.14159)
    ('12 days', '1,240', '3.1')
    """
    if meta.days and abs(number) >= 10:
        number = round(number)
    if meta.unit == "money":
        if not number:
            return "0"
        return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.2f}"
    if meta.unit == "share":
        return _chance(number)
    if meta.days:
        return amount(round(number, 1), "days") + (" ago" if meta.unit == "ago" else "")
    return (
        f"{number:,.0f}"
        if abs(number) >= 100
        else f"{number:.1f}".removesuffix(".0")
        if abs(number) >= 1
        else f"{number:.2g}"
    )


def _chance(number: float) -> str:
    """A share in whole percent, never rounded to all or nothing."""
    if 0 < number < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= number < 1 else f"{number:.0%}"


def _typical(meta: FeatureMeta, own: Portrait) -> tuple[float, float]:
    if meta.days or meta.unit == "money":
        inside, outside = own.medians[meta.name], own.outside_medians[meta.name]
        if inside != outside:
            return inside, outside
    return own.inside[meta.name], own.outside[meta.name]


def _measure(name: str) -> str:
    """Measures that say the same of a person, so that a brief says it once."""
    base = split(name)[0]
    if base in ("events", "active_days", "sessions", "orders", "views"):
        return "orders" if base == "orders" else "activity"
    if base in ("refunds", "refund_share"):
        return "refunds"
    if base.endswith("_per_order"):
        return "basket"
    return "trend" if "trend" in base else base


def _headline(everybody: Crowd, own: Portrait, found: frozenset[str], lead: str) -> str:
    if not own.size:
        return "Nobody as of now."
    people = f"{own.size:,} {'person' if own.size == 1 else 'people'} ({_percent(own.share)})"
    stage = next((words for tag, words in _STAGE.items() if tag in found), "")
    best = [trait.words for trait in traits(everybody, own, 2)]
    start = f"{lead[:1].upper()}{lead[1:]}: {people}" if lead else people
    return ". ".join([f"{start}{', ' + stage if stage else ''}", *([_sentence(best)] if best else [])]) + "."


def _sentence(words: Sequence[str]) -> str:
    joined = "; ".join(words)
    return joined[:1].upper() + joined[1:]


def _value(everybody: Crowd, own: Portrait, expected: Interval | None, currency: str | None) -> str:
    if not own.size:
        return ""
    if own.value_share is None:
        return _outcomes(everybody, own)
    money = everybody.basis.money
    of = "past revenue" if money else "past activity"
    ratio = own.value_share / own.share
    parts = [f"{_percent(own.share)} of people, {_percent(own.value_share)} of {of} ({ratio:.2g} times their share)"]
    unit = f" {currency}" if currency else ""
    if money and not math.isnan(own.medians["revenue"]):
        parts.append(f"the median person has spent {own.medians['revenue']:,.0f}{unit}")
    if expected is not None and expected.value is not None:
        interval = (
            f" ({expected.low:,.0f} to {expected.high:,.0f})" if None not in (expected.low, expected.high) else ""
        )
        parts.append(f"next period {expected.value:,.0f}{unit}{interval} a person is expected")
    return "; ".join(parts) + "."


def _outcomes(everybody: Crowd, own: Portrait) -> str:
    """How often what an objective predicts has come true for them, where a table of customers records it."""
    found = [meta for meta in everybody.meta.values() if meta.theme == OUTCOME and meta.otherwise]
    parts = [f"{meta.label}: {own.inside[meta.name]:.0%} against {own.outside[meta.name]:.0%}" for meta in found]
    return _sentence(parts) + "." if parts else ""


def _risks(
    own: Portrait, stability: float | None, fidelity: float | None, drift: float | None, floor: float
) -> list[str]:
    found = []
    if own.size < FEW_PEOPLE:
        found.append(f"Small: {own.size:,} people; effects of a campaign will be hard to measure.")
    elif own.share < floor:
        found.append(f"Niche: {_percent(own.share)} of people, below the floor of {_percent(floor)}.")
    if stability is not None and stability < STABLE:
        found.append(
            f"Unstable: drawn again, it overlaps with itself by {stability:.2f} (at least {STABLE} is stable)."
        )
    if fidelity is not None and fidelity < FAITHFUL:
        found.append(f"The rule simplifies: it overlaps with the cluster that it came from by {fidelity:.2f}.")
    if drift is not None and abs(drift) >= 0.2:
        found.append(f"Drifting: its share of people changed by {drift:+.0%} since the period before.")
    if own.concentration is not None and own.concentration >= CONCENTRATED and (own.value_share or 0) >= 0.1:
        found.append(f"Value is concentrated: a tenth of its people made {own.concentration:.0%} of its value.")
    return found


def _habits(everybody: Crowd, own: Portrait, found: frozenset[str]) -> list[str]:
    risks = []
    often = everybody.basis.frequency
    if often is not None and own.size and "never" not in found and own.inside[often] < FEW_TIMES:
        what = "orders" if often == "orders" else everybody.meta[often].label
        risks.append(f"Few observations: {own.inside[often]:.1f} {what} a person; what they will do next is uncertain.")
    if "returns" in found and "refund_share" in own.inside:
        risks.append(f"Returns: {own.inside['refund_share']:.0%} refunded against {own.outside['refund_share']:.0%}.")
    if "discount" in found:
        name = max((n for n in own.effects if split(n)[0] in DISCOUNTS), key=lambda name: own.effects[name])
        meta = everybody.meta[name]
        risks.append(f"Discounts: {meta.label} {said(meta, own.inside[name])} against {said(meta, own.outside[name])}.")
    if "declining" in found and "lapsed" not in found:
        risks.append("Declining: less active than in the period before.")
    return risks


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"
