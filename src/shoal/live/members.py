"""Lists of members, in the order of their profile ids."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shoal.errors import UsageError
from shoal.live.state import Txn, member_key, person_of
from shoal.live.write import entered

PROFILE = re.compile(r"p[0-9a-f]{16}")


def page(txn: Txn, code: int, after: str | None, limit: int) -> list[tuple[int, int]]:
    """At most `limit` members (person, instant of entry) of a segment after a profile id.

    Raises UsageError when `after` is no profile id.
    """
    start = b""
    if after is not None:
        if not PROFILE.fullmatch(after):
            raise UsageError(f"'{after}' is no profile id. Remedy: take `next` of the page before")
        start = bytes.fromhex(after[1:]) + b"\x00"
    found = []
    for person, since in walk(txn, code, start):
        found.append((person, since))
        if len(found) >= limit:
            break
    return found


def walk(txn: Txn, code: int, start: bytes = b"") -> Iterator[tuple[int, int]]:
    """Members of a segment and their instants of entry, from a person's key on."""
    prefix = member_key(code, 0)[:4]
    cursor = txn.cursor("members")
    if not cursor.set_range(prefix + start):
        return
    for key, value in cursor:
        if bytes(key[:4]) != prefix:
            return
        yield person_of(bytes(key)), entered(bytes(value))
