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
    now = [
        _stays(people.filter(pa.array(member)), one.name, one.version, as_of)
        for one, member in zip(segments, members, strict=True)
        if one.status != "retired"
    ]
    table = pa.concat_tables([tables.MEMBERSHIPS.empty_table(), *now])
    if earlier is None:
        return table
    key = ["segment", "version", "profile_id"]
    open_stays = earlier.filter(pc.is_null(earlier["left_at"]))
    open_stays = open_stays.filter(pc.invert(_of(open_stays, stay)))
    kept = table.drop_columns(["entered_at"]).join(open_stays.select([*key, "entered_at"]), key, join_type="left outer")
    kept = kept.set_column(
        kept.column_names.index("entered_at"),
        "entered_at",
        pc.coalesce(kept["entered_at"], pa.scalar(as_of, pa.int64()).cast(tables.INSTANT)),
    )
    gone = open_stays.join(table.select(key), key, join_type="left anti")
    gone = gone.set_column(gone.column_names.index("left_at"), "left_at", _instants(as_of, gone.num_rows))
    past = earlier.filter(pc.or_(pc.is_valid(earlier["left_at"]), _of(earlier, stay)))
    whole = [one.select(tables.MEMBERSHIPS.names).cast(tables.MEMBERSHIPS) for one in (kept, gone, past)]
    order = [
        ("segment", "ascending"),
        ("version", "ascending"),
        ("profile_id", "ascending"),
        ("entered_at", "ascending"),
    ]
    return pa.concat_tables(whole).sort_by(order)


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
