"""Matches of a sequence as virtual events: which rows follow one another as its steps say, for whole people at once.

A match is a row for each step, in the order of the stream, that keeps the limits and has no forbidden row in between.
The match that is complete first counts (of those, the one that began last); whatever it covers is used up, and the
search goes on behind it. A match is an event at the instant at which it is complete: it depends on no later row.

For every row that can be step k the best row for step k - 1 is the latest one before it: no other is nearer in time,
has fewer rows in between, or began later. So each step is one sorted search over the rows of two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from shoal.define.clock import MINUTE
from shoal.define.evaluate import Taken, Vector
from shoal.define.passes import Array, Block, Bools, Ints, Select
from shoal.define.types import Type


@dataclass(frozen=True, slots=True)
class Stage:
    """A step ready to run; an `absent` one forbids its rows, at the end for `within` microseconds."""

    select: Select
    within: int | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """Completed matches of the stages, at most `span` microseconds from the first row to the last.

    Columns are those of the match's last row, and `minutes` from the first row to the last.
    """

    stages: tuple[Stage, ...]
    span: int | None = None

    columns: ClassVar[Mapping[str, Type]] = {"minutes": Type.NUMBER}

    @property
    def selects(self) -> tuple[Select, ...]:
        """The events that it reads."""
        return tuple(stage.select for stage in self.stages)

    def seen(self, as_of: int) -> None:
        """Matches do not depend on the instant from which they are looked at."""

    def moves(self, block: Block) -> None:
        """What a match holds does not change."""

    def block(self, block: Block, seen: int | None) -> Block:
        """The matches of every person."""
        del seen
        path = _apart(block, _paths(block, self)[-1])
        minutes = (block.at[path.place] - block.at[path.start]) / MINUTE
        return _made(block, self, path.place, path.due, {"minutes": minutes})


@dataclass(frozen=True, slots=True)
class Reached:
    """Every step that is reached on the way to a match, completed or not; its column is the `depth`."""

    matches: Matches

    columns: ClassVar[Mapping[str, Type]] = {"depth": Type.NUMBER}

    @property
    def selects(self) -> tuple[Select, ...]:
        """The events that it reads."""
        return self.matches.selects

    def seen(self, as_of: int) -> None:
        """Steps do not depend on the instant from which they are looked at."""

    def moves(self, block: Block) -> None:
        """What a step holds does not change."""

    def block(self, block: Block, seen: int | None) -> Block:
        """The steps reached by every person."""
        del seen
        paths = _paths(block, self.matches)
        depth = np.zeros(len(block.at))
        for level, path in enumerate(paths, 1):
            if not path.waits:
                depth[path.place] = level
        place = np.flatnonzero(depth)
        at, reached, last = block.at[place], depth[place], paths[-1]
        if last.waits:
            behind = np.searchsorted(place, last.end, side="right")
            at, reached = np.insert(at, behind, last.due), np.insert(reached, behind, float(len(paths)))
            place = np.insert(place, behind, last.place)
        return _made(block, self, place, at, {"depth": reached})


class _Path(NamedTuple):
    """Rows that reach a step: the place, that of the first step's row, and when and up to which row it is complete."""

    place: Ints
    start: Ints
    end: Ints
    due: Ints
    waits: bool = False

    def only(self, keep: Bools | Ints) -> _Path:
        return _Path(self.place[keep], self.start[keep], self.end[keep], self.due[keep], self.waits)


def _made(block: Block, over: Matches | Reached, place: Ints, at: Ints, own: dict[str, Array]) -> Block:
    vectors = {name: Vector(values, np.ones(len(at), bool)) for name, values in own.items()}
    frame = Taken(block.frame, place, {**vectors, "at": Vector(at, np.ones(len(at), bool))})
    return Block(frame, block.person[place], at, block.windows, persons=block.persons, over=over)


def _paths(block: Block, matches: Matches) -> list[_Path]:
    """The rows that reach each step; a `not` between two steps is part of the second."""
    key = (_paths, matches)
    if key not in block.kept:
        block.kept[key] = list(_walk(block, matches))
    found: list[_Path] = block.kept[key]
    return found


def _walk(block: Block, matches: Matches) -> Iterator[_Path]:
    path: _Path | None = None
    barred: Ints | None = None
    for number, stage in enumerate(matches.stages, 1):
        here = block.rows(stage.select).places
        if stage.absent and number < len(matches.stages):
            barred = here
            continue
        if path is None:
            path = _Path(here, here, here, block.at[here])
        elif stage.absent:
            path = _quiet(block, path, here, stage.within or 0)
        else:
            path = _follow(block, path, here, stage.within, barred, matches.span)
        barred = None
        yield path


def _follow(
    block: Block, before: _Path, here: Ints, within: int | None, barred: Ints | None, span: int | None
) -> _Path:
    """The rows of `here` that come after a row of the step before, with that step's latest row before each."""
    nth = np.searchsorted(before.place, here) - 1
    here, nth = here[nth >= 0], nth[nth >= 0]
    last, start = before.place[nth], before.start[nth]
    good = block.person[last] == block.person[here]
    at = block.at[here]
    if within is not None:
        good &= at - block.at[last] <= within
    if span is not None:
        good &= at - block.at[start] <= span
    if barred is not None:
        good &= np.searchsorted(barred, here) == np.searchsorted(barred, last, side="right")
    return _Path(here[good], start[good], here[good], at[good])


def _quiet(block: Block, path: _Path, barred: Ints, wait: int) -> _Path:
    """The rows after which none of `barred` comes for `wait`; complete when that time has passed."""
    due = block.at[path.place] + wait
    keep = np.ones(len(due), bool)
    if len(barred):
        nth = np.searchsorted(barred, path.place, side="right")
        following = barred[np.minimum(nth, len(barred) - 1)]
        same = (nth < len(barred)) & (block.person[following] == block.person[path.place])
        keep = ~(same & (block.at[following] <= due))
    # Of those that are complete at one instant the last began last.
    kept = np.flatnonzero(keep)
    person, due = block.person[path.place[kept]], due[kept]
    last = np.ones(len(kept), bool)
    last[:-1] = (person[1:] != person[:-1]) | (due[1:] != due[:-1])
    kept, due = kept[last], due[last]
    place = path.place[kept]
    return _Path(place, path.start[kept], _last_until(block, place, due), due, waits=True)


def _last_until(block: Block, place: Ints, due: Ints) -> Ints:
    """The last row of the same person that is not later than `due`, for rows that are not."""
    ends = np.append(block.starts[1:], len(block.at)) - 1
    low, high = place, ends[block.person[place]]
    while bool((low < high).any()):
        middle = (low + high + 1) // 2
        early = block.at[middle] <= due
        low, high = np.where(early, middle, low), np.where(early, high, middle - 1)
    return low


def _apart(block: Block, path: _Path) -> _Path:
    """The matches that count: the first of each person, then always the first that begins behind the one before."""
    size = len(path.place)
    following = np.searchsorted(path.start, path.end, side="right")
    if bool((following <= np.arange(1, size + 1)).all()):
        return path
    person = np.append(block.person[path.place], -1)
    # From match to match in steps that double: after k rounds all are found that are fewer than 2^k matches away.
    jump = np.append(np.where(person[following] == person[:-1], following, size), size)
    found = np.zeros(size + 1, bool)
    found[:-1] = np.diff(person[:-1], prepend=-1) != 0
    while True:
        further = jump[np.flatnonzero(found[:-1])]
        if bool((further == size).all()):
            return path.only(found[:-1])
        found[further] = True
        jump = jump[jump]
