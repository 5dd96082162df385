"""Writes a large shop for the benchmarks: clean typed events as Parquet, chunk by chunk, in bounded memory.

python benchmarks/generate.py FOLDER --people 1000000

About 20 events a person, in files of 25,000 people each, every file in the order of time: as a warehouse
exports them. A person is known by `user_id`, by `email`, or by both; one in thirty changed accounts half-way.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shoal.demo.archetypes import CATEGORIES, NAMES
from shoal.demo.behaviour import ADDED, SIGNED_IN, VIEWED, Behaviour, behave
from shoal.demo.identity import accounts, names
from shoal.demo.people import Horizon, draw
from shoal.demo.rows import EVENTS, item_ids

CHUNK = 25_000
PACE, KEPT = 0.2, 0.22  # how busy people are, and the share of page views kept: about 20 events a person
HORIZON = Horizon(date(2025, 7, 1), 365)
KINDS = pa.array([*(EVENTS[kind] for kind in range(len(EVENTS))), "Order Completed", "Order Refunded",
                  "Email Sent", "Email Opened", "Email Clicked"])  # fmt: skip
ORDERED, REFUNDED, MAILED = len(EVENTS), len(EVENTS) + 1, len(EVENTS) + 2
MOVED = 5_000_000  # added to a person's number for the account they had before

SETTINGS = """# Benchmark data: benchmarks/generate.py wrote it.
name: bench
currency: EUR
sources:
  events:
    path: data/*.parquet
    event: {column: event}
    id: event_id
    at: at
    identifiers: {user_id: user_id, email: email}
    value: value
    properties:
      order_id: order_id
      item_id: item_id
      category: category
      quantity: quantity
      price: price
      channel: channel
events:
  purchase: [Order Completed]
  refund: [Order Refunded]
  view: [Product Viewed]
  cart: [Product Added]
  checkout: [Checkout Started]
  compare: [Comparison Viewed]
  pricing: [Pricing Viewed]
  login: [Signed In]
"""


def chunk(first: int, count: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Events of `count` people from number `first` on, in the order of time, and the people's archetypes."""
    rng = np.random.default_rng([seed, first])
    people = draw(first, count, HORIZON, rng)
    did = behave(people, HORIZON, rng, PACE)
    events = _events(did, rng, first)
    truth = pa.table({"user_id": accounts(people.number), "archetype": pa.array(NAMES).take(pa.array(people.now))})
    return events, truth


def _events(did: Behaviour, rng: np.random.Generator, first: int) -> pa.Table:
    web = np.flatnonzero(rng.random(len(did.web["t"])) < KEPT)
    lines, back, mails = did.lines, did.returns["line"], did.mails
    sizes = [len(web), len(lines["t"]), len(back), len(mails["t"])]
    group = np.repeat(np.arange(4), sizes)
    line = np.concatenate([np.zeros(sizes[0], np.int64), np.arange(sizes[1]), back, np.zeros(sizes[3], np.int64)])
    person = np.concatenate([did.web["person"][web], lines["person"], did.returns["person"], mails["person"]])
    t = np.concatenate([did.web["t"][web], lines["t"], did.returns["t"], mails["t"]])
    kind = np.concatenate(
        [did.web["kind"][web], np.full(sizes[1], ORDERED), np.full(sizes[2], REFUNDED), MAILED + mails["kind"]]
    )
    bought = (group == 1) | (group == 2)
    category, item = lines["category"][line], lines["item"][line]
    category[: sizes[0]], item[: sizes[0]] = did.web["category"][web], did.web["item"][web]
    shown = bought | (kind == VIEWED) | (kind == ADDED)
    order = lines["order"][line]
    paid = np.round(lines["quantity"] * lines["price"], 2)[line]

    moved = (rng.random(len(did.people)) < 1 / 30)[person] & (t < HORIZON.drift_day * 86_400)
    emailed = (kind == SIGNED_IN) | (bought & (rng.random(len(did.orders["t"])) < 0.8)[order])
    user = accounts(person + first + np.where(moved, MOVED, 0))
    email = names(did.people)[1].take(pa.array(person))
    nothing = pa.scalar(None, pa.string())
    table = pa.table(
        {
            "event_id": pc.binary_join_element_wise(str(first), pc.cast(pa.array(np.arange(len(t))), "string"), "-"),
            "user_id": pc.if_else(pa.array(group == 3), nothing, user),
            "email": pc.if_else(pa.array(emailed | (group == 3)), email, nothing),
            "at": pa.array((t + HORIZON.origin) * 1_000_000, pa.timestamp("us", "UTC")),
            "event": KINDS.take(pa.array(kind)),
            "category": pa.array(CATEGORIES).take(pa.array(category, mask=~shown)),
            "item_id": pc.if_else(pa.array(shown), item_ids(category, item), nothing),
            "order_id": pc.if_else(
                pa.array(bought),
                pc.binary_join_element_wise(str(first), pc.cast(pa.array(order), "string"), "o"),
                nothing,
            ),
            "quantity": pa.array(lines["quantity"][line], mask=~bought),
            "price": pa.array(lines["price"][line], mask=~bought),
            "value": pa.array(paid, mask=~bought),
            "channel": pa.array(["web", "shop", "shop", "email"]).take(pa.array(group)),
        }
    )
    return table.take(pa.array(np.argsort(t, kind="stable")))


def write(folder: Path, people: int, seed: int = 1) -> int:
    """Writes data, truth and settings into `folder`; gives the number of events."""
    for name in ("data", "truth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).glob("*.parquet"):
            old.unlink()
    total = 0
    for first in range(0, people, CHUNK):
        events, truth = chunk(first, min(CHUNK, people - first), seed)
        pq.write_table(events, folder / "data" / f"part-{first // CHUNK:04d}.parquet", compression="zstd")
        pq.write_table(truth, folder / "truth" / f"people-{first // CHUNK:04d}.parquet")
        total += events.num_rows
    (folder / "shoal.yaml").write_text(SETTINGS, encoding="utf-8")
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"{write(asked.folder, asked.people, asked.seed):,} events of {asked.people:,} people")
