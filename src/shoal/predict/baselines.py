"""What a marketer would rank people by without a model: RFM score, recency, past rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.predict.learner import Array

RECENCY, TENURE = "recency_days", "tenure_days"
FREQUENCY = ("orders", "active_days", "events")
MONETARY = ("revenue", "events", "active_days")
QUINTILES = np.linspace(0, 1, 6)[1:-1]


def plain(train: pa.Table, test: pa.Table) -> dict[str, tuple[Array, Array]]:
    """Raw rankings of the rows of two tables of features, by name; none where the features do not carry them.

    The RFM score is the sum of the three quintile scores (1 to 5), the quintiles taken within each cut-off.
    """
    tables = (train, test)
    names = train.column_names
    frequency = next((name for name in FREQUENCY if name in names), None)
    monetary = next((name for name in MONETARY if name in names and name != frequency), None)
    if RECENCY not in names or frequency is None:
        return {}
    found: dict[str, tuple[Array, Array]] = {}
    parts: Mapping[str, float] = {RECENCY: -1.0, frequency: 1.0, **({monetary: 1.0} if monetary else {})}
    found["RFM score"] = _pair(tables, lambda table: _scores(table, parts))
    found["recency"] = _pair(tables, lambda table: -_numbers(table, RECENCY))
    if TENURE in names:
        found["past rate"] = _pair(
            tables, lambda table: _numbers(table, frequency) / np.maximum(_numbers(table, TENURE), 1.0)
        )
    return found


def _pair(tables: tuple[pa.Table, pa.Table], make: Callable[[pa.Table], Array]) -> tuple[Array, Array]:
    return make(tables[0]), make(tables[1])


def _scores(table: pa.Table, parts: Mapping[str, float]) -> Array:
    instants = table["as_of"].cast(pa.int64()).to_numpy() if "as_of" in table.column_names else None
    total = np.zeros(table.num_rows)
    for name, sign in parts.items():
        total += _quintile(sign * _numbers(table, name), instants)
    return total


def _quintile(values: Array, instants: NDArray[np.int64] | None) -> Array:
    """Scores 1 to 5 by quintile within each cut-off; no value scores 0."""
    found = np.zeros(len(values))
    for instant in np.unique(instants) if instants is not None else (None,):
        here = np.ones(len(values), bool) if instants is None else instants == instant
        known = here & np.isfinite(values)
        if known.any():
            found[known] = 1 + np.searchsorted(np.quantile(values[known], QUINTILES), values[known], side="left")
    return found


def _numbers(table: pa.Table, name: str) -> Array:
    values: Array = table[name].cast(pa.float64(), safe=False).to_numpy()
    if name == RECENCY:
        return np.where(np.isfinite(values), values, np.nanmax(values, initial=0.0) + 1)
    return np.nan_to_num(values)
