"""The event log in Kafka, or whatever speaks its protocol: one partition of a topic is one log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from shoal.errors import StorageError, StoreError
from shoal.live.broker import LARGEST, PATIENCE, REACH, READING, SENDING, common, meaning, told

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

BATCH = 32 << 20  # bytes after which one read ends, so that a reader's memory is bounded
CHUNK = 500  # entries taken from the client at once
DOUBT = 0.5  # seconds that a log is given which seems to end before what has been read of it


class KafkaLog:
    """One partition of a topic as an event log: the offset of an entry is Kafka's and one, so that 0 is before all.

    `servers` are hosts and ports, separated by commas; `options` further settings of librdkafka, such as those of
    SASL and TLS. The topic must be there. Nothing is connected before the first call.
    """

    def __init__(self, servers: str, topic: str, partition: int = 0, options: Mapping[str, str] | None = None) -> None:
        self._common = common(servers, options or {})
        self._topic, self._partition = topic, partition
        self._where = f"kafka://{servers}/{topic}, partition {partition}"
        self._producer: Producer | None = None
        self._tail: _Tail | None = None
        self._appended = 0
        self._writing, self._reading = Lock(), Lock()

    def append(self, entries: Sequence[bytes]) -> int:
        """Sends entries in order, waits until all in-sync replicas have all of them, returns the offset of the last.

        Entries of up to 1 MB in all are one record batch, which Kafka keeps whole or not at all. Raises StorageError
        when the broker refuses a batch or does not answer in time. Kafka takes nothing back: what it has may be in the
        log then, and is there twice when it is sent again.
        """
        if not entries:
            return self.last()
        if (largest := max(map(len, entries))) > LARGEST:
            raise StorageError(
                f"{self._where}: an entry of {largest:,} bytes. Rule: at most {LARGEST:,}. Remedy: send smaller batches"
            )
        with self._writing, told(self._where):
            self._appended = self._sent(entries)
            return self._appended

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """Offset and entry of at most `most` entries that follow `after`, in order; none only where there are none.

        Raises StoreError when entries after `after` have been deleted from the topic, or it has never got that far.
        """
        if most < 1:
            return []
        with self._reading, told(self._where):
            tail = self._opened()
            tail.go(after)
            first, last = self._ends(tail)
            if after > last:
                time.sleep(DOUBT)
                first, last = self._ends(tail)
            if not first <= after <= last:
                raise _lost(self._where, after, first, last)
            return tail.take(min(after + most, last))

    def last(self) -> int:
        """The offset of the last entry, 0 where there is none."""
        with self._reading, told(self._where):
            return self._ends(self._opened())[1]

    def close(self) -> None:
        """Ends the connections; the log may be used again, which opens them anew."""
        with self._writing, self._reading:
            if self._tail is not None:
                self._tail.close()
            self._producer = self._tail = None

    def _sent(self, entries: Sequence[bytes]) -> int:
        from confluent_kafka import Producer

        if self._producer is None:
            self._producer = self._connected(Producer({**self._common, **SENDING}))
        producer, outcome = self._producer, _Outcome()
        try:
            for entry in entries:
                self._produce(producer, entry, outcome)
            producer.flush(2 * PATIENCE)
            outcome.check(len(entries), self._where)
        except BaseException:
            # An idempotent producer that has failed once may refuse whatever follows.
            producer.purge()
            self._producer = None
            raise
        return outcome.last

    def _connected(self, producer: Producer) -> Producer:
        """A producer that has seen the partition: what is sent to one that is not there would only time out."""
        found = producer.list_topics(self._topic, timeout=PATIENCE).topics[self._topic]
        if found.error is not None or self._partition not in found.partitions:
            raise meaning(self._where, "_UNKNOWN_PARTITION", "")
        return producer

    def _produce(self, producer: Producer, entry: bytes, outcome: _Outcome) -> None:
        while True:
            try:
                return producer.produce(self._topic, entry, partition=self._partition, on_delivery=outcome.hear)
            except BufferError:  # more than the client holds at once
                producer.poll(0.1)

    def _opened(self) -> _Tail:
        from confluent_kafka import Consumer, TopicPartition

        if self._tail is None:
            # Who waits for entries hears nothing else meanwhile: a second client asks where the log ends.
            settings = {**self._common, **READING, "group.id": "shoal-reader"}
            place = TopicPartition(self._topic, self._partition)
            self._tail = _Tail(Consumer(settings), Consumer(settings), place, self._where)
        return self._tail

    def _ends(self, tail: _Tail) -> tuple[int, int]:
        first, last = tail.ends()
        return first, max(last, self._appended)


class _Outcome:
    """What the broker said of the entries of one append."""

    def __init__(self) -> None:
        self.heard, self.last = 0, 0
        self.error: KafkaError | None = None

    def hear(self, error: KafkaError | None, message: Message) -> None:
        self.heard += 1
        if error is not None:
            self.error = self.error or error
        else:
            self.last = max(self.last, (message.offset() or 0) + 1)

    def check(self, count: int, where: str) -> None:
        """Raises StorageError or SettingsError unless all of `count` entries are in the log."""
        if self.error is not None:
            raise meaning(where, self.error.name(), self.error.str())
        if self.heard < count:
            raise StorageError(f"{where}: no answer in time. {REACH}")


class _Tail:
    """A consumer of one partition that knows how far it has read, and another that asks where it ends."""

    def __init__(self, consumer: Consumer, asks: Consumer, place: TopicPartition, where: str) -> None:
        self.consumer, self.asks, self.place, self.where = consumer, asks, place, where
        self.reached: int | None = None

    def close(self) -> None:
        self.consumer.close()
        self.asks.close()

    def go(self, after: int) -> None:
        """Reads on after an offset."""
        if self.reached != after:
            self.place.offset = after
            self.consumer.assign([self.place])
            self.reached = after

    def ends(self) -> tuple[int, int]:
        """The offset before the first entry that is kept, and that of the last."""
        # Tansu answers the question where a partition ends without its last batch, but tells it with what it sends.
        first, last = self.asks.get_watermark_offsets(self.place, timeout=PATIENCE)
        if self.reached is None:
            return first, last
        return first, max(last, self.consumer.get_watermark_offsets(self.place, cached=True)[1])

    def take(self, until: int) -> list[tuple[int, bytes]]:
        """The entries up to an offset; fewer once they are BATCH bytes."""
        assert self.reached is not None
        reached, size = self.reached, 0
        self.reached = None  # unknown, should anything below fail
        found: list[tuple[int, bytes]] = []
        while reached < until and size < BATCH:
            taken = self.consumer.consume(min(until - reached, CHUNK), timeout=PATIENCE)
            if not taken:
                raise StorageError(f"{self.where}: entry {reached + 1} did not come in time. {REACH}")
            for message in taken:
                found.append(_entry(message))
                reached, size = found[-1][0], size + len(found[-1][1])
        self.reached = reached
        return found


def _entry(message: Message) -> tuple[int, bytes]:
    from confluent_kafka import KafkaException

    if message.error() is not None:
        raise KafkaException(message.error())
    value, offset = message.value(), message.offset()
    assert offset is not None
    return offset + 1, value if isinstance(value, bytes) else b""


def _lost(where: str, after: int, first: int, last: int) -> StoreError:
    what = f"has the entries {first + 1} to {last} only, but what follows {after} is asked for"
    remedy = (
        "set the topic's retention.ms and retention.bytes to -1; what is gone can only come from a copy"
        if after < first
        else "it is another topic, or its broker lost its data: name the right one, or delete .shoal/live"
    )
    return StoreError(f"{where}: {what}. Rule: a log is complete and never gets shorter. Remedy: {remedy}")
