"""Ready features, chosen from what the data has.

A pack is a function from a `Catalogue` (what a workspace's events contain) to definitions in the very
YAML form that a user writes, so every ready feature can be read, copied and changed. Roles say which
event names play which part; `events:` in shoal.yaml overrides the guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal.define.types import Type

Definition = dict[str, Any]


ROLES: Mapping[str, str] = {
    "purchase": r"order completed|purchase[ds]?|order paid|order placed|transaction|invoice paid|payment succeeded",
    "refund": r"refund|return(?!ing)|cancel|chargeback",
    "cart": r"add(ed)?[ _]to[ _](cart|bag|basket)|product added|cart viewed|^cart$|basket",
    "checkout": r"checkout|payment info entered|^payment$|shipping",
    "view": r"view|page|screen|article|catalog|listing|^home$|browse|click(?!ed$)|stream|play|watch|read",
    "search": r"search",
    "compare": r"compar",
    "pricing": r"pricing|price list|plans?[ _]page|upgrade[ _]page",
    "wishlist": r"wishlist|favou?rite|saved",
    "login": r"sign(ed)?[ _-]?in|log(ged)?[ _-]?in|session[ _]start",
    "signup": r"sign(ed)?[ _-]?up|regist|account created",
    "email_sent": r"e-?mail (sent|delivered)",
    "email_open": r"e-?mail opened|opened e-?mail",
    "email_click": r"e-?mail (link )?clicked|clicked e-?mail",
    "support": r"ticket|support|complaint|chat|case (opened|created)",
    "coupon": r"coupon|voucher|promo(tion)? (applied|redeemed|code)",
    "campaign": r"campaign",
    "told": r"^(identify|group|alias)$",
}
WINDOWS = (7, 30, 90, 365)
PASSIVE = ("email_sent", "campaign", "signup", "told")


@dataclass(frozen=True)
class Catalogue:
    """What a workspace's events contain, up to the run's instant.

    `events` counts rows by name, `properties` gives each property's kind (`number`, `text`, `bool`,
    `time`), `levels` the most frequent values of category-like properties, `span_days` first to last event, `first`
    the first event's instant in microseconds.
    """

    events: Mapping[str, int]
    properties: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    has_value: bool = False
    has_clock: bool = True
    span_days: float = 365.0
    first: int = 0
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def role(self, name: str) -> list[str]:
        """The event names present that play a role: as configured, else by their words."""
        if name in self.roles:
            return [event for event in self.roles[name] if event in self.events]
        pattern = re.compile(ROLES[name], re.IGNORECASE)
        taken = {event for other, events in self.roles.items() if other != name for event in events}
        return [event for event in sorted(self.events) if event not in taken and pattern.search(event)]

    @property
    def columns(self) -> dict[str, Type]:
        """The columns of the event stream that features may read, with their types."""
        kinds = {name: Type(kind) for name, kind in self.properties.items()}
        return {"at": Type.TIME, "event": Type.TEXT, "value": Type.NUMBER, **kinds}

    def has(self, *names: str) -> str | None:
        """The first of `names` that is a property."""
        return next((name for name in names if name in self.properties), None)


@dataclass(frozen=True)
class Ready:
    """One ready feature: its theme and its definition in YAML form."""

    name: str
    theme: str
    definition: Definition


def choose(catalogue: Catalogue) -> list[Ready]:
    """Every ready feature that the data can carry; names are unique.

    >>> names = [ready.name for ready in choose(Catalogue({"Order Completed": 10}, has_value=True))]
    >>> "orders_90d" in names and "revenue" in names and "logins" not in names
    True
    """
    chosen: dict[str, Ready] = {}
    for pack in (_rhythm, _commerce, _engagement, _intent, _journey, _affinity, _timing, _messages):
        for ready in pack(catalogue):
            chosen.setdefault(ready.name, ready)
    return list(chosen.values())


def main_events(catalogue: Catalogue) -> list[str]:
    """The events that carry the rhythm: purchases where there are any, else whatever people do."""
    purchases = catalogue.role("purchase")
    if purchases:
        return purchases
    passive = {event for role in PASSIVE for event in catalogue.role(role)}
    return [event for event in sorted(catalogue.events) if event not in passive] or sorted(catalogue.events)


def slug(text: str) -> str:
    """A text as part of a name.

    >>> slug("Home & Garden")
    'home_garden'
    """
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", text.casefold())).strip("_")[:40] or "other"


def _days(days: int) -> str:
    return f"{days}d"


def _rhythm(catalogue: Catalogue) -> Iterator[Ready]:
    events = main_events(catalogue)
    noun = "order" if catalogue.role("purchase") else "activity"
    yield Ready(
        "recency_days",
        "rhythm",
        {"days_since": "last", "of": events, "label": f"last {noun}", "unit": "ago"},
    )
    yield Ready(
        "tenure_days",
        "lifecycle",
        {"days_since": "first", "label": "first seen", "unit": "ago", "default": 0},
    )
    yield Ready(
        "gap_days_mean",
        "rhythm",
        {"gap": "mean", "of": events, "label": f"usual days between {_plural(noun)}", "unit": "days"},
    )
    yield Ready(
        "gap_days_std",
        "rhythm",
        {"gap": "std", "of": events, "label": f"variation of days between {_plural(noun)}", "unit": "days"},
    )


def _plural(noun: str) -> str:
    return {"activity": "active days", "order": "orders"}.get(noun, noun + "s")


def _frequency(catalogue: Catalogue, events: list[str]) -> Definition:
    """Orders may be several lines: count order ids where there are some."""
    order = catalogue.has("order_id")
    return {"distinct": order, "of": events} if order else {"count": "events", "of": events}


def _windowed(name: str, theme: str, base: Definition, label: str, unit: str) -> Iterator[Ready]:
    yield Ready(name, theme, {**base, "label": label, "unit": unit})
    for days in WINDOWS:
        yield Ready(
            f"{name}_{days}d", theme, {**base, "within": _days(days), "label": f"{label} in {days} days", "unit": unit}
        )


def _trend(name: str, base: Definition, label: str, span_days: float) -> Iterator[Ready]:
    """(now - before) / (now + before) in [-1, 1]; 0 when both windows are empty."""
    for days in (30, 90):
        if span_days < 2 * days:
            continue
        now, before = f"{name}_{days}d", f"{name}_{days}d_before"
        yield Ready(
            before,
            "hidden",
            {
                **base,
                "within": _days(days),
                "before": _days(days),
                "label": f"{label} in the {days} days before that",
                "unit": "count",
            },
        )
        yield Ready(
            f"trend_{days}d",
            "rhythm",
            {
                "formula": f"({now} - {before}) / ({now} + {before})",
                "default": 0,
                "label": f"trend of {label} over {days} days",
                "unit": "share",
            },
        )


def _commerce(catalogue: Catalogue) -> Iterator[Ready]:
    purchases = catalogue.role("purchase")
    if not purchases:
        return
    frequency = _frequency(catalogue, purchases)
    yield from _windowed("orders", "rhythm", frequency, "orders", "count")
    yield from _trend("orders", frequency, "orders", catalogue.span_days)
    if catalogue.has_value:
        money = {"sum": "value", "of": purchases}
        yield from _windowed("revenue", "value", money, "revenue", "money")
        yield Ready(
            "aov",
            "value",
            {"formula": "revenue / orders", "default": 0, "label": "average order value", "unit": "money"},
        )
    if catalogue.has("quantity"):
        yield Ready("units", "hidden", {"sum": "quantity", "of": purchases, "label": "units bought", "unit": "count"})
        yield Ready(
            "units_per_order",
            "value",
            {"formula": "units / orders", "default": 0, "label": "units in an order", "unit": "count"},
        )
    if catalogue.has("order_id"):
        yield Ready("lines", "hidden", {"count": "events", "of": purchases, "label": "order lines", "unit": "count"})
        yield Ready(
            "items_per_order",
            "engagement",
            {"formula": "lines / orders", "default": 0, "label": "different items in an order", "unit": "count"},
        )
    refunds = catalogue.role("refund")
    if refunds:
        yield Ready(
            "refunds",
            "hidden",
            {**_frequency(catalogue, refunds), "label": "returns and cancellations", "unit": "count"},
        )
        yield Ready(
            "refund_share",
            "engagement",
            {
                "formula": "refunds / (orders + refunds)",
                "default": 0,
                "label": "returns and cancellations among orders",
                "unit": "share",
            },
        )
    coupons = catalogue.role("coupon")
    if coupons:
        yield Ready(
            "coupons", "engagement", {"count": "events", "of": coupons, "label": "coupons redeemed", "unit": "count"}
        )


def _engagement(catalogue: Catalogue) -> Iterator[Ready]:
    passive = {event for role in PASSIVE for event in catalogue.role(role)}
    active = [event for event in sorted(catalogue.events) if event not in passive]
    purchases = set(catalogue.role("purchase"))
    if not active:
        return
    yield from _windowed(
        "active_days", "engagement", {"distinct": "day_number(at)", "of": active}, "active days", "count"
    )
    if set(active) <= purchases:
        return
    everything = {"count": "events", "of": active}
    yield from _windowed("events", "engagement", everything, "actions", "count")
    yield from _trend("events", everything, "actions", catalogue.span_days)
    session = catalogue.has("session_id")
    if session:
        yield from _windowed("sessions", "engagement", {"distinct": session, "of": active}, "sessions", "count")
    per, unit = ("sessions", "session") if session else ("active_days", "active day")
    yield Ready(
        f"events_per_{unit.split()[-1]}",
        "engagement",
        {"formula": f"events / {per}", "label": f"actions per {unit}", "unit": "count"},
    )
    if len(active) > 2:
        yield Ready(
            "adoption",
            "engagement",
            {"distinct": "event", "of": active, "label": "different kinds of action", "unit": "count"},
        )
        yield Ready(
            "adoption_share",
            "hidden",
            {"formula": f"adoption / {len(active)}", "default": 0, "label": "share of features used", "unit": "share"},
        )
    logins = catalogue.role("login")
    if logins and set(logins) != set(active):
        yield from _windowed("logins", "engagement", {"count": "events", "of": logins}, "log-ins", "count")


def _intent(catalogue: Catalogue) -> Iterator[Ready]:
    weights = {"view": 1, "search": 1, "wishlist": 2, "compare": 3, "pricing": 4, "cart": 4, "checkout": 6}
    labels = {"view": "views", "search": "searches", "wishlist": "wish-list saves", "compare": "comparisons"}
    labels |= {"pricing": "pricing-page visits", "cart": "cart actions", "checkout": "checkouts begun"}
    found = []
    for role, label in labels.items():
        events = catalogue.role(role)
        if not events:
            continue
        found.append(role)
        base = {"count": "events", "of": events}
        yield Ready(_role_name(role), "engagement", {**base, "label": label, "unit": "count"})
        yield Ready(
            f"{_role_name(role)}_30d",
            "hidden",
            {**base, "within": "30d", "label": f"{label} in 30 days", "unit": "count"},
        )
    if any(role not in ("view", "search") for role in found):
        terms = " + ".join(f"{weights[role]} * {_role_name(role)}_30d" for role in found)
        yield Ready(
            "intent_score",
            "engagement",
            {"formula": terms, "default": 0, "label": "buying intent in 30 days", "unit": "count"},
        )


def _role_name(role: str) -> str:
    return {"view": "views", "search": "searches", "wishlist": "wishes", "compare": "comparisons"}.get(
        role, {"pricing": "pricing_visits", "cart": "carts", "checkout": "checkouts"}.get(role, role)
    )


def _journey(catalogue: Catalogue) -> Iterator[Ready]:
    views, carts, purchases = (catalogue.role(role) for role in ("view", "cart", "purchase"))
    if not (carts and purchases):
        return
    if catalogue.has_clock:
        # Whoever goes on filling the cart has not left it yet.
        left = {"not": list(dict.fromkeys([*carts, *purchases])), "within": "45m"}
        yield Ready(
            "carts_abandoned_30d",
            "engagement",
            {
                "count": "matches",
                "sequence": [carts, left],
                "within": "30d",
                "label": "carts abandoned in 30 days",
                "unit": "count",
            },
        )
    if views:
        yield Ready(
            "funnel_30d",
            "engagement",
            {
                "depth": "steps",
                "sequence": [views, carts, purchases],
                "span": "30d",
                "within": "30d",
                "label": "steps from view over cart to order in 30 days",
                "unit": "count",
            },
        )


def _affinity(catalogue: Catalogue) -> Iterator[Ready]:
    events = catalogue.role("purchase") or catalogue.role("view") or main_events(catalogue)
    for prop, noun in (("category", "category"), ("item_id", "product"), ("item", "product"), ("page", "page")):
        if prop in catalogue.properties:
            name = {"category": "breadth", "product": "depth", "page": "depth"}[noun]
            yield Ready(
                name,
                "affinity",
                {"distinct": prop, "of": events, "label": f"different {_many(noun)}", "unit": "count"},
            )
    for prop in ("category", "channel", "platform"):
        for level in list(catalogue.levels.get(prop, ()))[:8]:
            quoted = level.replace("'", "''")
            yield Ready(
                f"share_{slug(level)}" if prop == "category" else f"share_{prop}_{slug(level)}",
                "affinity",
                {
                    "share": f"{prop} = '{quoted}'",
                    "of": events,
                    "default": 0,
                    "label": f"share of {level}" if prop == "category" else f"share by {prop} {level}",
                    "unit": "share",
                },
            )


def _many(noun: str) -> str:
    return {"category": "categories", "product": "products", "page": "pages"}[noun]


def _timing(catalogue: Catalogue) -> Iterator[Ready]:
    events = main_events(catalogue)
    parts = {"weekend_share": ("weekday(at) >= 6", "share at weekends")}
    if catalogue.has_clock:
        parts["morning_share"] = ("hour(at) between 6 and 11", "share in the morning (6-12 h)")
        parts["evening_share"] = ("hour(at) >= 18", "share in the evening (18-24 h)")
        parts["night_share"] = ("hour(at) < 6", "share at night (0-6 h)")
    for name, (predicate, label) in parts.items():
        yield Ready(
            name,
            "timing",
            {"share": predicate, "of": events, "default": 0, "label": label, "unit": "share"},
        )


def _messages(catalogue: Catalogue) -> Iterator[Ready]:
    sent, opened, clicked = (catalogue.role(role) for role in ("email_sent", "email_open", "email_click"))
    if opened:
        yield from _windowed("email_opens", "engagement", {"count": "events", "of": opened}, "e-mails opened", "count")
    if clicked:
        yield from _windowed("email_clicks", "engagement", {"count": "events", "of": clicked}, "e-mail clicks", "count")
    if sent and opened:
        yield Ready("emails", "hidden", {"count": "events", "of": sent, "label": "e-mails sent", "unit": "count"})
        yield Ready(
            "email_open_rate",
            "engagement",
            {"formula": "email_opens / emails", "default": 0, "label": "e-mails opened of those sent", "unit": "share"},
        )
    support = catalogue.role("support")
    if support:
        yield from _windowed("tickets", "engagement", {"count": "events", "of": support}, "support contacts", "count")
