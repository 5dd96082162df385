"""Names say what is true of a segment, and tell segments of one kind apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.model.meta import FeatureMeta, complete
from shoal.model.name import apart, names
from shoal.model.portrait import crowd, portrait
from shoal.plays import Business


def test_a_count_within_a_window_does_not_lend_the_words_of_the_whole() -> None:
    """Everybody had one session: some lately, some long ago. Nobody had many."""
    rng = np.random.default_rng(1)
    lately = np.arange(600) % 2 == 0
    table = pa.table(
        {
            "person": np.arange(600),
            "recency_days": 25.0 + rng.uniform(0, 3, 600),
            "active_days": np.ones(600, dtype=np.int64),
            "sessions": np.ones(600, dtype=np.int64),
            "sessions_30d": lately.astype(np.int64),
            "events": rng.integers(1, 9, 600),
        }
    )
    everybody = crowd(table, complete(table.column_names[1:], {}), seed=0)
    found = names(everybody, [portrait(everybody, lately), portrait(everybody, ~lately)])
    assert len(set(found)) == 2
    assert not any("sessions" in name for name in found)


def _leaning(business: Business, orders: int) -> str:
    """The name of those among many who lean to one category."""
    rng = np.random.default_rng(0)
    many = np.arange(400) < 100
    table = pa.table(
        {
            "recency_days": rng.uniform(1, 90, 400),
            "active_days": rng.integers(1, 9, 400),
            "orders": rng.integers(1, 9, 400) * orders,
            "revenue": rng.lognormal(3, 1, 400) * orders,
            "share_design": np.where(many, 0.9, 0.1) + rng.uniform(0, 0.05, 400),
        }
    )
    meta = {"share_design": FeatureMeta("share_design", "share of design", "share", "affinity")}
    everybody = crowd(table, complete(table.column_names, meta), business=business)
    return names(everybody, [portrait(everybody, many)])[0]


def test_a_lean_to_a_category_is_told_by_what_people_do_with_it() -> None:
    assert _leaning("commerce", orders=1).endswith("who buy design")
    assert _leaning("media", orders=0).endswith("who read design")


def test_a_second_who_becomes_and() -> None:
    everybody = crowd(pa.table({"refunds": [0.0, 0.0, 3.0, 3.0]}), {})
    keep, give = (portrait(everybody, np.array(mask, dtype=bool)) for mask in ([1, 1, 0, 0], [0, 0, 1, 1]))
    assert apart("Regular buyers who buy design", give, keep) == "Regular buyers who buy design and return goods"
