"""What is Postgres's own: the table, a connection that breaks, a commit that is synced."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from shoal.errors import Busy, StorageError, StoreError
from shoal.store import frame, log_postgres
from shoal.store.log_postgres import PostgresLog


@pytest.fixture
def log(url: str) -> Iterator[PostgresLog]:
    made = PostgresLog(url)
    made.append([b"one", b"two"])
    yield made
    made.close()
    do(url, "DROP TABLE event_log")


def do(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


def test_a_connection_that_was_cut_is_an_error_once(log: PostgresLog, url: str) -> None:
    log.read(0)
    do(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL",
    )
    for use in (lambda: log.append([b"three"]), lambda: log.read(0)):
        with pytest.raises(StorageError, match="see that the database runs"):
            use()
    assert log.append([b"three"]) == 3
    assert [entry for _, entry in log.read(0)] == [b"one", b"two", b"three"]


def test_a_damaged_or_missing_row_is_named(log: PostgresLog, url: str) -> None:
    log.append([b"three"])
    do(url, "UPDATE event_log SET body = body || 'x'::bytea WHERE last = 3")
    with pytest.raises(StoreError, match="the entries 3 to 3 is damaged"):
        log.read(2)
    do(url, "DELETE FROM event_log WHERE last = 2")
    with pytest.raises(StoreError, match="the entries 1 to 2 are missing"):
        log.read(0)


def test_a_commit_is_synced_even_where_the_server_would_not(log: PostgresLog, url: str) -> None:
    do(url, "ALTER DATABASE postgres SET synchronous_commit = off")
    log.close()
    log.append([b"three"])
    assert log._writer is not None
    assert log._writer.execute("SHOW synchronous_commit").fetchone() == ("on",)
    do(url, "ALTER DATABASE postgres RESET synchronous_commit")


def test_an_append_waits_for_the_commit_before_and_no_longer_than_it_must(
    log: PostgresLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_postgres, "PATIENCE", "50ms")
    log.close()
    with psycopg.connect(url.replace("+psycopg", "")) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (log_postgres.LOCK,))
        with pytest.raises(Busy, match="another program is appending"):
            log.append([b"three"])
        assert log.last() == 2
    assert log.append([b"three"]) == 3


def test_another_table_of_the_same_name_is_refused(log: PostgresLog, url: str) -> None:
    log.close()
    do(url, "ALTER TABLE event_log RENAME COLUMN body TO content")
    with pytest.raises(StoreError, match="is not what Shoal wrote"):
        log.read(0)


def test_a_read_ends_before_it_fills_the_memory(log: PostgresLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_postgres, "BATCH", 1000)
    monkeypatch.setattr(frame, "BATCH", 1000)
    for number in range(10):
        log.append([bytes([number]) * 400])
    first = log.read(2)
    assert 0 < len(first) < 10
    assert log.read(first[-1][0])[0][0] == first[-1][0] + 1
