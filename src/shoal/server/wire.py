"""What arrives on the wire, before it is read as messages: the body whole, its key, its plain bytes.

SDKs send JSON as `text/plain` and `application/x-www-form-urlencoded`, so bytes decide and never Content-Type.
"""

from __future__ import annotations

import asyncio
import binascii
import zlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from shoal.live.wire import LARGEST

from .declined import Declined

Receive: TypeAlias = Callable[[], Awaitable[Any]]
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    """How much the tracking API takes.

    `body` is the bytes of a body, as sent and unpacked (Segment documents 500 KB, RudderStack's SDKs send up to 4 MB);
    `event` those of an event, `events` how many are in a batch; `seconds` is how long a body may take.
    Over all requests `held` bounds the bytes that are being received, and again those that wait for the disk.
    `drained` is how much of a body too large is still read, so that its sender reads the answer.
    """

    body: int = 4 * 1024 * 1024
    event: int = LARGEST
    events: int = 2_500
    held: int = 32 * 1024 * 1024
    seconds: float = 30.0
    drained: int = 16 * 1024 * 1024


class Gone(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class Gate:
    """The bytes of bodies that are being received, over all requests."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self.held = limits, 0

    async def body(self, receive: Receive, told: bytes | None) -> bytes:
        """The whole body; `told` is Content-Length.

        Raises Declined (too large, too slow, too much at once) or Gone.
        """
        size = int(told) if told is not None and told.isdigit() else 0
        if size > self._limits.drained:
            raise _too_large(size, self._limits.body, close=True)
        try:
            async with asyncio.timeout(self._limits.seconds):
                message = await receive()
                if message.get("more_body"):
                    return await self._rest(receive, message["body"])
        except TimeoutError:
            text = f"the body did not arrive within {self._limits.seconds:g} seconds"
            raise Declined(408, "too_slow", text, close=True) from None
        if message["type"] == "http.disconnect":
            raise Gone
        body: bytes = message["body"]
        if len(body) > self._limits.body:
            raise _too_large(len(body), self._limits.body)
        return body

    async def _rest(self, receive: Receive, first: bytes) -> bytes:
        """The rest of a body that arrives in pieces; of one too large it is read and thrown away, up to a bound."""
        pieces, size, held = [first], len(first), 0
        try:
            while True:
                if size > self._limits.drained:
                    raise _too_large(size, self._limits.body, close=True)
                if size <= self._limits.body:
                    self.held, held = self.held + size - held, size
                    if self.held > self._limits.held:
                        raise Declined(
                            429, "busy", "too much arrives at once; try again in a moment", retry=1, close=True
                        )
                else:
                    pieces.clear()
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if not message.get("more_body"):
                    break
        finally:
            self.held -= held
        if size > self._limits.body:
            raise _too_large(size, self._limits.body)
        return b"".join(pieces)


def _too_large(size: int, most: int, *, close: bool = False) -> Declined:
    text = f"the body has {size:,} bytes, the most is {most:,}; send fewer events at once"
    return Declined(413, "too_large", text, close=close)


def plain(body: bytes, encoding: bytes | None, most: int) -> bytes:
    """The body unpacked: gzip is known by its first bytes, as some proxies unpack it and leave Content-Encoding.

    Never unpacks more than `most` bytes; raises Declined.

    >>> import gzip
    >>> plain(gzip.compress(b"{}"), b"gzip", 100)
    b'{}'
    """
    if body[:2] == _GZIP:
        return _unpacked(body, most)
    if encoding and encoding.strip().lower() not in {b"", b"identity", b"gzip", b"x-gzip"}:
        raise Declined(
            415, "unknown_encoding", f"Content-Encoding {encoding.decode('latin-1')!r} is unknown; send gzip or none"
        )
    return body


def _unpacked(body: bytes, most: int) -> bytes:
    pieces, size = [], 0
    while body:
        unpack = zlib.decompressobj(wbits=31)
        try:
            piece = unpack.decompress(body, most + 1 - size)
        except zlib.error as error:
            raise Declined(400, "broken_gzip", f"the body is not whole gzip: {error}") from None
        size += len(piece)
        if size > most:
            raise Declined(413, "too_large", f"the body unpacks to more than {most:,} bytes, which is the most")
        if not unpack.eof:
            raise Declined(400, "broken_gzip", "the body is not whole gzip: its end is missing")
        pieces.append(piece)
        body = unpack.unused_data
    return b"".join(pieces)


def key_of(authorization: bytes | None, query: bytes) -> str | None:
    """The write key of headers or address: Basic's name, Bearer's token, `?writeKey=`; none when it is in the body.

    >>> key_of(b"Basic c2hvYWw6", b""), key_of(None, b"writeKey=shoal"), key_of(b"Basic Og==", b"")
    ('shoal', 'shoal', None)
    """
    if authorization:
        scheme, _, rest = authorization.partition(b" ")
        found = ""
        if scheme.lower() == b"basic":
            try:
                found = b64decode(rest.strip(), validate=True).partition(b":")[0].decode("utf-8", "replace")
            except binascii.Error:
                raise Declined(401, "unknown_key", "the Authorization header is not base64 after 'Basic'") from None
        elif scheme.lower() == b"bearer":
            found = rest.strip().decode("latin-1")
        if found:
            return found
    if b"writeKey=" in query:
        return parse_qs(query.decode("latin-1")).get("writeKey", [None])[0]
    return None
