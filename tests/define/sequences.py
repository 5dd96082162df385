"""Sequences and sessions once more, naively: every way to match is tried, with none of the kernel's code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.define.reference import EXPRESSIONS, Event, length

from shoal.define.feature import Feature
from shoal.define.sequence import SequenceStep

MINUTE = 60_000_000


def virtual(feature: Feature, events: Sequence[Event], as_of: int, zone: str) -> list[Event]:
    """The events that a feature of sequences or sessions looks at, known at the end of its window."""
    until = as_of - (length(feature.before) or 0)
    known = [event for event in events if event["at"] <= until]
    if feature.sequence:
        seen = [event for event in known if holds(feature.where, event, zone)]
        return matches(feature, seen, until, zone)
    return sessions(feature, known, zone)


def holds(where: str | None, event: Event, zone: str) -> bool:
    return where is None or EXPRESSIONS[where](event, zone) is True


def fits(step: SequenceStep, event: Event, zone: str) -> bool:
    return event["event"] in step.events and holds(step.where, event, zone)


def ways(feature: Feature, events: Sequence[Event], zone: str) -> Iterator[tuple[int, ...]]:
    """Every choice of a row for each step, or for the first few of them, that the steps and limits allow."""
    steps = [(number, step) for number, step in enumerate(feature.sequence or ()) if not step.absent]

    def further(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if chosen:
            yield chosen
        if len(chosen) == len(steps):
            return
        number, step = steps[len(chosen)]
        barred = (feature.sequence or ())[number - 1]
        for row in range(chosen[-1] + 1 if chosen else 0, len(events)):
            if chosen and barred.absent and any(fits(barred, one, zone) for one in events[chosen[-1] + 1 : row]):
                return
            since_step = events[row]["at"] - events[chosen[-1]]["at"] if chosen else 0
            since_start = events[row]["at"] - events[chosen[0]]["at"] if chosen else 0
            in_time = step.within is None or since_step <= (length(step.within) or 0)
            in_span = feature.span is None or since_start <= (length(feature.span) or 0)
            if in_time and in_span and fits(step, events[row], zone):
                yield from further((*chosen, row))

    return further(())


def complete(feature: Feature, events: Sequence[Event], chosen: tuple[int, ...], until: int, zone: str) -> int | None:
    """When a choice of rows is a whole match; None where it is none, or not yet."""
    steps = feature.sequence or ()
    if len(chosen) < sum(not step.absent for step in steps):
        return None
    last = steps[-1]
    if not last.absent:
        return int(events[chosen[-1]]["at"])
    due = int(events[chosen[-1]]["at"]) + (length(last.within) or 0)
    came = any(fits(last, one, zone) for one in events[chosen[-1] + 1 :] if one["at"] <= due)
    return None if came or due > until else due


def matches(feature: Feature, events: Sequence[Event], until: int, zone: str) -> list[Event]:
    """What is complete first, then what is complete first of the rest, and so on; or every step reached, for depth."""
    if feature.operation == "depth":
        return list(reached(feature, events, until, zone))
    waits = (feature.sequence or ())[-1].absent
    found: list[Event] = []
    rest = list(events)
    while True:
        whole = []
        for chosen in ways(feature, rest, zone):
            due = complete(feature, rest, chosen, until, zone)
            if due is not None:
                whole.append(((due, 0 if waits else chosen[-1]), chosen[0], chosen[-1]))
        if not whole:
            return found
        (due, _), start, end = max((one for one in whole if one[0] == min(whole)[0]), key=lambda one: one[1:])
        minutes = (rest[end]["at"] - rest[start]["at"]) / MINUTE
        found.append({**rest[end], "at": due, "minutes": minutes})
        rest = [one for one in rest if one["at"] > due] if waits else rest[end + 1 :]


def reached(feature: Feature, events: Sequence[Event], until: int, zone: str) -> Iterator[Event]:
    waits = (feature.sequence or ())[-1].absent
    for chosen in ways(feature, events, zone):
        yield {"at": events[chosen[-1]]["at"], "depth": len(chosen)}
        due = complete(feature, events, chosen, until, zone)
        if waits and due is not None:
            yield {"at": due, "depth": len(chosen) + 1}


def sessions(feature: Feature, events: Sequence[Event], zone: str) -> list[Event]:
    session = feature.session
    assert session is not None
    groups: list[list[Event]] = []
    for event in events:
        if (session.of and event["event"] not in session.of) or not holds(session.where, event, zone):
            continue
        if not groups or event["at"] - groups[-1][-1]["at"] > (length(session.gap) or 0):
            groups.append([])
        groups[-1].append(event)
    found = []
    for group in groups:
        own = [
            one for one in group if (not feature.of or one["event"] in feature.of) and holds(feature.where, one, zone)
        ]
        if own:
            minutes = (own[-1]["at"] - own[0]["at"]) / MINUTE
            found.append({**own[0], "events": len(own), "minutes": minutes})
    return found
