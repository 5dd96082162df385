"""A database's rows arrive as a file's would."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shoal.errors import SourceError
from shoal.store.query import batches


@pytest.fixture
def shop(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.db") as base:
        base.execute("CREATE TABLE orders (id INTEGER, at TEXT, amount REAL, note TEXT)")
        base.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)", [(n, f"2024-01-{n:02}", n / 2, None) for n in range(1, 8)]
        )
    base.close()
    return f"sqlite:///{tmp_path / 'shop.db'}"


def test_rows_stream_as_text_in_batches(shop: str):
    found = list(batches(shop, "SELECT * FROM orders ORDER BY id", rows=3))
    assert [batch.num_rows for batch in found] == [3, 3, 1]
    assert found[2].to_pylist() == [{"id": "7", "at": "2024-01-07", "amount": "3.5", "note": None}]


def test_a_query_without_rows_still_names_its_columns(shop: str):
    (batch,) = batches(shop, "SELECT id FROM orders WHERE id > 100")
    assert (batch.schema.names, batch.num_rows) == (["id"], 0)


def test_the_url_takes_names_from_the_environment(shop: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_FILE", shop.removeprefix("sqlite:///"))
    assert sum(batch.num_rows for batch in batches("sqlite:///${SHOP_FILE}", "SELECT id FROM orders")) == 7
    with pytest.raises(SourceError, match="has no SHOP_FLIE"):
        list(batches("sqlite:///${SHOP_FLIE}", "SELECT 1"))


def test_a_colon_in_the_query_is_its_own(shop: str):
    (batch,) = batches(shop, "SELECT '12:30' AS t")
    assert batch.to_pylist() == [{"t": "12:30"}]


@pytest.mark.parametrize("sql", ["SELECT * FROM nowhere", "SELEKT", "CREATE TABLE x (a)"])
def test_a_query_that_fails_says_so(shop: str, sql: str):
    with pytest.raises(SourceError, match=r"failed|no rows"):
        list(batches(shop, sql))


def test_a_password_is_never_shown():
    with pytest.raises(SourceError) as caught:
        list(batches("nosuchbase://me:secret@host/shop", "SELECT 1"))
    assert "secret" not in str(caught.value)
