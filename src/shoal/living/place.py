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


def guards(told: Settings) -> Guards:
    """When an identifier joins nobody."""
    return Guards(told.unify.max_shared, told.unify.max_users)
