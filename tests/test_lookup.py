"""What is told of one person."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from shoal import lookup


def test_affinities_come_by_rank_with_names_where_there_are_any(tmp_path: Path) -> None:
    columns = {"profile_id": ["p1", "p1", "p2"], "model": ["m"] * 3, "rank": [2, 1, 1], "item": ["b", "a", "c"]}
    file = tmp_path / "affinities.parquet"
    pq.write_table(pa.table({**columns, "score": [0.5, 1.0, 1.0], "new": [True, False, False]}), file)
    found = lookup.affinities(SimpleNamespace(files=lambda name: [file]), "p1")  # type: ignore[arg-type]
    assert [(one["item"], one["new"], one["name"]) for one in found] == [("a", False, None), ("b", True, None)]


def test_a_run_without_affinities_tells_none() -> None:
    assert lookup.affinities(SimpleNamespace(files=lambda name: []), "p1") == []  # type: ignore[arg-type]
