"""Made-up histories: what some people do, how it reaches the log, and what happens to the worker meanwhile."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shoal.live.definition import Rule

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_700_000_000_000_000

FEATURES: dict[str, dict[str, Any]] = {
    "orders": {"count": "events", "of": "Order"},
    "orders_7d": {"count": "events", "of": "Order", "within": "7d"},
    "orders_before": {"count": "events", "of": "Order", "within": "2d", "before": "1d"},
    "revenue": {"sum": "value", "of": "Order"},
    "revenue_1d": {"sum": "value", "of": "Order", "within": "1d"},
    "largest": {"max": "value", "of": "Order", "within": "3d"},
    "recency": {"days_since": "last", "of": "Order"},
    "age": {"days_since": "first", "default": 0},
    "items": {"distinct": "item", "of": "Order"},
    "items_2d": {"distinct": "item", "within": "2d"},
    "page": {"last": "page"},
    "landing": {"first": "page", "session": "30m"},
    "first_page": {"first": "page", "within": "5d"},
    "cheap": {"share": "value < 20", "of": "Order"},
    "pause": {"gap": "mean", "of": "Order"},
    "growing": {"trend": "count", "within": "2d"},
    "sessions_3d": {"count": "sessions", "session": "30m", "within": "3d"},
    "longest": {"max": "minutes", "session": "45m", "within": "4d"},
    "carts_left": {"count": "matches", "sequence": ["Cart", {"not": "Order", "within": "45m"}], "within": "2d"},
    "viewed_bought": {"count": "matches", "sequence": ["View", "Order"], "span": "1h"},
    "funnel": {"depth": "steps", "sequence": ["View", "Cart", "Order"], "span": "7d"},
    "since_cart": {"days_since": "last", "sequence": ["Cart", {"not": "Order", "within": "45m"}], "default": 1},
    "rhythm": {"formula": "recency / (orders + 1)", "default": 0},
    "lateness": {"formula": "recency / nullif(pause, 0)", "default": -1},
    "bent": {"formula": "recency / nullif(age, 0)"},
}
DERIVED = {"stage": "case when recency < 2 then 'new' when recency < 5 then 'known' else 'old' end"}
TRAITS = {"plan": "text", "seats": "number"}
RULES = {
    "vip": ["revenue >= 100", "revenue >= 60 and orders > 1"],
    "recent": ["recency < 3", "recency <= 1.5"],
    "lapsing": ["rhythm > 2 or lateness > 1.5", "lateness > 1.25"],
    "weekly": ["orders_7d >= 2 and page = 'a'", "orders_7d between 1 and 2"],
    "pro": ["plan = 'pro'", "plan <> 'pro' and seats > 2"],
    "hot": ["revenue_1d > 20 or growing > 1", "largest > 30"],
    "bent": ["bent > 0.5", "floor(recency) = 2 or bent < 0.1"],
    "left_cart": ["carts_left >= 1 and orders = 0", "since_cart < 1"],
    "funnel": ["funnel = 3 or viewed_bought >= 1", "funnel >= 2"],
    "visitor": ["sessions_3d >= 2 and longest > 5", "landing = 'a'"],
    "stage": ["stage = 'known'", "stage in ('new', 'old')"],
    "morning": ["hour(as_of) < 9 and orders > 0", "days_between(as_of, time('2023-11-20')) > 0"],
    "likely": ["score > 0.5", "score between 0.2 and 0.6"],
    "earlier": ["orders_before >= 1 and items_2d > 0", "cheap > 0.5 and items >= 2"],
}


def rules(dice: random.Random) -> tuple[Rule, ...]:
    """Some of the rules, each in one of its versions."""
    names = dice.sample(sorted(RULES), dice.randint(4, len(RULES)))
    versions = [(name, dice.randrange(len(RULES[name]))) for name in names]
    statuses = ("draft", "released")
    return tuple(Rule(name, one + 1, "rule", dice.choice(statuses), RULES[name][one]) for name, one in versions)


@dataclass(frozen=True)
class Send:
    """Requests reach the log; each is a list of messages."""

    requests: tuple[tuple[dict[str, Any], ...], ...]
    received: int

    @property
    def entries(self) -> list[bytes]:
        """As the log has them."""
        return [entry(request, self.received) for request in self.requests]


@dataclass(frozen=True)
class Tick:
    """The worker works at an instant, with at most so many entries a step."""

    now: int
    entries: int


@dataclass(frozen=True)
class Rules:
    """Other rules, and perhaps another model."""

    rules: tuple[Rule, ...]
    model: int


@dataclass(frozen=True)
class Restart:
    """The worker ends and begins again."""


Step = Send | Tick | Rules | Restart


@dataclass
class Teller:
    """Tells a history, the same for the same seed."""

    seed: int
    people: int = 6
    devices: int = 9
    future: bool = True
    jumps: bool = True
    count: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.now = START + self.dice.randrange(DAY)

    def story(self, steps: int) -> Iterator[Step]:
        """Steps, each followed by the worker's."""
        for _ in range(steps):
            chance = self.dice.random()
            if chance < 0.1:
                yield Rules(rules(self.dice), self.dice.randrange(2))
            elif chance < 0.15:
                yield Restart()
            else:
                requests = [self.request() for _ in range(self.dice.randint(0, 5))]
                yield Send(tuple(requests), self.now)
            self._pass()
            yield Tick(self.now, self.dice.choice((1, 3, 50)))

    def _pass(self) -> None:
        chance = self.dice.random()
        if self.jumps and chance < 0.04:
            self.now -= self.dice.choice((10 * SECOND, 2 * DAY))
        elif chance < 0.3:
            self.now += self.dice.randrange(MINUTE)
        elif chance < 0.6:
            self.now += self.dice.randrange(2 * HOUR)
        else:
            self.now += self.dice.randrange(int(1.5 * DAY))

    def request(self) -> tuple[dict[str, Any], ...]:
        """One request with some messages."""
        return tuple(self.message() for _ in range(self.dice.choice((1, 1, 1, 2, 5))))

    def message(self) -> dict[str, Any]:
        """Something that somebody does, or what was sent before once more."""
        dice = self.dice
        if self.sent and dice.random() < 0.06:
            return dice.choice(self.sent)
        self.count += 1
        told = {"messageId": f"m{self.seed}-{self.count}", "timestamp": iso(self._when()), **self._who()}
        chance = dice.random()
        if chance < 0.12:
            traits: dict[str, Any] = {"plan": dice.choice(("pro", "free"))}
            if dice.random() < 0.5:
                traits["seats"] = dice.choice((1, 3, 5, "many"))
            if dice.random() < 0.2:
                traits["email"] = f"e{dice.randrange(4)}@example.org"
            made = {**told, "type": "identify", "traits": traits}
        else:
            name = dice.choice(("Order", "Order", "View", "View", "Cart"))
            properties: dict[str, Any] = {"item": dice.choice("xyz"), "page": dice.choice("ab")}
            if name == "Order":
                properties["total"] = dice.randint(1, 50)
            if dice.random() < 0.1:
                properties[dice.choice(("item", "page"))] = dice.choice((7, 2.5, True, None))
            made = {**told, "type": "track", "event": name, "properties": properties}
        self.sent.append(made)
        return made

    def _when(self) -> int:
        dice, at = self.dice, self.now
        chance = dice.random()
        if chance < 0.3:
            at -= dice.randrange(3 * DAY)
        elif chance < 0.5:
            at -= dice.randrange(HOUR)
        elif self.future and chance < 0.6:
            at += dice.randrange(DAY - MINUTE)
        if dice.random() < 0.15:
            at = at // HOUR * HOUR  # many at one instant
        return at

    def _who(self) -> dict[str, Any]:
        dice = self.dice
        user, device = dice.randrange(self.people), dice.randrange(self.devices)
        chance = dice.random()
        if chance < 0.35:
            return {"userId": f"u{user}"}
        if chance < 0.7:
            return {"anonymousId": f"a{device}"}
        if chance < 0.93:
            return {"userId": f"u{user}", "anonymousId": f"a{user if dice.random() < 0.85 else device}"}
        return {"userId": f"u{user}", "context": {"device": {"id": f"d{dice.randrange(2)}"}}}


def iso(at: int) -> str:
    """An instant as SDKs write it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()


def entry(messages: Sequence[dict[str, Any]], received: int) -> bytes:
    """A log entry as the tracking API composes it."""
    body = {"batch": list(messages)}
    return json.dumps(
        {"receivedAt": received, "type": None, "sentAt": None, "historical": False, "body": body}
    ).encode()
