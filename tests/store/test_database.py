"""The operational store: transactions, migrations, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from shoal.errors import Busy, SettingsError, StorageError, StoreError
from shoal.store import audit, database, hooks, keys, releases
from shoal.store.database import Database
from shoal.store.schema import STEPS
from shoal.summary import Release

LOYAL = Release(
    segment="Loyal", version=1, kind="discovered", rule="orders >= 3", size=40, decision="approved",
    at="2024-05-01T00:00:00+00:00", by="ada", answer="call them", note="", run_id="r1",
)  # fmt: skip


def raw(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / ".shoal" / "shoal.db")


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    assert releases.history(Database(tmp_path)) == []
    assert not list(tmp_path.iterdir())


def test_what_was_decided_comes_back_in_order(tmp_path: Path) -> None:
    store = Database(tmp_path)
    second = LOYAL.model_copy(update={"decision": "retired", "note": "too few"})
    for one in (LOYAL, second):
        releases.add(store, one)
    assert releases.history(store) == [LOYAL, second]


def test_a_decision_and_its_line_in_the_audit_log_stand_or_fall_together(tmp_path: Path) -> None:
    store = Database(tmp_path)
    releases.add(store, LOYAL, {"verdicts": 3})
    line = audit.entries(store)[0]
    assert (line.who, line.what, line.subject) == ("ada", "approved", "Loyal@1")
    assert line.detail == {**LOYAL.model_dump(), "verdicts": 3}
    with pytest.raises(Exception, match="not JSON serializable"):
        releases.add(store, LOYAL, {"not JSON": object()})
    assert (len(releases.history(store)), len(audit.entries(store))) == (1, 1)


def test_sqlite_writes_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    store = Database(tmp_path)
    with store.writing() as connection:
        told = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
        assert told == {"journal_mode": "wal", "synchronous": 2}
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("statement", ["UPDATE {} SET \"at\" = ''", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["releases", "audit"])
def test_no_row_is_changed_or_deleted_whoever_asks(tmp_path: Path, table: str, statement: str) -> None:
    store = Database(tmp_path)
    releases.add(store, LOYAL)
    with pytest.raises(StoreError, match="append-only"), store.writing() as connection:
        connection.exec_driver_sql(statement.format(table))
    assert releases.history(store) == [LOYAL]


def test_the_schema_is_brought_up_to_date_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STEPS", STEPS[:1])
    with Database(tmp_path).writing():
        pass
    with raw(tmp_path) as base:
        assert base.execute("SELECT max(version) FROM schema_version").fetchone() == (1,)
    base.close()
    monkeypatch.setattr(database, "STEPS", STEPS)
    releases.add(Database(tmp_path), LOYAL)
    with raw(tmp_path) as base:
        assert base.execute("SELECT version FROM schema_version ORDER BY 1").fetchall() == [
            (version,) for version in range(1, len(STEPS) + 1)
        ]
    base.close()


def test_a_step_that_fails_leaves_no_half_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {name: ["CREATE TABLE half (n INTEGER)", "CREATE NONSENSE"] for name in ("sqlite", "postgresql")}
    monkeypatch.setattr(database, "STEPS", [*STEPS, broken])
    with pytest.raises(StorageError), Database(tmp_path).writing():
        pass
    with raw(tmp_path) as base:
        assert base.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    base.close()


def test_the_tables_that_are_read_are_those_that_the_steps_make(tmp_path: Path) -> None:
    from sqlalchemy import inspect

    with Database(tmp_path).writing() as connection:
        for table in (releases._table(), audit._table(), keys._table(), hooks._table()):
            made = {column["name"] for column in inspect(connection).get_columns(table.name)}
            assert made == set(table.columns.keys())


def test_a_store_of_a_newer_shoal_is_refused(tmp_path: Path) -> None:
    releases.add(Database(tmp_path), LOYAL)
    with raw(tmp_path) as base:
        base.execute("INSERT INTO schema_version VALUES (99, '')")
    base.close()
    with pytest.raises(StoreError, match=r"newer Shoal \(schema 99\).*upgrade"):
        releases.history(Database(tmp_path))


def test_a_damaged_store_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".shoal").mkdir()
    file = tmp_path / ".shoal" / "shoal.db"
    file.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="not what Shoal wrote"):
        releases.history(Database(tmp_path))
    assert file.read_bytes().startswith(b"this is no database")


def test_a_reader_waits_for_no_writer(tmp_path: Path) -> None:
    store = Database(tmp_path)
    releases.add(store, LOYAL)
    with store.writing():
        assert releases.history(store) == [LOYAL]


def test_a_writer_that_waits_too_long_is_told_who_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PRAGMAS", ("busy_timeout = 20", *database.PRAGMAS[1:]))
    store = Database(tmp_path)
    releases.add(store, LOYAL)
    with store.writing(), pytest.raises(Busy, match="another program"):
        releases.add(Database(tmp_path), LOYAL)


def test_two_that_start_at_once_make_one_schema(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def start() -> None:
        try:
            releases.add(Database(tmp_path), LOYAL)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(releases.history(Database(tmp_path))) == 4


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "names no database"),
        ("mysql://me@db/shop", "names no database"),
        ("postgresql://me:${NO_SUCH_NAME_HERE}@db/shop", "the environment has no NO_SUCH_NAME_HERE"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_fault_of_the_settings(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        releases.history(Database(tmp_path, url))


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        releases.history(Database(tmp_path, "mysql://me:secret@db/shop"))
    assert "secret" not in str(told.value)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".shoal" / "shoal.db").mkdir(parents=True)
    with pytest.raises(StorageError, match="unable to open"):
        releases.history(Database(tmp_path))
