"""Where the server's parts are joined: what the HTTP process answers with, what the other processes do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoal import settings
from shoal.errors import ShoalError
from shoal.server.health import App, Watched
from shoal.server.metrics import Numbers, Row
from shoal.store.database import Database

if TYPE_CHECKING:
    from shoal.server.tracking import Tracking

Tell = Callable[[Mapping[str, Any]], None]
READERS = frozenset({"read", "admin"})
LIVE = ("live-0",)


@dataclass(frozen=True)
class Parts:
    """What the HTTP process serves: an application over its log, and what readiness and numbers ask for.

    `may_read` says whether a key's text may read; `stopping` is called when the server stops, so that streams end, and
    `close` when no request is under way any more.
    """

    app: App
    log: Watched
    may_read: Callable[[str], bool]
    state: Callable[[], Mapping[str, Any]] | None = None
    stopping: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None


def check(folder: Path) -> settings.Settings:
    """A workspace's settings, as a server can use them.

    Raises SettingsError, also for what only the environment can tell.
    """
    from shoal.activate.webhook import hooks_of

    known = settings.load(folder)
    hooks_of(known.tracking.webhooks, os.environ)
    return known


def open_parts(folder: Path, numbers: Numbers) -> Parts:
    """The parts of a workspace's HTTP process.

    Raises SettingsError, StoreError, StorageError or Busy when one cannot be had.
    """
    from shoal import living
    from shoal.server.api import api_app
    from shoal.server.tracking import tracking_app
    from shoal.store.keys import Keys

    known = settings.load(folder)
    log = Watched(living.open_log(folder, known), numbers)
    keys = Keys(Database(folder, known.store)).ring()
    view = living.view(folder, known, log)
    api = api_app(view, keys)
    tracking = tracking_app(log, keys, fallback=api)
    numbers.follow(lambda: _counted(tracking))

    def close() -> None:
        view.close()
        log.close()

    return Parts(
        tracking,
        log,
        may_read=lambda key: keys(key) in READERS,
        state=view.status,
        stopping=api.state.streams.close,
        close=close,
    )


def _counted(tracking: Tracking) -> Iterable[Row]:
    counters = tracking.counters
    yield "shoal_events_accepted_total", (), counters.accepted
    yield "shoal_events_rejected_total", (), counters.rejected
    yield "shoal_received_bytes_total", (), counters.received_bytes
    yield "shoal_commits_total", (), counters.groups
    yield "shoal_commits_failed_total", (), counters.failed_groups
    yield "shoal_pending_bytes", (), tracking.receiving + tracking.pending


def work(folder: Path, stop: threading.Event, tell: Tell) -> None:
    """The live worker's work, until `stop` is set."""
    from shoal.living import Living

    living = Living(folder, watch=tell)
    try:
        living.worker.run(stop)
    finally:
        living.close()


def deliver(folder: Path, stop: threading.Event, numbers: Numbers, show: Callable[[], None]) -> None:
    """Sends membership changes to the workspace's webhooks, until `stop` is set; `show` is called now and then."""
    from shoal import living
    from shoal.activate.webhook import Webhooks
    from shoal.store.hooks import Hooks

    known = settings.load(folder)
    view = living.view(folder, known)
    hooks = Webhooks(known.tracking.webhooks, view.changes, Hooks(Database(folder, known.store)))
    hooks.start()
    while not stop.wait(1.0):
        with suppress(ShoalError):  # a state that is being built has no feed yet
            for one in hooks.standing():
                numbers.put("shoal_webhook_lag_seconds", one.lag_s, one.hook)
                numbers.put("shoal_webhook_behind", one.behind, one.hook)
                numbers.put("shoal_webhook_failures", one.failures, one.hook)
                numbers.put("shoal_webhook_disabled", one.disabled, one.hook)
        show()
    hooks.stop(patience=3.0)
    view.close()


def has_keys(folder: Path) -> bool:
    """Whether anybody could send or read anything, as far as can be told."""
    from shoal.store.keys import Keys

    try:
        known = Keys(Database(folder, settings.load(folder).store)).all()
    except ShoalError:
        return True
    return any(key.revoked_at is None for key in known)
