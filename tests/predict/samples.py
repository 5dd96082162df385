"""Made examples whose truth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.predict.learner import Array, Examples


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def people(rows: int, seed: int = 0, *, noise: bool = False, cutoffs: int = 1) -> Examples:
    """People with numbers, a category, a hole and a protected trait; `noise` has outcomes that nothing tells."""
    rng = np.random.default_rng(seed)
    recency, orders = rng.exponential(40, rows), rng.poisson(3, rows).astype(float)
    plan = rng.integers(0, 3, rows)
    z = -1.2 + 0 * recency if noise else -1.5 + recency / 40 - orders / 2 + plan
    y = (rng.random(rows) < sigmoid(z)).astype(float)
    spend = np.where(rng.random(rows) < 0.1, np.nan, orders * rng.exponential(20, rows))
    table = pa.table(
        {
            "recency_days": recency,
            "gap_days_mean": rng.exponential(20, rows),
            "orders": orders,
            "revenue": pa.array(spend, from_pandas=True),
            "plan": pa.array(np.array(["free", "plus", "pro"])[plan]),
            "gender": pa.array(np.array(["f", "m"])[rng.integers(0, 2, rows)]),
        }
    )
    cutoff = np.arange(rows) % cutoffs
    return Examples(table, y, np.arange(rows) // cutoffs, cutoff.astype(np.int64))
