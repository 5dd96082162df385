"""A run as a live state begins with it, made of some messages without running anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.live.histories import TRAITS
from tests.live.worlds import COLUMNS, World

from shoal import tables
from shoal.define.types import Type
from shoal.identifiers import STRONG, Guards
from shoal.live.bulk import _crowded, resolve
from shoal.live.definition import Definition
from shoal.live.event import Event
from shoal.live.kinds import as_kind
from shoal.live.seed import Origin, seed

KINDS = {Type.NUMBER: pa.float64(), Type.TEXT: pa.string()}
Identifier = tuple[str, str]


def begin(world: World, made: Definition, until: int) -> None:
    """Gives an empty world the people of a run that had read its log up to an offset."""
    events: dict[str, Event] = {}
    for offset, entry in world.log.read(0):
        if offset <= until:
            for event in world.cleaner.clean(offset, entry)[0]:
                events.setdefault(event.event_id, event)
    world.origin = origin(list(events.values()), until, world.guards)
    seed(world.state, world.origin, made.layout)
    world.restart()


def origin(events: Sequence[Event], until: int, guards: Guards) -> Origin:
    """The tables of a run over some events."""
    combinations = [event.identifiers for event in events]
    people = resolve(combinations, (), (), guards.most).people
    shut = _crowded(set(combinations), guards.most, ())
    spans: dict[tuple[int, Identifier], list[int]] = defaultdict(list)
    for one, who in zip(events, people, strict=True):
        for identifier in one.identifiers:
            if identifier not in shut or identifier == one.identifiers[0]:
                spans[who, identifier].append(one.at)
    rows = sorted(zip(people, events, strict=True), key=lambda one: (one[0], one[1].at, one[1].event_id))
    return Origin(
        run_id="run",
        seen=until,
        profiles=_profiles(rows),
        identifiers=pa.table(
            {
                "person": pa.array([who for who, _ in spans], pa.int64()),
                "type": [kind for _, (kind, _) in spans],
                "value": [value for _, (_, value) in spans],
                "first_seen": pa.array(list(map(min, spans.values())), pa.int64()).cast(tables.INSTANT),
                "last_seen": pa.array(list(map(max, spans.values())), pa.int64()).cast(tables.INSTANT),
            }
        ),
        events=lambda columns: _events(rows, columns),
        traits=list(TRAITS),
        guarded=sorted(shut),
        met=sorted(_met(combinations)),
    )


def _profiles(rows: Sequence[tuple[int, Event]]) -> pa.Table:
    seen: dict[int, list[int]] = defaultdict(list)
    told: dict[int, dict[str, Any]] = defaultdict(dict)
    for who, event in rows:
        seen[who].append(event.at)
        told[who] |= event.traits
    columns = {
        "person": pa.array(list(seen), pa.int64()),
        "first_seen": pa.array(list(map(min, seen.values())), pa.int64()).cast(tables.INSTANT),
        "last_seen": pa.array(list(map(max, seen.values())), pa.int64()).cast(tables.INSTANT),
    }
    for name, kind in TRAITS.items():
        values = [as_kind(told[who][name], kind) if name in told[who] else None for who in seen]  # type: ignore[arg-type]
        columns[name] = pa.array(values, KINDS[Type(kind)])
    return pa.table(columns)


def _events(rows: Sequence[tuple[int, Event]], columns: Sequence[str]) -> Iterator[pa.Table]:
    made = {
        "person": pa.array([who for who, _ in rows], pa.int64()),
        "at": pa.array([event.at for _, event in rows], pa.int64()).cast(tables.INSTANT),
        "event": pa.array([event.event for _, event in rows], pa.string()),
        "event_id": pa.array([event.event_id for _, event in rows], pa.string()),
        "source": pa.array(["live"] * len(rows), pa.string()),
    }
    for name, kind in COLUMNS.items():
        cells = [
            event.value if name == "value" else event.properties.get(name, event.traits.get(name)) for _, event in rows
        ]
        fitted = [None if cell is None else as_kind(cell, kind.value) for cell in cells]  # type: ignore[arg-type]
        made[name] = pa.array(fitted, KINDS[kind])
    table = pa.table(made)
    people = sorted({who for who, _ in rows})
    for half in (people[: len(people) // 2], people[len(people) // 2 :]):  # a person is in one bucket
        some = table.filter(pa.compute.is_in(table["person"], pa.array(half, pa.int64())))
        if some.num_rows:
            yield some.select(list(columns))


def _met(combinations: Sequence[Sequence[Identifier]]) -> Iterator[tuple[str, str, str, str]]:
    for combination in set(map(tuple, combinations)):
        for one in combination:
            for other in combination:
                if other != one and other[0] in STRONG and one[0] != "account_id":
                    yield (*one, *other)


def begun(folder: Path, made: Definition, entries: Sequence[bytes], guards: Guards) -> World:
    """A world whose state begins with a run over some entries."""
    world = World(folder, made, guards=guards)
    if entries:
        world.log.append(entries)
        begin(world, made, world.log.last())
    return world
