"""A simulated web shop with known truth: planted archetypes, drift, a campaign's effect, identities and dirt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from shoal.demo.archetypes import ARCHETYPES, NAMES
from shoal.demo.behaviour import Behaviour, behave
from shoal.demo.dirt import soil
from shoal.demo.identity import DESK, NOBODY, Identity, graph, identify
from shoal.demo.people import Horizon, draw
from shoal.demo.rows import campaign, customers, mail, orders, tickets, web
from shoal.demo.workspace import claim, settle
from shoal.errors import UsageError

END = date(2025, 7, 1)


@dataclass(frozen=True)
class Truth:
    """What was planted, for comparison; a run never reads it.

    people:      person, user_id, archetype (at the end), archetype_before, drift_at, arm, group
    identifiers: type, value (normalised), person, group; see `identity.graph`
    campaign:    expected and drawn extra orders a person
    dirt:        source to kind to count
    """

    people: pa.Table
    identifiers: pa.Table
    campaign: dict[str, Any]
    dirt: dict[str, dict[str, int]]
    drift: dict[str, Any]
    identity: dict[str, int]


@dataclass(frozen=True)
class Shop:
    """The shop's sources, as their files hold them, and the truth behind them."""

    sources: dict[str, pa.Table]
    truth: Truth

    def write(self, folder: Path) -> list[Path]:
        """Writes sources, truth and `shoal.yaml` into `folder`; gives the paths written.

        Raises UsageError when the folder holds a `shoal.yaml` of somebody else, StorageError when it cannot be written.
        """
        text = resources.files("shoal.demo").joinpath("shop.yaml").read_text(encoding="utf-8")
        with claim(folder, text):
            paths = []
            for file, (source, put) in FILES.items():
                paths.append(folder / "data" / file)
                put(self.sources[source], paths[-1])
            return [*paths, *_write_truth(self.truth, folder / "truth"), settle(folder, text)]


def write(folder: Path, people: int = 5_000, seed: int = 1, days: int = 365) -> list[Path]:
    """Simulates a shop and writes it as a workspace; gives the paths written."""
    return simulate(people, seed, days).write(folder)


def simulate(people: int, seed: int, days: int = 365, end: date = END, pace: float = 1.0) -> Shop:
    """Simulates `people` over the `days` before `end`; the same arguments give the same bytes.

    `pace` multiplies how often they do anything. Raises UsageError for fewer than 1 person or 90 days.

    >>> shop = simulate(people=100, seed=1)
    >>> sorted(shop.sources)
    ['campaign', 'customers', 'mail', 'orders', 'tickets', 'web']
    >>> shop.truth.people.num_rows
    100
    """
    if people < 1 or days < 90:
        raise UsageError(f"a shop needs at least 1 person and 90 days; got {people} and {days}. Remedy: ask for more")
    horizon = Horizon(end, days)
    rng = np.random.default_rng([seed, people])
    crowd = draw(0, people, horizon, rng)
    did = behave(crowd, horizon, rng, pace)
    who = identify(did, rng)
    clean = {
        "customers": customers(did, who, horizon, rng),
        "orders": orders(did, who, horizon, rng),
        "web": web(did, who, horizon),
        "mail": mail(did, who, horizon),
        "tickets": tickets(did, who, horizon, rng),
        "campaign": campaign(did, who, horizon),
    }
    dirt: dict[str, dict[str, int]] = {}
    sources = dict(clean)
    for name, (at, identifiers, key) in SOILED.items():
        sources[name], dirt[name] = soil(clean[name], rng, at, identifiers, key)
    return Shop(sources, _truth(did, who, horizon, clean, dirt))


# time column, identifier columns, key: of the sources that get dirt
SOILED = {
    "orders": ("placed_at", ("user_id", "email"), "order_id"),
    "web": ("at", ("anonymous_id", "user_id"), "event_id"),
    "mail": ("at", ("email",), "message_id"),
    "tickets": ("created_at", ("email",), "ticket_id"),
}


def _truth(
    did: Behaviour, who: Identity, horizon: Horizon, clean: dict[str, pa.Table], dirt: dict[str, dict[str, int]]
) -> Truth:
    people = did.people
    identifiers = graph(did, who)
    eligible = people.start <= horizon.campaign_day
    extra = np.bincount(did.orders["person"][did.orders["extra"]], minlength=len(people))
    treated, control = eligible & people.treated, eligible & ~people.treated
    named = pa.array(NAMES)
    strangers = pc.sum(pc.and_(pc.is_null(identifiers["group"]), pc.is_valid(identifiers["person"])))
    return Truth(
        people=pa.table(
            {
                "person": people.number,
                "user_id": who.user_id,
                "archetype": named.take(pa.array(people.now)),
                "archetype_before": named.take(pa.array(people.before)),
                "drift_at": pa.array(
                    np.full(len(people), horizon.origin + horizon.drift_day * 86_400)
                    .astype("datetime64[s]")
                    .astype("datetime64[us]"),
                    pa.timestamp("us", "UTC"),
                    mask=~people.drifts,
                ),
                "arm": pa.array(np.where(treated, "treated", "control"), pa.string(), mask=~eligible),
                "group": identifiers["group"].slice(0, len(people)).combine_chunks(),
            }
        ),
        identifiers=identifiers,
        campaign={
            "name": "summer",
            "treated": int(treated.sum()),
            "control": int(control.sum()),
            "expected_extra_orders": _mean(did.expected_extra, eligible),
            "drawn_extra_orders": _mean(extra, treated),
            "expected_extra_orders_by_archetype": {
                name: _mean(did.expected_extra, eligible & (people.now == index)) for index, name in enumerate(NAMES)
            },
            "uplift_of_order_rate": {kind.name: kind.uplift for kind in ARCHETYPES},
            "days": 30,
        },
        dirt=dirt,
        drift={
            "day": horizon.drift_day,
            "people": int(people.drifts.sum()),
            **{
                f"{NAMES[before]} to {NAMES[now]}": int(((people.before == before) & (people.now == now)).sum())
                for before, now in sorted({*zip(people.before[people.drifts], people.now[people.drifts], strict=True)})
            },
        },
        identity={
            "families": len(who.families),
            "strangers": int(strangers.as_py() or 0),
            "placeholder_rows": _count(clean["tickets"]["email"], NOBODY),
            "desk_rows": _count(clean["orders"]["email"], DESK),
        },
    )


def _mean(values: Any, mask: Any) -> float | None:
    return round(float(values[mask].mean()), 6) if mask.any() else None


def _count(column: pa.ChunkedArray, value: str) -> int:
    return int(pc.sum(pc.equal(column, value)).as_py() or 0)


def _write_truth(truth: Truth, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "people.parquet", folder / "identifiers.parquet", folder / "truth.json"]
    pq.write_table(truth.people, paths[0])
    pq.write_table(truth.identifiers, paths[1])
    told = {"campaign": truth.campaign, "dirt": truth.dirt, "drift": truth.drift, "identity": truth.identity}
    paths[2].write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return paths


def _csv(delimiter: str) -> Callable[[pa.Table, Path], None]:
    options = pv.WriteOptions(delimiter=delimiter, quoting_style="needed", batch_size=65_536)
    return lambda table, path: pv.write_csv(table, path, options)


def _jsonl(table: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")


FILES: dict[str, tuple[str, Callable[[pa.Table, Path], None]]] = {
    "customers.csv": ("customers", _csv(";")),
    "orders.csv": ("orders", _csv(",")),
    "web.csv": ("web", _csv(",")),
    "mail.csv": ("mail", _csv(",")),
    "tickets.jsonl": ("tickets", _jsonl),
    "campaign.parquet": ("campaign", pq.write_table),
}
