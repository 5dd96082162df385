"""Signed webhooks of membership changes: every hook has a thread of its own, so that a slow one holds up no other."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from shoal import settings
from shoal.activate.feed import Changes, present
from shoal.activate.post import Poster
from shoal.activate.sender import Hook, Places, Sender
from shoal.errors import Fault, SettingsError, ShoalError

LEAVING = 12.0  # seconds that a request on its way has, when the server stops


@dataclass(frozen=True)
class Standing:
    """How a hook does: changes and seconds behind the feed (None while that cannot be read), failures in a row."""

    hook: str
    where: str
    place: int
    behind: int | None
    lag_s: float | None
    failures: int
    error: str
    disabled: bool


class Webhooks:
    """The webhooks of one workspace.

    Args:
        changes: reads the feed; raises a Transient error while it is not whole, such as while it is built anew.
        places: where each hook stands, kept in the store.
        environment: holds the secrets that the settings name.

    Raises SettingsError when the environment lacks a secret.
    """

    def __init__(
        self,
        hooks: Sequence[settings.Webhook],
        changes: Changes,
        places: Places,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._changes, self._places = _by_one(changes), places
        known = hooks_of(hooks, os.environ if environment is None else environment)
        self._posters = [Poster(hook.url) for hook in known]
        self.senders = [
            Sender(hook, self._changes, places, post) for hook, post in zip(known, self._posters, strict=True)
        ]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begins to send. Hooks that the settings do not name any more are forgotten.

        Raises StorageError when the store is away.
        """
        self._places.keep([sender.hook.id for sender in self.senders])
        for sender in self.senders:
            thread = threading.Thread(target=self._run, args=(sender,), name=f"hook-{sender.hook.id}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, patience: float = LEAVING) -> None:
        """Ends sending; a request on its way has `patience` seconds, and is sent again by the next start after that."""
        self._stop.set()
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))
        for poster in self._posters:
            poster.close()

    def standing(self) -> list[Standing]:
        """How each hook does, for metrics; a feed that is away is no error."""
        return [self._standing(sender) for sender in self.senders]

    def _run(self, sender: Sender) -> None:
        wait = 0.0
        while not self._stop.wait(min(wait, threading.TIMEOUT_MAX)) and not sender.disabled:
            wait = sender.step()

    def _standing(self, sender: Sender) -> Standing:
        behind: int | None = None
        lag: float | None = None
        with suppress(ShoalError):
            behind = max(present(self._changes, sender.place) - sender.place, 0)
            oldest = self._changes(sender.place, 1) if behind else []
            since = datetime.fromisoformat(oldest[0]["at"]).timestamp() if oldest else time.time()
            lag = max(time.time() - since, 0.0)
        hook = sender.hook
        return Standing(hook.id, hook.where, sender.place, behind, lag, sender.failures, sender.error, sender.disabled)


def _by_one(changes: Changes) -> Changes:
    """The feed, read by one thread at a time."""
    lock = threading.Lock()

    def read(after: int, limit: int) -> list[dict[str, Any]]:
        with lock:
            return changes(after, limit)

    return read


def hooks_of(told: Sequence[settings.Webhook], environment: Mapping[str, str]) -> list[Hook]:
    """The receivers that the settings name, with their secrets.

    A hook is known by its address: with other segments it goes on where it was. Two of one address are told apart by
    their order.

    Raises SettingsError with every secret that the environment lacks.

    >>> one = settings.Webhook(url="https://example.com/in", secret="${S}")
    >>> [hook.id for hook in hooks_of([one, one], {"S": "x"})]
    ['fb238bed92db', 'fb238bed92db-2']
    """
    found: list[Hook] = []
    faults: list[Fault] = []
    for place, one in enumerate(told):
        name = re.sub(r"^\$\{|\}$", "", one.secret.strip())
        secret = environment.get(name, "").strip()
        if not secret:
            where = f"tracking.webhooks.{place}.secret"
            faults.append(Fault(settings.FILE, None, where, f"the environment has no {name}", "export it"))
        base = blake2b(one.url.encode(), digest_size=6).hexdigest()
        same = sum(other.url == one.url for other in told[:place])
        segments = frozenset(segment.casefold() for segment in one.segments)
        found.append(Hook(base if not same else f"{base}-{same + 1}", one.url, secret, segments))
    if faults:
        raise SettingsError(faults)
    return found
