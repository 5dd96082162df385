"""A shop with visits, orders and customers, and an objective of every kind."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from shoal.workspace import Workspace
from shop import BEGIN

QUESTIONS: list[dict[str, Any]] = [
    {"name": "churn", "kind": "churn", "horizon": "20d", "active_within": "60d"},
    {"name": "again", "kind": "purchase", "horizon": "20d", "where": "category = 'A'"},
    {"name": "first", "kind": "conversion", "horizon": "20d"},
    {"name": "soon", "kind": "intent", "horizon": "5d"},
    {"name": "more", "kind": "upsell", "horizon": "20d"},
    {"name": "less", "kind": "decline", "horizon": "20d"},
    {"name": "next", "kind": "cross_sell", "horizon": "20d"},
    {"name": "regular", "kind": "label", "label": "orders_30d >= 2", "horizon": "20d", "among": "orders > 0"},
]
OTHERS: list[dict[str, Any]] = [
    {"name": "left", "kind": "label", "label": "gone = 'yes'"},
    {"name": "value", "kind": "value", "horizon": "20d"},
    {"name": "alike", "kind": "lookalike", "segment": "Shops"},
    {"name": "liked", "kind": "affinity", "property": "category"},
]
SETTINGS: dict[str, Any] = {
    "sources": {
        "visits": {"path": "visits.csv", "event": "Page Viewed", "at": "at", "identifiers": {"customer_id": "who"}},
        "orders": {
            "path": "orders.csv",
            "event": "Order Completed",
            "at": "at",
            "identifiers": {"customer_id": "who"},
            "value": "amount",
            "properties": {"category": "category"},
        },
        "customers": {
            "path": "customers.csv",
            "kind": "profiles",
            "identifiers": {"customer_id": "who"},
            "traits": {"plan": "plan", "seats": "seats", "gone": "gone", "shop": "shop"},
        },
    },
}


def busy(folder: Path, objectives: Sequence[dict[str, Any]], people: int = 260, days: int = 110) -> Workspace:
    """Writes the files and settings of such a workspace; a quarter of the people have no order, some no event."""
    chance = random.Random(1)
    visits, orders, customers = [], [], []
    for number in range(people):
        who, eager, plan = f"c{number}", chance.random() ** 2, chance.choice("abc")
        seats = chance.randrange(30)
        left = chance.random() < 0.05 + 0.4 * (plan == "a") + 0.018 * seats
        gone = "" if number % 10 == 3 else "yes" if left else "no"
        shop = chance.random() < (0.8 if seats < 4 or seats > 25 else 0.05)  # at either end: no middle is near them
        customers.append((who, plan, seats, gone, "yes" if shop else "no"))
        day = chance.uniform(0, 40 if number % 5 < 3 else days)
        until = days if number % 7 else 70
        while day < until and number % 20:
            at = (BEGIN + timedelta(days=day, minutes=chance.randint(0, 900))).isoformat(sep=" ")
            visits.append((who, at))
            if number % 4 and chance.random() < 0.15 + 0.6 * eager:
                amount = round(chance.lognormvariate(3.0 + eager, 0.5), 2)
                orders += [(who, at, amount, chance.choice("AAABBCD")) for _ in range(chance.randint(1, 3))]
            day += chance.expovariate(0.08 + 0.3 * eager)
    _write(folder / "visits.csv", ("who", "at"), visits)
    _write(folder / "orders.csv", ("who", "at", "amount", "category"), orders)
    _write(folder / "customers.csv", ("who", "plan", "seats", "gone", "shop"), customers)
    (folder / "segments").mkdir()
    (folder / "segments" / "shops.yaml").write_text("name: Shops\nrule: shop = 'yes'")
    (folder / "shoal.yaml").write_text(yaml.safe_dump({**SETTINGS, "objectives": list(objectives)}))
    return Workspace(folder)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
