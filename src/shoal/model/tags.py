"""What can be said of a segment in a word: its stage, frequency, value and habits, from numbers alone."""

from __future__ import annotations

import math

from shoal.model.meta import split
from shoal.model.portrait import Crowd, Portrait

STRONG = 0.8
CLEAR = 0.5
DISCOUNTS = ("discount_share", "coupon_share", "coupons")
INTENT = ("carts", "checkouts", "intent_score", "comparisons", "pricing_visits")
VARIETY = ("categories", "breadth", "items", "pages")
TIMES = ("weekend", "evening", "morning", "night")
BASKET = ("aov", "units_per_order", "lines_per_order", "items_per_order")


def tags(everybody: Crowd, own: Portrait) -> frozenset[str]:
    """Words for the playbook and the name, such as commerce, active, repeat, high_value, rising, returns."""
    found = {everybody.business, stage(everybody, own), frequency(everybody, own), value(own)}
    effects = own.effects
    trend = next((name for name in own.medians if "trend" in name), None)
    if trend is not None and abs(effects[trend]) >= CLEAR and not math.isnan(own.inside[trend]):
        found.add("rising" if own.inside[trend] > 0.1 else "declining" if own.inside[trend] < -0.1 else "")
    if _returns(own):
        found.add("returns")
    if _most(own, DISCOUNTS) >= CLEAR:
        found.add("discount")
    if _most(own, INTENT) >= CLEAR:
        found.add("intent")
    if _most(own, VARIETY) >= STRONG:
        found.add("wide")
    basket = next((effects[name] for name in BASKET if name in effects), 0.0)
    if abs(basket) >= STRONG:
        found.add("large_orders" if basket > 0 else "small_orders")
    for part in () if found & {"once", "never"} else TIMES:
        if effects.get(f"{part}_share", 0.0) >= STRONG and own.inside[f"{part}_share"] >= 0.4:
            found.add(part)
    return frozenset(found - {""})


def _most(own: Portrait, measures: tuple[str, ...]) -> float:
    return max((effect for name, effect in own.effects.items() if split(name)[0] in measures), default=0.0)


def _returns(own: Portrait) -> bool:
    """At least one twentieth of the value goes back, and half as much again as elsewhere."""
    inside, outside = own.inside.get("refund_share", math.nan), own.outside.get("refund_share", math.nan)
    return inside >= 0.05 and not inside < 1.5 * outside


def stage(everybody: Crowd, own: Portrait) -> str:
    """new, active, fading or lapsed, by the data's own rhythm; empty where recency is not known."""
    rhythm, column = everybody.rhythm, everybody.basis.recency
    if rhythm is None or column is None:
        return ""
    recency = own.medians[column]
    if math.isnan(recency):
        return ""
    if recency >= rhythm.lapsed:
        return "lapsed"
    if recency >= rhythm.engaged:
        return "fading"
    tenure = own.medians.get("tenure_days", math.inf)
    return "new" if tenure < rhythm.new else "active"


def frequency(everybody: Crowd, own: Portrait) -> str:
    """never, once, repeat or frequent (at least as often as the upper quarter of those who came back)."""
    column = everybody.basis.frequency
    if column is None:
        return ""
    if own.shares.get("none", 0.0) >= 0.5:
        return "never"
    if own.shares.get("none", 0.0) + own.shares.get("once", 0.0) >= 0.6:
        return "once"
    often = everybody.rhythm.frequent if everybody.rhythm is not None else math.inf
    return "frequent" if own.medians[column] >= often else "repeat"


def value(own: Portrait) -> str:
    """high_value from 1.8 times the share of people, low_value up to half of it."""
    if own.value_share is None or own.share == 0:
        return ""
    ratio = own.value_share / own.share
    return "high_value" if ratio >= 1.8 else "low_value" if ratio <= 0.5 else "mid_value"
