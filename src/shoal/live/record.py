"""A person's record in the state: what was computed, the history it was computed from, and whose history it is."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

HEAD = struct.Struct("<qqqqIIHHI")
"""as_of, due, first_seen, last_seen (microseconds), generation, rows, computed values, words of the mask, the rest."""


class Rest(msgspec.Struct, omit_defaults=True, gc=False):
    """What is not of fixed width.

    `traits` has by name what each combination of identifiers told last, as [combination, value, at, tie]: so that they
    part again where people do; `liked` the items recommended as of the last run, as [model, rank, item, name, new].
    """

    traits: dict[str, list[tuple[int, str | float | bool, int, str]]] = {}
    liked: list[tuple[str, int, str, str | None, bool]] = []


class Record(msgspec.Struct, gc=False):
    """One person. `mask` has 8 bytes a word (a bit a segment), `values` 8 bytes a computed value, `rows` the history.

    `as_of` is the instant of the computed values, `due` the next one at which time alone may change them; `generation`
    numbers the definition that they were computed by, 0 for none.
    """

    as_of: int
    due: int
    first_seen: int
    last_seen: int
    mask: bytes
    values: bytes
    rows: bytes
    rest: bytes
    count: int
    generation: int = 0


_decode_rest = msgspec.msgpack.Decoder(Rest).decode
_encode = msgspec.msgpack.Encoder().encode


def pack(record: Record) -> bytes:
    """The record as bytes; `unpack` is the inverse.

    >>> one = Record(1, 2, 3, 4, bytes(8), bytes(16), b"rows", b"rest", 7, 9)
    >>> unpack(pack(one)) == one
    True
    """
    head = HEAD.pack(
        record.as_of,
        record.due,
        record.first_seen,
        record.last_seen,
        record.generation,
        record.count,
        len(record.values) // 8,
        len(record.mask) // 8,
        len(record.rest),
    )
    return b"".join((head, record.mask, record.values, record.rest, record.rows))


def unpack(data: Any) -> Record:
    """The record of `pack`'s bytes."""
    as_of, due, first, last, generation, count, values, words, rest = HEAD.unpack_from(data)
    mask_end = HEAD.size + words * 8
    values_end = mask_end + values * 8
    rest_end = values_end + rest
    return Record(
        as_of,
        due,
        first,
        last,
        bytes(data[HEAD.size : mask_end]),
        bytes(data[mask_end:values_end]),
        bytes(data[rest_end:]),
        bytes(data[values_end:rest_end]),
        count,
        generation,
    )


def rest_of(record: Record) -> Rest:
    """What is not of fixed width, decoded."""
    return _decode_rest(record.rest) if record.rest else Rest()


def latest(told: list[tuple[int, str | float | bool, int, str]]) -> str | float | bool:
    """The value of a trait: what was told last, whoever told it.

    >>> latest([(0, "free", 10, "b"), (1, "pro", 30, "a")])
    'pro'
    """
    return max(told, key=lambda one: (one[2], one[3]))[1]


def with_rest(rest: Rest) -> bytes:
    """A record's rest as bytes."""
    return _encode(rest)
