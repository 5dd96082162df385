"""The kernel against SQL on real data: UCI Online Retail, 541,909 lines."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.types import types_of

T = 1_320_000_000_000_000
FEATURES = {
    "lines": ({"count": "events"}, "count(*)"),
    "orders": ({"distinct": "order_id", "of": "Order Completed"}, "count(DISTINCT order_id) FILTER (ok)"),
    "orders_90d": (
        {"distinct": "order_id", "of": "Order Completed", "within": "90d"},
        "count(DISTINCT order_id) FILTER (ok AND age < 90)",
    ),
    "orders_before": (
        {"distinct": "order_id", "of": "Order Completed", "within": "90d", "before": "90d"},
        "count(DISTINCT order_id) FILTER (ok AND age >= 90 AND age < 180)",
    ),
    "revenue": ({"sum": "value", "of": "Order Completed"}, "coalesce(sum(value) FILTER (ok), 0)"),
    "revenue_30d": (
        {"sum": "value", "of": "Order Completed", "within": "30d"},
        "coalesce(sum(value) FILTER (ok AND age < 30), 0)",
    ),
    "mean_line": ({"mean": "value", "of": "Order Completed"}, "avg(value) FILTER (ok)"),
    "std_line": ({"std": "value", "of": "Order Completed"}, "stddev_samp(value) FILTER (ok)"),
    "max_line": ({"max": "value", "within": "180d"}, "max(value) FILTER (age < 180)"),
    "min_line": ({"min": "value", "where": "quantity > 1"}, "min(value) FILTER (quantity > 1)"),
    "recency": ({"days_since": "last", "of": "Order Completed"}, "min(age) FILTER (ok)"),
    "tenure": ({"days_since": "first"}, "max(age)"),
    "items": ({"distinct": "item_id"}, "count(DISTINCT item_id)"),
    "active_days": ({"distinct": "day_number(at)"}, "count(DISTINCT day)"),
    "bulk": ({"share": "quantity >= 10"}, "avg((quantity >= 10)::INT)"),
    "bulk_worth": (
        {"share": "quantity >= 10", "of": "Order Completed", "weight": "value"},
        "coalesce(sum(value) FILTER (ok AND quantity >= 10), 0) / nullif(sum(value) FILTER (ok), 0)",
    ),
    "evening": ({"share": "hour(at) >= 18"}, "avg((hour(local) >= 18)::INT)"),
    "weekend": ({"share": "weekday(at) >= 6"}, "avg((isodow(local) >= 6)::INT)"),
    "gap_mean": (
        {"gap": "mean", "of": "Order Completed"},
        "(max(day) FILTER (ok) - min(day) FILTER (ok)) / nullif(count(DISTINCT day) FILTER (ok) - 1, 0)",
    ),
    "trend": (
        {"trend": "value", "of": "Order Completed", "within": "90d"},
        (
            "coalesce(sum(value) FILTER (ok AND age < 90), 0) "
            "/ nullif(sum(value) FILTER (ok AND age >= 90 AND age < 180), 0)"
        ),
    ),
    "country": ({"last": "country"}, 'last(country ORDER BY "at", event_id)'),
}


@pytest.fixture(scope="module")
def events(data_dir: Path) -> pa.Table:
    path = data_dir / "online_retail" / "online_retail.csv.gz"
    if not path.is_file():
        pytest.skip("online_retail is not present")
    with duckdb.connect(config={"threads": 1}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        return duck.execute(f"""
            SELECT CAST(CAST(CustomerID AS DOUBLE) AS BIGINT) AS person,
              timezone('UTC', CAST(InvoiceDate AS TIMESTAMP)) AS "at", row_number() OVER () AS event_id,
              CASE WHEN InvoiceNo LIKE 'C%' THEN 'Order Cancelled' ELSE 'Order Completed' END AS event,
              abs(CAST(Quantity AS DOUBLE) * CAST(UnitPrice AS DOUBLE)) AS value, InvoiceNo AS order_id,
              StockCode AS item_id, abs(CAST(Quantity AS DOUBLE)) AS quantity, Country AS country
            FROM read_csv('{path}', all_varchar = true) WHERE trim(CustomerID) <> ''
            ORDER BY person, "at", event_id""").to_arrow_table()


def test_features_of_real_customers_equal_sql(events: pa.Table) -> None:
    made = features_from_yaml({name: made for name, (made, _) in FEATURES.items()})
    plan = compile_plan(made, types_of(events.schema), time_zone="Europe/London")
    ours = pa.Table.from_batches(plan.run(events.to_batches(max_chunksize=10_007), [T], rows=50_000))
    with duckdb.connect(config={"threads": 1}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.register("events", events)
        columns = ", ".join(f"{sql} AS {name}" for name, (_, sql) in FEATURES.items())
        theirs = duck.execute(f"""
            SELECT person, {columns} FROM (
              SELECT *, ({T} - epoch_us("at")) / 86400e6 AS age, event = 'Order Completed' AS ok,
                timezone('Europe/London', "at") AS local, CAST(timezone('Europe/London', "at") AS DATE) AS day
              FROM events WHERE epoch_us("at") <= {T})
            GROUP BY person ORDER BY person""").to_arrow_table()
    assert ours["person"].to_pylist() == theirs["person"].to_pylist()
    for name in FEATURES:
        left, right = ours[name], theirs[name]
        assert left.is_null().to_pylist() == right.is_null().to_pylist(), name
        if pa.types.is_string(left.type):
            assert left.to_pylist() == right.to_pylist()
        else:
            numbers = [np.asarray(column.drop_null().cast(pa.float64())) for column in (left, right)]
            np.testing.assert_allclose(*numbers, rtol=1e-9, atol=1e-9, err_msg=name)
