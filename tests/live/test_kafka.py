"""What is Kafka's own: partitions, limits, and refusals that say what to do."""

from __future__ import annotations

from uuid import uuid4

import pytest

from broker import make_topic
from shoal.errors import SettingsError, StorageError, StoreError
from shoal.live import broker
from shoal.live.kafka import KafkaLog


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"events_{uuid4().hex}"
    make_topic(kafka, name, partitions=2)
    return name


def test_every_partition_is_a_log_of_its_own(kafka: str, topic: str) -> None:
    logs = [KafkaLog(kafka, topic, partition) for partition in range(2)]
    assert [log.append([b"one", b"two"][: place + 1]) for place, log in enumerate(logs)] == [1, 2]
    assert [log.read(0) for log in logs] == [[(1, b"one")], [(1, b"one"), (2, b"two")]]
    for log in logs:
        log.close()


def test_a_topic_or_partition_that_is_not_there_is_named(kafka: str, topic: str) -> None:
    for log in (KafkaLog(kafka, f"no_{topic}"), KafkaLog(kafka, topic, 7)):
        with pytest.raises(SettingsError, match=f"{topic}.*no such topic or partition"):
            log.append([b"one"])
        log.close()


def test_a_reader_that_is_further_than_the_topic_is_told(kafka: str, topic: str) -> None:
    log = KafkaLog(kafka, topic)
    log.append([b"one"])
    with pytest.raises(StoreError, match="has the entries 1 to 1 only, but what follows 5 is asked for"):
        log.read(5)
    assert log.read(0) == [(1, b"one")]
    log.close()


def test_an_entry_that_is_too_large_is_refused_before_anything_is_sent(kafka: str, topic: str) -> None:
    log = KafkaLog(kafka, topic)
    with pytest.raises(StorageError, match="Rule: at most 8,388,608"):
        log.append([b"small", bytes(broker.LARGEST + 1)])
    assert log.last() == 0
    log.close()


def test_a_broker_that_is_away_is_an_error_and_no_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(broker.SENDING, "delivery.timeout.ms", 500)
    monkeypatch.setattr("shoal.live.kafka.PATIENCE", 0.5)
    log = KafkaLog("127.0.0.1:9", "events")
    for use in (lambda: log.append([b"one"]), log.last):
        with pytest.raises(StorageError, match="see that the broker runs"):
            use()
    log.close()


def test_a_client_setting_that_does_not_exist_is_named(kafka: str, topic: str) -> None:
    with pytest.raises(SettingsError, match="colour"):
        KafkaLog(kafka, topic, options={"colour": "blue"}).last()
