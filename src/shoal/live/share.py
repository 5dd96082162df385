"""Which partitions of the event log this process works on, where several share them: a consumer group of Kafka's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shoal.live.broker import READING, common, meaning, told

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

BELONGING = {  # whoever is silent for ten seconds has lost its share
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 1_000,
    "partition.assignment.strategy": "range",
}


class Share:
    """This process's share of a topic's partitions: every partition belongs to one member of a consumer group.

    `gained` and `lost` are called with partitions, from within `poll` and `close`. When members come or go, all of them
    lose what they had and then gain their new share. A partition is given to another member only after `lost` has
    returned: whoever works on it must have stopped by then. Nothing is committed to the
    group; how far a partition has been read is in the state that was made of it.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        gained: Callable[[frozenset[int]], None],
        lost: Callable[[frozenset[int]], None],
        group: str = "shoal",
        options: Mapping[str, str] | None = None,
    ) -> None:
        settings = common(servers, options or {})
        from confluent_kafka import Consumer

        self.owned: frozenset[int] = frozenset()
        self._gained, self._lost = gained, lost
        self._where = f"kafka://{servers}/{topic}, group {group}"
        settings |= {**READING, **BELONGING, "auto.offset.reset": "latest", "group.id": group}
        with told(self._where):
            self._consumer = Consumer(settings)
            self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def poll(self, seconds: float) -> frozenset[int]:
        """Takes part in the group for up to `seconds`, and returns the partitions that are owned now.

        It must be called at least once in five minutes, or the group gives this share away.
        """
        with told(self._where):
            message = self._consumer.poll(seconds)
            error = message.error() if message else None
            if error is not None and not error.retriable():
                raise meaning(self._where, error.name(), error.str())
        return self.owned

    def close(self) -> None:
        """Gives the share back to the others, after `lost`."""
        self._consumer.close()

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        consumer.assign(places)
        consumer.pause(places)  # entries are read by KafkaLog, from where the state left off
        self.owned |= (new := frozenset(place.partition for place in places))
        self._gained(new)

    def _revoked(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self.owned -= (old := frozenset(place.partition for place in places))
        self._lost(old)
