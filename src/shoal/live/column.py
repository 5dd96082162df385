"""What a property is called: one safe name, a function of the sent name alone, since messages are seen one at a time.

Names are in lower case throughout, words joined by `_`: `orderId`, `Order ID` and `order_id` are one property. So two
names never differ in case only, which the engine would take for one.
"""

from __future__ import annotations

import re
import unicodedata

from shoal.tables import EVENTS, FEATURES, PROFILES

LONGEST = 100  # characters of a name
STANDING = frozenset({*EVENTS.names, *PROFILES.names, *FEATURES.names})
"""Columns that tables have already; a property called so gets `p_` before its name."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[\W_]+")
_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*").fullmatch
_KNOWN = 20_000  # names whose answer is remembered


def column(sent: str) -> str:
    """The safe name of a property as it was sent; parts of a nested name are joined by `.` or `_`.

    >>> column("orderId"), column("Total ($)"), column("cart.items"), column("value"), column("2nd")
    ('order_id', 'total', 'cart_items', 'p_value', 'p_2nd')
    """
    if not (len(sent) <= LONGEST and _PLAIN(sent)):
        split = _HUMP.sub("_", unicodedata.normalize("NFKC", sent))
        sent = _OTHER.sub("_", split.lower()).strip("_") or "unnamed"
    sent = sent if sent[0].isalpha() and sent not in STANDING else f"p_{sent}"
    return sent[:LONGEST].rstrip("_")


class Names:
    """`column`, with a memory of the names that it saw last."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, sent: str) -> str:
        """The safe name of a property as it was sent."""
        try:
            return self._known[sent]
        except KeyError:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            found = self._known[sent] = column(sent)
            return found
