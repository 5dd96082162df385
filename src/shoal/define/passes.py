"""Columnar passes over whole people: rows sorted by (person, at, event_id), reduced by person and window.

Every number of a person depends on that person's rows and their order alone, so that live, batch and Spark agree to the
bit: sums are made by `bincount`, which adds row after row, and windows add up their stretches of time in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shoal.define import clock, textual
from shoal.define.evaluate import Frame, Vector
from shoal.define.tree import Column, Expr
from shoal.define.types import Type
from shoal.define.window import Window as Window

Array = NDArray[Any]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NEVER = int(np.iinfo(np.int64).max)


class Virtual(Protocol):
    """A rule that makes events of events, such as matches of a sequence: hashable data."""

    @property
    def columns(self) -> Mapping[str, Type]:
        """Columns that its events have besides those of the row they are made at."""

    @property
    def selects(self) -> tuple[Select, ...]:
        """The events that it reads."""

    def seen(self, as_of: int) -> int | None:
        """The instant up to which its events are known, where what they hold depends on it."""

    def moves(self, block: Block) -> Ints | None:
        """The rows at which what its events hold changes, where it does."""

    def block(self, block: Block, seen: int | None) -> Block:
        """Its events as rows, for the same people."""


@dataclass(frozen=True, slots=True)
class Select:
    """Which events: by name (none: all of them) and predicate; `over` virtual ones instead of those of the stream."""

    of: tuple[str, ...] = ()
    where: Expr | None = None
    over: Virtual | None = None


@dataclass(eq=False)
class Rows:
    """The rows of one selection, in the order of the stream; `index` None means every row."""

    block: Block
    index: Ints | None
    person: Ints
    windows: frozenset[Window]

    @property
    def people(self) -> int:
        """People of the block."""
        return self.block.people

    @cached_property
    def at(self) -> Ints:
        """Instants of the rows."""
        return np.asarray(self.take(self.block.at))

    @cached_property
    def totals(self) -> Ints:
        """Rows of each person."""
        return np.bincount(self.person, minlength=self.people)

    @cached_property
    def offsets(self) -> Ints:
        """Where each person's rows begin."""
        return np.asarray(np.cumsum(self.totals) - self.totals)

    @property
    def places(self) -> Ints:
        """Where the rows stand in the block."""
        return np.arange(len(self.person)) if self.index is None else self.index

    def take(self, values: Array) -> Array:
        """Values of all rows of the block, at these rows."""
        return values if self.index is None else values[self.index]

    def only(self, keep: Bools, windows: frozenset[Window]) -> Rows:
        """Those of the rows where `keep`, to be asked for other windows."""
        places = np.flatnonzero(keep)
        index = places if self.index is None else self.index[places]
        return Rows(self.block, index, self.person[places], windows)


class Block:
    """Whole people of the stream, with what all cut-offs share: selections, fields, orders.

    `person` is the id of each row's person; where `persons` gives the ids, it is the place among them.
    """

    def __init__(
        self,
        frame: Frame,
        person: Ints,
        at: Ints,
        windows: Mapping[Select, frozenset[Window]],
        *,
        persons: Ints | None = None,
        over: Virtual | None = None,
    ) -> None:
        if persons is None:
            starts = np.flatnonzero(np.append(True, person[1:] != person[:-1]))
            persons = person[starts]
            person = np.repeat(np.arange(len(persons)), np.diff(np.append(starts, len(person))))
        self.frame, self.at, self.windows, self.over = frame, at, windows, over
        self.person, self.persons, self.people = person, persons, len(persons)
        self.kept: dict[Any, Any] = {}
        self._masks: dict[tuple[str, ...], Bools] = {}
        self._selected: dict[Select, Rows] = {}
        self._fields: dict[tuple[Select, Expr], tuple[Rows, Array]] = {}
        self._pairs: dict[tuple[Select, Expr], Pairs] = {}

    @cached_property
    def starts(self) -> Ints:
        """Where each person's rows begin, for people of whom each has some."""
        return np.flatnonzero(np.diff(self.person, prepend=-1))

    def virtual(self, over: Virtual, seen: int | None) -> Block:
        """The virtual events that a rule makes of the rows; those that depend on no instant are made once."""
        if seen is not None:
            return over.block(self, seen)
        found: Block | None = self.kept.get(over)
        if found is None:
            found = self.kept[over] = over.block(self, None)
        return found

    @cached_property
    def days(self) -> Ints:
        """Local day of every row."""
        return clock.days(clock.to_local(self.at, self.frame.zone))

    def rows(self, select: Select) -> Rows:
        """The rows of a selection."""
        found = self._selected.get(select)
        if found is None:
            found = self._selected[select] = self._select(select)
        return found

    def _select(self, select: Select) -> Rows:
        windows = self.windows.get(select, frozenset())
        named = Select(select.of)
        if select.where is not None and select.of and named in self.windows:
            rows = self.rows(named)
            return rows.only(rows.take(self.frame.mask(select.where)), windows)
        keep = self._named(select.of) if select.of else None
        if select.where is not None:
            holds = self.frame.mask(select.where)
            keep = holds if keep is None else keep & holds
        whole = Rows(self, None, self.person, windows)
        return whole if keep is None else whole.only(keep, windows)

    def _named(self, of: tuple[str, ...]) -> Bools:
        found = self._masks.get(of)
        if found is None:
            events = self.frame.get(Column("event", Type.TEXT))
            wanted = np.array([word in of for word in events.words], bool)
            found = self._masks[of] = np.broadcast_to(wanted[events.values] & events.valid, self.at.shape)
        return found

    def field(self, select: Select, expr: Expr) -> tuple[Rows, Array]:
        """The rows of a selection where a field is known, with its values (codes, for text)."""
        found = self._fields.get((select, expr))
        if found is None:
            rows = self.rows(select)
            vector = self.frame.full(expr)
            valid = rows.take(vector.valid)
            values = rows.take(vector.values)
            if not valid.all():
                rows, values = rows.only(valid, rows.windows), values[valid]
            found = self._fields[select, expr] = (rows, values)
        return found

    def pairs(self, select: Select, expr: Expr) -> Pairs:
        """The (person, value) pairs of a selection, for counting distinct values."""
        found = self._pairs.get((select, expr))
        if found is None:
            rows, values = self.field(select, expr)
            codes = _codes(values, expr.type, self.frame.get(expr))
            found = self._pairs[select, expr] = Pairs.of(rows, codes)
        return found


def _codes(values: Array, kind: Type, vector: Vector) -> Ints:
    """Whole numbers, from 0, that are equal just where the values are."""
    if kind is Type.TEXT:
        return textual.same(vector, values).astype(np.int64)
    if kind is Type.BOOL:
        return values.astype(np.int64)
    if len(values) == 0:
        return np.zeros(0, np.int64)
    low, high = values.min(), values.max()
    if high - low < 2**31 and (kind is Type.TIME or bool((values == np.floor(values)).all())):
        return np.asarray((values - low).astype(np.int64))
    return np.asarray(np.unique(values, return_inverse=True)[1].astype(np.int64))


@dataclass(frozen=True, slots=True)
class Pairs:
    """One row for each (person, value, instant), with the instant at which the pair comes again."""

    person: Ints
    at: Ints
    again: Ints

    @classmethod
    def of(cls, rows: Rows, codes: Ints) -> Pairs:
        """Sorts by person and value; lines of one order, which follow one another, are taken together first."""
        person, at = rows.person, rows.at
        if len(at) == 0:
            return cls(person, at, at)
        key = person * (int(codes.max()) + 1) + codes
        fresh = np.ones(len(at), bool)
        np.not_equal(key[1:], key[:-1], out=fresh[1:])
        fresh[1:] |= at[1:] != at[:-1]
        if not fresh.all():
            person, at, key = person[fresh], at[fresh], key[fresh]
        order = _order(key)
        if order is not None:
            person, at, key = person[order], at[order], key[order]
        again = np.full(len(at), NEVER)
        again[:-1] = np.where(key[1:] == key[:-1], at[1:], NEVER)
        return cls(person, at, again)


def _order(key: Ints) -> Ints | None:
    """The stable order of the keys, None when they are in order; packed with the row number where both fit."""
    if bool((key[1:] >= key[:-1]).all()):
        return None
    bits = max(len(key) - 1, 1).bit_length()
    if int(key.max()) < 2 ** (62 - bits):
        return np.sort((key << bits) | np.arange(len(key))) & ((1 << bits) - 1)
    return np.argsort(key, kind="stable")


class Cut:
    """The block as of one instant: which stretch of time each row falls in, and tables by person and stretch."""

    def __init__(self, block: Block, as_of: int) -> None:
        self.block, self.as_of = block, as_of
        wanted = (some for select, some in block.windows.items() if select.over == block.over)
        windows: Iterable[Window] = {Window()}.union(*wanted)
        self.edges = sorted({edge for window in windows for edge in window.edges(as_of)})
        stretch: Array = np.zeros(len(block.at), np.uint8 if len(self.edges) < 256 else np.int32)
        for edge in self.edges:
            stretch += block.at > edge
        self.stretch = stretch
        self._tables: dict[Any, Any] = {}

    def over(self, over: Virtual | None) -> Cut:
        """The same instant over virtual events, or over those of the stream."""
        if over is None:
            return self
        found: Cut | None = self._tables.get(over)
        if found is None:
            found = self._tables[over] = Cut(self.block.virtual(over, over.seen(self.as_of)), self.as_of)
        return found

    @cached_property
    def present(self) -> Bools:
        """People with an event at or before the instant."""
        return np.asarray(self.block.at[self.block.starts] <= self.as_of)

    def edges_of(self, rows: Rows) -> list[int]:
        """The bounds of the windows that a selection is asked for."""
        return sorted({edge for window in rows.windows for edge in window.edges(self.as_of)})

    def _keys(self, rows: Rows) -> Ints:
        """For each row, its cell in a table of (stretches, people) over the selection's own edges."""
        found = self._tables.get((id(rows), "key"))
        if found is None:
            own = set(self.edges_of(rows))
            steps = np.cumsum([0, *(edge in own for edge in self.edges)]) * rows.people
            found = self._tables[id(rows), "key"] = steps[rows.take(self.stretch)] + rows.person
        return found

    def _upto(self, rows: Rows) -> Ints:
        """Rows of each person at or before each edge: (edges, people)."""
        found = self._tables.get((id(rows), "upto"))
        if found is None:
            edges = len(self.edges_of(rows))
            size = (edges + 1) * rows.people
            table = np.bincount(self._keys(rows), minlength=size).reshape(edges + 1, rows.people)
            found = self._tables[id(rows), "upto"] = np.cumsum(table[:edges], axis=0)
        return found

    def _ends(self, rows: Rows, window: Window) -> tuple[Ints, Ints]:
        """For each person, rows at or before the window's bounds."""
        table, edges = self._upto(rows), self.edges_of(rows)
        low = window.low(self.as_of)
        last = table[edges.index(window.high(self.as_of))]
        return (np.zeros_like(last) if low is None else table[edges.index(low)]), last

    def count(self, rows: Rows, window: Window) -> Ints:
        """Rows of each person in the window."""
        first, last = self._ends(rows, window)
        return np.asarray(last - first)

    def place(self, rows: Rows, window: Window, which: str) -> Ints:
        """The place among the rows of each person's `first` or `last` row in the window; any, where there is none."""
        first, last = self._ends(rows, window)
        place = rows.offsets + (first if which == "first" else last - 1)
        return np.asarray(np.clip(place, 0, max(len(rows.at) - 1, 0)))

    def after(self, rows: Rows, edge: int) -> Ints:
        """The instant of each person's first row after one of the bounds of its windows; NEVER where there is none."""
        upto = self._upto(rows)[self.edges_of(rows).index(edge)]
        if len(rows.at) == 0:
            return np.full(rows.people, NEVER)
        place = np.minimum(rows.offsets + upto, len(rows.at) - 1)
        return np.where(upto < rows.totals, rows.at[place], NEVER)

    def sum(self, rows: Rows, values: Floats, window: Window, name: Expr | str) -> Floats:
        """Sum of each person's values in the window, added in order of time within each stretch."""
        edges = self.edges_of(rows)
        table = self._tables.get((id(rows), "sum", name))
        if table is None:
            size = (len(edges) + 1) * rows.people
            table = np.bincount(self._keys(rows), weights=values, minlength=size).reshape(len(edges) + 1, rows.people)
            self._tables[id(rows), "sum", name] = table
        total = np.zeros(rows.people)
        for stretch in self._within(edges, window):
            total += table[stretch]
        return total

    def _within(self, edges: list[int], window: Window) -> range:
        """The stretches that make up a window."""
        low = window.low(self.as_of)
        return range(0 if low is None else edges.index(low) + 1, edges.index(window.high(self.as_of)) + 1)

    def extreme(self, rows: Rows, values: Array, window: Window, which: str, name: Expr) -> Array:
        """Largest or smallest of each person's values in the window; any, where there is none."""
        larger = which == "max"
        pick: Any = np.maximum if larger else np.minimum
        if values.dtype == np.float64:
            worst: float = -np.inf if larger else np.inf
        else:
            worst = np.iinfo(np.int64).min if larger else np.iinfo(np.int64).max
        edges = self.edges_of(rows)
        table = self._tables.get((id(rows), which, name))
        if table is None:
            table = np.full((len(edges) + 1) * rows.people, worst, values.dtype)
            if len(values):
                key = self._keys(rows)
                runs = np.concatenate([np.zeros(1, np.int64), np.flatnonzero(key[1:] != key[:-1]) + 1])
                table[key[runs]] = pick.reduceat(values, runs)
            table = self._tables[id(rows), which, name] = table.reshape(len(edges) + 1, rows.people)
        found = np.full(rows.people, worst, values.dtype)
        for stretch in self._within(edges, window):
            pick(found, table[stretch], out=found)
        return found

    def inside(self, rows: Rows, window: Window) -> Bools:
        """Which of the rows lie in the window."""
        inside = rows.at <= window.high(self.as_of)
        low = window.low(self.as_of)
        return inside if low is None else inside & (rows.at > low)

    def deviation(self, rows: Rows, values: Floats, window: Window) -> tuple[Floats, Bools]:
        """Sample standard deviation (n - 1) in two passes, and where there are at least two values."""
        inside = np.flatnonzero(self.inside(rows, window))
        person, values = rows.person[inside], values[inside]
        count = np.bincount(person, minlength=rows.people)
        mean = np.bincount(person, weights=values, minlength=rows.people) / np.maximum(count, 1)
        squares = np.bincount(person, weights=(values - mean[person]) ** 2, minlength=rows.people)
        return np.sqrt(squares / np.maximum(count - 1, 1)), count >= 2

    def distinct(self, pairs: Pairs, window: Window) -> Ints:
        """How many different values each person has in the window: pairs by the last time they came in it."""
        high, low = window.high(self.as_of), window.low(self.as_of)
        latest = (pairs.at <= high) & (pairs.again > high)
        if low is not None:
            latest &= pairs.at > low
        return np.bincount(pairs.person[latest], minlength=self.block.people)

    def gap(self, rows: Rows, window: Window, which: str) -> tuple[Floats, Bools]:
        """Days between successive local days with a row: `mean`, `std` (n - 1), `max` or `last`."""
        inside = np.flatnonzero(self.inside(rows, window))
        person, day = rows.person[inside], rows.take(self.block.days)[inside]
        follows = (person[1:] == person[:-1]) & (day[1:] > day[:-1])
        gaps, whose = (day[1:] - day[:-1])[follows], person[1:][follows]
        people = rows.people
        count = np.bincount(whose, minlength=people)
        if which in ("max", "last"):
            found = np.zeros(people)
            runs = np.flatnonzero(np.diff(whose, prepend=-1))
            if len(runs):
                ends = np.append(runs[1:], len(whose)) - 1
                found[whose[runs]] = np.maximum.reduceat(gaps, runs) if which == "max" else gaps[ends]
            return found, count >= 1
        total = np.bincount(whose, weights=gaps, minlength=people)
        if which == "mean":
            return total / np.maximum(count, 1), count >= 1
        # Days are whole numbers, so both sums are exact and nothing cancels.
        squares = np.bincount(whose, weights=gaps * gaps, minlength=people)
        return np.sqrt((count * squares - total * total) / np.maximum(count * (count - 1), 1)), count >= 2
