"""How appended entries lie in a row of the event log: one row, one blob, one checksum for many entries.

A body is the entries' lengths, four bytes each, and then the entries themselves, end to end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from shoal.errors import StoreError

PIECE = 8 << 20  # bytes of entries after which a further row begins, so that reading one stays cheap
BATCH = 32 << 20  # bytes of bodies after which one read ends, so that a reader's memory is bounded


class Row(NamedTuple):
    """One row: the offsets of its first and last entry, its body's checksum, its body."""

    last: int
    first: int
    crc: int
    body: bytes


def pack(entries: Sequence[bytes]) -> bytes:
    """The body of a row.

    >>> pack([b"a", b"bc"])
    b'\\x01\\x00\\x00\\x00\\x02\\x00\\x00\\x00abc'
    """
    return b"".join((struct.pack(f"<{len(entries)}I", *map(len, entries)), *entries))


def rows(entries: Sequence[bytes], after: int, piece: int = PIECE) -> Iterator[Row]:
    """The rows that keep entries at the offsets that follow `after`.

    >>> [(row.first, row.last) for row in rows([b"a" * 5, b"b" * 5, b"c" * 5], after=10, piece=9)]
    [(11, 12), (13, 13)]
    """
    start, size = 0, 0
    for place, entry in enumerate(entries, 1):
        size += len(entry)
        if size > piece or place == len(entries):
            body = pack(entries[start:place])
            yield Row(after + place, after + start + 1, crc32(body), body)
            start, size = place, 0


def unpack(row: Row, after: int, most: int, where: str) -> list[tuple[int, bytes]]:
    """Offset and entry of at most `most` entries of a row that follow `after`.

    Raises StoreError for a row that is not what was written; `where` is what the error calls the log.

    >>> unpack(Row(12, 11, crc32(pack([b"a", b"bc"])), pack([b"a", b"bc"])), after=11, most=9, where="log")
    [(12, b'bc')]
    """
    count = row.last - row.first + 1
    body = row.body
    whole = isinstance(body, bytes) and crc32(body) == row.crc and 1 <= count <= len(body) // 4
    if not whole:
        raise _damaged(row, where)
    lengths = struct.unpack_from(f"<{count}I", body)
    if 4 * count + sum(lengths) != len(body):
        raise _damaged(row, where)
    skip = max(0, after + 1 - row.first)
    at = 4 * count + sum(lengths[:skip])
    found = []
    for offset, length in enumerate(lengths[skip : skip + most], row.first + skip):
        found.append((offset, body[at : at + length]))
        at += length
    return found


def gather(found: Iterable[Row], after: int, most: int, where: str) -> list[tuple[int, bytes]]:
    """At most `most` entries of consecutive rows, from the one that holds the entry that follows `after`.

    Raises StoreError for a damaged row, and where offsets are missing.
    """
    entries: list[tuple[int, bytes]] = []
    expected, size = after + 1, 0
    for row in found:
        if row.first > expected:
            raise StoreError(
                f"{where}: the entries {expected} to {row.first - 1} are missing. Rule: an event log has no gaps. "
                f"{PUT_BACK}"
            )
        entries += unpack(row, after, most - len(entries), where)
        expected, size = row.last + 1, size + len(row.body)
        if len(entries) >= most or size >= BATCH:
            break
    return entries


def beyond(after: int, last: int, where: str) -> StoreError:
    """The error of a reader that has read further than the log goes: it would miss what is appended next."""
    return StoreError(
        f"{where}: ends at {last}, but it has been read up to {after}. Rule: a log never gets shorter. Remedy: it is "
        "an older copy or a new log: put back the right one, or delete .shoal/live, which is then rebuilt from this one"
    )


def _damaged(row: Row, where: str) -> StoreError:
    return StoreError(
        f"{where}: the row with the entries {row.first} to {row.last} is damaged. Rule: it has the checksum {row.crc} "
        f"that it was written with. {PUT_BACK}"
    )


PUT_BACK = "Remedy: put back its last copy (docs/log.md)"
