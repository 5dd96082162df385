"""The operational store in a real Postgres: the same answers as in SQLite."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shoal.errors import StorageError, StoreError
from shoal.store import audit, releases
from shoal.store.database import Database
from shoal.store.hooks import Hooks, Place
from shoal.store.keys import Keys
from shoal.summary import Release

pytestmark = pytest.mark.slow
LOYAL = Release(
    segment="Loyal", version=2, kind="discovered", rule="a = 'x%y' and b > 1", size=40, decision="approved",
    at="2024-05-01T00:00:00+00:00", by="ada", answer="call them: first", note="", run_id="r1",
)  # fmt: skip


@pytest.fixture
def store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A store in a schema of its own, by a URL that is taken from the environment."""
    from sqlalchemy import create_engine, text

    name = f"t{abs(hash(str(tmp_path)))}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    monkeypatch.setenv("STORE_URL", f"{url}?options=-csearch_path%3D{name}")
    return Database(tmp_path, "${STORE_URL}")


def test_decisions_come_back_in_order_with_their_audit(store: Database) -> None:
    second = LOYAL.model_copy(update={"decision": "retired"})
    for one in (LOYAL, second):
        releases.add(store, one, {"why": "x"})
    assert releases.history(store) == [LOYAL, second]
    assert [line.detail for line in audit.entries(store)] == [
        {**one.model_dump(), "why": "x"} for one in (LOYAL, second)
    ]


@pytest.mark.parametrize("statement", ["UPDATE {} SET \"at\" = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_row_is_changed_or_deleted_whoever_asks(store: Database, statement: str) -> None:
    releases.add(store, LOYAL)
    with pytest.raises(StoreError, match="append-only"), store.writing() as connection:
        connection.exec_driver_sql(statement.format("releases"))
    assert releases.history(store) == [LOYAL]


def test_two_that_start_at_once_make_one_schema(store: Database) -> None:
    faults: list[BaseException] = []

    def start() -> None:
        try:
            releases.add(Database(store.home.parent, store.url), LOYAL)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(releases.history(store)) == 4


def test_a_store_of_a_newer_shoal_is_refused(store: Database) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (99, '')")
    with pytest.raises(StoreError, match="newer Shoal"):
        releases.history(store)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    gone = Database(tmp_path, "postgresql+psycopg://me:secret@127.0.0.1:1/shop?connect_timeout=2")
    with pytest.raises(StorageError, match="see that the database runs") as told:
        releases.history(gone)
    assert "secret" not in str(told.value)


def test_keys_are_made_checked_and_revoked(store: Database) -> None:
    keys = Keys(store)
    made, other = keys.create("read", label="reports", by="ada"), keys.create("write")
    assert [keys.ring()(key.key) for key in (made, other)] == ["read", "write"]
    keys.revoke(made.id, by="bob")
    assert [keys.ring()(key.key) for key in (made, other)] == [None, "write"]
    assert [line.what for line in audit.entries(store)] == ["key created", "key created", "key revoked"]


def test_places_of_webhooks_are_kept(store: Database) -> None:
    hooks = Hooks(store)
    hooks.put("a", place=1, sending=4, last_change="c1")
    hooks.put("a", place=2**40, sending=None, last_change="c4")
    assert hooks.get("a") == Place(2**40, None, "c4")
    hooks.disable("a", where="https://example.com")
    assert [line.what for line in audit.entries(store)] == ["webhook disabled"]
    hooks.keep([])
    assert hooks.get("a") is None
