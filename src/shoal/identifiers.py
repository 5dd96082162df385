"""The types of identifiers, how they rank, and the number that one gives to a person: for batch and live alike."""

from __future__ import annotations

import hashlib

TYPES = (
    "customer_id",
    "user_id",
    "account_id",
    "email",
    "phone",
    "device_id",
    "anonymous_id",
    "custom",
)
"""Known types, the one that names a person best first. Any other type counts as `custom`."""

STRONG = frozenset({"customer_id", "user_id", "account_id", "email", "phone"})
"""Types whose value is given to one person or account, where a device or a cookie may pass through many hands."""

CARRIED = frozenset({"device_id", "anonymous_id"})
"""Types whose value stays with a machine, whoever uses it."""

SIGNED_IN = frozenset({"customer_id", "user_id"})
"""Types of which one person has one value, as a rule: who shares a machine is told apart by them."""


def rank(kind: str) -> tuple[int, str]:
    """Where a type stands when a person is named after one of its identifiers; smaller is better.

    >>> sorted(["loyalty_card", "email", "user_id"], key=rank)
    ['user_id', 'email', 'loyalty_card']
    """
    return (TYPES.index(kind) if kind in TYPES else TYPES.index("custom"), kind)


def number(text: str) -> int:
    """The signed 64-bit number of a text; SQL's `md5_number_upper(text)::BIT::BIGINT`.

    >>> number("customer_id:17850")
    6777084047492642884
    """
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
