"""A message's properties as columns can hold them: flat, under safe names, each a number, a text, or true or false."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec

from shoal.live.column import Names
from shoal.live.event import Value

DEPTH = 3  # names that are joined; what lies deeper is kept as JSON text
LONGEST = 1_000  # characters of a text
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?").fullmatch


class Flat:
    """Makes objects flat. `cut` counts the texts that were longer than may be and lost their end.

    >>> Flat()({"orderId": 7, "cart": {"size": None, "open": True}, "tags": ["a"], "note": "  "})
    {'order_id': 7.0, 'cart_open': True, 'tags': '["a"]'}
    """

    def __init__(self) -> None:
        self.names = Names()
        self.cut = 0

    def __call__(self, sent: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
        """The columns of an object, names beginning with `prefix`; of two names that become one the first counts."""
        found: dict[str, Value] = {}
        self._into(found, sent, f"{prefix}." if prefix else "", DEPTH)
        return found

    def _into(self, found: dict[str, Value], sent: Mapping[str, Any], prefix: str, depth: int) -> None:
        names = self.names
        for key, value in sent.items():
            if value is None:
                continue
            path = prefix + key if prefix else key
            if type(value) is dict and depth > 1:
                self._into(found, value, f"{path}.", depth - 1)
                continue
            flat = self.value(value)
            if flat is not None:
                found.setdefault(names(path), flat)

    def value(self, value: Any) -> Value | None:
        """One value: numbers become floats, lists and what lies too deep JSON; None for what says nothing."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is bool:
            return bool(value)
        if kind is int or kind is float:
            return finite(value)
        return self.text(_json(value)) if value else None

    def text(self, value: str) -> str | None:
        """A text trimmed and composed (NFC), None for a blank one."""
        value = value.strip()
        if not value.isascii():
            value = unicodedata.normalize("NFC", value)
        if "\0" in value:
            value = value.replace("\0", "")
        if len(value) > LONGEST:
            self.cut += 1
            value = value[:LONGEST]
        return value or None


def finite(value: Any) -> float | None:
    """A number as a float, also one written as text; None for anything else and what is beyond all floats.

    >>> finite(" 12.50"), finite("12 EUR"), finite(10**400), finite(True)
    (12.5, None, None, None)
    """
    kind = type(value)
    if kind is str:
        text = value.strip()
        return finite(float(text)) if len(text) <= LONGEST and _NUMBER(text) else None
    if kind is not int and kind is not float:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if -inf < number < inf else None


def _json(value: Any) -> str:
    try:
        return str(msgspec.json.encode(value), "utf-8")
    except OverflowError:  # a whole number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
