"""What live identity knows, read: by the API within its own read transaction, and by the check against a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeAlias

import msgspec

from shoal.live.graph import (
    COUNTED,
    NEXT,
    ORIGIN,
    RUN,
    Graph,
    Known,
    Node,
    Profile,
    is_tie,
    profile_of,
    sortable,
    vertex,
)
from shoal.live.nodes import Nodes

CHUNK = 50_000
Times: TypeAlias = Mapping[int, tuple[int, int]]
"""By a combination's number: when it was first and last seen, in microseconds since 1970."""


class Seen(msgspec.Struct, frozen=True, gc=False, order=True):
    """An identifier of a person; times in microseconds since 1970. A guarded one joins nobody."""

    type: str
    value: str
    first_seen: int | None
    last_seen: int | None
    guarded: bool = False


def adopt(
    nodes: Nodes,
    profiles: Iterable[Profile],
    guarded: Collection[tuple[str, str]] = (),
    met: Iterable[tuple[str, str, str, str]] = (),
) -> int:
    """Puts the last run's profiles under an empty store, before any event; returns how many.

    They cost nothing more until one of their identifiers is seen. `guarded` are the run's identifiers that join nobody;
    `met` has who was seen with whom, as the guards count it: an identifier, and one of a strong type.
    """
    pairs = iter(met)
    while some := list(islice(pairs, CHUNK)):
        nodes.put_all(
            {
                b"q" + vertex(kind, value) + bytes([COUNTED.index(other)]) + vertex(other, with_): b""
                for kind, value, other, with_ in some
            }
        )
    shut = {vertex(kind, value) for kind, value in guarded}
    nodes.put(RUN, b"")
    for one in shut:
        nodes.put(b"o" + one, ORIGIN.pack(True, 0) + b"-")
    count, last, rest = 0, -1, iter(profiles)
    while chunk := list(islice(rest, CHUNK)):
        count, last = count + len(chunk), max(last, *(each.rows for each in chunk))
        records = {b"b" + sortable(each.person): msgspec.msgpack.encode(_merged(each)) for each in chunk}
        for each in chunk:
            for known in each.identifiers:
                one = vertex(known.type, known.value)
                records[b"o" + one] = ORIGIN.pack(one in shut, each.person)
        nodes.put_all(records)
    nodes.put(b"n", NEXT.pack(last + 1, 1))  # combinations are numbered after the profiles' own events
    return count


def _merged(profile: Profile) -> Profile:
    """The same identifier from several sources is one, seen in all their times."""
    found: dict[tuple[str, str], Known] = {}
    for known in profile.identifiers:
        other = found.setdefault((known.type, known.value), known)
        first = [at for at in (known.first_seen, other.first_seen) if at is not None]
        last = [at for at in (known.last_seen, other.last_seen) if at is not None]
        found[known.type, known.value] = Known(
            known.type, known.value, min(first, default=None), max(last, default=None)
        )
    return msgspec.structs.replace(profile, identifiers=tuple(found.values()))


def find(nodes: Nodes, kind: str, value: str) -> int | None:
    """The person that an identifier points to, None where nobody was seen with it."""
    return _person_of(Graph(nodes), vertex(kind, value))


def current(nodes: Nodes, person: int) -> int | None:
    """The number that somebody has now who had the number `person` at any time; None for a number never given."""
    graph = Graph(nodes)
    held = graph.held(person)
    if held is not None and held.component:
        return person
    if graph.has_profile(person):
        tie = graph.tie(person)
        return person if tie is None else graph.component(tie.component).person
    return None if held is None else _person_of(graph, held.vertex)


def _person_of(graph: Graph, one: bytes) -> int | None:
    node = graph.node(one)
    if node is not None:
        return graph.component(node.component).person
    origin = graph.origin(one)
    return None if origin is None else origin[1]


def identifiers(nodes: Nodes, person: int, times: Times | None = None) -> list[Seen]:
    """A person's identifiers, the one that names a person best first; none where the number is not anybody's now.

    `times` tells when each combination of the person's events was first and last seen, as their events have it.
    """
    graph = Graph(nodes)
    held = graph.held(person)
    if held is not None:
        return list(_of(graph, held.component, times or {})) if held.component else []
    profile = graph.profile(person)
    return [] if profile is None else _untouched(graph, profile, times or {})


def everybody(nodes: Nodes) -> Iterator[tuple[int, list[Seen]]]:
    """Every person with its identifiers; those first whom an event touched since the last run."""
    for key, _ in nodes.scan(b"k"):
        graph = Graph(nodes)
        number = int.from_bytes(key[1:], "big")
        person = graph.component(number).person
        assert person is not None
        yield person, list(_of(graph, number, {}))
    for _, value in nodes.scan(b"b"):
        profile = profile_of(value)
        graph = Graph(nodes)
        if graph.tie(profile.person) is None:
            yield profile.person, _untouched(graph, profile, {})


def _of(graph: Graph, component: int, times: Times) -> Iterator[Seen]:
    known: dict[int, dict[bytes, Known]] = {}
    for one in graph.members(component):
        if is_tie(one):
            continue
        node = graph.known(one)
        spans = [times[number] for number in _combinations(graph, one, node) if number in times] if times else []
        if node.base is not None:
            if node.base not in known:
                profile = graph.profile(node.base)
                told = profile.identifiers if profile is not None else ()
                known[node.base] = {vertex(each.type, each.value): each for each in told}
            each = known[node.base].get(one)
            if each is not None and each.first_seen is not None and each.last_seen is not None:
                spans.append((each.first_seen, each.last_seen))
        first, last = min((span[0] for span in spans), default=None), max((span[1] for span in spans), default=None)
        yield Seen(node.type, node.value, first, last, node.guarded)


def _combinations(graph: Graph, one: bytes, node: Node) -> Iterator[int]:
    """The numbers of the combinations that an identifier is in."""
    if node.alone >= 0:
        yield node.alone
    for number, _ in graph.combinations(one):
        yield number


def _untouched(graph: Graph, profile: Profile, times: Times) -> list[Seen]:
    spans: dict[bytes, list[tuple[int, int]]] = {}
    for number, vertices in graph.rested(profile.person) if times else ():
        if number in times:
            for one in vertices:
                spans.setdefault(one, []).append(times[number])
    found = []
    for known in profile.identifiers:
        one = vertex(known.type, known.value)
        guarded, _ = graph.origin(one) or (False, None)
        seen = spans.get(one, [])
        if known.first_seen is not None and known.last_seen is not None:
            seen = [*seen, (known.first_seen, known.last_seen)]
        first, last = min((span[0] for span in seen), default=None), max((span[1] for span in seen), default=None)
        found.append(Seen(known.type, known.value, first, last, guarded))
    return found
