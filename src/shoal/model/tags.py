"""What can be said of a segment in a word: its stage, frequency, value and habits, from numbers alone.

The words are those of `shoal.plays.WORDS`.
"""

from __future__ import annotations

import math
import re

from shoal.model.meta import OUTCOME, FeatureMeta, split
from shoal.model.portrait import Crowd, Portrait

STRONG = 0.8
CLEAR = 0.5
HIGH, LOW = 1.8, 0.5  # times the share of people
DISCOUNTS = ("discount_share", "coupon_share", "coupons")
INTENT = ("carts", "checkouts", "intent_score", "comparisons", "pricing_visits")
VARIETY = ("categories", "breadth", "items", "pages")
TIMES = ("weekend", "evening", "morning", "night")
# Traits that say what somebody is worth, where nobody tells what they spent; and for how long they have been there.
WORTH = re.compile(r"(^|_)(charges?|revenue|spend(ing)?|mrr|arr|amount|premium|fees?|balance)($|_)", re.IGNORECASE)
STANDING = re.compile(r"(^|_)(tenure|months|member_since|seniority_months)($|_)", re.IGNORECASE)
LOSSES = re.compile(r"churn|cancel|attrit|leave|left|lapse|default|exited", re.IGNORECASE)
OFTEN, SELDOM = 1.3, 0.77  # times the rate of an outcome elsewhere
LONG, JUST = 3.0, 1.5  # times the days after which one has lapsed
YEAR = 365  # days
RICH, POOR = 0.7, 0.3  # mean rank in a trait that says what somebody is worth
WHOLE = re.compile(r"total|lifetime|annual", re.IGNORECASE)  # such a trait comes before one of a month
EARLY = 0.3  # mean rank in tenure
BASKET = ("aov", "units_per_order", "lines_per_order", "items_per_order")


def tags(everybody: Crowd, own: Portrait) -> frozenset[str]:
    """Words for the playbook and the name, such as commerce, active, repeat, high_value, rising, returns."""
    found = {_business(everybody), stage(everybody, own), frequency(everybody, own), value(own)}
    found |= _recorded(everybody, own) if everybody.recorded else {_since(everybody, own)}
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


def _business(everybody: Crowd) -> str:
    """The business; of shops, services and media only where it is told what people did there."""
    business = everybody.business or ""
    return business if business == "b2b" or not everybody.recorded else ""


def _since(everybody: Crowd, own: Portrait) -> str:
    """just_lapsed or long_lapsed, where they have lapsed."""
    rhythm, column = everybody.rhythm, everybody.basis.recency
    if rhythm is None or column is None or stage(everybody, own) != "lapsed":
        return ""
    recency = own.medians[column]
    if recency >= max(LONG * rhythm.lapsed, YEAR):
        return "long_lapsed"
    return "just_lapsed" if recency < JUST * rhythm.lapsed else ""


def _recorded(everybody: Crowd, own: Portrait) -> set[str]:
    """What traits alone tell: whether an outcome on record is theirs more often, what they are worth, who is new."""
    found = {"people", *(_outcome(meta, own) for meta in outcomes(everybody))}
    worth = sorted((name for name in own.ranks if WORTH.search(name)), key=lambda name: WHOLE.search(name) is None)
    if worth:
        rank = own.ranks[worth[0]]
        found.add("high_value" if rank >= RICH else "low_value" if rank <= POOR else "mid_value")
    standing = next((name for name in own.ranks if STANDING.search(name)), None)
    if standing is not None and own.ranks[standing] <= EARLY:
        found.add("new")
    return found


def outcomes(everybody: Crowd) -> list[FeatureMeta]:
    """The outcomes on record that objectives predict."""
    return [meta for meta in everybody.meta.values() if meta.theme == OUTCOME and meta.otherwise]


def _outcome(meta: FeatureMeta, own: Portrait) -> str:
    inside, outside = own.inside.get(meta.name, math.nan), own.outside.get(meta.name, math.nan)
    loss = bool(LOSSES.search(meta.label))
    if inside > OFTEN * outside:
        return "losing" if loss else "winning"
    return ("holding" if loss else "unmoved") if inside < SELDOM * outside else ""


def frequency(everybody: Crowd, own: Portrait) -> str:
    """never, once, repeat or frequent (at least as often as the upper quarter of those who came back)."""
    column = everybody.basis.frequency
    if column is None:
        return ""
    if own.shares.get("none", 0.0) >= 0.5 or (everybody.business == "commerce" and everybody.basis.people == "users"):
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
    return "high_value" if ratio >= HIGH else "low_value" if ratio <= LOW else "mid_value"
