"""People with tastes, for tests: each is drawn to one of a few groups of items and comes again and again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.predict.baskets import DAY, Baskets, gather

UNTIL = 400 * DAY


def stream(rows: list[tuple[int, int, str | None]], event: str = "buy", size: int = 3) -> list[pa.RecordBatch]:
    """Batches of (person, days before `UNTIL`, item), sorted by person and time, `size` rows each."""
    rows = sorted(rows, key=lambda row: (row[0], -row[1]))
    batch = pa.record_batch(
        {
            "person": pa.array([row[0] for row in rows], pa.int64()),
            "at": pa.array([UNTIL - row[1] * DAY for row in rows], pa.timestamp("us", "UTC")),
            "event": pa.array([event] * len(rows), pa.string()),
            "item": pa.array([row[2] for row in rows], pa.string()),
        }
    )
    return [batch.slice(start, size) for start in range(0, len(rows), size)]


def baskets(rows: list[tuple[int, int, str | None]], **options: int) -> Baskets:
    return gather(stream(rows, size=1000), "item", ["buy"], UNTIL, **{"fewest": 1, **options})


def tasteful(people: int = 300, seed: int = 0) -> Baskets:
    """40 items in 4 groups of 10; a person takes 9 of 10 things from one group, over 400 days."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, people)
    count = 24
    own = np.repeat(group, count) * 10 + rng.integers(0, 10, people * count)
    item = np.where(rng.random(people * count) < 0.9, own, rng.integers(0, 40, people * count))
    return _bought(rng, people, count, item)


def aimless(people: int = 300, seed: int = 0) -> Baskets:
    """The same number of things, each taken by chance alone."""
    rng = np.random.default_rng(seed)
    return _bought(rng, people, 24, rng.integers(0, 40, people * 24))


def collectors(people: int = 300, seed: int = 0) -> Baskets:
    """Things taken by chance, but never again what one had."""
    rng = np.random.default_rng(seed)
    return _bought(rng, people, 24, np.concatenate([rng.permutation(40)[:24] for _ in range(people)]))


def _bought(rng: np.random.Generator, people: int, count: int, item: np.ndarray) -> Baskets:
    person, day = np.repeat(np.arange(people), count), rng.integers(0, 400, people * count)
    return baskets([(int(p), int(d), f"i{i:02d}") for p, d, i in zip(person, day, item, strict=True)])
