"""Sessions as virtual events: a person's events between pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.define.clock import MINUTE
from shoal.define.evaluate import Taken, Vector
from shoal.define.passes import Block, Ints, Select
from shoal.define.types import Type


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions with an event of `chosen`; those of `active` make them, and a pause of more than `gap` ends one.

    A session is an event at its first chosen event, whose columns it has; `events` and `minutes` (from the first to the
    last) tell of its chosen events up to `before` microseconds ago, so that a session counts while it goes on.
    """

    gap: int
    active: Select
    chosen: Select
    before: int = 0

    columns: ClassVar[Mapping[str, Type]] = {"events": Type.NUMBER, "minutes": Type.NUMBER}

    @property
    def selects(self) -> tuple[Select, ...]:
        """The events that it reads."""
        return (self.active, self.chosen)

    def seen(self, as_of: int) -> int:
        """The instant up to which a session is known."""
        return as_of - self.before

    def moves(self, block: Block) -> Ints:
        """The rows at which what a session holds changes: those of all its events."""
        return self._events(block)[0]

    def block(self, block: Block, seen: int | None) -> Block:
        """The sessions of every person."""
        place, session = self._events(block)
        first = np.flatnonzero(np.diff(session, prepend=-1))
        start, at = place[first], block.at[place]
        events, minutes = np.zeros(0), np.zeros(0)
        if len(first):
            known = at <= seen if seen is not None else np.ones(len(at), bool)
            events = np.add.reduceat(known.astype(np.int64), first)
            minutes = (at[first + np.maximum(events, 1) - 1] - at[first]) / MINUTE
        always = np.ones(len(first), bool)
        own = {"events": Vector(events.astype(np.float64), always), "minutes": Vector(minutes, always)}
        frame = Taken(block.frame, start, own)
        return Block(frame, block.person[start], block.at[start], block.windows, persons=block.persons, over=self)

    def _events(self, block: Block) -> tuple[Ints, Ints]:
        """The chosen rows, and the number of the session of each."""
        key = (type(self), self.gap, self.active, self.chosen)
        if key not in block.kept:
            active = block.rows(self.active).places
            person, at = block.person[active], block.at[active]
            fresh = np.ones(len(active), bool)
            fresh[1:] = (person[1:] != person[:-1]) | (at[1:] - at[:-1] > self.gap)
            session = np.cumsum(fresh)
            chosen = block.rows(self.chosen).places
            nth = np.minimum(np.searchsorted(active, chosen), max(len(active) - 1, 0))
            among = active[nth] == chosen if len(active) else np.zeros(len(chosen), bool)
            block.kept[key] = (chosen[among], session[nth[among]])
        found: tuple[Ints, Ints] = block.kept[key]
        return found
