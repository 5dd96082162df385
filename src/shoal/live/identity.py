"""Who an event belongs to, while events arrive: the same answer as a run's (`unify/link.py`, `unify/resolve.py`).

The answer is a function of the set of combinations of identifiers that were seen, in whatever order. A combination
that was seen lately costs one look into a dictionary; a new one a few records of the graph (`graph.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakValueDictionary

import msgspec

from shoal.identifiers import Guards
from shoal.live.event import Identifiers
from shoal.live.graph import Graph, vertex
from shoal.live.joining import Joining, Move
from shoal.live.nodes import Nodes

__all__ = ["Guards", "Move", "Placed", "Resolver"]


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Each event's person and the number of its combination, which stays for ever; and who moved.

    `moves` concern rows of earlier calls: they are to be carried out before this call's events are added.
    """

    people: list[int]
    combinations: list[int]
    moves: list[Move]


class _Home:
    """A component as the cache knows it; `gone` once its combinations may be elsewhere."""

    __slots__ = ("__weakref__", "gone", "person")

    def __init__(self, person: int) -> None:
        self.person, self.gone = person, False


class _Entry:
    __slots__ = ("home", "number")

    def __init__(self, number: int, home: _Home) -> None:
        self.number, self.home = number, home


NOWHERE = _Home(0)
NOWHERE.gone = True


class Resolver:
    """Places events; keeps nothing but a cache of the combinations seen lately, so any other can go on from the store.

    `remembered` bounds the cache: at most twice as many combinations, about 1.3 KB each.
    """

    def __init__(self, guards: Guards, remembered: int = 50_000) -> None:
        self._guards, self._most = guards, remembered
        self.forget()

    def forget(self) -> None:
        """Empties the cache; to be called when a transaction was given up."""
        self._young: dict[Identifiers, _Entry] = {}
        self._old: dict[Identifiers, _Entry] = {}
        self._homes: WeakValueDictionary[int, _Home] = WeakValueDictionary()
        self._resting: WeakValueDictionary[int, _Home] = WeakValueDictionary()

    def place(self, nodes: Nodes, combinations: Sequence[Identifiers]) -> Placed:
        """Joins what the combinations join; all that is kept is written to `nodes`, the caller's transaction.

        Args:
            nodes: the store, as the last call left it.
            combinations: each event's identifiers as (type, value), at least one, one of a type, sorted by
                `identifiers.rank`.

        >>> from shoal.live.nodes import MemoryNodes
        >>> resolver, nodes = Resolver(Guards(max_users=1)), MemoryNodes()
        >>> cookie, user = ("anonymous_id", "c"), ("user_id", "7")
        >>> visitor = resolver.place(nodes, [(cookie,)]).people[0]
        >>> placed = resolver.place(nodes, [(user, cookie)])
        >>> placed.moves == [Move(before=visitor, after=placed.people[0])]
        True
        """
        young = self._young
        entries: list[_Entry] = []
        missed: dict[Identifiers, _Entry] = {}
        graph: Graph | None = None
        for identifiers in combinations:
            entry = young.get(identifiers)
            if entry is None or entry.home.gone:
                entry = missed.get(identifiers) or self._older(identifiers)
                if entry is None or entry.home.gone:
                    graph = graph or Graph(nodes)
                    entry = missed[identifiers] = entry or _Entry(-1, NOWHERE)
            entries.append(entry)
        moves = [] if graph is None else self._join(graph, missed, combinations, entries)
        return Placed([entry.home.person for entry in entries], [entry.number for entry in entries], moves)

    def _older(self, identifiers: Identifiers) -> _Entry | None:
        """An entry of the cache's older half, taken over into the younger."""
        entry = self._old.get(identifiers)
        if entry is not None:
            self._keep(identifiers, entry)
        return entry

    def _keep(self, identifiers: Identifiers, entry: _Entry) -> None:
        if len(self._young) >= self._most:
            self._old = dict(self._young)
            self._young.clear()
        self._young[identifiers] = entry

    def _join(
        self,
        graph: Graph,
        missed: dict[Identifiers, _Entry],
        combinations: Sequence[Identifiers],
        entries: Sequence[_Entry],
    ) -> list[Move]:
        joining = Joining(graph, self._guards)
        for identifiers, entry in missed.items():
            if not self._rest(graph, identifiers, entry) and entry.number < 0:
                entry.number = joining.add(identifiers)
        names, moves = joining.settle()
        for component, person in names.items():
            if (home := self._homes.get(component)) is not None:
                home.person = person
        for person in joining.recalled:
            if (home := self._resting.pop(person, None)) is not None:
                home.gone = True
        for component in joining.broken:
            if (home := self._homes.pop(component, None)) is not None:
                home.gone = True
        for identifiers, entry in zip(combinations, entries, strict=True):
            if entry.home.gone:
                self._house(graph, identifiers, entry)
                self._keep(identifiers, entry)
        graph.flush()
        return moves

    def _rest(self, graph: Graph, identifiers: Identifiers, entry: _Entry) -> bool:
        """Whether a combination says nothing new of a profile of the last run, which then stays as it is."""
        found = graph.rest(identifiers)
        if found is None:
            return False
        person, entry.number = found
        home = self._resting.get(person)
        if home is None:
            home = self._resting[person] = _Home(person)
        entry.home = home
        self._keep(identifiers, entry)
        return True

    def _house(self, graph: Graph, identifiers: Identifiers, entry: _Entry) -> None:
        """A combination belongs to its first identifier that joins; without any to its first one's own person."""
        vertices = [vertex(kind, value) for kind, value in identifiers]
        owner = next((one for one in vertices if not graph.known(one).guarded), vertices[0])
        component = graph.known(owner).component
        home = self._homes.get(component)
        if home is None:
            person = graph.component(component).person
            assert person is not None
            home = self._homes[component] = _Home(person)
        entry.home = home
