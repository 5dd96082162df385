"""What they do: visits, page views, orders, returns, e-mail and tickets, drawn for a chunk of people at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.demo.archetypes import ARCHETYPES, CATEGORIES, column
from shoal.demo.people import DAY, Floats, Horizon, Ints, People, Stints, stints

Columns = dict[str, NDArray[Any]]

ITEMS = 40  # items in a category, from the cheapest to the dearest
LOWEST = np.array([2.0, 4.0, 12.0, 6.0, 25.0, 30.0, 6.0, 8.0])  # price of a category's cheapest item
RANGE = 12.0  # the dearest item costs this many times the cheapest
DISCOUNT = 0.2
MAILING = 14  # days between newsletters
EFFECT_DAYS = 30

# in the order of a visit: people look first and sign in to buy
PRICING, COMPARE, VIEWED, SIGNED_IN, ADDED, CHECKOUT = range(6)


@dataclass(frozen=True)
class Behaviour:
    """Everything a chunk of people did. Every table has `person` (position in People) and `t` (seconds from the start).

    visits:  device, signed, order (index into orders, -1 for none)
    web:     visit, kind, category, item
    orders:  coupon, extra (bought only because of the campaign), email
    lines:   order, category, item, quantity, price (paid, a unit)
    returns: line
    mails:   kind (0 sent, 1 opened, 2 clicked), mailing, email
    tickets: topic, stars
    """

    people: People
    visits: Columns
    web: Columns
    orders: Columns
    lines: Columns
    returns: Columns
    mails: Columns
    tickets: Columns
    expected_extra: Floats  # expected extra orders of each person if treated


def behave(people: People, horizon: Horizon, rng: np.random.Generator, pace: float = 1.0) -> Behaviour:
    """Draws what `people` do over `horizon`; `pace` multiplies all rates."""
    spans = stints(people, horizon)
    speed = people.pace[spans.person] * pace
    affinity = rng.gamma(1.5 * np.array([kind.affinity for kind in ARCHETYPES])[spans.kind])
    affinity = np.cumsum(affinity, axis=1) / affinity.sum(axis=1, keepdims=True)

    expected = _expected_extra(spans, people, speed, horizon)
    orders = _orders(spans, people, speed, expected, horizon, rng)
    lines = _lines(orders, spans, people, affinity, rng)
    visits = _visits(orders, spans, people, speed, horizon, rng)
    per_person = np.zeros(len(people))
    np.add.at(per_person, spans.person, expected)
    return Behaviour(
        people=people,
        visits=visits,
        web=_web(visits, lines, spans, people, affinity, rng),
        orders=orders,
        lines=lines,
        returns=_returns(lines, orders, spans, horizon, rng),
        mails=_mails(people, orders, horizon, pace, rng),
        tickets=_tickets(spans, speed, horizon, rng),
        expected_extra=per_person,
    )


def price(category: Ints, item: Ints) -> Floats:
    """List price of items, in money.

    >>> price(np.array([0, 0]), np.array([0, ITEMS - 1])).tolist()
    [2.0, 24.0]
    """
    return np.asarray(np.round(LOWEST[category] * RANGE ** (item / (ITEMS - 1)), 2))


def _expected_extra(spans: Stints, people: People, speed: Floats, horizon: Horizon) -> Floats:
    begin, until = float(horizon.campaign_day), min(horizon.campaign_day + EFFECT_DAYS, horizon.days)
    overlap = np.clip(np.minimum(spans.end, until) - np.maximum(spans.start, begin), 0.0, None)
    eligible = people.start[spans.person] <= begin
    return np.asarray(spans.of("orders") * speed * spans.of("uplift") * overlap / 30 * eligible)


def _orders(
    spans: Stints, people: People, speed: Floats, extra: Floats, horizon: Horizon, rng: np.random.Generator
) -> Columns:
    count = rng.poisson(spans.of("orders") * speed * (spans.end - spans.start) / 30)
    row, day = _spread(count, spans, spans.of("regularity"), rng)
    more = np.repeat(np.arange(len(extra)), rng.poisson(extra * people.treated[spans.person]))
    begin = np.maximum(spans.start[more], horizon.campaign_day)
    length = np.minimum(spans.end[more], horizon.campaign_day + EFFECT_DAYS) - begin
    stint = np.concatenate([row, more])
    t = _clock(stint, np.concatenate([day, begin + rng.random(len(more)) * length]), spans, horizon, rng)
    order = np.argsort(t, kind="stable")
    stint, t, late = stint[order], t[order], order >= len(row)
    person = spans.person[stint]
    return {
        "person": person,
        "t": t,
        "stint": stint,
        "extra": late,
        "coupon": rng.random(len(t)) < spans.of("coupon")[stint],
        "email": (rng.random(len(t)) < 0.5) & (people.emails[person] > 1),
    }


def _lines(orders: Columns, spans: Stints, people: People, affinity: Floats, rng: np.random.Generator) -> Columns:
    count = 1 + rng.poisson(spans.of("lines")[orders["stint"]])
    order = np.repeat(np.arange(len(count)), count)
    stint = orders["stint"][order]
    category, item = _choose(stint, spans, people, affinity, rng)
    # a line is an item: the same item twice in one order is one line of more
    _, first = np.unique((order * len(CATEGORIES) + category) * ITEMS + item, return_index=True)
    order, stint, category, item = order[first], stint[first], category[first], item[first]
    factor = np.where(orders["coupon"][order], 1.0 - DISCOUNT, 1.0)
    return {
        "person": orders["person"][order],
        "t": orders["t"][order],
        "order": order,
        "stint": stint,
        "category": category,
        "item": item,
        "quantity": 1 + rng.poisson(np.where(category < 2, 0.8, 0.1)),
        "price": np.round(price(category, item) * factor, 2),
    }


def _visits(
    orders: Columns, spans: Stints, people: People, speed: Floats, horizon: Horizon, rng: np.random.Generator
) -> Columns:
    count = rng.poisson(spans.of("visits") * speed * (spans.end - spans.start) / 30)
    row, day = _spread(count, spans, np.ones(len(count)), rng)
    before = np.maximum(orders["t"] - rng.integers(400, 2400, len(orders["t"])), 0)
    stint = np.concatenate([row, orders["stint"]])
    person = spans.person[stint]
    order = np.concatenate([np.full(len(row), -1), np.arange(len(before))])
    t = np.concatenate([_clock(row, day, spans, horizon, rng), before])
    device = np.minimum(np.searchsorted([0.7, 0.92], rng.random(len(stint))), people.devices[person] - 1)
    # a few second devices never sign in: nobody can know whose they are
    stranger = (rng.random((len(people), 3)) < [0.0, 0.04, 0.04])[person, device]
    device[stranger & (order >= 0)] = 0
    stranger &= order < 0
    signed = (order >= 0) | (rng.random(len(stint)) < spans.of("signs_in")[stint])
    signed[_last_of(person * 3 + device, t)] = True  # the others sign in at the latest on their last visit
    signed &= ~stranger
    return {"person": person, "t": t, "stint": stint, "device": device, "signed": signed, "order": order}


def _last_of(key: Ints, t: Ints) -> Ints:
    """Positions of each key's latest row."""
    order = np.lexsort((t, key))
    ends = np.ones(len(key), dtype=bool)
    ends[:-1] = key[order][1:] != key[order][:-1]
    return np.asarray(order[ends])


def _web(
    visits: Columns, lines: Columns, spans: Stints, people: People, affinity: Floats, rng: np.random.Generator
) -> Columns:
    stint, size = visits["stint"], len(visits["t"])
    bought = visits["order"] >= 0
    items = np.bincount(lines["order"], minlength=int(bought.sum()))
    cart = np.where(rng.random(size) < spans.of("carts")[stint], 1 + rng.poisson(0.4, size), 0)
    cart[bought] = items[visits["order"][bought]]
    counts = np.empty((size, 6), dtype=np.int64)
    counts[:, SIGNED_IN] = visits["signed"]
    counts[:, PRICING] = rng.random(size) < spans.of("pricing")[stint]
    counts[:, COMPARE] = rng.random(size) < spans.of("compares")[stint]
    counts[:, VIEWED] = 1 + rng.poisson(spans.of("views")[stint])
    counts[:, ADDED] = cart
    counts[:, CHECKOUT] = bought | ((cart > 0) & (rng.random(size) < 0.25))
    visit = np.repeat(np.arange(size), counts.sum(axis=1))
    kind = np.repeat(np.tile(np.arange(6), size), counts.ravel())
    start = np.cumsum(counts.sum(axis=1)) - counts.sum(axis=1)
    step = np.arange(len(visit)) - start[visit]
    category, item = _choose(stint[visit], spans, people, affinity, rng)
    t = visits["t"][visit] + step * 30 + rng.integers(0, 30, len(visit))
    return {"person": visits["person"][visit], "t": t, "visit": visit, "kind": kind, "category": category, "item": item}


def _returns(lines: Columns, orders: Columns, spans: Stints, horizon: Horizon, rng: np.random.Generator) -> Columns:
    line = np.flatnonzero(rng.random(len(lines["t"])) < spans.of("returns")[orders["stint"][lines["order"]]])
    t = lines["t"][line] + rng.integers(3 * DAY, 20 * DAY, len(line))
    line, t = line[t < horizon.days * DAY], t[t < horizon.days * DAY]
    return {"person": lines["person"][line], "t": t, "line": line}


def _mails(people: People, orders: Columns, horizon: Horizon, pace: float, rng: np.random.Generator) -> Columns:
    days = np.arange(3, horizon.days, max(MAILING, round(MAILING / pace)))
    subscribed = rng.random(len(people)) < 0.9
    person, mailing = np.nonzero(subscribed[:, None] & (people.start[:, None] <= days[None, :]))
    day = days[mailing]
    kind = np.where(day < horizon.drift_day, people.before[person], people.now[person])
    odds = np.log(column("opens") / (1 - column("opens")))[kind] + people.keen[person]
    chance = np.where(day > people.quiet[person], 0.2, 1.0) / (1 + np.exp(-odds))
    opened = rng.random(len(person)) < chance
    clicked = opened & (rng.random(len(person)) < column("clicks")[kind])
    sent = day * DAY + 7 * 3600
    read = sent + rng.integers(60, 2 * DAY, len(person))
    click = read + rng.integers(5, 600, len(person))
    limit = horizon.days * DAY
    opened &= read < limit
    clicked &= opened & (click < limit)
    second = np.zeros(len(people), dtype=bool)
    second[orders["person"][orders["email"]]] = True  # known to the shop only once used for an order
    second &= rng.random(len(people)) < 0.5
    groups = [np.arange(len(person)), np.flatnonzero(opened), np.flatnonzero(clicked)]
    rows = np.concatenate(groups)
    return {
        "person": person[rows],
        "t": np.concatenate([sent, read[opened], click[clicked]]),
        "kind": np.repeat(np.arange(3), [len(group) for group in groups]),
        "mailing": mailing[rows],
        "email": second[person[rows]],
    }


def _tickets(spans: Stints, speed: Floats, horizon: Horizon, rng: np.random.Generator) -> Columns:
    count = rng.poisson(spans.of("tickets") * speed * (spans.end - spans.start) / 30)
    row, day = _spread(count, spans, np.ones(len(count)), rng)
    t = _clock(row, day, spans, horizon, rng)
    return {
        "person": spans.person[row],
        "t": t,
        "topic": rng.choice(4, len(t), p=[0.4, 0.3, 0.2, 0.1]),
        "stars": 1 + rng.binomial(4, 0.6, len(t)),
    }


def _spread(count: Ints, spans: Stints, shape: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Lays `count` moments over each stint with gamma gaps of `shape`; gives (stint, day as a fraction)."""
    row = np.repeat(np.arange(len(count)), count)
    total = np.cumsum(rng.gamma(shape[row]))
    ends = np.cumsum(count)
    padded = np.append(0.0, total)
    base = padded[ends - count]
    whole = padded[ends] - base + rng.gamma(shape)  # the gap after the last one
    part = (total - base[row]) / whole[row]
    return row, np.asarray(spans.start[row] + part * (spans.end - spans.start)[row])


def _clock(stint: Ints, day: Floats, spans: Stints, horizon: Horizon, rng: np.random.Generator) -> Ints:
    """Moves moments to the weekdays and hours of their archetype; seconds from the horizon's start."""
    whole = np.floor(day).astype(np.int64)
    weekday = (whole + horizon.start.weekday()) % 7
    weekend = rng.random(len(day)) < spans.of("weekend")[stint]
    wanted = np.where(weekend, rng.integers(5, 7, len(day)), rng.integers(0, 5, len(day)))
    first, last = spans.start[stint].astype(np.int64), np.ceil(spans.end[stint]).astype(np.int64) - 1
    whole = np.clip(whole - weekday + wanted, first, np.maximum(first, last))
    hour = rng.normal(spans.of("hour")[stint], spans.of("hour_spread")[stint]) % 24
    return np.asarray(whole * DAY + np.minimum((hour * 3600).astype(np.int64), DAY - 2700))


def _choose(
    stint: Ints, spans: Stints, people: People, affinity: Floats, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draws a category by the stint's affinity and an item by the archetype's price tier."""
    category = (rng.random(len(stint))[:, None] > affinity[stint, :-1]).sum(axis=1)
    tier = rng.normal(spans.of("tier")[stint] + people.taste[spans.person[stint]], 0.15)
    item = np.clip(np.round(tier * (ITEMS - 1)), 0, ITEMS - 1).astype(np.int64)
    return category, item
