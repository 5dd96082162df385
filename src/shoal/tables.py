"""The schema of every table that one stage hands to another.

Columns named here always stand, in this order; more may follow (one per trait, one per feature).
Instants are microseconds since 1970 in UTC. ``person`` is the 64-bit form of ``profile_id``.
"""

from __future__ import annotations

import binascii
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTANT = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("profile_id", pa.string()),
        ("at", INSTANT),
        ("event", pa.string()),
        ("source", pa.string()),
        ("value", pa.float64()),
        ("properties", pa.struct([])),
        ("person", pa.int64()),
    ]
)
PROFILES = pa.schema([("profile_id", pa.string()), ("first_seen", INSTANT), ("last_seen", INSTANT)])
IDENTIFIERS = pa.schema(
    [
        ("profile_id", pa.string()),
        ("type", pa.string()),
        ("value", pa.string()),
        ("first_seen", INSTANT),
        ("last_seen", INSTANT),
        ("source", pa.string()),
    ]
)
FEATURES = pa.schema([("profile_id", pa.string()), ("as_of", INSTANT)])
SCORES = pa.schema(
    [
        ("profile_id", pa.string()),
        ("as_of", INSTANT),
        ("model", pa.string()),
        ("score", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("version", pa.string()),
    ]
)
REASON = pa.struct([("feature", pa.string()), ("value", pa.string()), ("effect", pa.float64()), ("words", pa.string())])
AFFINITIES = pa.schema(
    [
        ("profile_id", pa.string()),
        ("as_of", INSTANT),
        ("model", pa.string()),
        ("rank", pa.int32()),
        ("item", pa.string()),
        ("score", pa.float64()),
        ("new", pa.bool_()),
    ]
)
SEGMENTS = pa.schema(
    [
        ("name", pa.string()),
        ("version", pa.int32()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("rule", pa.string()),
        ("size", pa.int64()),
        ("share", pa.float64()),
        ("value_share", pa.float64()),
    ]
)
MEMBERSHIPS = pa.schema(
    [
        ("segment", pa.string()),
        ("version", pa.int32()),
        ("profile_id", pa.string()),
        ("entered_at", INSTANT),
        ("left_at", INSTANT),
    ]
)
VERDICTS = pa.schema(
    [
        ("subject", pa.string()),
        ("check", pa.string()),
        ("result", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("rule", pa.string()),
    ]
)
QUARANTINE = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.string()),
    ]
)

PUBLIC = {
    "events": EVENTS,
    "profiles": PROFILES,
    "identifiers": IDENTIFIERS,
    "features": FEATURES,
    "scores": SCORES,
    "affinities": AFFINITIES,
    "segments": SEGMENTS,
    "memberships": MEMBERSHIPS,
    "verdicts": VERDICTS,
    "quarantine": QUARANTINE,
}


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of a time that has its zone; exact.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def profile_id(person: int) -> str:
    """The public form of a person's 64-bit number.

    >>> profile_id(255), profile_id(-1)
    ('p00000000000000ff', 'pffffffffffffffff')
    """
    return f"p{person & 0xFFFFFFFFFFFFFFFF:016x}"


def profile_ids(people: NDArray[np.int64]) -> pa.Array:
    """The public forms of many people's numbers, without a loop over them.

    >>> import numpy as np
    >>> profile_ids(np.array([255, -1])).to_pylist()
    ['p00000000000000ff', 'pffffffffffffffff']
    """
    import numpy as np

    count = len(people)
    digits = binascii.hexlify(np.ascontiguousarray(people).astype(">i8").tobytes())
    text = np.empty((count, 17), np.uint8)
    text[:, 0] = ord("p")
    text[:, 1:] = np.frombuffer(digits, np.uint8).reshape(count, 16)
    offsets = np.arange(count + 1, dtype=np.int64) * 17
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text)).cast(pa.string())


def column_names(names: list[str]) -> list[str]:
    """Column names that differ even when case does not count, none empty.

    >>> column_names(["Id", "id", " ", "_row"])
    ['Id', 'id_2', 'column_3', '_row_2']
    """
    seen, result = {"_row", "_file"}, []
    for place, raw in enumerate(names, 1):
        name = base = raw.strip() or f"column_{place}"
        number = 2
        while name.casefold() in seen:
            name, number = f"{base}_{number}", number + 1
        seen.add(name.casefold())
        result.append(name)
    return result


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Orders and casts the standing columns of `schema`; further columns follow unchanged.

    Raises KeyError when a standing column is missing: a stage broke its contract.
    """
    standing = [
        table[field.name] if pa.types.is_struct(field.type) else table[field.name].cast(field.type) for field in schema
    ]
    further = [name for name in table.column_names if name not in schema.names]
    return pa.table(
        [*standing, *(table[name] for name in further)],
        names=[*schema.names, *further],
    )
