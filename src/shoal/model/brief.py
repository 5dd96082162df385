"""What a marketer needs to act: who they are, what they are worth, what to do, what could go wrong. Facts only."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from shoal.define.words import amount
from shoal.model.meta import FeatureMeta, split
from shoal.model.playbook import recommend
from shoal.model.portrait import Crowd, Portrait
from shoal.model.risks import risks
from shoal.model.tags import DISCOUNTS, outcomes, tags
from shoal.plays import Strategy
from shoal.summary import Brief, Interval, Trait

TRAITS = 5
NOTABLE = 0.3
KNOWN = 0.8
FEW_PEOPLE = 100
FEW_TIMES = 2.0
CONCENTRATED = 0.5
STABLE = 0.75
FAITHFUL = 0.8
DRIFTING = 0.2
WORTH_SAYING = 0.1  # share of the value
SMALL = 10.0  # an amount of money below which two digits are told
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
    plays: Sequence[Strategy] = (),
) -> Brief:
    """The brief of one segment.

    Args:
        everybody, own: `crowd(...)` of the features and the segment's `portrait(...)`.
        stability: mean bootstrap Jaccard (0 to 1), `fidelity` the rule's overlap with its cluster (0 to 1).
        drift: change of its share of people since the period before, as a fraction of it.
        expected: a person's revenue in the next period.
        lead: how the segment was made, put before the headline ("the 3% of people who made 18% of revenue").
        worth: a sentence more on its value; `ahead` words for the playbook, of what its people will do next.
        plays: the workspace's own strategies.
    """
    found = tags(everybody, own)
    return Brief(
        headline=_headline(everybody, own, found, lead, currency),
        traits=traits(everybody, own, currency=currency),
        value=" ".join(part for part in (_value(everybody, own, expected, currency), worth) if part),
        strategies=recommend(found | set(ahead), own=plays) if own.size else [],
        risks=risks(
            found | set(ahead) | _evidence(everybody, own, stability, fidelity, drift, floor),
            _facts(everybody, own, stability=stability, fidelity=fidelity, drift=drift, floor=floor),
        ),
        expected_revenue=expected,
    )


def traits(everybody: Crowd, own: Portrait, most: int = TRAITS, *, currency: str | None = None) -> list[Trait]:
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
        words = f"{meta.label}: {said(meta, inside, currency)} against {said(meta, outside, currency)}"
        found.append(Trait(feature=name, words=words, inside=inside, outside=outside, effect=effect))
    return found


def _speaks(everybody: Crowd, own: Portrait, name: str) -> bool:
    """Whether people ask about it: not a spread, not a third window, not what few of them have, not file lines."""
    base, window = split(name)
    if base.endswith("_std") or name in everybody.artefacts or own.known.get(name, 0.0) < KNOWN:
        return False
    return window in ("", "90") or not {base, f"{base}_90d"} & set(own.effects)


def said(meta: FeatureMeta, number: float, currency: str | None = None) -> str:
    """A number as people say it in its unit, money in `currency`.

    >>> from shoal.model.meta import describe
    >>> said(describe("recency_days"), 11.7), said(describe("revenue"), 1240.4), said(describe("orders"), 3.14159)
    ('12 days', '1,240', '3.1')
    >>> said(describe("revenue"), 1240.4, "EUR")
    '1,240 EUR'
    """
    if meta.days and abs(number) >= 10:
        number = round(number)
    if meta.unit == "money":
        unit = f" {currency}" if currency else ""
        if not number:
            return f"0{unit}"
        return (f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.2f}") + unit
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


def _headline(everybody: Crowd, own: Portrait, found: frozenset[str], lead: str, currency: str | None) -> str:
    if not own.size:
        return "Nobody as of now."
    people = f"{own.size:,} {'person' if own.size == 1 else 'people'} ({_percent(own.share)})"
    stage = next((words for tag, words in _STAGE.items() if tag in found), "")
    best = [trait.words for trait in traits(everybody, own, 2, currency=currency)]
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
        parts.append(f"the median person has spent {_money(own.medians['revenue'])}{unit}")
    if expected is not None and expected.value is not None:
        ends = (expected.low, expected.high)
        known = [end for end in ends if end is not None]
        digits = 2 if max(abs(one) for one in (expected.value, *known)) < SMALL else None
        low_high = [_money(end, digits) for end in known]
        interval = f" ({' to '.join(low_high)})" if len(known) == len(ends) else ""
        parts.append(f"next period {_money(expected.value, digits)}{unit}{interval} a person is expected")
    return "; ".join(parts) + "."


def _money(amount: float, digits: int | None = None) -> str:
    """An amount in whole units; a small one with two digits, as are those that stand beside one.

    >>> _money(54.4), _money(0.357), _money(0.0)
    ('54', '0.36', '0')
    """
    if digits is None:
        digits = 2 if 0 < abs(amount) < SMALL else 0
    return f"{amount:,.{digits}f}"


def _outcomes(everybody: Crowd, own: Portrait) -> str:
    """How often what an objective predicts has come true for them, where a table of customers records it."""
    parts = [
        f"{meta.label}: {own.inside[meta.name]:.0%} against {own.outside[meta.name]:.0%}"
        for meta in outcomes(everybody)
    ]
    return _sentence(parts) + "." if parts else ""


def _evidence(
    everybody: Crowd, own: Portrait, stability: float | None, fidelity: float | None, drift: float | None, floor: float
) -> set[str]:
    """What the evidence says of a segment in a word, for the catalogue of risks."""
    often = everybody.basis.frequency
    holds = {
        "few": own.size < FEW_PEOPLE,
        "niche": own.share < floor,
        "unstable": stability is not None and stability < STABLE,
        "simplified": fidelity is not None and fidelity < FAITHFUL,
        "drifting": drift is not None and abs(drift) >= DRIFTING,
        "concentrated": (own.concentration or 0) >= CONCENTRATED and (own.value_share or 0) >= WORTH_SAYING,
        "sparse": often is not None and own.size > 0 and own.inside[often] < FEW_TIMES,
    }
    return {word for word, true in holds.items() if true}


def _facts(
    everybody: Crowd,
    own: Portrait,
    *,
    stability: float | None,
    fidelity: float | None,
    drift: float | None,
    floor: float,
) -> dict[str, str]:
    """The numbers that risks speak of; what is not known is left out."""
    known = {
        "people": f"{own.size:,}",
        "share": _percent(own.share),
        "floor": _percent(floor),
        "stable": f"{STABLE}",
        "past": "past revenue" if everybody.basis.money else "past activity",
        "stability": None if stability is None else f"{stability:.2f}",
        "fidelity": None if fidelity is None else f"{fidelity:.2f}",
        "drift": None if drift is None else f"{drift:+.0%}",
        "top_tenth": None if own.concentration is None else f"{own.concentration:.0%}",
        "value_share": None if own.value_share is None else _percent(own.value_share),
        **_habits(everybody, own),
    }
    return {name: text for name, text in known.items() if text is not None}


def _habits(everybody: Crowd, own: Portrait) -> dict[str, str]:
    """What they do and what is on record of them, each with the number of everybody else."""
    found: dict[str, str] = {}
    often = everybody.basis.frequency
    if often is not None and own.size:
        found["times"] = f"{own.inside[often]:.1f}"
        found["what"] = "orders" if often == "orders" else everybody.meta[often].label
    discount = max(
        (name for name in own.effects if split(name)[0] in DISCOUNTS), key=lambda name: own.effects[name], default=None
    )
    trend = next((name for name in own.inside if "trend" in name), None)
    outcome = next((meta.name for meta in outcomes(everybody) if own.inside.get(meta.name, 0) > 0), None)
    pairs = (("refunded", "refund_share"), ("discounted", discount), ("outcome_inside", outcome), ("trend", trend))
    for word, name in pairs:
        if name is not None and name in own.inside and not math.isnan(own.inside[name]):
            meta = everybody.meta[name]
            found[word] = f"{own.inside[name]:+.0%}" if word == "trend" else said(meta, own.inside[name])
            found[f"{word.removesuffix('_inside')}_{'outside' if word.endswith('inside') else 'elsewhere'}"] = said(
                meta, own.outside[name]
            )
    for word, name in (("discount", discount), ("outcome", outcome)):
        if name is not None:
            found[word] = everybody.meta[name].label
    for word, name in (("tenure", "tenure_days"), ("recency", everybody.basis.recency)):
        if name is not None and name in own.medians and not math.isnan(own.medians[name]):
            found[word] = said(everybody.meta[name], own.medians[name])
    return found


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"
