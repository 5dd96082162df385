"""What live identity remembers, as records over a key-value store.

Vertices are identifiers (16 bytes, a hash of type and value) and the profiles of the last run (8 zero bytes and the
person number), each in one component. Nothing here grows with the size of a person: a component's vertices are keys of
their own, in the order in which they would name it, so that its first key says what the person is called.

| key | value |
| --- | --- |
| `i` identifier | `Node` |
| `v` profile of the run | `Tie` |
| `k` component | `Component` |
| `m` component, order of naming | vertex |
| `e` identifier, combination | |
| `c` hash of a combination; `h` combination | combination; its identifiers |
| `q` identifier, type, identifier | |
| `g` profile of the run, order of naming | its guarded identifier |
| `p` person number | `Held` |
| `o` identifier; `b` profile of the run | guarded, profile; `Profile` |
| `a` | stands where there was a run |
| `r` profile of the run, combination | identifiers, while nothing new was seen of the profile |
| `n` | the next numbers of combinations and components |
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar

import msgspec

from shoal.identifiers import STRONG, TYPES, rank
from shoal.live.event import Identifiers
from shoal.live.nodes import Nodes

COUNTED = tuple(sorted(STRONG, key=rank))
"""The types whose values the guards count, in the order of `Node.counts`."""
LONGEST = 400  # bytes of a value within a key; LMDB's keys end at 511
LONGEST_TYPE = 64
CUSTOM = TYPES.index("custom")
ZEROS = bytes(8)
NEXT = struct.Struct("<QQ")
RUN = b"a"
"""The key that says that there is a last run."""
ORIGIN = struct.Struct("<?q")


class Node(msgspec.Struct, array_like=True, gc=False):
    """An identifier: `base` is the profile of the last run it was in, `alone` the combination of it alone (-1: none).

    `counts` has the number of other identifiers of each strong type that it was seen with.
    """

    type: str
    value: str
    component: int = 0
    guarded: bool = False
    base: int | None = None
    alone: int = -1
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(COUNTED))


class Tie(msgspec.Struct, array_like=True, gc=False):
    """A profile of the last run, which ties its identifiers; `votes` counts those that are not guarded."""

    component: int
    votes: int
    born: int | None


class Component(msgspec.Struct, array_like=True, gc=False):
    """A person as it is now: its number (None until it has one) and how many vertices it has."""

    person: int | None = None
    size: int = 0


class Held(msgspec.Struct, array_like=True, gc=False):
    """A number's component (0: it is nobody's now) and the vertex that it was made of."""

    component: int
    vertex: bytes


class Known(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An identifier as the last run had it; times in microseconds since 1970."""

    type: str
    value: str
    first_seen: int | None = None
    last_seen: int | None = None


class Profile(msgspec.Struct, array_like=True, frozen=True):
    """A profile of the last run; `rows` is the number that its events have in place of a combination's, -1: none."""

    person: int
    identifiers: tuple[Known, ...]
    first_seen: int | None = None
    rows: int = -1


_encode = msgspec.msgpack.Encoder().encode
_node = msgspec.msgpack.Decoder(Node).decode
_tie = msgspec.msgpack.Decoder(Tie).decode
_component = msgspec.msgpack.Decoder(Component).decode
_held = msgspec.msgpack.Decoder(Held).decode
profile_of = msgspec.msgpack.Decoder(Profile).decode
Record = TypeVar("Record")


@lru_cache(16_384)
def vertex(kind: str, value: str) -> bytes:
    """The vertex of an identifier.

    >>> vertex("user_id", "7") == vertex("customer_id", "7")
    False
    """
    return hashlib.blake2b(f"{kind}\0{value}".encode(), digest_size=16).digest()


def tied(person: int) -> bytes:
    """The vertex of a profile of the last run."""
    return ZEROS + sortable(person)


def is_tie(one: bytes) -> bool:
    """Whether a vertex is a profile of the last run."""
    return one.startswith(ZEROS)


def sortable(number: int) -> bytes:
    """A signed number as bytes that sort like it."""
    return (number + 2**63).to_bytes(8, "big")


def person_of(tie: bytes) -> int:
    """The profile's number, of its vertex."""
    return int.from_bytes(tie[8:], "big") - 2**63


def order(kind: str, value: str) -> bytes:
    """Bytes that sort identifiers like their rank and value, long values up to 400 bytes.

    >>> order("user_id", "b") < order("email", "a") < order("email", "aa")
    True
    """
    text = value.encode()
    return _type_order(kind) + (text if len(text) <= LONGEST else text[:LONGEST] + vertex(kind, value))


@lru_cache(256)
def _type_order(kind: str) -> bytes:
    place, name = rank(kind)
    if place < CUSTOM:
        return bytes((1, place))
    text = name.encode()
    return bytes((1, place)) + (text if len(text) <= LONGEST_TYPE else text[:LONGEST_TYPE] + vertex(kind, "")) + b"\0"


def _tie_order(person: int, tie: Tie) -> bytes:
    """Most identifiers, then seen first, then smallest; before every identifier."""
    born = b"\xff" * 9 if tie.born is None else b"\0" + sortable(tie.born)
    return b"\0" + (2**32 - 1 - tie.votes).to_bytes(4, "big") + born + sortable(person)


def combination(identifiers: Identifiers) -> bytes:
    """The hash by which a combination is found again."""
    return hashlib.blake2b(_encode(identifiers), digest_size=16).digest()


class Graph:
    """The records of one transaction: read once, written by `flush`; keys without a record are written at once."""

    def __init__(self, store: Nodes) -> None:
        self.store = store
        self._nodes: dict[bytes, Node | None] = {}
        self._ties: dict[int, Tie | None] = {}
        self._components: dict[int, Component] = {}
        self._changed: dict[bytes, Node | Tie | Component] = {}
        self._gone: set[bytes] = set()
        count = store.get(b"n")
        self._combos: int
        self._next: int
        self._combos, self._next = NEXT.unpack(count) if count else (0, 1)
        self._counted = False
        self._after_run = store.get(RUN) is not None

    def node(self, one: bytes) -> Node | None:
        """An identifier's record; its owner calls `changed` after changing it."""
        if one not in self._nodes:
            found = self.store.get(b"i" + one)
            self._nodes[one] = None if found is None else _node(found)
        return self._nodes[one]

    def known(self, one: bytes) -> Node:
        """The record of an identifier that is there."""
        node = self._nodes.get(one) or self.node(one)
        assert node is not None
        return node

    def tie(self, person: int) -> Tie | None:
        """The record of a profile of the last run, None until one of its identifiers was seen."""
        if person not in self._ties:
            found = self.store.get(b"v" + tied(person))
            self._ties[person] = None if found is None else _tie(found)
        return self._ties[person]

    def component(self, number: int) -> Component:
        """A component's record."""
        if number not in self._components:
            found = self.store.get(b"k" + number.to_bytes(8, "big"))
            assert found is not None
            self._components[number] = _component(found)
        return self._components[number]

    def add_node(self, one: bytes, node: Node) -> None:
        """Remembers a new identifier, which is in no component yet."""
        self._nodes[one] = node
        self._changed[b"i" + one] = node

    def add_tie(self, person: int, tie: Tie) -> None:
        """Remembers a profile of the last run, which is in no component yet."""
        self._ties[person] = tie
        self._changed[b"v" + tied(person)] = tie

    def changed(self, one: bytes) -> None:
        """Has an identifier's record written."""
        self._changed[b"i" + one] = self.known(one)

    def create(self, person: int | None = None) -> int:
        """A new, empty component."""
        number, self._next, self._counted = self._next, self._next + 1, True
        component = self._components[number] = Component(person)
        self._changed[_key(number)] = component
        return number

    def name(self, number: int, person: int) -> None:
        """Gives a component its person number."""
        component = self.component(number)
        component.person = person
        self._changed[_key(number)] = component

    def drop(self, number: int) -> None:
        """Forgets a component without vertices."""
        key = _key(number)
        self._components.pop(number, None)
        self._changed.pop(key, None)
        self._gone.add(key)

    def join(self, one: bytes, number: int) -> None:
        """Puts a vertex that is in no component into one."""
        self._place(one, number)
        self._grow(number, 1)
        self.store.put(self._member(one, number), one)

    def leave(self, one: bytes) -> int:
        """Takes a vertex out of its component; returns which that was."""
        number = self.component_of(one)
        self.store.delete(self._member(one, number))
        self._grow(number, -1)
        self._place(one, 0)
        return number

    def vote(self, person: int, votes: int) -> None:
        """Changes a profile's votes, and with them its place among the vertices of its component."""
        tie = self.tie(person)
        assert tie is not None
        number = self.leave(tied(person)) if tie.component else 0
        tie.votes = votes
        self.add_tie(person, tie)
        if number and votes:
            self.join(tied(person), number)

    def component_of(self, one: bytes) -> int:
        """The component of a vertex."""
        record = self.tie(person_of(one)) if is_tie(one) else self.node(one)
        assert record is not None
        return record.component

    def members(self, number: int) -> Iterator[bytes]:
        """A component's vertices, the one that names it first."""
        for _, one in self.store.scan(b"m" + number.to_bytes(8, "big")):
            yield one

    def first(self, number: int) -> bytes | None:
        """The vertex that names a component."""
        return self._smallest(b"m" + number.to_bytes(8, "big"))

    def shut_out(self, person: int) -> list[bytes]:
        """The first two of a profile's guarded identifiers, by the order of naming."""
        prefix = b"g" + sortable(person)
        first = self._smallest(prefix)
        found = [one for (_, one), _ in zip(self.store.scan(prefix), range(2), strict=False) if one != first]
        return [first, *found] if first is not None else []

    def shut(self, one: bytes) -> None:
        """Notes that an identifier of a profile is guarded."""
        node = self.known(one)
        assert node.base is not None
        self.store.put(b"g" + sortable(node.base) + order(node.type, node.value), one)

    def number_of(self, whole: bytes) -> int | None:
        """The number of a combination that was seen before, by its hash."""
        found = self.store.get(b"c" + whole)
        return None if found is None else int.from_bytes(found, "big")

    def add_combination(self, whole: bytes, vertices: tuple[bytes, ...]) -> int:
        """Remembers a combination by its hash and vertices; returns its number."""
        number, self._combos, self._counted = self._combos, self._combos + 1, True
        self.store.put(b"c" + whole, number.to_bytes(4, "big"))
        if len(vertices) == 1:
            self.known(vertices[0]).alone = number
            self.changed(vertices[0])
            return number
        self._edges(number, vertices)
        return number

    def _edges(self, number: int, vertices: tuple[bytes, ...]) -> None:
        self.store.put(b"h" + number.to_bytes(4, "big"), b"".join(vertices))
        for one in vertices:
            self.store.add(b"e" + one + number.to_bytes(4, "big"))

    def rest(self, identifiers: Identifiers) -> tuple[int, int] | None:
        """The profile of the last run that a combination belongs to and adds nothing to, and the combination's number.

        None where it may change something, or the profile was recalled. Such a profile stays as the run left it, which
        is a few keys instead of a dozen for everybody who comes back after a run.
        """
        vertices = tuple(vertex(kind, value) for kind, value in identifiers)
        people = {self._resting(one) for one in vertices}
        person = people.pop()
        if people or person is None or self.tie(person) is not None:
            return None
        strong = [(near, other) for near, (other, _) in zip(vertices, identifiers, strict=True) if other in STRONG]
        for one, (kind, _) in zip(vertices, identifiers, strict=True):
            counted = [near for near in strong if near[0] != one and kind != "account_id"]
            if not all(self.has_met(one, near, other) for near, other in counted):
                return None
        whole = combination(identifiers)
        number = self.number_of(whole)
        if number is None:
            number, self._combos, self._counted = self._combos, self._combos + 1, True
            self.store.put(b"c" + whole, number.to_bytes(4, "big"))
            self.store.put(b"r" + sortable(person) + number.to_bytes(4, "big"), b"".join(vertices))
        return person, number

    def _resting(self, one: bytes) -> int | None:
        """The profile of an identifier that nothing but rest was seen of."""
        if self.node(one) is not None:
            return None
        guarded, person = self.origin(one) or (True, None)
        return None if guarded else person

    def rested(self, person: int) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """The combinations of a profile at rest, each with its identifiers."""
        for key, whole in self.store.scan(b"r" + sortable(person)):
            yield int.from_bytes(key[9:], "big"), tuple(whole[at : at + 16] for at in range(0, len(whole), 16))

    def wake(self, person: int) -> None:
        """Gives the identifiers of a profile that is recalled the combinations that rested."""
        for number, vertices in list(self.rested(person)):
            if len(vertices) == 1:
                self.known(vertices[0]).alone = number
                self.changed(vertices[0])
            else:
                self._edges(number, vertices)
            self.store.delete(b"r" + sortable(person) + number.to_bytes(4, "big"))

    def combinations(self, one: bytes) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """The combinations with several identifiers that an identifier is in, each with its identifiers in order."""
        for key, _ in self.store.scan(b"e" + one):
            whole = self.store.get(b"h" + key[17:])
            assert whole is not None
            yield int.from_bytes(key[17:], "big"), tuple(whole[at : at + 16] for at in range(0, len(whole), 16))

    def meet(self, one: bytes, other: bytes, kind: str) -> bool:
        """Counts an identifier of a strong type for another; False where they met before."""
        place = COUNTED.index(kind)
        if not self.store.add(b"q" + one + bytes([place]) + other):
            return False
        self.known(one).counts[place] += 1
        self.changed(one)
        return True

    def has_met(self, one: bytes, other: bytes, kind: str) -> bool:
        """Whether an identifier was seen with another, of a strong type."""
        return self.store.get(b"q" + one + bytes([COUNTED.index(kind)]) + other) is not None

    def counted(self, one: bytes) -> list[int]:
        """How many identifiers of each strong type an identifier was seen with, those of the last run among them."""
        counts = [0] * len(COUNTED)
        for key, _ in self.store.scan(b"q" + one):
            counts[key[17]] += 1
        return counts

    def profile(self, person: int) -> Profile | None:
        """A profile as the last run had it."""
        found = self.store.get(b"b" + sortable(person))
        return None if found is None else profile_of(found)

    def has_profile(self, person: int) -> bool:
        """Whether the last run had a profile of this number."""
        return self._after_run and self.store.get(b"b" + sortable(person)) is not None

    def origin(self, one: bytes) -> tuple[bool, int | None] | None:
        """Whether the last run had an identifier as guarded, and in which profile; None where it did not know it."""
        found = self.store.get(b"o" + one) if self._after_run else None
        if found is None:
            return None
        guarded, person = ORIGIN.unpack(found[:9])
        return guarded, None if len(found) > 9 else person

    def held(self, person: int) -> Held | None:
        """Who has a number, or had it."""
        found = self.store.get(b"p" + sortable(person))
        return None if found is None else _held(found)

    def hold(self, person: int, held: Held) -> None:
        """Says who has a number."""
        self.store.put(b"p" + sortable(person), _encode(held))

    def flush(self) -> None:
        """Writes the records that changed."""
        self.store.put_all({key: _encode(record) for key, record in self._changed.items()})
        for key in self._gone:
            self.store.delete(key)
        if self._counted:
            self.store.put(b"n", NEXT.pack(self._combos, self._next))
        self._changed, self._gone, self._counted = {}, set(), False

    def _place(self, one: bytes, number: int) -> None:
        record = self.tie(person_of(one)) if is_tie(one) else self.node(one)
        assert record is not None
        record.component = number
        self._changed[(b"v" if is_tie(one) else b"i") + one] = record

    def _grow(self, number: int, by: int) -> None:
        component = self.component(number)
        component.size += by
        self._changed[_key(number)] = component

    def _member(self, one: bytes, number: int) -> bytes:
        if is_tie(one):
            tie = self.tie(person_of(one))
            assert tie is not None
            return b"m" + number.to_bytes(8, "big") + _tie_order(person_of(one), tie)
        node = self.known(one)
        return b"m" + number.to_bytes(8, "big") + order(node.type, node.value)

    def _smallest(self, prefix: bytes) -> bytes | None:
        """The first vertex under a prefix; values too long for a key are compared whole."""
        key, first = next(self.store.scan(prefix), (b"", None))
        if first is None or is_tie(first) or len(self.known(first).value.encode()) <= LONGEST:
            return first
        return min((one for _, one in self.store.scan(key[:-16])), key=lambda one: self.known(one).value)


def _key(number: int) -> bytes:
    return b"k" + number.to_bytes(8, "big")
