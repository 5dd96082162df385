"""Which number each person has: a function of how things are joined, whatever came first (see `unify/resolve.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from shoal.identifiers import number
from shoal.live.graph import Graph, Held, Node, is_tie, person_of, tied, vertex

AGAIN = re.compile(r"(.*)#\d+", re.DOTALL)


def rename(graph: Graph, changed: Iterable[int], dead: Mapping[int, int]) -> dict[int, tuple[int | None, int]]:
    """Gives every changed component its number; returns whose is another now: the number before and after.

    `dead` has the components that are no more, and their numbers. What a change means for others is followed: a number
    that comes free may go to a guarded identifier of the same earlier profile, or back to whom it was avoided for.
    """
    queue = [*changed]
    for person in dead.values():
        queue += _dependents(graph, _stem(graph, person))
    seen: set[int] = set()
    names: dict[int, tuple[int, bytes]] = {}
    while queue:
        component = queue.pop()
        if component in seen:
            continue
        seen.add(component)
        name, before = wanted(graph, component), graph.component(component).person
        stem = None if before is None else _stem(graph, before)
        if name != (before, stem):
            names[component] = name
            queue += [*_dependents(graph, name[1]), *_dependents(graph, stem)]
    renamed = {component: (graph.component(component).person, name[0]) for component, name in names.items()}
    _write(graph, names, dead)
    return renamed


def _write(graph: Graph, names: Mapping[int, tuple[int, bytes]], dead: Mapping[int, int]) -> None:
    """All numbers are given up before any is taken, as they may go round."""
    free = dict(dead)
    for component in names:
        if (person := graph.component(component).person) is not None:
            free[component] = person
    for component, person in free.items():
        held = graph.held(person)
        if held is not None and held.component == component:
            graph.hold(person, Held(0, held.vertex))
    for component, (person, stem) in names.items():
        graph.hold(person, Held(component, stem))
        graph.name(component, person)


def wanted(graph: Graph, component: int) -> tuple[int, bytes]:
    """The number of a component and the vertex that it is made of."""
    first = graph.first(component)
    assert first is not None
    if is_tie(first):
        return person_of(first), first
    node = graph.known(first)
    if node.guarded and node.base is not None and not _kept(graph, node.base) and graph.shut_out(node.base)[0] == first:
        return node.base, tied(node.base)
    return _fresh(graph, node), first


def _kept(graph: Graph, person: int) -> bool:
    """Whether an earlier profile lives on in the identifiers that still join."""
    tie = graph.tie(person)
    return tie is not None and tie.votes > 0 and graph.first(tie.component) == tied(person)


def _fresh(graph: Graph, node: Node) -> int:
    """The number of a person that no run knew, but none that an earlier profile or another person has."""
    person, attempt = number(f"{node.type}:{node.value}"), 0
    while graph.has_profile(person) or (attempt and _names(graph, node.type, f"{node.value}#{attempt}")):
        attempt += 1
        person = number(f"{node.type}:{node.value}#{attempt}")
    return person


def _names(graph: Graph, kind: str, value: str) -> bool:
    """Whether there is a person named after this very identifier."""
    one = vertex(kind, value)
    node = graph.node(one)
    if node is None or not node.component or graph.first(node.component) != one:
        return False
    return wanted(graph, node.component)[1] == one


def _stem(graph: Graph, person: int) -> bytes | None:
    held = graph.held(person)
    return None if held is None else held.vertex


def _dependents(graph: Graph, stem: bytes | None) -> Iterator[int]:
    """The components whose number may change when a number made of `stem` is taken or comes free."""
    if stem is None:
        return
    if is_tie(stem):
        yield from (graph.component_of(one) for one in graph.shut_out(person_of(stem)))
        return
    node = graph.known(stem)
    if (again := AGAIN.fullmatch(node.value)) is not None:
        other = graph.node(vertex(node.type, again[1]))
        if other is not None and other.component:
            yield other.component
