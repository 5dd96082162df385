"""Where the server's parts are joined: what the HTTP process answers with, what the live worker and the webhooks do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal import settings
from shoal.live.counters import Counters
from shoal.server.health import App, Watched
from shoal.server.metrics import Numbers, Row

Tell = Callable[[Mapping[str, Any]], None]
WORKER, HOOKS = "live", "webhooks"


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
    """The parts of a workspace's HTTP process."""
    from shoal import living
    from shoal.server.api import api_app
    from shoal.server.tracking import tracking_app
    from shoal.store.keys import KeyRing
    from shoal.workspace import Workspace

    told = settings.load(folder)
    log = living.open_log(folder, told)
    watched = Watched(log, numbers)
    ring = KeyRing(Workspace(folder).keys.all)
    ring.load()
    view = living.view(folder, told, log)
    api = api_app(view, ring)
    counters = Counters()
    numbers.follow(lambda: rows_of(counters))
    app = tracking_app(watched, ring, fallback=api, counters=counters)

    def close() -> None:
        view.close()
        watched.close()

    return Parts(app, watched, lambda key: ring(key) in ("read", "admin"), view.status, api.state.streams.close, close)


def rows_of(counters: Counters) -> list[Row]:
    """What the tracking API counted, as rows of `Numbers`."""
    plain = {
        "shoal_events_accepted_total": counters.accepted,
        "shoal_events_rejected_total": counters.rejected,
        "shoal_commits_total": counters.groups,
        "shoal_commits_failed_total": counters.failed_groups,
        "shoal_received_bytes_total": counters.received_bytes,
    }
    waits = counters.waits
    rows: list[Row] = [(name, (), value) for name, value in plain.items()]
    return [*rows, ("shoal_ack_seconds", (), [*waits.counts, waits.sum])]


def live_names(folder: Path) -> list[str]:
    """The live workers of a workspace."""
    del folder
    return [WORKER]


def hook_names(folder: Path) -> list[str]:
    """The process that delivers webhooks, where the settings name any."""
    return [HOOKS] if settings.load(folder).tracking.webhooks else []


def check(folder: Path) -> None:
    """Raises what is wrong with a workspace's definitions."""
    from shoal import living

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
    from shoal.store.database import Database
    from shoal.store.hooks import Hooks

    told = settings.load(folder)
    view = living.view(folder, told)
    hooks = Webhooks(told.tracking.webhooks, view.changes, Hooks(Database(folder, told.store)))
    hooks.start()
    try:
        while not stop.wait(1.0):
            tell({"hooks": [(one.where, one.lag_s) for one in hooks.standing() if one.lag_s is not None]})
    finally:
        hooks.stop()
        view.close()


def has_keys(folder: Path) -> bool:
    """Whether anybody could send or read anything."""
    from shoal.workspace import Workspace

    return any(not key.revoked_at for key in Workspace(folder).keys.all())
