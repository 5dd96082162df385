"""What events look like: their names, and the kinds of their properties and traits. A run knows it of the whole log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shoal.live.event import Event
from shoal.live.kinds import Kinds

MOST = 2_000  # names of each sort that are remembered


class Seen:
    """Names and kinds of what came so far; grows by what is new, and stops at some thousands of names."""

    def __init__(self, events: Mapping[str, int], kinds: Kinds, traits: Kinds, valued: bool) -> None:
        self.events, self.kinds, self.traits, self.valued = Counter(events), kinds, traits, valued
        self._told = self._shape()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Seen:
        """From what `to_dict` gave.

        >>> Seen.of({"events": {"Ordered": 2}}).to_dict()["events"]
        {'Ordered': 2}
        """
        kinds, traits = (Kinds(told.get(name, {})) for name in ("kinds", "traits"))
        return cls(told.get("events", {}), kinds, traits, bool(told.get("valued")))

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "events": dict(self.events),
            "kinds": dict(self.kinds.kinds),
            "traits": dict(self.traits.kinds),
            "valued": self.valued,
        }

    def look(self, events: Sequence[Event]) -> bool:
        """Notes some events; says whether any name or kind is new."""
        names = Counter(event.event for event in events)
        fresh = [name for name in names if name not in self.events][: max(MOST - len(self.events), 0)]
        self.events.update({name: n for name, n in names.items() if name in self.events or name in fresh})
        self.kinds = _limited(self.kinds | Kinds.of(event.properties for event in events))
        self.traits = _limited(self.traits | Kinds.of(event.traits for event in events if event.traits))
        self.valued = self.valued or any(event.value for event in events)
        shape = self._shape()
        if shape == self._told:
            return False
        self._told = shape
        return True

    def _shape(self) -> tuple[Any, ...]:
        return len(self.events), dict(self.kinds.kinds), dict(self.traits.kinds), self.valued


def _limited(kinds: Kinds) -> Kinds:
    if len(kinds.kinds) <= MOST:
        return kinds
    return Kinds(dict(list(kinds.kinds.items())[:MOST]))
