"""Dirt on purpose: copies, impossible dates and rows that name nobody, each counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

BAD = ("not a date", "2025-02-31", "", "31/12")
FUTURE = "2099-01-01"


def soil(
    table: pa.Table, rng: np.random.Generator, at: str, identifiers: tuple[str, ...], key: str
) -> tuple[pa.Table, dict[str, int]]:
    """Adds dirty rows to `table` beside the good ones: about 1 % altogether, every kind at least once.

    `at` is the text column of the time, `identifiers` the columns that name somebody, `key` a text column that is
    made unique for the added rows, so that only the counted duplicates equal another row. Gives table and counts.
    """
    good = table.num_rows
    counts = {
        "duplicates": max(1, good // 200),
        "bad_dates": max(1, good // 1000),
        "future_dates": max(1, good // 5000),
        "missing_ids": max(1, good // 1000),
    }
    if not good:
        return table, dict.fromkeys(counts, 0)
    picked = rng.choice(good, sum(counts.values()), replace=sum(counts.values()) > good)
    if counts["duplicates"] > 1:  # the copies are of different rows, so that each is one duplicate
        picked[: counts["duplicates"]] = rng.choice(good, counts["duplicates"], replace=False)
    rows = table.take(pa.array(picked))
    what = np.repeat(np.arange(4), list(counts.values()))
    where = {name: index for index, name in enumerate(table.column_names)}
    serial = np.arange(len(picked))
    rows = _put(rows, where[key], what > 0, [f"x{number}" for number in serial])
    rows = _put(rows, where[at], what == 1, [BAD[number % len(BAD)] for number in serial])
    rows = _put(rows, where[at], what == 2, [_future(text, table[at][0].as_py()) for text in [FUTURE] * len(picked)])
    for name in identifiers:
        rows = _put(rows, where[name], what == 3, [""] * len(picked))
    order = np.argsort(np.concatenate([np.arange(good), picked]), kind="stable")
    return pa.concat_tables([table, rows]).take(pa.array(order)), counts


def _put(table: pa.Table, column: int, mask: np.ndarray, values: list[str]) -> pa.Table:
    old = table.column(column).to_pylist()
    new = [value if chosen else kept for value, chosen, kept in zip(values, mask, old, strict=True)]
    return table.set_column(column, table.column_names[column], pa.array(new, pa.string()))


def _future(text: str, like: str) -> str:
    """The far future, written as the column writes its times."""
    if like.isdigit():
        return "4070908800"
    return text + like[10:] if like[4:5] == "-" else "01.01.2099" + like[10:]
