"""Behaviour as the rows of the shop's files: texts, local habits of each system, identifiers as they were typed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.demo.archetypes import CATEGORIES
from shoal.demo.behaviour import ADDED, CHECKOUT, COMPARE, ITEMS, PRICING, SIGNED_IN, VIEWED, Behaviour, price
from shoal.demo.identity import DESK, NOBODY, SLOTS, Identity
from shoal.demo.people import DAY, Horizon, Ints

EVENTS = {
    PRICING: "Pricing Viewed",
    COMPARE: "Comparison Viewed",
    VIEWED: "Product Viewed",
    SIGNED_IN: "Signed In",
    ADDED: "Product Added",
    CHECKOUT: "Checkout Started",
}
SIGNED_UP = len(EVENTS)
NAMES = pa.array([EVENTS[kind] for kind in range(len(EVENTS))] + ["Signed Up"])
PAGES = pa.array(["/pricing", "/compare", "/item", "/login", "/cart", "/checkout", "/welcome"])
TOPICS = pa.array(["question", "late delivery", "return", "damaged"])
COUNTRIES = pa.array(["DE", "AT", "CH", "NL"])


def customers(did: Behaviour, who: Identity, horizon: Horizon, rng: np.random.Generator) -> pa.Table:
    """One row an account."""
    people = did.people
    earlier = -rng.integers(1, 1000, len(people))
    day = np.where(people.start > 0, people.start, earlier).astype(np.int64)
    return pa.table(
        {
            "user_id": who.user_id,
            "name": who.name,
            "email": who.email,
            "country": COUNTRIES.take(pa.array(rng.choice(4, len(people), p=[0.7, 0.12, 0.1, 0.08]))),
            "signed_up": instants(day * DAY, horizon, "%Y-%m-%d"),
            "newsletter": pa.array(np.where(rng.random(len(people)) < 0.9, "yes", "no")),
        }
    )


def orders(did: Behaviour, who: Identity, horizon: Horizon, rng: np.random.Generator) -> pa.Table:
    """One row an order line or a returned line, in the order of time."""
    lines, back = did.lines, did.returns
    line = np.concatenate([np.arange(len(lines["t"])), back["line"]])
    t = np.concatenate([lines["t"], back["t"]])
    sign = np.repeat([1, -1], [len(lines["t"]), len(back["t"])])
    by_time = np.lexsort((line, t))
    line, t, sign = line[by_time], t[by_time], sign[by_time]
    order, person = lines["order"][line], lines["person"][line]
    email = _if(did.orders["email"][order], _at(who.second_email, person), _at(who.email, person))
    email = _if(who.desk[order], DESK, email)
    careless = (rng.random(len(did.orders["t"])) < 0.1)[order]
    email = _if(careless, pc.binary_join_element_wise("", pc.utf8_upper(email), " "), email)
    category = pa.array(CATEGORIES).take(pa.array(lines["category"][line]))
    return pa.table(
        {
            "order_id": _number("O", order + 1),
            "placed_at": instants(t, horizon, "%d.%m.%Y %H:%M:%S"),
            "user_id": _if(who.guest[order], "", _at(who.user_id, person)),
            "email": email,
            "item_id": item_ids(lines["category"][line], lines["item"][line]),
            "item": pc.binary_join_element_wise(category, pc.cast(pa.array(lines["item"][line]), pa.string()), " no. "),
            "category": category,
            "quantity": sign * lines["quantity"][line],
            "unit_price": lines["price"][line],
            "coupon": pa.array(np.where(did.orders["coupon"][order], "SAVE20", "")),
            "channel": pa.array(np.where(rng.random(len(did.orders["t"])) < 0.3, "app", "web")[order]),
        }
    )


def web(did: Behaviour, who: Identity, horizon: Horizon) -> pa.Table:
    """One row a page view or click, in the order of time; newcomers' sign-ups among them."""
    rows, visits = did.web, did.visits
    new = np.flatnonzero(did.people.start > 0)
    visit = np.concatenate([rows["visit"], np.zeros(len(new), np.int64)])
    kind = np.concatenate([rows["kind"], np.full(len(new), SIGNED_UP)])
    person = np.concatenate([rows["person"], new])
    device = np.concatenate([who.device[rows["visit"]], new * SLOTS])
    t = np.concatenate([rows["t"], (did.people.start[new] * DAY).astype(np.int64)])
    category = np.concatenate([rows["category"], np.zeros(len(new), np.int64)])
    item = np.concatenate([rows["item"], np.zeros(len(new), np.int64)])
    by_time = np.lexsort((person, t))
    visit, kind, person, device = visit[by_time], kind[by_time], person[by_time], device[by_time]
    category, item = category[by_time], item[by_time]
    signed = (visits["signed"][visit] & (kind >= SIGNED_IN)) | who.known[visit] | (kind == SIGNED_UP)
    shown = (kind == VIEWED) | (kind == ADDED)
    return pa.table(
        {
            "event_id": _number("w", np.arange(len(kind))),
            "at": instants(t[by_time], horizon, "%Y-%m-%dT%H:%M:%SZ"),
            "event": NAMES.take(pa.array(kind)),
            "anonymous_id": _at(who.device_id, device),
            "user_id": _if(signed, _at(who.user_id, person), ""),
            "session_id": _if(kind == SIGNED_UP, "", _number("s", visit)),
            "page": PAGES.take(pa.array(kind)),
            "item_id": _if(shown, item_ids(category, item), ""),
            "category": _if(shown, pa.array(CATEGORIES).take(pa.array(category)), ""),
            "price": pa.array(price(category, item), mask=~shown),
            "channel": pa.array(np.where(device % SLOTS == 1, "app", "web")),
        }
    )


def mail(did: Behaviour, who: Identity, horizon: Horizon) -> pa.Table:
    """One row a newsletter sent, opened or clicked, in the order of time."""
    order = np.argsort(did.mails["t"], kind="stable")
    mails = {name: values[order] for name, values in did.mails.items()}
    person = mails["person"]
    return pa.table(
        {
            "message_id": _number("m", np.arange(len(person))),
            "at": pc.cast(pa.array(mails["t"] + horizon.origin), pa.string()),
            "action": pa.array(["sent", "opened", "clicked"]).take(pa.array(mails["kind"])),
            "email": _if(mails["email"], _at(who.second_email, person), _at(who.email, person)),
            "campaign": _number("news-", mails["mailing"] + 1),
        }
    )


def tickets(did: Behaviour, who: Identity, horizon: Horizon, rng: np.random.Generator) -> pa.Table:
    """One row a call for help, in the order of time."""
    order = np.argsort(did.tickets["t"], kind="stable")
    rows = {name: values[order] for name, values in did.tickets.items()}
    return pa.table(
        {
            "ticket_id": _number("t", np.arange(len(order))),
            "created_at": instants(rows["t"], horizon, "%Y-%m-%dT%H:%M:%S+00:00"),
            "email": _if(rng.random(len(order)) < 0.1, NOBODY, _at(who.email, rows["person"])),
            "topic": TOPICS.take(pa.array(rows["topic"])),
            "stars": rows["stars"],
        }
    )


def campaign(did: Behaviour, who: Identity, horizon: Horizon) -> pa.Table:
    """One row a person drawn into or out of the campaign."""
    chosen = np.flatnonzero(did.people.start <= horizon.campaign_day)
    second = horizon.origin + horizon.campaign_day * DAY
    return pa.table(
        {
            "user_id": _at(who.user_id, chosen),
            "assigned_at": pa.array(np.full(len(chosen), second * 1_000_000), pa.timestamp("us", "UTC")),
            "campaign": pa.array(["summer"] * len(chosen), pa.string()),
            "arm": pa.array(np.where(did.people.treated[chosen], "treated", "control"), pa.string()),
        }
    )


def instants(t: Ints, horizon: Horizon, form: str) -> pa.Array:
    """Seconds from the simulation's start, written as text by a strftime format."""
    return pc.strftime(pa.array(t + horizon.origin).cast(pa.timestamp("s")), format=form)


def item_ids(category: Ints, item: Ints) -> pa.Array:
    """Article numbers.

    >>> item_ids(np.array([1]), np.array([7])).to_pylist()
    ['I0047']
    """
    return pc.binary_join_element_wise(
        "I", pc.utf8_lpad(pc.cast(pa.array(category * ITEMS + item), pa.string()), 4, "0"), ""
    )


def _number(prefix: str, values: Ints) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.cast(pa.array(values), pa.string()), "")


def _at(values: pa.Array, index: Ints) -> pa.Array:
    return values.take(pa.array(index))


def _if(mask: Any, yes: Any, no: Any) -> pa.Array:
    return pc.if_else(pa.array(mask), yes, no)
