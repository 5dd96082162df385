"""Signatures of webhooks: who receives one can tell that Shoal sent it, and when."""

from __future__ import annotations

import hashlib
import hmac
import re

TOLERANCE = 300  # seconds between the signature and now
_PART = re.compile(r"(t|v1)=([0-9a-f]{1,64})")


def sign(secret: str, body: bytes, at: int) -> str:
    """The header `Shoal-Signature` of a body: `t=UNIX,v1=HEX`, where HEX is the HMAC-SHA256 of `t.body`.

    >>> sign("whsec", b"{}", 1_700_000_000)[:26]
    't=1700000000,v1=7d44587ddd'
    """
    return f"t={at},v1={_digest(secret, str(at), body)}"


def verify_signature(secret: str, header: str, body: bytes, now: float, *, tolerance: float = TOLERANCE) -> bool:
    """Whether a webhook's body is what Shoal signed with this secret, not long ago; never raises.

    Args:
        header: the request's `Shoal-Signature`.
        body: the request's body as it came, not decoded and encoded again.
        now: Unix time in seconds.
        tolerance: how many seconds the signature may be away from `now`; later than that somebody may be replaying it.

    >>> header = sign("whsec", b'{"changes":[]}', 1_700_000_000)
    >>> verify_signature("whsec", header, b'{"changes":[]}', now=1_700_000_010)
    True
    >>> verify_signature("whsec", header, b'{"changes":[1]}', now=1_700_000_010)
    False
    >>> verify_signature("whsec", header, b'{"changes":[]}', now=1_700_009_999)
    False
    """
    parts = [match.groups() for match in map(_PART.fullmatch, map(str.strip, header.split(","))) if match]
    times = [value for name, value in parts if name == "t" and value.isdecimal()]
    if len(times) != 1 or abs(now - int(times[0])) > tolerance:
        return False
    expected = _digest(secret, times[0], body)
    return any(hmac.compare_digest(expected, value) for name, value in parts if name == "v1")


def _digest(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
