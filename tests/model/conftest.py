"""Feature tables with known segments, and odd ones, for the model stage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

Planted = tuple[pa.Table, np.ndarray]


def shop(people: int = 600, seed: int = 0) -> Planted:
    """A shop with four planted kinds of customers; returns features and the kind of each person."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, people)
    orders = 1 + rng.poisson(np.array([14.0, 5.0, 0.05, 0.05])[kind])
    recency = rng.gamma(4.0, np.array([3.0, 30.0, 70.0, 4.0])[kind])
    aov = rng.lognormal(np.array([4.6, 3.6, 2.6, 3.3])[kind], 0.15)
    tenure = recency + rng.gamma(8.0, np.array([60.0, 45.0, 3.0, 0.5])[kind])
    evening = np.clip(rng.normal(np.array([0.2, 0.8, 0.5, 0.5])[kind], 0.08), 0, 1)
    repeat = orders > 1
    gap = np.where(repeat, (tenure - recency) / np.maximum(orders - 1, 1), np.nan)
    table = pa.table(
        {
            "person": np.arange(people),
            "recency_days": recency,
            "tenure_days": tenure,
            "orders": orders,
            "revenue": orders * aov,
            "aov": aov,
            "evening_share": evening,
            "gap_days_mean": pa.array(gap, mask=~repeat),
        }
    )
    return table, kind


@pytest.fixture
def planted() -> Callable[..., Planted]:
    return shop


@pytest.fixture(scope="session")
def shop_table() -> pa.Table:
    return shop()[0]
