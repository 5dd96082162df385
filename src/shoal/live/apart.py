"""What comes apart when an identifier stops joining: a search that costs what falls off, not what stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from shoal.live.graph import Graph, is_tie, person_of, tied, vertex


class _Search:
    """The vertices reached from one side, and the edges still to follow."""

    def __init__(self) -> None:
        self.reached: set[bytes] = set()
        self.todo: deque[Iterator[bytes]] = deque()
        self.over = False


def apart(graph: Graph, sides: Iterable[Iterable[bytes]]) -> list[set[bytes]]:
    """The parts that are no longer joined, all but the one with the most edges.

    `sides` are the vertices that stood around the identifier, those of one side joined with each other. All sides are
    searched in turn, one edge each: sides that meet become one, a side that comes to its end is a part, and the last
    one needs no end. So the cost is twice the edges of what falls off; where a detour still joins two sides, what is
    searched before they meet.
    """
    owner: dict[bytes, _Search] = {}
    turns: deque[_Search] = deque()
    alive = 0
    for side in sides:
        search = _Search()
        turns.append(search)
        alive += 1
        for one in side:
            for near in (one, *_tie(graph, one)):
                search, met = _reach(graph, owner, search, near)
                alive -= met
    parts = []
    while alive > 1:
        search = turns.popleft()
        if search.over:
            continue
        found = next(search.todo[0], None) if search.todo else None
        if found is not None:
            _, met = _reach(graph, owner, search, found)
            alive -= met
        elif search.todo:
            search.todo.popleft()
        else:
            parts.append(search.reached)
            alive -= 1
            continue
        turns.append(search)
    return parts


def _tie(graph: Graph, one: bytes) -> Iterator[bytes]:
    """The profile of the run that an identifier was in: known without a look at any edge."""
    if not is_tie(one) and (base := graph.known(one).base) is not None:
        yield tied(base)


def _reach(graph: Graph, owner: dict[bytes, _Search], search: _Search, one: bytes) -> tuple[_Search, bool]:
    """Adds a vertex to a search; returns the search that goes on, and whether it met another."""
    other = owner.setdefault(one, search)
    if other is search:
        if one not in search.reached:
            search.reached.add(one)
            search.todo.append(_neighbours(graph, one))
        return search, False
    small, large = sorted((search, other), key=lambda each: len(each.reached))
    for reached in small.reached:
        owner[reached] = large
    large.reached |= small.reached
    large.todo.extend(small.todo)
    small.over = True
    return large, True


def _neighbours(graph: Graph, one: bytes) -> Iterator[bytes]:
    if is_tie(one):
        profile = graph.profile(person_of(one))
        assert profile is not None
        near: Iterable[bytes] = (vertex(known.type, known.value) for known in profile.identifiers)
    else:
        yield from _tie(graph, one)
        near = (other for _, whole in graph.combinations(one) for other in whole)
    for other in near:
        if other != one and not graph.known(other).guarded:
            yield other
