"""Workspaces of events that arrive: settings, rules of one's own, and messages in the log."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.live.histories import DAY, HOUR, entry, iso

from shoal import settings
from shoal.live.worker import clock
from shoal.living import Living, open_log, view

FEATURES = {
    "my_orders": {"count": "events", "of": "Order Completed"},
    "my_recency": {"days_since": "last", "of": "Order Completed"},
    "my_items": {"distinct": "item", "of": "Order Completed"},
}


def place(folder: Path, rules: Mapping[str, str] | None = None, **more: Any) -> Path:
    """A workspace without sources."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"features": FEATURES, **more}
    (folder / "shoal.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    for name, rule in (rules or {}).items():
        write_rule(folder, name, rule)
    return folder


def write_rule(folder: Path, name: str, rule: str) -> None:
    """A segment of one's own."""
    (folder / "segments").mkdir(exist_ok=True)
    (folder / "segments" / f"{name}.yaml").write_text(yaml.safe_dump({"rule": rule}), encoding="utf-8")


def send(folder: Path, *messages: Mapping[str, Any]) -> None:
    """Messages reach the log."""
    log = open_log(folder, settings.load(folder))
    try:
        log.append([entry([dict(one)], clock()) for one in messages])
    finally:
        log.close()


def did(who: str, event: str, before: int = HOUR, /, **properties: Any) -> dict[str, Any]:
    """A message: a user did something so many microseconds ago."""
    told = {"messageId": f"{who}-{event}-{before}-{sorted(properties.items())}", "userId": who, "type": "track"}
    return {**told, "event": event, "timestamp": iso(clock() - before), "properties": properties}


def shop(people: int, days: int, seed: int = 1) -> list[dict[str, Any]]:
    """What visitors and customers of a shop did; some log in, some share a device, some sign up."""
    dice = random.Random(seed)
    sent = []
    now = clock()
    for number in range(people):
        loyal = dice.random()
        for visit in range(1 + int(12 * loyal)):
            at = now - dice.randrange(HOUR, int(days * DAY * (1.2 - loyal)) + DAY)
            who: dict[str, Any] = {"anonymousId": f"a{number if dice.random() < 0.9 else number % 7}"}
            if dice.random() < 0.5:
                who["userId"] = f"u{number}"
            seen = dice.choice(("Product Viewed", "Product Added", "Order Completed"))
            properties = {"item": dice.choice("abcdefg"), "category": dice.choice(("tea", "pots"))}
            if seen == "Order Completed":
                properties["total"] = dice.randint(5, 200)
            told = {"messageId": f"{seed}-{number}-{visit}", "timestamp": iso(at), **who}
            sent.append({**told, "type": "track", "event": seen, "properties": properties})
        if dice.random() < 0.4:
            told = {
                "messageId": f"{seed}-i{number}",
                "userId": f"u{number}",
                "timestamp": iso(now - dice.randrange(DAY)),
            }
            sent.append(
                {
                    **told,
                    "type": "identify",
                    "traits": {"plan": dice.choice(("free", "pro")), "age": dice.randint(18, 80)},
                }
            )
    dice.shuffle(sent)
    return sent


def members(folder: Path, segment: str) -> set[str]:
    """User ids of a segment's members, as readers are told."""
    shown = view(folder, settings.load(folder))
    try:
        found = set()
        for one in shown.members(segment, None, 1_000)["members"]:
            known = shown.profile(one["profile_id"])["identifiers"]
            found.add(next(each["value"] for each in known))
        return found
    finally:
        shown.close()


def changes(folder: Path) -> Sequence[dict[str, Any]]:
    """The feed."""
    shown = view(folder, settings.load(folder))
    try:
        return shown.changes(0, 100_000)
    finally:
        shown.close()


def settled(folder: Path) -> Living:
    """A worker that is up to date; the caller closes it."""
    living = Living(folder)
    living.settle()
    return living


def update(folder: Path, said: list[str] | None = None) -> None:
    """Brings the state up to date and ends."""
    told = said if said is not None else []
    living = Living(folder, tell=lambda what, _: told.append(what))
    try:
        living.settle()
    finally:
        living.close()
