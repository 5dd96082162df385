"""How Kafka's client is set up, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shoal.errors import Fault, SettingsError, StorageError

PATIENCE = 10.0  # seconds that a call waits for the broker
LARGEST = 8 << 20  # bytes of one entry
REACH = "Remedy: see that the broker runs and can be reached from here"
SENDING = {  # what makes an acknowledged entry one that stays, once and in order
    "acks": "all",
    "enable.idempotence": True,
    "delivery.timeout.ms": 10_000,
    "message.max.bytes": LARGEST + 4096,
    "linger.ms": 5,  # until `flush`, which sends at once: so an append is one batch
    "compression.type": "lz4",
}
READING = {
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "fetch.message.max.bytes": LARGEST + 4096,
    "fetch.wait.max.ms": 50,
}


def common(servers: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The settings that every client has.

    Raises SettingsError where the library is missing, or `options` would change what Shoal sets.
    """
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        raise fault("Kafka's client is not installed", "pip install 'shoal[kafka]'") from None
    ours = ({*SENDING, *READING} | {"bootstrap.servers", "group.id"}) & {*options}
    if ours:
        raise fault(f"{', '.join(sorted(ours))}: set by Shoal itself", "take it out of the address")
    quiet = {"log_level": 2, "error_cb": lambda _error: None}  # every call tells its own errors
    return {"bootstrap.servers": servers, "allow.auto.create.topics": False, **quiet, **options}


def partitions(servers: str, topic: str, options: Mapping[str, str] | None = None) -> int:
    """How many partitions a topic has.

    Raises StorageError when no broker can be reached, SettingsError for a topic that is not there.
    """
    settings = common(servers, options or {})
    from confluent_kafka.admin import AdminClient

    where = f"kafka://{servers}/{topic}"
    with told(where):
        found = AdminClient(settings).list_topics(topic, timeout=PATIENCE).topics[topic]
    if found.error is not None or not found.partitions:
        raise meaning(where, "_UNKNOWN_TOPIC", "")
    return len(found.partitions)


@contextmanager
def told(where: str) -> Iterator[None]:
    """Kafka's refusals as what they mean to the user."""
    from confluent_kafka import KafkaException

    try:
        yield
    except KafkaException as failure:
        error = failure.args[0]
        raise meaning(where, error.name(), error.str()) from failure


def meaning(where: str, name: str, said: str) -> SettingsError | StorageError:
    """The error that a client's error code stands for.

    >>> print(meaning("kafka://host/events", "_TRANSPORT", "Connection refused"))
    kafka://host/events: Connection refused. Remedy: see that the broker runs and can be reached from here
    """
    if name in ("_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "UNKNOWN_TOPIC_OR_PART"):
        what = f"{where}: no such topic or partition"
        return fault(what, "make it, with as many partitions as you want workers")
    if name == "_INVALID_ARG":
        return fault(f"{where}: {said}", "mend the address")
    if name == "MSG_SIZE_TOO_LARGE":
        remedy = f"set the topic's max.message.bytes to {LARGEST}"
        return StorageError(f"{where}: the broker takes no entry of this size. Remedy: {remedy}")
    return StorageError(f"{where}: {said}. {REACH}")


def fault(what: str, remedy: str) -> SettingsError:
    """A fault of `tracking.log`."""
    return SettingsError([Fault("shoal.yaml", None, "tracking.log", what, remedy)])
