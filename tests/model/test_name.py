"""Names say what is true of a segment, and tell segments of one kind apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.model.meta import complete
from shoal.model.name import names
from shoal.model.portrait import crowd, portrait


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
