"""Cross-origin rules of the tracking API: any page may send, whatever headers its SDK adds, and may read the answer.

The write key in the request is the only authority, never a cookie, so that every origin can be let in.
"""

from __future__ import annotations

Headers = list[tuple[bytes, bytes]]
_EXPOSED = (b"access-control-expose-headers", b"Retry-After")  # else a browser's SDK cannot see how long to wait
_ANYBODY: Headers = [(b"access-control-allow-origin", b"*"), _EXPOSED]


def allowed(origin: bytes | None) -> Headers:
    """Headers that every answer carries, errors too.

    >>> dict(allowed(b"https://shop.example"))[b"access-control-allow-origin"]
    b'https://shop.example'
    """
    if origin is None:
        return _ANYBODY
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),  # beacons are sent with credentials, and cannot be told not to
        (b"vary", b"Origin"),
        _EXPOSED,
    ]


def preflight(origin: bytes | None, asked: bytes | None, methods: bytes) -> Headers:
    """Headers of the answer to OPTIONS: what was asked for is allowed, as SDKs add their own."""
    return [
        *allowed(origin),
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", asked or b"authorization, content-type"),
        (b"access-control-max-age", b"86400"),
    ]
