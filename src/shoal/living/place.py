"""Where a workspace's live side lies: its state, its log; and what stands over both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shoal.live.identity import Guards
from shoal.live.log import Log
from shoal.settings import Settings

Tell = Callable[[str, float | None], None]


def silent(_what: str, _done: float | None = None) -> None:
    """Says nothing."""


def home(folder: Path) -> Path:
    """Where the live state of a workspace lies."""
    return folder / ".shoal" / "live"


def open_log(folder: Path, told: Settings) -> Log:
    """The log of a workspace."""
    from shoal.live.logs import open_log as opened

    return opened(folder, told.tracking.log)


def check_partitions(told: Settings) -> None:
    """Raises SettingsError where the log has several partitions: one worker advances one state by one of them.

    Raises StorageError where the log is Kafka's and no broker can be reached.
    """
    from shoal.live.broker import fault
    from shoal.live.logs import partitions, topic_of

    url = told.tracking.log
    if url is None or (count := partitions(url)) == 1:
        return
    name = topic_of(url).name
    raise fault(
        f"the topic '{name}' has {count} partitions. Rule: what is served has a topic of one partition, "
        "as one live worker reads all of it in its order",
        "make a topic with one partition and name that",
    )


def guards(told: Settings) -> Guards:
    """When an identifier joins nobody."""
    return Guards(told.unify.max_shared, told.unify.max_users)
