"""People at earlier instants with what they did next, and people of today, for what learns from the past."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from shoal.model.features import DAY
from shoal.model.lessons import Lessons, lessons
from shoal.model.matrix import Array, Matrix, build
from shoal.model.meta import FeatureMeta
from shoal.model.outlook import informed

PERIOD = 30 * DAY


def features(people: int, seed: int = 0) -> dict[str, Array]:
    """Orders, days since the last one (unknown for some) and evenings, none of which follows from another."""
    rng = np.random.default_rng(seed)
    recency = rng.uniform(0, 200, people)
    recency[rng.random(people) < 0.04] = np.nan
    return {
        "orders": rng.integers(1, 30, people).astype(np.float64),
        "recency_days": recency,
        "evening_share": rng.random(people),
    }


def table_of(columns: dict[str, Array]) -> pa.Table:
    people = len(next(iter(columns.values())))
    whole = {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in columns.items()}
    return pa.table({"person": np.arange(people), **whole})


def expected(columns: dict[str, Array]) -> Array:
    """Money of the next period: of those with 10 orders or more, and most of all of the recent among them."""
    often, recent = columns["orders"] >= 10, columns["recency_days"] < 60
    return 100.0 * often + 200.0 * (often & recent)


def past(people: int = 400, cutoffs: int = 3, seed: int = 0) -> pa.Table:
    """Rows of people at cut-offs of 100, 115, ... days, with the outcomes of the 30 days after each."""
    rng = np.random.default_rng(seed)
    parts = []
    for turn in range(cutoffs):
        columns = features(people, seed + turn)
        revenue = expected(columns) * rng.lognormal(0, 0.2, people)
        basket = np.where(revenue > 0, np.round(columns["orders"] / 10) + rng.random(people), np.nan)
        at = (100 + 15 * turn) * DAY
        parts.append(
            table_of(
                {
                    **columns,
                    "as_of": np.full(people, at, dtype=np.float64),
                    "next.active": (revenue > 0).astype(np.float64),
                    "next.revenue": revenue,
                    "next.basket": basket,
                }
            )
        )
    table = pa.concat_tables(parts)
    at_ = table["as_of"].cast(pa.int64()).cast(pa.timestamp("us", "UTC"))
    return table.set_column(table.column_names.index("as_of"), "as_of", at_)


def learned(table: pa.Table | None = None, until: int = 1_000 * DAY, **more: Any) -> Lessons:
    """What the past teaches; fails where that is nothing."""
    found = lessons(past() if table is None else table, {}, until=until, inputs=["orders", "recency_days"], **more)
    assert found is not None
    return found


@lru_cache
def foreseen(people: int = 400, seed: int = 9) -> tuple[Matrix, Lessons]:
    """People of today as a matrix with their outlook."""
    table, known = table_of(features(people, seed)), learned()
    matrix = build(table, META)
    return informed(matrix, known, known.points(table, matrix.rows), seed), known


META = {
    "orders": FeatureMeta("orders", "orders", "count", "rhythm"),
    "recency_days": FeatureMeta("recency_days", "days since last seen", "days", "rhythm"),
    "evening_share": FeatureMeta("evening_share", "share in the evening", "share", "timing"),
}
