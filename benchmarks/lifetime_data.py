"""The data sets of the lifetime benchmark as sorted events: a ledger, and features at any instants."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from measure import ROOT
from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue, choose
from shoal.define.types import Type
from shoal.predict.ledger import Ledger

DATA = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data"))
BOUGHT = "Order Completed"
KINDS = {"quantity": Type.NUMBER, "order_id": Type.TEXT, "item_id": Type.TEXT}


def day_number(text: str) -> int:
    """Days since 1970 of an ISO date."""
    return (date.fromisoformat(text) - date(1970, 1, 1)) // timedelta(days=1)


@dataclass(frozen=True)
class Shop:
    """Purchases as a table sorted by person and time: person, at, event, value and perhaps properties."""

    name: str
    events: pa.Table

    @property
    def ledger(self) -> Ledger:
        """Its purchases on day grain."""
        return Ledger.read(self.events.to_batches(), [BOUGHT])

    @property
    def snapshots(self) -> Callable[[Sequence[int]], pa.Table]:
        """The ready features that the data can carry, at any instants."""
        columns = {name: kind for name, kind in KINDS.items() if name in self.events.column_names}
        at = self.events["at"].cast(pa.int64()).to_numpy()
        known = Catalogue(
            events={BOUGHT: self.events.num_rows},
            properties={name: kind.value for name, kind in columns.items()},
            has_value=True,
            has_clock=len(np.unique(at % 86_400_000_000)) > 3,
            span_days=float(at.max() - at.min()) / 86_400e6,
        )
        features = features_from_yaml({one.name: one.definition for one in choose(known)})
        plan = compile_plan(features, {"value": Type.NUMBER, **columns})
        batches = self.events.to_batches()
        return lambda instants: pa.Table.from_batches(plan.run(batches, sorted(instants)), schema=plan.schema)


def _shop(name: str, columns: dict[str, pa.Array]) -> Shop:
    table = pa.table({**columns, "event": pa.repeat(BOUGHT, len(columns["person"]))})
    return Shop(name, table.sort_by([("person", "ascending"), ("at", "ascending")]).combine_chunks())


def cdnow() -> Shop:
    """CDNOW, the 1/10 sample."""
    rows = [line.split() for line in (DATA / "cdnow_sample" / "CDNOW_sample.txt").read_text().splitlines()]
    at = pc.strptime(pa.array([row[2] for row in rows]), "%Y%m%d", "us").cast(pa.timestamp("us", "UTC"))
    columns = {
        "person": pa.array([int(row[1]) for row in rows]),
        "at": at,
        "value": pa.array([float(row[4]) for row in rows]),
        "quantity": pa.array([float(row[3]) for row in rows]),
    }
    return _shop("CDNOW 1/10", columns)


def retail() -> Shop:
    """UCI Online Retail: lines of known customers with positive quantity and price, cancellations dropped."""
    kinds = {"InvoiceNo": pa.string(), "StockCode": pa.string(), "CustomerID": pa.float64(), "Quantity": pa.float64()}
    options = csv.ConvertOptions(column_types={**kinds, "InvoiceDate": pa.timestamp("us")})
    table = csv.read_csv(DATA / "online_retail" / "online_retail.csv.gz", convert_options=options)
    cancelled = pc.starts_with(table["InvoiceNo"], "C")
    good = pc.and_(pc.greater(table["Quantity"], 0), pc.greater(table["UnitPrice"], 0))
    table = table.filter(pc.and_(pc.and_not(good, cancelled), pc.is_valid(table["CustomerID"])))
    columns = {
        "person": table["CustomerID"].cast(pa.int64()),
        "at": table["InvoiceDate"].cast(pa.timestamp("us", "UTC")),
        "value": pc.multiply(table["Quantity"], table["UnitPrice"]),
        "quantity": table["Quantity"],
        "order_id": table["InvoiceNo"],
        "item_id": table["StockCode"],
    }
    return _shop("Online Retail", columns)


def apparel() -> Shop:
    """The apparel retailer of CLVTools."""
    table = csv.read_csv(DATA / "apparel_clv" / "apparelTrans.csv")
    at = table["Date"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return _shop("apparel", {"person": table["Id"], "at": at, "value": table["Price"].cast(pa.float64())})


def drawn(people: int, seed: int) -> Ledger:
    """Customers drawn from BG/NBD x Gamma-Gamma: two years of days, everybody's first purchase somewhere in them."""
    random = np.random.default_rng(seed)
    span = 730
    rate, leave = random.gamma(0.6, 0.03, people), random.beta(0.8, 4.0, people)
    mean = 30 * random.gamma(4.0, 1.0, people) / random.gamma(3.7, 1.0, people)
    person, time = np.arange(people), random.uniform(0, span, people)
    persons, times = [person], [time]
    while len(person):
        time = time + random.exponential(1.0, len(person)) / np.maximum(rate[person], 1e-9)
        stay = time < span
        person, time = person[stay], time[stay]
        persons.append(person)
        times.append(time)
        alive = random.random(len(person)) > leave[person]
        person, time = person[alive], time[alive]
    who = np.concatenate(persons)
    return Ledger.of(who, np.concatenate(times).astype(np.int64), mean[who] * random.gamma(6.0, 1 / 6, len(who)))
