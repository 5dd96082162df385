"""Time alone: rules turn over at their very instant, without an event, and nobody is looked at for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live.histories import DAY, HOUR, MINUTE, SECOND, iso
from tests.live.histories import entry as entry_of
from tests.live.worlds import World, definition

from shoal.live.definition import Rule
from shoal.live.worker import Worker

NOW = 1_700_000_000_000_000 // DAY * DAY  # midnight
Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A world of one rule, given the features and the events: (name, microseconds before NOW, properties)."""
    worlds: list[World] = []

    def made(rule: str, features: dict[str, Any], events: list[tuple[Any, ...]]) -> World:
        rules = (Rule("it", 1, "rule", "released", rule),)
        world = World(tmp_path / str(len(worlds)), definition(rules, features=features))
        worlds.append(world)
        world.log.append([entry_of([message(place, *event)], NOW) for place, event in enumerate(events)])
        world.now = NOW
        world.drain()
        return world

    yield made
    for world in worlds:
        world.close()


def message(place: int, name: str, before: int, properties: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"messageId": f"m{place}", "userId": "u1", "timestamp": iso(NOW - before)}
    return {**told, "type": "track", "event": name, "properties": properties or {}}


ORDERS = {"orders": {"count": "events", "of": "Order"}, "recency": {"days_since": "last", "of": "Order"}}
LEFT = {"left": {"count": "matches", "sequence": ["Cart", {"not": "Order", "within": "45m"}], "within": "2d"}}
CASES: dict[str, tuple[str, dict[str, Any], list[tuple[Any, ...]], int, bool]] = {
    # rule, features, events, microseconds from NOW to the change, whether the person is in it before
    "no order for 30 days": ("recency > 30", ORDERS, [("Order", 5 * HOUR)], 30 * DAY - 5 * HOUR + 1, False),
    "an order in 3 days": ("recency <= 3", ORDERS, [("Order", 7)], 3 * DAY - 7 + 1, True),
    "less than 3 days": ("recency < 3", ORDERS, [("Order", 7)], 3 * DAY - 7, True),
    "not longer than": ("not recency >= 2", ORDERS, [("Order", SECOND)], 2 * DAY - SECOND, True),
    "between two ages": ("recency between 2 and 3", ORDERS, [("Order", HOUR)], 2 * DAY - HOUR, False),
    "a window": (
        "week >= 2",
        {"week": {"count": "events", "of": "Order", "within": "7d"}},
        [("Order", DAY), ("Order", 6 * DAY + 3)],
        DAY - 3,
        True,
    ),
    "a window that ends before now": (
        "earlier >= 1",
        {"earlier": {"count": "events", "within": "1d", "before": "2d"}},
        [("Order", HOUR)],
        2 * DAY - HOUR,
        False,
    ),
    "the largest of a window": (
        "most > 20",
        {"most": {"max": "value", "of": "Order", "within": "1d"}},
        [("Order", 3 * HOUR, {"total": 30}), ("Order", HOUR, {"total": 10})],
        21 * HOUR,
        True,
    ),
    "a window over the one before": (
        "more >= 1",
        {"more": {"trend": "count", "within": "1d"}},
        [("Order", HOUR), ("Order", 25 * HOUR)],
        23 * HOUR,
        True,
    ),
    "a cart that is left": ("left >= 1", LEFT, [("Cart", 10 * MINUTE)], 35 * MINUTE, False),
    "a cart that was left": ("left >= 1", LEFT, [("Cart", HOUR)], 2 * DAY - 15 * MINUTE, True),
    "days since a cart was left": (
        "since > 1",
        {"since": {"days_since": "last", "sequence": ["Cart", {"not": "Order", "within": "45m"}]}},
        [("Cart", HOUR)],
        DAY - 15 * MINUTE + 1,
        False,
    ),
    "a session of long ago": (
        "visits >= 1",
        {"visits": {"count": "sessions", "session": "30m", "within": "3d"}},
        [("View", HOUR), ("View", 70 * MINUTE)],
        3 * DAY - 70 * MINUTE,
        True,
    ),
    "an event that is yet to happen": ("orders >= 1", ORDERS, [("Order", -2 * HOUR)], 2 * HOUR, False),
    "an age over a number": (
        "usual > 1.5",
        {**ORDERS, "pause": {"gap": "mean", "of": "Order"}, "usual": {"formula": "recency / nullif(pause, 0)"}},
        [("Order", 0), ("Order", 2 * DAY)],
        3 * DAY + 1,
        False,
    ),
    "a ratio of two ages": (
        "share > 0.5",
        {**ORDERS, "age": {"days_since": "first"}, "share": {"formula": "recency / age"}},
        [("Order", 0), ("View", 10 * DAY)],
        10 * DAY + 1,
        False,
    ),
    "whole days": ("floor(recency) >= 2", ORDERS, [("Order", 90 * MINUTE + 1)], 2 * DAY - 90 * MINUTE - 1, False),
    "the sooner of two": ("least(recency, 5) >= 1.5", ORDERS, [("Order", HOUR)], 35 * HOUR, False),
    "a case with a step": (
        "(case when recency < 1.5 then recency else 0.6 end) > 1.2",
        ORDERS,
        [("Order", int(0.6 * DAY))],
        int(0.6 * DAY) + 1,
        False,
    ),
    "the hour of the day": ("hour(as_of) >= 9 and orders > 0", ORDERS, [("Order", HOUR)], 9 * HOUR, False),
    "a day in the calendar": (
        "days_between(time('2023-11-10'), as_of) > 7.5",
        ORDERS,
        [("Order", HOUR)],
        0,
        False,
    ),
    "an age of which nothing is known": ("ln(recency - 1) is null", ORDERS, [("Order", HOUR)], 23 * HOUR + 1, True),
    "texts made of an age": ("text(floor(recency)) = '3'", ORDERS, [("Order", HOUR)], 3 * DAY - HOUR, False),
    "a large number beside an age": ("recency + 1000000 > 1000002", ORDERS, [("Order", 0)], 0, False),
}
EXACT = [name for name, case in CASES.items() if case[3]]


@pytest.mark.parametrize("name", EXACT)
def test_a_rule_turns_over_at_its_instant_and_no_sooner(name: str, make: Make) -> None:
    rule, features, events, wait, before = CASES[name]
    world = make(rule, features, events)
    assert bool(world.members("it@1")) is before
    world.now = NOW + wait - 1
    world.drain()
    assert bool(world.members("it@1")) is before
    world.now = NOW + wait
    world.drain()
    assert bool(world.members("it@1")) is not before
    world.check()
    assert world.changes()[-1]["why"]["cause"] == "time"


@pytest.mark.parametrize("name", CASES)
def test_going_from_one_due_time_to_the_next_misses_nothing(name: str, make: Make) -> None:
    """Only the instants that the state itself names are visited; between them nothing may change."""
    rule, features, events, _, _ = CASES[name]
    world, end = make(rule, features, events), NOW + 3 * DAY
    visits = 0
    while (due := world.due()) and min(due) <= end:
        at = min(due)
        assert at > world.now
        held = world.members("it@1")
        world.now = at - 1
        world.drain()
        assert world.members("it@1") == held
        assert not world.verify().found
        world.now = at
        world.drain()
        visits += 1
    assert visits < 3 * 24 * 3  # a bent rule is looked at every hour, the instants at which it turns over twice
    world.now = end
    world.drain()
    world.check()


def test_a_straight_rule_costs_an_evaluation_or_two_and_an_idle_week_no_more(make: Make) -> None:
    world = make("recency > 3", ORDERS, [("Order", HOUR)])
    before = world.evaluated
    for minute in range(0, 7 * 24 * 60, 5):
        world.now = NOW + minute * MINUTE
        world.drain()
    assert world.members("it@1")
    assert world.evaluated - before <= 3


def test_an_age_that_is_only_its_default_does_not_keep_the_worker_busy(make: Make) -> None:
    features = {**ORDERS, "since": {"days_since": "last", "of": "Order", "default": 3}}
    for rule in ("since > 3", "since >= 3", "floor(since) > 3", "since * since > 9"):
        world = make(rule, features, [("View", HOUR)])
        before = world.evaluated
        for tick in range(200):
            world.now = NOW + tick * 10_000  # ten milliseconds
            world.drain()
        assert world.evaluated - before <= 1, rule


def test_the_worker_fires_what_is_due_without_an_event_and_rests_otherwise(make: Make) -> None:
    world = make("recency > 3", ORDERS, [("Order", HOUR)])
    clock = [NOW]
    told: list[Any] = []
    worker = Worker(world.log, world.advancer, tell=told.append, now=lambda: clock[0])
    worker.drain()
    clock[0] = NOW + 3 * DAY - HOUR
    for _ in range(20):
        worker.tick()
    assert not world.members("it@1")
    clock[0] += 1
    worker.tick()
    assert len(world.members("it@1")) == 1
    assert sum(len(one["changed"]) for one in told) == 1


def test_a_clock_that_goes_back_undoes_what_time_did_and_does_it_again(make: Make) -> None:
    world = make("recency > 3", ORDERS, [("Order", HOUR)])
    for now, inside in ((4 * DAY, True), (DAY, False), (4 * DAY, True), (4 * DAY - 30 * SECOND, True), (5 * DAY, True)):
        world.now = NOW + now
        world.drain()
        assert bool(world.members("it@1")) is inside
    assert [one["change"] for one in world.changes()] == ["entered", "left", "entered"]
    world.check()
