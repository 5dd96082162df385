"""What kind of column a property is: number, bool, or text where its values are of more than one kind.

JSON types its values one by one and a column has one type, so kinds are merged over all that was seen, in any order and
in any grouping. Live and batch put a value into its column by the same function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from shoal.live.event import Value

Kind: TypeAlias = Literal["number", "bool", "text"]
WHOLE = 1e15  # below, a whole number is written without a point


def kind_of(value: Value) -> Kind:
    """The kind of one value.

    >>> kind_of(5.0), kind_of(True), kind_of("5")
    ('number', 'bool', 'text')
    """
    kind = type(value)
    return "text" if kind is str else "bool" if kind is bool else "number"


def merged(one: Kind, other: Kind) -> Kind:
    """The kind of a column that has values of both.

    >>> merged("number", "number"), merged("number", "bool")
    ('number', 'text')
    """
    return one if one == other else "text"


def as_kind(value: Value, kind: Kind) -> Value | None:
    """A value as its column holds it; None where it does not fit, as when a run has not seen the value yet.

    >>> as_kind(5.0, "text"), as_kind(5.25, "text"), as_kind(True, "text"), as_kind("five", "number")
    ('5', '5.25', 'true', None)
    """
    have = kind_of(value)
    if have == kind:
        return value
    if kind != "text":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < WHOLE else repr(float(value))


@dataclass(frozen=True)
class Kinds:
    """The kind of every property seen. `|` merges: it has no order, no grouping, and nothing seen changes nothing.

    >>> (Kinds.of([{"size": 5.0}]) | Kinds.of([{"size": "XL", "new": True}])).kinds
    {'size': 'text', 'new': 'bool'}
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Iterable[Mapping[str, Value]]) -> Kinds:
        """The kinds of the values in some properties."""
        found: dict[str, Kind] = {}
        for properties in seen:
            for name, value in properties.items():
                kind = kind_of(value)
                if found.setdefault(name, kind) != kind:
                    found[name] = "text"
        return cls(found)

    def __or__(self, other: Kinds) -> Kinds:
        both = dict(self.kinds)
        for name, kind in other.kinds.items():
            both[name] = merged(both.get(name, kind), kind)
        return Kinds(both)

    def put(self, properties: Mapping[str, Value]) -> dict[str, Value]:
        """Properties as their columns hold them; what no column is known for, and what does not fit, is left out."""
        kinds = self.kinds
        fitted = {name: as_kind(value, kinds[name]) for name, value in properties.items() if name in kinds}
        return {name: value for name, value in fitted.items() if value is not None}
