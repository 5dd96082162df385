"""Where the server's parts are joined: what the HTTP process answers with, what the live worker and the webhooks do."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoal import settings
from shoal.errors import ShoalError, StorageError
from shoal.server.health import App, Watched
from shoal.server.metrics import Numbers, Row
from shoal.store.database import Database

if TYPE_CHECKING:
    from shoal.server.tracking import Tracking

Tell = Callable[[Mapping[str, Any]], None]
WORKER, HOOKS = "live", "webhooks"
READERS = frozenset({"read", "admin"})
LEAVING = 3.0  # seconds that a webhook's request on its way has; it is sent again by the next server after that


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


def open_parts(folder: Path, numbers: Numbers) -> Parts:
    """The parts of a workspace's HTTP process.

    Raises SettingsError, StoreError, StorageError or Busy when one cannot be had.
    """
    from shoal import living
    from shoal.server.api import api_app
    from shoal.server.tracking import tracking_app
    from shoal.store.keys import Keys

    told = settings.load(folder)
    log = living.open_log(folder, told)
    watched = Watched(log, numbers)
    ring = Keys(Database(folder, told.store)).ring()
    ring.load()
    view = living.view(folder, told, log)
    public = told.tracking.public_segments
    api = api_app(view, ring, public_segments=public)
    app = tracking_app(watched, ring, fallback=api)
    numbers.follow(lambda: _rows(app))

    def close() -> None:
        view.close()
        watched.close()

    return Parts(app, watched, lambda key: ring(key) in READERS, view.status, api.state.streams.close, close)


def _rows(app: Tracking) -> Iterable[Row]:
    """What the tracking API counted; its answers are counted and timed by `Front`, with all others."""
    counters = app.counters
    yield "shoal_events_accepted_total", (), counters.accepted
    yield "shoal_events_rejected_total", (), counters.rejected
    yield "shoal_received_bytes_total", (), counters.received_bytes
    yield "shoal_commits_total", (), counters.groups
    yield "shoal_commits_failed_total", (), counters.failed_groups
    yield "shoal_pending_bytes", (), app.receiving + app.pending


def check(folder: Path) -> settings.Settings:
    """A workspace's settings, when a server can use them.

    Raises SettingsError with what is wrong, also with what only the environment can tell.
    """
    from shoal.activate.webhook import hooks_of

    known = settings.load(folder)
    hooks_of(known.tracking.webhooks, os.environ)
    return known


def check_definitions(folder: Path) -> None:
    """Raises what is wrong with a workspace's definitions; takes a second, which the children need to start as well."""
    from shoal import living

    with suppress(StorageError):  # a log that is away may come back: events are refused until then
        living.check_partitions(settings.load(folder))
    living.check(folder)


def work(folder: Path, stop: threading.Event, tell: Tell) -> None:
    """The live worker's work, until `stop` is set."""
    from shoal import living

    live = living.Living(folder, tell=lambda what, _: logging.getLogger(__name__).warning(what), watch=tell)
    try:
        live.worker.run(stop)
    finally:
        live.close()


def deliver(folder: Path, stop: threading.Event, tell: Tell) -> None:
    """Sends membership changes to the workspace's webhooks, until `stop` is set."""
    from shoal import living
    from shoal.activate.webhook import Webhooks
    from shoal.store.hooks import Hooks

    told = settings.load(folder)
    view = living.view(folder, told)
    hooks = Webhooks(told.tracking.webhooks, view.changes, Hooks(Database(folder, told.store)))
    hooks.start()
    try:
        while not stop.wait(1.0):
            with suppress(ShoalError):  # a state that is being built has no feed
                tell({"hooks": [vars(one) for one in hooks.standing()]})
    finally:
        hooks.stop(LEAVING)
        view.close()


def has_keys(folder: Path) -> bool:
    """Whether anybody could send or read anything, as far as can be told."""
    from shoal.store.keys import Keys

    try:
        known = Keys(Database(folder, settings.load(folder).store)).all()
    except ShoalError:
        return True
    return any(key.revoked_at is None for key in known)
