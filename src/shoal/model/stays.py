"""Memberships: who is in which segment version, since when, and who left."""

from __future__ import annotations

from collections.abc import Sequence

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
) -> pa.Table:
    """One row a stay. Who was in at the run before keeps the day of entry; who is no longer in has left as of now.

    `earlier` is the memberships table of the run before, None where there is none to continue.
    """
    now = [
        _stays(people.filter(pa.array(member)), one.name, one.version, as_of)
        for one, member in zip(segments, members, strict=True)
    ]
    table = pa.concat_tables([tables.MEMBERSHIPS.empty_table(), *now])
    if earlier is None:
        return table
    key = ["segment", "version", "profile_id"]
    open_stays = earlier.filter(pc.is_null(earlier["left_at"]))
    kept = table.drop_columns(["entered_at"]).join(open_stays.select([*key, "entered_at"]), key, join_type="left outer")
    kept = kept.set_column(
        kept.column_names.index("entered_at"),
        "entered_at",
        pc.coalesce(kept["entered_at"], pa.scalar(as_of, pa.int64()).cast(tables.INSTANT)),
    )
    gone = open_stays.join(table.select(key), key, join_type="left anti")
    gone = gone.set_column(gone.column_names.index("left_at"), "left_at", _instants(as_of, gone.num_rows))
    past = earlier.filter(pc.is_valid(earlier["left_at"]))
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


def _instants(at: int, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(at, pa.int64()), count).cast(tables.INSTANT)
