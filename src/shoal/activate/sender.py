"""One webhook's way through the feed: at least once, in order, for ever.

The place in the feed is kept before and after each batch: before, which changes are on their way; after, that they
arrived. So a process that is killed in between sends the very same batch again, by the same delivery id.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from shoal.activate.feed import Changes, present
from shoal.activate.post import Answer, Post
from shoal.activate.sign import sign

log = logging.getLogger("shoal.activate")
BATCH = 100  # changes in one request
SCAN = 1_000  # changes that are looked at for one batch, where only some segments are wanted
SKIPPED = 10_000  # unwanted changes after which the place is kept, so that a restart need not look at them again
IDLE = 0.1  # seconds between two looks at a feed with nothing new
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # seconds after the first failure, and after many
LONGEST_ASKED = 3_600.0  # of a Retry-After
GONE, TOO_LARGE = 410, 413


class Kept(Protocol):
    """Where a hook stands, as it was kept."""

    @property
    def place(self) -> int: ...
    @property
    def sending(self) -> int | None: ...
    @property
    def last_change(self) -> str: ...
    @property
    def disabled_at(self) -> str | None: ...


class Places(Protocol):
    """Where hooks stand, kept so that a crash loses nothing (`store.hooks.Hooks`)."""

    def get(self, hook: str) -> Kept | None:
        """Where a hook stands, None for a new one."""
        ...

    def put(self, hook: str, *, place: int, sending: int | None, last_change: str) -> None:
        """Keeps it; on disk when it returns."""
        ...

    def disable(self, hook: str, *, where: str) -> None:
        """Ends a hook, with a line in the audit log."""
        ...

    def keep(self, hooks: Collection[str]) -> None:
        """Forgets all others."""
        ...


@dataclass(frozen=True)
class Hook:
    """A receiver: `segments` are the only ones it wants, all when there are none."""

    id: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    segments: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """The receiver's host, for logs: an address may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    def wants(self, change: dict[str, Any]) -> bool:
        """Whether this change is for it."""
        return not self.segments or change["segment"].casefold() in self.segments


@dataclass(frozen=True)
class Batch:
    """Changes on their way: those wanted of all up to position `to`, whose id is `last_change`."""

    changes: list[dict[str, Any]]
    to: int
    last_change: str


class Sender:
    """Sends one hook its changes, a batch a step."""

    def __init__(self, hook: Hook, changes: Changes, places: Places, post: Post) -> None:
        self.hook, self._changes, self._places, self._post = hook, changes, places, post
        self.place, self.failures, self.disabled, self.error = 0, 0, False, ""
        self._last_change, self._kept = "", 0
        self._most = BATCH
        self._batch: Batch | None = None
        self._begun = self._arrived = False

    def step(self) -> float:
        """Sends what there is, once, and gives the seconds until the next step: infinite for a hook that ended."""
        try:
            self._begun = self._begun or self._begin()
            if self.disabled:
                return math.inf
            if self._arrived:  # the receiver has it, but the store did not take the new place yet
                return self._keep_arrival()
            batch = self._batch or self._next()
            if batch is None:
                return IDLE
            self._batch = batch
            return self._send(batch) if batch.changes else self._skip(batch)
        except Exception as error:  # noqa: BLE001 - the store or the feed is away: a hook that gave up would lose changes
            return self._fail(type(error).__name__, None)

    def _begin(self) -> bool:
        kept = self._places.get(self.hook.id)
        if kept is None:
            self.place = present(self._changes)
            newest = self._changes(self.place - 1, 1) if self.place else []
            self._last_change = newest[0]["id"] if newest else ""
            self._put(None)
            return True
        self.place, self._last_change = kept.place, kept.last_change
        self.disabled = kept.disabled_at is not None
        self._kept = self.place
        if kept.sending is not None and not self.disabled:
            found = self._read(kept.sending - kept.place)
            wanted = [one for one in found if self.hook.wants(one)]
            if wanted:
                self._batch = Batch(wanted, found[-1]["position"], found[-1]["id"])
        return True

    def _next(self) -> Batch | None:
        found = self._read(SCAN)
        if not found:
            return None
        wanted = [one for one in found if self.hook.wants(one)][: self._most]
        last = wanted[-1] if len(wanted) == self._most else found[-1]
        batch = Batch(wanted, last["position"], last["id"])
        if wanted:
            self._put(batch.to)
        return batch

    def _read(self, most: int) -> list[dict[str, Any]]:
        """What follows the place. The feed is asked for the last change too, to see that it is the feed it was."""
        if self.place == 0:
            return self._changes(0, most)
        found = self._changes(self.place - 1, most + 1)
        if found and (found[0]["position"], found[0]["id"]) == (self.place, self._last_change):
            return found[1:]
        self._find()
        return self._changes(self.place, most)

    def _find(self) -> None:
        """The place in a feed that was built anew: after the last change, else the beginning: nothing may be lost."""
        log.warning("webhook %s: the feed was built anew, looking for the last change", self.hook.id)
        after, found = 0, self._changes(0, SCAN)
        while found and not any(one["id"] == self._last_change for one in found):
            after = found[-1]["position"]
            found = self._changes(after, SCAN)
        self.place = next((one["position"] for one in found if one["id"] == self._last_change), 0)
        self._last_change = self._last_change if self.place else ""

    def _skip(self, batch: Batch) -> float:
        self.place, self._last_change, self._batch = batch.to, batch.last_change, None
        if self.place - self._kept >= SKIPPED:
            self._put(None)
        return 0.0

    def _send(self, batch: Batch) -> float:
        identity = delivery_id(self.hook.id, batch.changes)
        told = {"delivery": identity, "changes": batch.changes}
        body = msgspec.json.encode(told, enc_hook=str)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shoal-Webhook/1",
            "Shoal-Delivery": identity,
            "Shoal-Signature": sign(self.hook.secret, body, int(time.time())),
        }
        answer = self._post(self.hook.url, body, headers)
        if answer.took:
            self._arrived = True
            return self._keep_arrival()
        if answer.status == GONE:
            self._places.disable(self.hook.id, where=self.hook.where)
            self.disabled, self.error = True, "410 Gone"
            log.warning("webhook %s to %s: disabled, the receiver answered 410", self.hook.id, self.hook.where)
            return math.inf
        if answer.status == TOO_LARGE and len(batch.changes) > 1:
            self._most, self._batch = max(len(batch.changes) // 2, 1), None
        return self._refused(answer)

    def _keep_arrival(self) -> float:
        if self._batch is not None:
            self.place, self._last_change = self._batch.to, self._batch.last_change
            self._batch = None
        self._put(None)
        self._arrived, self.failures, self.error = False, 0, ""
        return 0.0

    def _put(self, sending: int | None) -> None:
        self._places.put(self.hook.id, place=self.place, sending=sending, last_change=self._last_change)
        self._kept = self.place

    def _refused(self, answer: Answer) -> float:
        return self._fail(" ".join(str(part) for part in (answer.status or "", answer.said) if part), answer.wait)

    def _fail(self, why: str, asked: float | None) -> float:
        self.failures += 1
        self.error = why
        wait = min(FIRST_WAIT * 2.0 ** min(self.failures - 1, 20), LONGEST_WAIT) * random.uniform(0.5, 1.0)
        if asked is not None:
            wait = max(wait, min(asked, LONGEST_ASKED) * random.uniform(1.0, 1.1))
        log.warning("webhook %s to %s: %s, again in %.1f s", self.hook.id, self.hook.where, why, wait)
        return wait


def delivery_id(hook: str, changes: list[dict[str, Any]]) -> str:
    """The id of a batch: the same changes to the same hook have the same, whenever and however often they are sent.

    >>> delivery_id("a", [{"id": "1"}]) == delivery_id("a", [{"id": "1"}]) != delivery_id("a", [{"id": "2"}])
    True
    """
    return blake2b("\n".join([hook, *(one["id"] for one in changes)]).encode(), digest_size=16).hexdigest()
