"""The types of identifiers, how they rank, and the number that one gives to a person: for batch and live alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

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

PASSED_ON = frozenset({"device_id", "anonymous_id"})
"""What stays on a device when its next user logs in: some SDKs keep the anonymous id even after a log-out."""

USERS = frozenset({"user_id", "customer_id"})
"""Types that tell whose account was used."""


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


@dataclass(frozen=True)
class Guards:
    """How many values of one other type an identifier may be seen with and still join people.

    `max_users` is for devices and browsers, seen with users or customers; None: `max_shared` as for all others.
    """

    max_shared: int = 10
    max_users: int | None = None

    def most(self, kind: str, other: str) -> int:
        """The most values of `other` for one of `kind`.

        >>> Guards(10, 1).most("device_id", "user_id"), Guards(10, 1).most("device_id", "email")
        (1, 10)
        """
        if self.max_users is not None and kind in PASSED_ON and other in USERS:
            return self.max_users
        return self.max_shared
