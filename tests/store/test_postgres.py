"""A source may be a query on a real Postgres."""

from __future__ import annotations

from pathlib import Path

import pytest

import shoal
from shoal.store.query import batches

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def orders(url: str) -> str:
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table orders (who text, placed timestamptz, total numeric(10, 2), note jsonb)"))
        connection.execute(
            text(
                "insert into orders select 'c' || (i % 200), timestamptz '2024-01-01' + i * interval '3 hours', "
                "(i * 37 % 900) / 10.0, '{}' from generate_series(1, 2000) as i"
            )
        )
    engine.dispose()
    return url


def test_a_query_streams_every_row_as_text(orders: str) -> None:
    found = list(batches(orders, "select who, total from orders order by placed", rows=300))
    assert sum(batch.num_rows for batch in found) == 2000
    assert found[0].column("total")[0].as_py() == "3.70"


def test_the_loop_runs_on_a_query(orders: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", orders)
    (tmp_path / "shoal.yaml").write_text(
        """
sources:
  orders:
    sql: select who, placed, total from orders
    url: ${SHOP_URL}
    event: Order Completed
    at: placed
    identifiers: {customer_id: who}
    value: total
"""
    )
    done = shoal.open(tmp_path).run()
    assert done.rows["events"] == 2000
    assert done.rows["profiles"] == 200
    revenue = shoal.open(tmp_path).table("events").sql("select sum(value) as total from events")["total"][0].as_py()
    assert revenue == pytest.approx(sum(i * 37 % 900 / 10 for i in range(1, 2001)))
