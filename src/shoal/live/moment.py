"""When a message happened: its instants as senders write them, and the correction of a sender's wrong clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

DAY = 86_400_000_000  # microseconds
_DIGITS = re.compile(r"-?\d{9,19}(\.\d+)?").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALES = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3))  # below: seconds, milliseconds, microseconds, nano


def instant(value: object) -> int | None:
    """Microseconds since 1970 of an instant as SDKs write it, None for what is none.

    ISO 8601 with `Z`, an offset or neither (then UTC), or a number since 1970 whose size tells its unit: seconds,
    milliseconds, microseconds or nanoseconds.

    >>> instant("1970-01-01T00:00:01.5Z"), instant("1970-01-01T01:00:01+01:00"), instant(1_700_000_000_000)
    (1500000, 1000000, 1700000000000000)
    """
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return _other(value.strip())
        return _since(read)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _counted(value)


def _since(read: datetime) -> int:
    """The exact number, which a float of seconds would round."""
    passed = (read if read.tzinfo is not None else read.replace(tzinfo=UTC)) - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _other(text: str) -> int | None:
    """A text that is no plain ISO 8601: with blanks around it, a small `z`, or a number."""
    if _DIGITS(text):
        return _counted(float(text) if "." in text else int(text))
    try:
        return _since(datetime.fromisoformat(text.upper().replace(" UTC", "Z")))
    except ValueError:
        return None


def _counted(number: float) -> int | None:
    for below, scale in _SCALES:
        if abs(number) < below:
            return number * int(scale) if isinstance(number, int) and scale >= 1 else round(number * scale)
    return None


def corrected(original: int, sent: int | None, received: int) -> int:
    """When it happened by the receiver's clock, all in microseconds: the sender's clock is off by `received - sent`.

    Without `sent` nothing is known of the sender's clock. What was sent cannot have happened after it was received.

    >>> corrected(original=100, sent=160, received=1_000)
    940
    """
    return original if sent is None else min(received - (sent - original), received)
