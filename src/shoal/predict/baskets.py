"""Who bought what on which days: a person x item log, small enough to hold, gathered from the event stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.stream import instants, whole_people
from shoal.errors import DataError, UsageError

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

DAY = 86_400_000_000
FEWEST = 10  # buyers an item needs: below that, who also buys what is mostly chance
TARGET = 500_000  # rows of the stream held at a time


@dataclass(frozen=True)
class Baskets:
    """Days on which people had items: one row for each person, item and day before `until`.

    `people` ascend; `items` come most bought first. `row` and `item` (rows) are places in them, `age` (rows) is in
    whole days before the instant the baskets were gathered up to: 0 is the last 24 hours. Rows are distinct and
    sorted by (row, item, age).

    >>> stream = [pa.record_batch({"person": [1, 1, 2], "at": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
    ...                            "event": ["buy"] * 3, "category": ["tea", "tea", "jam"]})]
    >>> baskets = gather(stream, "category", ["buy"], until=3, fewest=1)
    >>> baskets.items, baskets.days().toarray().tolist()
    (('jam', 'tea'), [[0.0, 1.0], [1.0, 0.0]])
    """

    people: Ints
    items: tuple[str, ...]
    row: Codes
    item: Codes
    age: Codes

    def __len__(self) -> int:
        return len(self.people)

    def days(self) -> Any:
        """Days with the item, as a scipy CSR matrix (people, items) of float32."""
        from scipy.sparse import csr_matrix

        shape = (len(self.people), len(self.items))
        key = self.row.astype(np.int64) * max(shape[1], 1) + self.item
        starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
        counts = np.diff(np.r_[starts, len(key)]).astype(np.float32)
        pointer = np.searchsorted(self.row[starts], np.arange(shape[0] + 1)).astype(np.int64)
        return csr_matrix((counts, self.item[starts], pointer), shape=shape)

    def buyers(self) -> Ints:
        """How many people had each item."""
        return np.bincount(self.days().indices, minlength=len(self.items)).astype(np.int64)

    def split(self, days: int) -> tuple[Baskets, Baskets]:
        """What was more than `days` days before the end, its age counted from there, and what came after."""
        if days < 1:
            raise UsageError(f"baskets are split a whole number of days before their end, at least 1, not {days}")
        late = self.age < days
        before, after = self.at(~late), self.at(late)
        return Baskets(before.people, before.items, before.row, before.item, before.age - np.int32(days)), after

    def trimmed(self, fewest: int = FEWEST, most: int | None = None) -> Baskets:
        """Only items that at least `fewest` people had, the `most` popular of them, and only people who had any."""
        buyers = self.buyers()
        kept = np.flatnonzero(buyers >= fewest)
        names = np.array(self.items, dtype=object)
        order = np.lexsort((names[kept].astype(str), -buyers[kept]))[:most] if len(kept) else kept
        chosen = kept[order]
        present = np.bincount(self.row, minlength=len(self)) > 0
        if np.array_equal(chosen, np.arange(len(self.items))) and present.all():
            return self
        place = np.full(len(self.items), -1, np.int32)
        place[chosen] = np.arange(len(chosen), dtype=np.int32)
        held = self.at(place[self.item] >= 0) if len(self.items) else self
        present = np.unique(held.row)
        row = np.searchsorted(present, held.row).astype(np.int32)
        return _sorted(self.people[present], tuple(names[chosen]), row, place[held.item], held.age)

    def onto(self, people: Ints, items: Sequence[str]) -> Baskets:
        """The same rows over other people and items; what is not among them is left out."""
        whose = pc.index_in(pa.array(self.people), pa.array(people)).fill_null(-1).to_numpy().astype(np.int32)
        what = pc.index_in(pa.array(self.items, pa.string()), pa.array(items, pa.string())).fill_null(-1)
        place = what.to_numpy().astype(np.int32)
        held = self.at((whose[self.row] >= 0) & (place[self.item] >= 0)) if len(self.row) else self
        return _sorted(people, tuple(items), whose[held.row], place[held.item], held.age)

    def at(self, kept: Mask) -> Baskets:
        """Only some of the rows, over the same people and items."""
        return Baskets(self.people, self.items, self.row[kept], self.item[kept], self.age[kept])


def _sorted(people: Ints, items: tuple[str, ...], row: Codes, item: Codes, age: Codes) -> Baskets:
    span = int(age.max()) + 1 if len(age) else 1
    if len(people) * len(items) * span < 2**62:  # one integer for the three is sorted fastest
        order = np.argsort((row.astype(np.int64) * len(items) + item) * span + age)
    else:
        order = np.lexsort((age, item, row))
    return Baskets(people, items, row[order], item[order], age[order])


def gather(
    batches: Iterable[pa.RecordBatch],
    item: str,
    events: Sequence[str],
    until: int,
    *,
    since: int | None = None,
    fewest: int = FEWEST,
    most: int | None = None,
) -> Baskets:
    """The baskets of a stream sorted by person: rows of `events` in (since, until] that name an `item`.

    `item` is the column of names; `until` and `since` are microseconds; `fewest` and `most` as in `Baskets.trimmed`.
    Memory: a piece of the stream, and 12 bytes for each person, item and day. Raises DataError when a column is
    missing, an instant is null or people are out of order.
    """
    people, log, names = [np.empty(0, np.int64)], [np.empty((0, 3), np.int32)], _Names()
    count, last = 0, None
    for table in whole_people(batches, ["person", "at", "event", item], TARGET):
        for person, at, what in _wanted(table, item, events, since, until):
            if (person[1:] < person[:-1]).any() or (last is not None and person[0] <= last):
                raise DataError("events must be sorted by person: one comes twice, or after a larger one")
            last = person[-1]
            code = names.codes(what)
            if (code < 0).any():
                named = code >= 0
                person, at, code = person[named], at[named], code[named]
            new, rows = _days(person, code, (until - at) // DAY)
            rows[:, 0] += count
            count += len(new)
            people.append(new)
            log.append(rows)
    row, code, age = np.concatenate(log).T
    everything = Baskets(np.concatenate(people), tuple(names.known.to_pylist()), row, code, age)
    return everything.trimmed(fewest, most)


def _wanted(
    table: pa.Table, item: str, events: Sequence[str], since: int | None, until: int
) -> Iterator[tuple[Ints, Ints, pa.Array]]:
    """Person, instant and item of the rows that count; nothing where there are none."""
    at = instants(table["at"])
    counts = pc.is_in(table["event"].cast(pa.string()), pa.array(list(events), pa.string()))
    named = pc.is_valid(table[item])
    kept = np.asarray(pc.and_(counts, named).combine_chunks()) & (at <= until)
    if since is not None:
        kept &= at > since
    places = np.flatnonzero(kept)
    if len(places):
        what = table[item].take(pa.array(places)).combine_chunks()
        person = np.asarray(table["person"].combine_chunks()).astype(np.int64)[places]
        yield person, at[places], what.dictionary_encode() if not pa.types.is_dictionary(what.type) else what


def _days(person: Ints, code: Codes, age: Ints) -> tuple[Ints, Codes]:
    """The people, and their distinct (row, item, age), sorted."""
    if not len(person):
        return person, np.empty((0, 3), np.int32)
    people, row = np.unique(person, return_inverse=True)
    items, local = np.unique(code, return_inverse=True)
    span = int(age.max()) + 1
    key = np.unique((row * len(items) + local) * span + age)
    pair, days = np.divmod(key, span)
    row, local = np.divmod(pair, len(items))
    return people, np.column_stack([row, items[local], days]).astype(np.int32)


class _Names:
    """The names of items seen so far, each with its number; an empty name is none."""

    def __init__(self) -> None:
        self.known = pa.array([], pa.string())

    def codes(self, column: pa.DictionaryArray) -> Codes:
        """Each row's number; -1 where there is no name."""
        used, local = np.unique(np.asarray(column.indices), return_inverse=True)
        names = column.dictionary.take(pa.array(used)).cast(pa.string())
        fresh = names.filter(pc.and_(pc.not_equal(names, ""), pc.invert(pc.is_in(names, self.known))))
        self.known = pa.concat_arrays([self.known, fresh.unique()])
        places = pc.index_in(names, self.known, skip_nulls=True).fill_null(-1)
        return np.asarray(places).astype(np.int32)[local]
