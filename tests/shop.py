"""A small orders file with known contents, for tests that run the whole loop."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

BEGIN = datetime(2024, 1, 1)  # noqa: DTZ001 - written without a zone, as shops do


def write_orders(path: Path, people: int = 200, seed: int = 1, days: int = 400) -> int:
    """Writes orders of frequent, occasional and lapsed customers; returns the number of rows."""
    chance = random.Random(seed)
    rows = []
    for person in range(people):
        kind = person % 3
        gap = (9, 45, 60)[kind]
        day = chance.uniform(0, 60)
        until = days if kind < 2 else 150
        while day < until:
            at = BEGIN + timedelta(days=day, hours=chance.randint(8, 20), minutes=chance.randint(0, 59))
            for line in range(chance.randint(1, 3)):
                amount = round(chance.lognormvariate((3.5, 2.5, 2.0)[kind], 0.4), 2)
                rows.append((f"{10_000 + person}", f"o{person}-{int(day)}-{line}", at, amount, chance.choice("ABC")))
            day += chance.expovariate(1 / gap)
    rows.sort(key=lambda row: row[2])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Customer ID", "Order No", "Order Date", "Amount", "Category"])
        writer.writerows((who, order, at.isoformat(sep=" "), amount, kind) for who, order, at, amount, kind in rows)
    return len(rows)
