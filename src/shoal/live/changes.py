"""The feed of membership changes: who entered or left which segment version, when and why, in one order."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

import msgspec

from shoal import tables
from shoal.live.state import Txn, position_key

Cause = Literal["event", "time", "rule", "merge"]
KEPT = 5_000_000  # changes that the feed holds, the newest


_encode = msgspec.json.Encoder().encode


class Change(msgspec.Struct, frozen=True, gc=False):
    """One person entered or left one segment version.

    `id` is the same whenever the same change is computed again: of cause, person, version and direction.
    """

    position: int
    id: str
    change: Literal["entered", "left"]
    segment: str
    version: int
    status: str
    profile_id: str
    at: str
    why: dict[str, Any]


def why(cause: Cause, event: str | None = None, offset: int | None = None) -> dict[str, Any]:
    """The reason of a change: an event and where in the log it stands, time, a rule, or people that became one."""
    return {"cause": cause, "event": event, "offset": offset}


def identity(cause: Cause, instant: int, person: int, segment: str, change: str, again: int = 0) -> str:
    """A change's id.

    Args:
        instant: offset in the log of what caused it, or the microsecond at which time did.
        segment: name and version, `NAME@2`.
        again: where an instant may come more than once: how often the clock had gone back, or which definition it was.

    >>> identity("event", 7, 1, "VIP@1", "entered") == identity("event", 7, 1, "VIP@1", "entered")
    True
    """
    said = f"{cause}:{instant}:{tables.profile_id(person)}:{segment}:{change}" + (f":{again}" if again else "")
    return blake2b(said.encode(), digest_size=16).hexdigest()


class Feed:
    """The feed in one transaction; positions have no gaps."""

    def __init__(self, txn: Txn) -> None:
        self._txn = txn
        self.position: int = txn.meta("position", 0)
        self._new: list[tuple[bytes, bytes]] = []

    def add(self, **told: Any) -> None:
        """Appends a change."""
        self.position += 1
        change = Change(position=self.position, **told)
        self._new.append((position_key(self.position), _encode(change)))

    def close(self) -> None:
        """Keeps what was added, and the last position; the oldest are forgotten."""
        if not self._new:
            return
        self._txn.put_all("changes", self._new)
        self._txn.set_meta("position", self.position)
        for old in range(max(self.position - KEPT - len(self._new), 0), max(self.position - KEPT, 0)):
            self._txn.delete("changes", position_key(old + 1))


def read(txn: Txn, after: int, limit: int) -> list[dict[str, Any]]:
    """At most `limit` changes that follow a position, in order."""
    cursor, found = txn.cursor("changes"), []
    if cursor.set_range(position_key(after + 1)):
        for _, value in cursor:
            found.append(msgspec.json.decode(value))
            if len(found) >= limit:
                break
    return found
