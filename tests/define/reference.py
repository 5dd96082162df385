"""The feature language once more, naively: loops over dicts, with none of the kernel's code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shoal.define.feature import Feature

Event = dict[str, Any]
DAY = 86_400_000_000
SPAN = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": DAY, "w": 7 * DAY}


def local(at: int, zone: str) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


# What the texts in the tests' features mean, in Python, over one event; None is null.
EXPRESSIONS: dict[str, Callable[[Event, str], Any]] = {
    "value": lambda e, z: e["value"],
    "order_id": lambda e, z: e["order_id"],
    "category": lambda e, z: e["category"],
    "quantity": lambda e, z: e["quantity"],
    "vip": lambda e, z: e["vip"],
    "at": lambda e, z: e["at"],
    "due": lambda e, z: e["due"],
    "value * quantity": lambda e, z: None if None in (e["value"], e["quantity"]) else e["value"] * e["quantity"],
    "value > 1": lambda e, z: None if e["value"] is None else e["value"] > 1,
    "category = 'a'": lambda e, z: None if e["category"] is None else e["category"] == "a",
    "hour(at) >= 18": lambda e, z: local(e["at"], z).hour >= 18,
    "weekday(at) >= 6": lambda e, z: local(e["at"], z).isoweekday() >= 6,
    "minutes": lambda e, z: e["minutes"],
    "events": lambda e, z: e["events"],
    "depth": lambda e, z: e["depth"],
    "minutes <= 10": lambda e, z: e["minutes"] <= 10,
    "events >= 2": lambda e, z: e["events"] >= 2,
    "day_number(at)": lambda e, z: local(e["at"], z).date().toordinal(),
}


def length(text: str | None) -> int | None:
    return None if text is None else int(text[:-1]) * SPAN[text[-1]]


def compute(feature: Feature, events: Sequence[Event], as_of: int, zone: str) -> Any:
    """One feature of one person, from that person's events in order."""
    found = _compute(feature, events, as_of, zone)
    return feature.fallback if found is None else found


def _compute(f: Feature, events: Sequence[Event], as_of: int, zone: str) -> Any:
    made = f.sequence is not None or f.session is not None
    if made:
        from tests.define.sequences import virtual

        events = virtual(f, events, as_of, zone)

    def inside(shift: int = 0) -> list[Event]:
        high = as_of - (length(f.before) or 0) - shift
        low = -math.inf if f.within is None else high - (length(f.within) or 0)
        return [
            event
            for event in events
            if low < event["at"] <= high
            and (made or not f.of or event["event"] in f.of)
            and (made or f.where is None or EXPRESSIONS[f.where](event, zone) is True)
        ]

    def values(text: str, rows: list[Event]) -> list[Any]:
        found = [EXPRESSIONS[text](event, zone) for event in rows]
        return [one for one in found if one is not None]

    rows = inside()
    operation, argument = f.operation, f.argument
    if operation == "count":
        return len(rows) or None
    if operation == "days_since":
        return (as_of - (rows[0] if argument == "first" else rows[-1])["at"]) / DAY if rows else None
    if operation == "share":
        return _share(f, rows, zone)
    if operation == "gap":
        return _gap(argument, sorted({local(event["at"], zone).date().toordinal() for event in rows}))
    if operation == "trend":
        then = inside(length(f.within) or 0)
        if argument == "count":
            return len(rows) / len(then) if then else None
        total = sum(values(argument, then))
        return sum(values(argument, rows)) / total if total else None
    if operation == "depth":
        return max((row["depth"] for row in rows), default=None)
    if operation == "trait":
        operation = "last"
    return _over(operation, values(argument, rows))


def _over(operation: str, values: list[Any]) -> Any:
    if not values:
        return None
    if operation == "std":
        mean = sum(values) / len(values)
        return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None
    return {
        "sum": lambda: float(sum(values)),
        "mean": lambda: sum(values) / len(values),
        "min": lambda: min(values),
        "max": lambda: max(values),
        "first": lambda: values[0],
        "last": lambda: values[-1],
        "distinct": lambda: len(set(values)),
    }[operation]()


def _share(f: Feature, rows: list[Event], zone: str) -> float | None:
    weigh = EXPRESSIONS[f.weight] if f.weight else lambda event, zone: 1.0
    weighed = [(weigh(event, zone), EXPRESSIONS[f.argument](event, zone) is True) for event in rows]
    total = sum(weight for weight, _ in weighed if weight is not None)
    return sum(weight for weight, holds in weighed if weight is not None and holds) / total if total else None


def _gap(which: str, days: list[int]) -> float | None:
    gaps = [late - early for early, late in itertools.pairwise(days)]
    if not gaps:
        return None
    if which in ("max", "last"):
        return float(max(gaps) if which == "max" else gaps[-1])
    if which == "std":
        return _over("std", gaps)
    return sum(gaps) / len(gaps)
