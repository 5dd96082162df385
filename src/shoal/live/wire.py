"""An entry of the log read as far as needed: its envelope, then its messages one by one, each still as it was sent."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import msgspec

LARGEST = 32 * 1024  # bytes of a message
DEEPEST = 500  # objects and lists inside each other


class Context(msgspec.Struct, gc=False):
    """The parts of a message's context that are read."""

    traits: Any = None
    device: Any = None


class Stamps(msgspec.Struct, gc=False, rename="camel"):
    """What a batch may say for all its messages; a message alone is its own batch."""

    batch: list[msgspec.Raw] | None = None
    original_timestamp: Any = None
    timestamp: Any = None
    sent_at: Any = None


class Message(msgspec.Struct, gc=False, rename="camel"):
    """A message; nothing is trusted to be of a type."""

    type: Any = None
    event: Any = None
    message_id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    name: Any = None
    category: Any = None
    original_timestamp: Any = None
    timestamp: Any = None
    sent_at: Any = None
    properties: Any = None
    traits: Any = None
    context: Context | None = None


class Entry(msgspec.Struct, gc=False, rename="camel"):
    """What the log holds of a request."""

    received_at: int
    body: msgspec.Raw
    type: str | None = None
    sent_at: Any = None
    historical: bool = False


entry = msgspec.json.Decoder(Entry).decode
stamps = msgspec.json.Decoder(Stamps).decode
_message = msgspec.json.Decoder(Message).decode
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(_STEPS)))


def message(raw: msgspec.Raw) -> Message:
    """A message of which each part is read; a context that is no object counts as none.

    Raises ValueError for what is no message.
    """
    try:
        return _message(raw)
    except msgspec.ValidationError:
        whole = msgspec.json.decode(raw)
        if not isinstance(whole, dict):
            raise
        context = whole.pop("context", None)
        known = msgspec.convert(whole, Message)
        if isinstance(context, dict):
            known.context = Context(context.get("traits"), context.get("device"))
        return known


def size(raw: msgspec.Raw) -> int:
    """The bytes of a message."""
    return memoryview(raw).nbytes


def too_deep(raw: bytes) -> bool:
    """Whether a message nests deeper than may be; counted only where its brackets would allow it."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEEPEST


def place(raw: msgspec.Raw, path: str) -> Any:
    """What stands at a dotted path of a message, None where nothing does."""
    found: Any = msgspec.json.decode(raw)
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
