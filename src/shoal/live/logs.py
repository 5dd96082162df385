"""The event log that a workspace's settings name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from shoal.errors import SourceError, suggest
from shoal.live.broker import fault
from shoal.live.log import Log
from shoal.store.query import expand, shown

FILE = "log.db"
_KAFKA = re.compile(r"kafka://(?:([^:@/]*):([^@/]*)@)?([^/?@]+)/([A-Za-z0-9._-]{1,249})(?:\?(.*))?")


class Topic(NamedTuple):
    """Where a Kafka log is."""

    servers: str
    name: str
    options: dict[str, str]


def open_log(folder: Path, url: str | None, partition: int = 0) -> Log:
    """The event log of the workspace in `folder`: its own file, or what `url` (`tracking.log`) names.

    Raises SettingsError for a URL that names no log, a variable that is not set or a driver that is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = open_log(Path(folder), None)
    ...     log.append([b"{}"])
    ...     log.close()
    1
    """
    if url is None:
        from shoal.store.log import SqliteLog

        return SqliteLog(folder / ".shoal" / FILE)
    if _scheme(url) == "kafka":
        from shoal.live.kafka import KafkaLog

        topic = topic_of(url)
        return KafkaLog(topic.servers, topic.name, partition, topic.options)
    try:
        from shoal.store.log_postgres import PostgresLog

        return PostgresLog(url)
    except ImportError:
        raise fault("Postgres's driver is not installed", "pip install 'shoal[postgres]'") from None
    except SourceError as error:
        raise fault(str(error).removeprefix("url: "), "") from None


@contextmanager
def opened(folder: Path, url: str | None) -> Iterator[list[Log]]:
    """Every partition's log of a workspace, closed when the block ends."""
    logs = [open_log(folder, url, partition) for partition in range(partitions(url))]
    try:
        yield logs
    finally:
        for log in logs:
            log.close()


def partitions(url: str | None) -> int:
    """How many partitions, and so logs, there are: one, but for Kafka."""
    if url is None or _scheme(url) != "kafka":
        return 1
    from shoal.live import broker

    topic = topic_of(url)
    return broker.partitions(topic.servers, topic.name, topic.options)


def topic_of(url: str) -> Topic:
    """A Kafka URL's servers, topic and client settings.

    >>> topic_of("kafka://ann:secret@one:9092,two:9092/events?security.protocol=SASL_SSL&sasl.mechanism=PLAIN").name
    'events'
    """
    try:
        found = _KAFKA.fullmatch(expand(url, os.environ))
    except SourceError as error:
        raise fault(str(error).removeprefix("url: "), "") from None
    if found is None:
        raise fault(f"{shown(url)} names no topic", f"write it like {_LIKE[-1]}")
    user, password, servers, name, query = found.groups()
    options = dict(parse_qsl(query or ""))
    if user:
        options |= {"sasl.username": unquote(user), "sasl.password": unquote(password)}
    return Topic(servers, name, options)


def _scheme(url: str) -> str:
    scheme = url.partition("://")[0].partition("+")[0]
    if "://" not in url or scheme not in ("postgresql", "kafka"):
        near = suggest(scheme, ["postgresql", "kafka"]) if "://" in url else ""
        raise fault(
            f"{shown(url)} names no event log.{near}",
            f"write it like {' or '.join(_LIKE)}, or leave it out for a file in .shoal",
        )
    return scheme


_LIKE = ("postgresql://me:${PASSWORD}@host/database", "kafka://host:9092/topic")
