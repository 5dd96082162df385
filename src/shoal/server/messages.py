"""A body read as messages, only as deep as accepting it needs: its parts stay as they were sent.

What is refused here is named in the answer, message by message; its neighbours are accepted. The whole body goes to the
log all the same, and the worker, which reads everything, quarantines what breaks a rule.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shoal.live.wire import DEEPEST, size, too_deep

from .declined import Declined
from .mend import lost, message_id
from .wire import Limits

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
_Raw = msgspec.Raw
_TOO_DEEP = f"the event is nested deeper than {DEEPEST} levels"
_NOTHING = _Raw(b"null")


class _Body(msgspec.Struct, gc=False, rename="camel"):
    batch: list[msgspec.Raw] | None = None
    write_key: msgspec.Raw = _NOTHING


class _Message(msgspec.Struct, gc=False, rename="camel"):
    """What is looked at of a message; an id may be text or a number, and a messageId anything."""

    type: str | None = None
    user_id: str | int | float | None = None
    anonymous_id: str | int | float | None = None
    event: str | None = None


class _Loose(msgspec.Struct, gc=False, rename="camel"):
    """The same of a message that is not as it should be, to say what is wrong."""

    type: msgspec.Raw = _NOTHING
    message_id: msgspec.Raw = _NOTHING
    user_id: msgspec.Raw = _NOTHING
    anonymous_id: msgspec.Raw = _NOTHING
    event: msgspec.Raw = _NOTHING


class Damaged(Declined):
    """A body that cannot be split; it may be one message of a batch that spoils it."""


class Opened(msgspec.Struct, gc=False):
    """A body and its messages: `body` is what the log keeps, `write_key` the key in it."""

    body: bytes
    messages: list[msgspec.Raw]
    write_key: str | None


_body = msgspec.json.Decoder(_Body).decode
_message = msgspec.json.Decoder(_Message).decode
_loose = msgspec.json.Decoder(_Loose).decode


def opened(body: bytes, limits: Limits) -> Opened:
    """A body split into messages: a batch, or one message alone.

    Raises Declined for what is no object and too many messages, Damaged for what `mended` may help with.

    >>> opened(b'{"batch": [{"type": "track"}], "writeKey": "k"}', Limits()).write_key
    'k'
    """
    if not body.strip():
        raise Declined(400, "empty", "the body is empty; send a message as JSON")
    try:
        str(body, "utf-8")  # what is only split is not decoded, so that nothing else would look
        split = _body(body)
    except msgspec.ValidationError as error:
        raise Declined(400, "malformed", f"the body is no message and no batch: {error}") from None
    except UnicodeDecodeError as error:
        raise Damaged(400, "malformed", f"the body is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Damaged(400, "malformed", f"the body is nested deeper than {DEEPEST} levels") from None
    except msgspec.DecodeError as error:
        raise Damaged(400, "malformed", f"the body is not JSON: {error}") from None
    messages = [_Raw(body)] if split.batch is None else split.batch
    if len(messages) > limits.events:
        text = f"the batch has {len(messages):,} events, the most is {limits.events:,}; send them in parts"
        raise Declined(413, "too_many", text)
    return Opened(body, messages, _text(split.write_key))


def refused(found: Opened, kind: str | None, limits: Limits) -> list[dict[str, Any]]:
    """The messages that break a rule: place from 0, messageId and reason; `kind` is the type that the path says.

    >>> bad = b'{"batch": [{"type": "page", "userId": 7}, {"type": "track", "messageId": "m", "userId": {}}]}'
    >>> refused(opened(bad, Limits()), None, Limits())
    [{'index': 1, 'messageId': 'm', 'reason': 'userId is an object; it must be text or a number'}]
    """
    rejected: list[dict[str, Any]] = []
    large = len(found.body) > 2 * DEEPEST  # fewer bytes cannot nest deeper
    for index, raw in enumerate(found.messages):
        reason = _oversized(raw, limits) if large else None
        try:
            message = _message(raw)
            reason = reason or _fault(message, kind)
        except (ValueError, RecursionError) as error:
            reason = reason or _explained(raw, error)
            rejected.append({"index": index, "messageId": _message_id(raw), "reason": reason})
            continue
        if reason is not None:
            rejected.append({"index": index, "messageId": _message_id(raw), "reason": reason})
    return rejected


def _oversized(raw: msgspec.Raw, limits: Limits) -> str | None:
    """Why a message is too large or too deep: one of few bytes cannot be."""
    bytes_ = size(raw)
    if bytes_ > limits.event:
        return f"the event has {bytes_:,} bytes, the most is {limits.event:,}"
    if bytes_ > 2 * DEEPEST and too_deep(bytes(raw)):
        return _TOO_DEEP
    return None


def _fault(message: _Message, kind: str | None) -> str | None:
    name = kind or message.type
    if name not in TYPES:
        shown = "missing" if name is None else f"{name[:40]!r}"
        return f"type is {shown}; it must be one of {', '.join(sorted(TYPES))}"
    if name != "alias" and _absent(message.user_id) and _absent(message.anonymous_id):
        return "userId and anonymousId are missing; one of them must say whose event it is"
    if name == "track" and not message.event:
        return "event is missing; a track message must say what happened"
    return None


def _absent(value: str | float | None) -> bool:
    return value is None or value == ""


def _explained(raw: msgspec.Raw, error: Exception) -> str:
    """What is wrong with a message that cannot be read as one."""
    first = bytes(raw).lstrip()[:1]
    if first == b'"' and (text := _text(raw)) and text.startswith("{"):
        return _TOO_DEEP if too_deep(text.encode("utf-8", "replace")) else lost(text)
    if first != b"{":
        return f"the message is {_KINDS.get(first, 'a number')}; it must be an object"
    try:
        loose = _loose(raw)
    except (ValueError, RecursionError):
        return f"the message cannot be read: {error}"
    for name, wanted in _WANTED.items():
        what = _KINDS.get(bytes(getattr(loose, _FIELDS[name])).lstrip()[:1], "a number")
        if what not in wanted:
            return f"{name} is {what}; it must be {' or '.join(wanted[1:])}"
    return f"the message cannot be read: {error}"


_KINDS = {b"{": "an object", b"[": "a list", b'"': "text", b"t": "true", b"f": "false", b"n": "missing"}
_FIELDS = {
    "type": "type",
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "event": "event",
}
_WANTED = {
    "type": ("missing", "text"),
    "userId": ("missing", "text", "a number"),
    "anonymousId": ("missing", "text", "a number"),
    "event": ("missing", "text"),
}


def _message_id(raw: msgspec.Raw) -> Any:
    try:
        found = msgspec.json.decode(_loose(raw).message_id)
    except (ValueError, RecursionError):
        return message_id(_text(raw) or "")
    return found if isinstance(found, str | int) else None


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (ValueError, RecursionError):
        return None
