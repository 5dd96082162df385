"""Joining and parting within one transaction, and what that means for those who were there before it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shoal.identifiers import STRONG, Guards
from shoal.live.apart import apart
from shoal.live.event import Identifiers
from shoal.live.graph import (
    COUNTED,
    Graph,
    Held,
    Node,
    Profile,
    Tie,
    combination,
    is_tie,
    order,
    person_of,
    tied,
    vertex,
)
from shoal.live.naming import rename


class Move(msgspec.Struct, frozen=True, gc=False):
    """Event rows that belong to another person now.

    Of the person `before` the rows of `combinations` go to `after`; where they are None, all rows that no other move
    of `before` takes. Without such a move the rest stays. All moves happen at once: a number may be in both.
    """

    before: int
    after: int
    combinations: tuple[int, ...] | None = None


class Joining:
    """New combinations, one after the other; then `settle`."""

    def __init__(self, graph: Graph, guards: Guards) -> None:
        self.graph, self._guards = graph, guards
        self.broken: set[int] = set()
        """Components that are no more, or that a part came off."""
        self.recalled: set[int] = set()
        """Profiles of the last run that are as they were no more."""
        self._changed: set[int] = set()
        self._dead: dict[int, int] = {}
        self._into: dict[int, int] = {}
        self._origins: dict[int, list[int]] = {}
        self._through: dict[int, list[int]] = {}
        self._taken: list[tuple[tuple[int, ...], list[int], int]] = []

    def add(self, identifiers: Identifiers) -> int:
        """Joins what a combination joins; returns its number."""
        whole = combination(identifiers)
        known = self.graph.number_of(whole)
        return self._add(identifiers, whole) if known is None else known

    def _add(self, identifiers: Identifiers, whole: bytes) -> int:
        vertices = tuple(vertex(kind, value) for kind, value in identifiers)
        for one, (kind, value) in zip(vertices, identifiers, strict=True):
            if self.graph.node(one) is None:
                self._appear(one, kind, value)
        for one in self._met(identifiers, vertices):
            self._shut(one)
        number = self.graph.add_combination(whole, vertices)
        self._unite(vertices)
        return number

    def settle(self) -> tuple[dict[int, int], list[Move]]:
        """Names everybody; returns the new numbers by component, and the moves."""
        names = rename(self.graph, self._changed, self._dead)
        for component, (before, _) in names.items():
            self._origins.setdefault(component, [] if before is None else [before])
        return {component: after for component, (_, after) in names.items()}, self._moves()

    def _appear(self, one: bytes, kind: str, value: str) -> None:
        """An identifier's first time: with it comes the profile that the last run had it in."""
        guarded, person = self.graph.origin(one) or (False, None)
        profile = None if person is None else self.graph.profile(person)
        if profile is None:
            self.graph.add_node(one, Node(kind, value, guarded=guarded))
        else:
            self._recall(profile)

    def _recall(self, profile: Profile) -> None:
        graph = self.graph
        free: list[bytes] = []
        shut: list[bytes] = []
        for known in profile.identifiers:
            one = vertex(known.type, known.value)
            guarded, _ = graph.origin(one) or (False, None)
            counts = graph.counted(one)
            graph.add_node(one, Node(known.type, known.value, guarded=guarded, base=profile.person, counts=counts))
            (shut if guarded else free).append(one)
        graph.add_tie(profile.person, Tie(0, len(free), profile.first_seen))
        shut.sort(key=lambda one: order(graph.known(one).type, graph.known(one).value))
        for group in ([tied(profile.person), *free] if free else [], *([one] for one in shut)):
            if group:
                keeps = group[0] == (tied(profile.person) if free else shut[0])
                component = self._create(profile.person if keeps else None)
                for one in group:
                    graph.join(one, component)
                if keeps:
                    graph.hold(profile.person, Held(component, tied(profile.person)))
        for one in shut:
            graph.shut(one)
        graph.wake(profile.person)
        self.recalled.add(profile.person)

    def _met(self, identifiers: Identifiers, vertices: tuple[bytes, ...]) -> list[bytes]:
        """Counts who was seen with whom; returns whom a guard now keeps from joining."""
        found: dict[bytes, None] = {}
        if len(vertices) == 1:
            return []
        strong = [(near, other) for near, (other, _) in zip(vertices, identifiers, strict=True) if other in STRONG]
        for one, (kind, _) in zip(vertices, identifiers, strict=True):
            node = self.graph.known(one)
            if node.guarded or kind == "account_id":
                continue
            for near, other in strong:
                met = near != one and self.graph.meet(one, near, other)
                if met and node.counts[COUNTED.index(other)] > self._guards.most(kind, other):
                    found[one] = None
        return list(found)

    def _unite(self, vertices: tuple[bytes, ...]) -> None:
        graph = self.graph
        free = [one for one in vertices if not graph.known(one).guarded]
        for one in vertices:
            if graph.known(one).guarded and not graph.known(one).component:
                graph.join(one, self._create())
        if not free:
            return
        found = {graph.known(one).component for one in free}
        there = sorted(found - {0}, key=lambda each: (graph.component(each).size, -each))
        large = there[-1] if there else self._create()
        for small in there[:-1]:
            self._merge(small, large)
        for one in free:
            if not graph.known(one).component:
                self._from(large)
                self._changed.add(large)
                graph.join(one, large)

    def _merge(self, small: int, large: int) -> None:
        """The smaller side's vertices move: each at most log2(n) times."""
        graph = self.graph
        self._origins[large] = self._from(large) + self._from(small)
        self._through[large] = self._through.get(large, []) + self._through.pop(small, [])
        if (person := graph.component(small).person) is not None:
            self._dead[small] = person
        for one in list(graph.members(small)):
            graph.leave(one)
            graph.join(one, large)
        graph.drop(small)
        self._into[small] = large
        self.broken.add(small)
        self._changed.discard(small)
        self._changed.add(large)

    def _shut(self, one: bytes) -> None:
        """Lets an identifier join nobody any more: what it alone held together comes apart."""
        graph, node = self.graph, self.graph.known(one)
        node.guarded = True
        graph.changed(one)
        if not node.component:
            return
        home = node.component
        self._from(home)
        self._changed.add(home)
        if node.base is not None:
            self._outvote(one, node.base)
        around = [(number, whole, self._others(one, whole)) for number, whole in graph.combinations(one)]
        sides: list[list[bytes]] = [others for _, _, others in around if others]
        if node.base is not None and graph.component_of(tied(node.base)):
            sides.append([tied(node.base)])
        if graph.component(home).size > 1:
            graph.leave(one)
            own = self._create()
            graph.join(one, own)
            self._take(home, [node.alone] if node.alone >= 0 else [], own)
            self._part(home, apart(graph, sides))
        if node.base is not None and not graph.component_of(tied(node.base)):
            # a profile that no identifier speaks for is whoever has the first of them
            self._take(home, self._rows(node.base), graph.component_of(graph.shut_out(node.base)[0]))
        for number, whole, others in around:
            if not others:
                self._take(home, [number], graph.component_of(whole[0]))

    def _outvote(self, one: bytes, base: int) -> None:
        """A guarded identifier no longer speaks for its earlier profile."""
        self.graph.shut(one)
        tie = self.graph.tie(base)
        assert tie is not None
        self.graph.vote(base, tie.votes - 1)
        for other in self.graph.shut_out(base):
            self._changed.add(self.graph.component_of(other))

    def _others(self, one: bytes, whole: Iterable[bytes]) -> list[bytes]:
        return [other for other in whole if other != one and not self.graph.known(other).guarded]

    def _part(self, home: int, parts: list[set[bytes]]) -> None:
        graph = self.graph
        for part in parts:
            fresh = self._create()
            combinations: set[int] = set()
            for one in part:
                graph.leave(one)
                graph.join(one, fresh)
                if is_tie(one):
                    combinations |= set(self._rows(person_of(one)))
                elif (node := graph.node(one)) is not None:
                    combinations |= {number for number, _ in graph.combinations(one)}
                    combinations |= {node.alone} if node.alone >= 0 else set()
            self._take(home, sorted(combinations), fresh)

    def _rows(self, base: int) -> list[int]:
        """The number that the events of a profile of the last run have."""
        profile = self.graph.profile(base)
        return [profile.rows] if profile is not None and profile.rows >= 0 else []

    def _create(self, person: int | None = None) -> int:
        component = self.graph.create(person)
        self._origins[component] = [] if person is None else [person]
        self._changed.add(component)
        return component

    def _from(self, component: int) -> list[int]:
        """The numbers that a component's people had before the transaction."""
        if component not in self._origins:
            person = self.graph.component(component).person
            self._origins[component] = [] if person is None else [person]
        return self._origins[component]

    def _take(self, home: int, combinations: list[int], component: int) -> None:
        """Notes that a component's combinations are another's now."""
        if component == home or not combinations:
            return
        people = (*self._from(home), *self._through.get(home, ()))
        self._through.setdefault(component, []).extend(people)
        self._taken.append((people, combinations, component))
        self.broken.add(home)

    def _moves(self) -> list[Move]:
        before = {person: component for component, people in self._origins.items() for person in people}
        before = {person: self._now(component) for person, component in before.items()}
        last = {number: place for place, (_, numbers, _) in enumerate(self._taken) for number in numbers}
        parts: dict[tuple[int, int], list[int]] = {}
        for place, (people, numbers, component) in enumerate(self._taken):
            there = [number for number in numbers if last[number] == place]
            for person in people:
                if there and before.get(person) != self._now(component):
                    parts.setdefault((person, self._now(component)), []).extend(there)
        named = self.graph.component
        moves = [Move(old, self._person(now), tuple(sorted(numbers))) for (old, now), numbers in parts.items()]
        moves += [Move(old, self._person(now)) for old, now in before.items() if named(now).person != old]
        return sorted(moves, key=lambda move: (move.before, move.combinations or (2**32,)))

    def _now(self, component: int) -> int:
        while component in self._into:
            component = self._into[component]
        return component

    def _person(self, component: int) -> int:
        person = self.graph.component(component).person
        assert person is not None
        return person
