"""A batch that one message spoils is mended, so that its neighbours are not lost.

JSON has no NaN, no half of a surrogate pair and no bytes outside UTF-8, and no decoder follows it for ever into depth;
some senders send all of that. NaN and Infinity become null. What cannot be mended is kept as text in its place, where
the worker finds no message and quarantines it whole.
"""

from __future__ import annotations

import json
import math
import re

import msgspec

from shoal.live.wire import LARGEST

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_BATCH = re.compile(rb'"batch"\s*:\s*\Z')
_MESSAGE_ID = re.compile(r'"messageId"\s*:\s*"([^"\\]{1,255})"')
_HALF = re.compile(r"(?i)\\ud[89a-f]")


class _Anything(msgspec.Struct, gc=False):
    """Decodes nothing of an object, but looks at all of it."""


_look = msgspec.json.Decoder(_Anything).decode


def mended(body: bytes) -> bytes | None:
    """The body with each message that spoils it mended or kept as text; none when that does not help.

    >>> mended(b'{"batch": [{"total": NaN}, {"a": "\\\\ud800"}, {"a": 1.50}]}')
    b'{"batch": [{"total":null}, "{\\\\"a\\\\": \\\\"\\\\\\\\ud800\\\\"}", {"a": 1.50}]}'
    """
    spans = _spans(body)
    if spans is None:
        return _without_nan(body)
    pieces, after = [], 0
    for start, end in spans:
        raw = body[start:end]
        if not _sound(raw):
            pieces += [body[after:start], _without_nan(raw) or _quoted(raw)]
            after = end
    return b"".join([*pieces, body[after:]])


def lost(text: str) -> str:
    """Why a message was kept as text."""
    if _HALF.search(text):
        return "the message holds half of a surrogate pair; text must be whole Unicode"
    return "the message is not JSON in UTF-8; it must be an object"


def message_id(text: str) -> str | None:
    """The messageId of a message that is kept as text, where it can be seen."""
    found = _MESSAGE_ID.search(text)
    return found[1] if found else None


def _spans(body: bytes) -> list[tuple[int, int]] | None:
    """Where the messages of a batch begin and end, by their brackets alone; none when there is no batch."""
    spans, depth, begun, inside = [], 0, 0, False
    for token in _TOKEN.finditer(body):
        what = token[0]
        if what in b"{[":
            inside = inside or (depth == 1 and what == b"[" and _names_batch(body, token.start()))
            begun = token.start() if depth == 2 else begun
            depth += 1
        elif what in b"}]":
            depth -= 1
            if depth == 2 and inside:
                spans.append((begun, token.end()))
            if depth < 2 and inside:
                return spans
    return None


def _names_batch(body: bytes, at: int) -> bool:
    return _BATCH.search(body[max(0, at - 40) : at]) is not None


def _sound(raw: bytes) -> bool:
    try:
        str(raw, "utf-8")
        _look(raw)
    except msgspec.ValidationError:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _quoted(raw: bytes) -> bytes:
    return json.dumps(raw.decode("utf-8", "backslashreplace")[:LARGEST]).encode()


def _without_nan(raw: bytes) -> bytes | None:
    """JSON with null for NaN, Infinity and -Infinity; none when it holds none of them, or is no JSON otherwise."""
    if b"NaN" not in raw and b"Infinity" not in raw:
        return None
    try:
        read = json.loads(raw, parse_constant=lambda _: None, parse_float=_finite)
        written = json.dumps(read, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return written if _sound(written) else None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None
