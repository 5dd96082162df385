"""An event as the live side knows it, whoever sent it and however: the record that batch and live both start from."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Value: TypeAlias = str | float | bool
Identifiers: TypeAlias = tuple[tuple[str, str], ...]


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something a person did, cleaned.

    `event_id` is 32 hexadecimal digits, the 128-bit hash of the message id; `at` microseconds since 1970, corrected
    for the sender's clock; `identifiers` (type, value) pairs in one spelling, the type that names a person best first,
    one of a type; `value` its worth in the workspace's currency. Properties and traits are flat, numbers are floats;
    `known_at` is when the log received it.
    """

    event_id: str
    at: int
    event: str
    identifiers: Identifiers
    properties: dict[str, Value]
    traits: dict[str, Value]
    value: float | None = None
    known_at: int = 0


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A message that breaks a rule: a row of the quarantine. `place` is its place in its request, from 0."""

    place: int
    reason: str
    detail: str
    raw: str
