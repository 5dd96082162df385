"""Every event log keeps the same contract: a file, Postgres, Kafka, and the one for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from broker import make_topic
from shoal.errors import SettingsError, StorageError
from shoal.live.log import Log
from shoal.live.logs import open_log, partitions, topic_of
from shoal.testing import MemoryLog, check_log

Make = Callable[[], Log]


@pytest.fixture(params=["memory", "sqlite", "postgres", "kafka"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """What opens one log, empty at first; every log that it opened is closed in the end."""
    opened: list[Log] = []
    memory = MemoryLog()
    url = None if request.param in ("memory", "sqlite") else _url(request.param, request.getfixturevalue(request.param))

    def once() -> Log:
        opened.append(memory if request.param == "memory" else open_log(tmp_path, url))
        return opened[-1]

    yield once
    for log in opened:
        log.close()


def _url(kind: str, server: str) -> str:
    name = f"log_{uuid4().hex}"
    if kind == "kafka":
        make_topic(server, name)
        return f"kafka://{server}/{name}"
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}?options=-csearch_path%3D{name}"


def test_a_log_keeps_the_contract(make: Make) -> None:
    check_log(make)


def test_several_may_append_at_once_and_a_reader_sees_one_order_without_holes(make: Make) -> None:
    def append(name: int) -> None:
        log = make()
        for number in range(40):
            log.append([f"{name} {number} {part}".encode() for part in range(3)])

    writers = [Thread(target=append, args=(name,)) for name in range(3)]
    reader, seen = make(), []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers) or len(seen) < reader.last():
        seen += reader.read(seen[-1][0] if seen else 0, most=10)
    for writer in writers:
        writer.join()
    assert seen == reader.read(0)
    for name in range(3):
        mine = [entry.decode() for _, entry in seen if entry.startswith(f"{name} ".encode())]
        assert mine == [f"{name} {number} {part}" for number in range(40) for part in range(3)]


def test_one_log_may_be_shared_by_threads(make: Make) -> None:
    log = make()
    threads = [Thread(target=lambda: [log.append([b"a", b"b"]) and log.read(0) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.read(0)) == 160


def test_a_closed_log_can_be_used_again(make: Make) -> None:
    log = make()
    log.append([b"one"])
    log.close()
    assert log.append([b"two"]) == 2
    assert [entry for _, entry in log.read(0)] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgres://host/db", "Did you mean 'postgresql'"),
        ("redis://host", "names no event log"),
        ("/var/log.db", "leave it out for a file"),
        ("mysql+pymysql://me:secret@host/db", r"me:\*\*\*@host"),
        ("kafka://host:9092", "names no topic"),
        ("kafka://host:9092/my topic", "names no topic"),
        ("kafka://host:9092/events?acks=0", "acks: set by Shoal itself"),
        ("kafka://host:9092/${SHOAL_TEST_NOWHERE}", "the environment has no SHOAL_TEST_NOWHERE"),
        ("postgresql://${SHOAL_TEST_NOWHERE}@host/db", "the environment has no SHOAL_TEST_NOWHERE"),
        ("postgresql://host/db?colour=blue", "is no address of a Postgres"),
    ],
)
def test_an_address_that_names_no_log_is_refused_with_what_to_write(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        open_log(tmp_path, url)
    assert "tracking.log" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_missing_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "confluent_kafka", None)
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"pip install 'shoal\[kafka\]'"):
        open_log(tmp_path, "kafka://host:9092/events")
    with pytest.raises(SettingsError, match=r"pip install 'shoal\[postgres\]'"):
        open_log(tmp_path, "postgresql://host/db")


def test_variables_and_client_settings_are_taken_from_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOAL_TEST_SECRET", "p%40ss")
    topic = topic_of("kafka://ann:${SHOAL_TEST_SECRET}@one:9092,two:9092/events?security.protocol=SASL_SSL")
    assert topic.servers == "one:9092,two:9092"
    assert topic.options == {"security.protocol": "SASL_SSL", "sasl.username": "ann", "sasl.password": "p@ss"}


def test_a_database_that_does_not_answer_may_answer_later(tmp_path: Path) -> None:
    log = open_log(tmp_path, "postgresql://me:secret@127.0.0.1:9/db")
    with pytest.raises(StorageError, match="see that the database runs") as caught:
        log.append([b"{}"])
    assert "secret" not in str(caught.value)


def test_only_kafka_has_several_partitions() -> None:
    assert partitions(None) == partitions("postgresql://host/db") == 1
