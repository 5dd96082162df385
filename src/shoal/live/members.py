"""Lists of members, in the order of their profile ids."""

from __future__ import annotations

from collections.abc import Iterator

from shoal.errors import UsageError
from shoal.live.state import Txn, member_key, person_of
from shoal.live.write import entered


def page(txn: Txn, code: int, after: str | None, limit: int) -> list[tuple[int, int]]:
    """At most `limit` members (person, instant of entry) of a segment after a profile id.

    Raises UsageError when `after` is no profile id.
    """
    prefix = member_key(code, 0)[:4]
    start = prefix
    if after is not None:
        try:
            start = prefix + bytes.fromhex(after.removeprefix("p")) + b"\x00"
        except ValueError:
            raise UsageError(f"'{after}' is no profile id. Remedy: take `next` of the page before") from None
    found = []
    for person, since in walk(txn, prefix, start):
        found.append((person, since))
        if len(found) >= limit:
            break
    return found


def walk(txn: Txn, prefix: bytes, start: bytes) -> Iterator[tuple[int, int]]:
    """Members from a key on, as long as the segment is the same."""
    cursor = txn.cursor("members")
    if not cursor.set_range(start):
        return
    for key, value in cursor:
        if bytes(key[:4]) != prefix:
            return
        yield person_of(bytes(key)), entered(bytes(value))
