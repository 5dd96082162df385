"""A shop whose live state has as many people as asked for, ready to be served; made once, kept in a folder.

python benchmarks/live_data.py FOLDER --people 1000000

A real run over a few thousand people gives the features, the score's model and the rules; the state is then filled with
people made by the million in its place, about ten events each in the year up to now, and everybody is evaluated.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, time

import numpy as np
import pyarrow as pa

import generate
from live_events import CATEGORIES, SHARES
from measure import run, shoal

DAY = 86_400_000_000
LEARNT = 3_000  # people of the run that the model is learnt from
SEGMENTS = 50
EVENTS = 10  # of a person on average
CHUNK = 100_000

SETTINGS = """name: live-bench
currency: EUR
sources:
  events:
    path: data/*.parquet
    event: {column: event}
    id: event_id
    at: at
    identifiers: {user_id: user_id, email: email}
    value: value
    where: event in ('Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed', 'Order Refunded')
    properties: {order_id: order_id, item_id: item_id, category: category, quantity: quantity, price: price}
events: {purchase: [Order Completed], refund: [Order Refunded], view: [Product Viewed], cart: [Product Added],
  checkout: [Checkout Started]}
objectives:
  - {name: purchase, kind: purchase, event: Order Completed, horizon: 30d}
segments: {budget: 2, micro: 0}
features:
  viewed_1d: {count: events, of: Product Viewed, within: 1d}
  added_1d: {count: events, of: Product Added, within: 1d}
  spent_1d: {sum: value, of: Order Completed, within: 1d}
  spent_3d: {sum: value, of: Order Completed, within: 3d}
"""
RULES = (
    "viewed_1d >= {0} * 3 and added_1d = 0",
    "views_30d >= {0} * 4 and orders_30d = 0",
    "orders_90d >= 1 and recency_days > {0} * 15",
    "purchase >= 0.{0} and viewed_1d > 0",
    "spent_3d > {0} * 40 or spent_1d > {0} * 20",
    "revenue_365d > {0} * 150 and recency_days > 60",
    "share_fashion > 0.{0} and orders >= 2",
    "carts_30d > orders_30d + {0} * 2",
)


def learnt(base: Path) -> Path:
    """A workspace with one run, made where there is none yet."""
    folder = base / "run"
    if (folder / ".shoal" / "current").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    generate.write(folder, LEARNT)
    (folder / "shoal.yaml").write_text(SETTINGS, encoding="utf-8")
    done = run(shoal("run", "-w", folder, "--json"), one_thread=True)
    if done.error:
        raise RuntimeError(f"shoal run: {done.error}")
    _with_rules(folder)
    return folder


def _with_rules(folder: Path) -> None:
    """Rules of the workspace's own beside those of the run, so that there are as many as wanted."""
    from shoal import living, settings

    made = living.definition(folder, settings.load(folder), [], {})
    (folder / "segments").mkdir()
    for number in range(SEGMENTS - len(made.rules)):
        rule = RULES[number % len(RULES)].format(number // len(RULES) + 1)
        text = json.dumps({"rule": rule})  # JSON is YAML
        (folder / "segments" / f"own-{number:02d}.yaml").write_text(text, encoding="utf-8")


def prepared(base: Path, people: int, fresh: bool = False) -> Path:
    """A workspace whose live state has `people` people, made where there is none yet."""
    folder = base / f"people-{people}"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / "made.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(learnt(base), folder, symlinks=True)
        told = fill(folder, people)
        (folder / "made.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def fill(folder: Path, people: int) -> dict[str, float]:
    """Gives a workspace a live state of that many people; what it took, in seconds."""
    from shoal import living, pipeline, settings
    from shoal.live.advance import Advancer
    from shoal.live.identity import Resolver
    from shoal.live.seed import Origin, seed
    from shoal.live.state import State
    from shoal.live.worker import Worker

    told = settings.load(folder)
    made = living.definition(folder, told, [], {})
    state = State(living.home(folder), write=True)
    log = living.open_log(folder, told)
    began = perf_counter()
    origin = Origin(
        run_id=made.run_id,
        seen=0,
        profiles=_profiles(people),
        identifiers=_identifiers(people),
        events=lambda columns: _events(people, columns),
    )
    seed(state, origin, made.layout)
    with state.writing() as txn:
        txn.set_meta("history", made.history)
    seeded = perf_counter()
    advancer = Advancer(state, made, pipeline.cleaner(told), Resolver(living.guards(told)), silent=True)
    Worker(log, advancer).drain()
    state.close()
    log.close()
    return {
        "people": people,
        "features": len(made.plan.features) + len(made.derived),
        "segments": len(made.rules),
        "scores": len(made.score_columns),
        "seed_s": seeded - began,
        "evaluate_s": perf_counter() - seeded,
        "state_mb": (living.home(folder) / "state" / "data.mdb").stat().st_blocks * 512 / 2**20,
    }


def _numbers(people: int) -> pa.Array:
    """Persons' numbers from 1: what the run's people are called does not matter here."""
    return pa.array(np.arange(1, people + 1))


def _profiles(people: int) -> pa.Table:
    end = int(time() * 1e6)
    instants = {
        name: pa.array(np.full(people, at), pa.timestamp("us", "UTC"))
        for name, at in (("first_seen", end - 365 * DAY), ("last_seen", end))
    }
    return pa.table({"person": _numbers(people), **instants})


def _identifiers(people: int) -> pa.Table:
    users = np.char.add("u", np.char.zfill(np.arange(people).astype("U7"), 7))
    mails = np.char.add(users, "@example.org")
    instant = pa.array([int(time() * 1e6)], pa.timestamp("us", "UTC")).take(pa.array(np.zeros(people, np.int64)))
    parts = [
        pa.table(
            {
                "person": _numbers(people),
                "type": pa.array([kind]).take(pa.array(np.zeros(people, np.int64))),
                "value": pa.array(values.astype(object), pa.string()),
                "first_seen": instant,
                "last_seen": instant,
            }
        )
        for kind, values in (("user_id", users), ("email", mails))
    ]
    return pa.concat_tables(parts)


def _events(people: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Everybody's past, some people at a time, sorted by person and time."""
    end = int(time() * 1e6)
    for first in range(0, people, CHUNK):
        rng = np.random.default_rng([7, first])
        yield _past(first + 1, min(CHUNK, people - first), end, rng).select(list(columns))


def _past(first: int, people: int, end: int, rng: np.random.Generator) -> pa.Table:
    counts = rng.negative_binomial(1.0, 1 / (1 + EVENTS), people)
    person = np.repeat(np.arange(first, first + people), counts)
    rows = len(person)
    ago = (rng.random(rows) ** 2 * 365 * DAY).astype(np.int64) + 1
    order = np.lexsort((end - ago, person))
    names = [*SHARES]
    kind = np.searchsorted(np.cumsum([*SHARES.values()]), rng.integers(0, 100, rows), side="right")
    bought = kind == names.index("Order Completed")
    number = pa.array(np.arange(rows) + first * 1_000)
    text = number.cast(pa.string())
    nothing = pa.scalar(None, pa.string())
    price = np.round(rng.lognormal(3.0, 0.8, rows), 2)
    return pa.table(
        {
            "person": pa.array(person),
            "at": pa.array((end - ago)[order], pa.timestamp("us", "UTC")),
            "event": pa.array(names).take(pa.array(kind)),
            "event_id": text,
            "source": pa.array(["events"]).take(pa.array(np.zeros(rows, np.int64))),
            "value": pa.array(price, mask=~bought),
            "price": pa.array(price, mask=~bought),
            "quantity": pa.array(rng.integers(1, 5, rows).astype(float), mask=~bought),
            "category": pa.array(CATEGORIES).take(pa.array(rng.integers(0, len(CATEGORIES), rows))),
            "item_id": pa.compute.binary_join_element_wise(
                "i", pa.array(rng.integers(0, 5_000, rows)).cast(pa.string()), ""
            ),
            "order_id": pa.compute.if_else(pa.array(bought), text, nothing),
            "channel": pa.nulls(rows, pa.string()),
        }
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--fresh", action="store_true", help="make it anew")
    asked = parser.parse_args()
    folder = prepared(asked.folder, asked.people, asked.fresh)
    json.dump({"folder": str(folder), **json.loads((folder / "made.json").read_text())}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
