"""Real files give the counts that their publishers state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unify.reading import plain

from shoal.engine.duckdb import DuckDBEngine
from shoal.settings import parse
from shoal.unify.read import Cleaned, read_source

SOURCES = """
sources:
  online_retail:
    path: online_retail/online_retail.csv.gz
    event: Order Completed
    at: InvoiceDate
    identifiers: {customer_id: CustomerID}
    value: Quantity * UnitPrice
    returns: {when: "starts_with(InvoiceNo, 'C')", event: Order Cancelled}
    properties: {order_id: InvoiceNo, item_id: StockCode, quantity: Quantity}
    traits: {country: Country}
  cdnow:
    path: cdnow_sample/CDNOW_sample.txt
    csv: {header: false, delimiter: whitespace, columns: [id, sample, date, cds, dollars]}
    at: date
    identifiers: {customer_id: id}
    value: dollars
    duplicates: keep
  eshop:
    path: eshop_clickstream/*.csv.gz
    csv: {delimiter: ;}
    event: Product Viewed
    at: date(year, month, day)
    identifiers: {session_id: session ID}
    properties: {item_id: page 2 (clothing model), price: price}
  users:
    path: relax_saas/takehome_users.csv
    kind: profiles
    at: creation_time
    identifiers: {user_id: object_id, email: email}
    traits: {source: creation_source}
  seasons:
    path: apparel_clv/apparelDynCov.parquet
    at: Cov.Date
    identifiers: {customer_id: Id}
"""


def one(sql: DuckDBEngine, data: Path, name: str) -> tuple[Cleaned, Any]:
    if not (data / parse(SOURCES).sources[name].path.split("/")[0]).is_dir():  # type: ignore[union-attr]
        pytest.skip(f"the data of {name} is not present")
    found = read_source(sql, name, parse(SOURCES), data, plain)
    row = sql.query(f"SELECT count(*) AS n, count(DISTINCT COLUMNS('^id_')), sum(value) AS total FROM {found.clean}")
    return found, row.to_pylist()[0]


@pytest.mark.slow
def test_online_retail_adds_up_to_the_published_totals(sql: DuckDBEngine, data_dir: Path):
    found, row = one(sql, data_dir, "online_retail")
    assert found.quality.read == 541_909
    assert found.quality.reasons == {"no_identifier": 135_080, "duplicate": 5_225}
    assert found.quality.duplicates == 5_268
    assert row["id_customer_id"] == 4_372
    cancelled = sql.query(f"SELECT count(*) AS n FROM {found.clean} WHERE event = 'Order Cancelled'")["n"][0].as_py()
    assert cancelled > 8_800
    assert (found.quality.first, found.quality.last) == ("2010-12-01T08:26:00Z", "2011-12-09T12:50:00Z")


def test_cdnow_is_read_from_fixed_blanks(sql: DuckDBEngine, data_dir: Path):
    found, row = one(sql, data_dir, "cdnow")
    assert (found.quality.loaded, row["id_customer_id"]) == (6_919, 2_357)


def test_the_clickstream_is_read_by_its_semicolons(sql: DuckDBEngine, data_dir: Path):
    found, row = one(sql, data_dir, "eshop")
    assert (found.quality.loaded, row["id_session_id"]) == (151_326, 22_102)


def test_sign_ups_are_read_day_first(sql: DuckDBEngine, data_dir: Path):
    found, _ = one(sql, data_dir, "users")
    assert (found.quality.loaded, found.quality.last) == (7_949, "2014-05-30T23:59:00Z")


def test_parquet_is_read_where_it_lies(sql: DuckDBEngine, data_dir: Path):
    found, row = one(sql, data_dir, "seasons")
    assert (found.quality.read, row["id_customer_id"]) == (187_800, 600)
