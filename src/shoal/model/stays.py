"""Memberships: who is in which segment version, since when, and who left."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal import summary, tables


def memberships(
    people: pa.ChunkedArray,
    segments: Sequence[summary.Segment],
    members: Sequence[NDArray[np.bool_]],
    as_of: int,
    earlier: pa.Table | None,
    stay: Collection[tuple[str, int]] = (),
) -> pa.Table:
    """One row a stay. Who was in at the run before keeps the day of entry; who is no longer in has left as of now.

    Nobody is in a retired segment. `earlier` is the memberships table of the run before, None where there is none to
    continue; `stay` names versions whose open stays go on although nobody can be told in or out today.
    """
    today = {
        (one.name, one.version): _stays(people.filter(pa.array(member)), one.name, one.version, as_of)
        for one, member in zip(segments, members, strict=True)
        if one.status != "retired"
    }
    if earlier is None:
        return pa.concat_tables([tables.MEMBERSHIPS.empty_table(), *today.values()])
    # One version at a time: joined as a whole, millions of stays with long names would take many times their size.
    keys = sorted({*today, *_keys(earlier)})
    empty = tables.MEMBERSHIPS.empty_table()
    parts = [
        _continued(today.get(key, empty), earlier.filter(_of(earlier, [key])), as_of, held=key in set(stay))
        for key in keys
    ]
    return pa.concat_tables([empty, *parts])


def _keys(stays: pa.Table) -> list[tuple[str, int]]:
    found = stays.group_by(["segment", "version"]).aggregate([])
    return list(zip(found["segment"].to_pylist(), found["version"].to_pylist(), strict=True))


def _continued(now: pa.Table, earlier: pa.Table, as_of: int, *, held: bool) -> pa.Table:
    """The stays in one version, by person and entry: those who stay, those who have left by now, those who left before.

    Where it is `held`, its open stays go on as they are.
    """
    still = earlier.filter(pc.is_null(earlier["left_at"])).slice(0, 0 if held else None)
    here, there = now["profile_id"].combine_chunks(), still["profile_id"].combine_chunks()
    since = still["entered_at"].combine_chunks().take(pc.index_in(here, value_set=there))
    since = pc.coalesce(since, pa.scalar(as_of, pa.int64()).cast(tables.INSTANT))
    kept = now.set_column(now.column_names.index("entered_at"), "entered_at", since)
    gone = still.filter(pc.invert(pc.is_in(there, value_set=here)))
    gone = gone.set_column(gone.column_names.index("left_at"), "left_at", _instants(as_of, gone.num_rows))
    past = earlier if held else earlier.filter(pc.is_valid(earlier["left_at"]))
    whole = [one.select(tables.MEMBERSHIPS.names).cast(tables.MEMBERSHIPS) for one in (kept, gone, past)]
    return pa.concat_tables(whole).sort_by([("profile_id", "ascending"), ("entered_at", "ascending")])


def _stays(people: pa.ChunkedArray, name: str, version: int, as_of: int) -> pa.Table:
    count = len(people)
    return pa.table(
        [
            pa.repeat(pa.scalar(name), count),
            pa.repeat(pa.scalar(version, pa.int32()), count),
            people,
            _instants(as_of, count),
            pa.nulls(count, tables.INSTANT),
        ],
        schema=tables.MEMBERSHIPS,
    )


def _of(stays: pa.Table, keys: Collection[tuple[str, int]]) -> pa.ChunkedArray:
    """Which stays are in one of the versions named."""
    found = pa.chunked_array([pa.repeat(pa.scalar(False), stays.num_rows)])
    for name, version in keys:
        found = pc.or_(found, pc.and_(pc.equal(stays["segment"], name), pc.equal(stays["version"], version)))
    return found


def _instants(at: int, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(at, pa.int64()), count).cast(tables.INSTANT)
