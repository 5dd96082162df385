"""Whether the kernel's features equal those of the SQL: value by value, to 1e-9 of their size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from definitions import definitions


def disagreements(kernel: Path, sql: Path, cutoffs: Sequence[int]) -> tuple[int, dict[str, int]]:
    """Values compared, and for every feature with differing values how many differ."""
    ours, theirs = pq.read_table(kernel), pq.read_table(sql)
    moments = ours["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    compared, differing = 0, {}
    for number, cutoff in enumerate(cutoffs):
        left = ours.filter(pc.equal(moments, cutoff)).sort_by("person")
        right = theirs.filter(pc.greater(theirs[f"rows__{number}"], 0)).sort_by("person")
        if not left["person"].equals(right["person"]):
            return compared, {"the people themselves": abs(left.num_rows - right.num_rows) or left.num_rows}
        for name, _, _ in definitions():
            wrong = _differing(left[name], right[f"{name}__{number}"])
            compared += left.num_rows
            if wrong:
                differing[name] = differing.get(name, 0) + wrong
    return compared, differing


def _differing(left: pa.ChunkedArray, right: pa.ChunkedArray) -> int:
    if pa.types.is_dictionary(left.type) or pa.types.is_string(left.type):
        same = pc.equal(left.cast(pa.string()), right.cast(pa.string()))
        return int(pc.sum(pc.invert(pc.coalesce(same, pc.and_(pc.is_null(left), pc.is_null(right))))).as_py() or 0)
    a, b = (column.cast(pa.float64()).to_numpy() for column in (left, right))
    return int((~np.isclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)).sum())
