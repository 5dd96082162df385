"""One POST to a receiver, bounded in time and bytes; what it answered, or that it did not."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

PATIENCE = 10.0  # seconds for a whole answer
MOST = 65_536  # bytes of an answer that are read, so that the connection can be used again
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Answer:
    """A receiver's status, 0 when it did not answer; `said` why not; `wait` the seconds of its Retry-After."""

    status: int
    said: str = ""
    wait: float | None = None

    @property
    def took(self) -> bool:
        """Whether the receiver has it now."""
        return 200 <= self.status < 300


class Post(Protocol):
    """Sends a body to an address; never raises for what the other side does."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...


class Poster:
    """Posts over HTTP. Redirects are not followed: where changes go is what the settings say, and nowhere else."""

    def __init__(self, url: str) -> None:
        import httpx

        # A proxy has no business with this machine's own receivers.
        outside = urlsplit(url).hostname not in _LOOPBACK
        self._client = httpx.Client(timeout=PATIENCE, follow_redirects=False, trust_env=outside, verify=_authorities())

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends it once."""
        import httpx

        try:
            with self._client.stream("POST", url, content=body, headers=dict(headers)) as got:
                _drain(got)
                said = "redirects are not followed" if 300 <= got.status_code < 400 else ""
                return Answer(got.status_code, said, asked_to_wait(got.headers.get("retry-after", ""), time.time()))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return Answer(0, type(error).__name__)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()


def asked_to_wait(header: str, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for, None where it asks for nothing that can be read.

    >>> asked_to_wait("120", 0.0), asked_to_wait("Thu, 01 Jan 1970 00:01:00 GMT", 45.0), asked_to_wait("soon", 0.0)
    (120.0, 15.0, None)
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


@cache
def _authorities() -> ssl.SSLContext:
    """Whom to trust, read from disk once."""
    import httpx

    return httpx.create_ssl_context()


def _drain(got: httpx.Response) -> None:
    """Reads a short answer; one that is long or drips is left, and its connection with it."""
    until, read = time.monotonic() + PATIENCE, 0
    for part in got.iter_raw():
        read += len(part)
        if read > MOST or time.monotonic() > until:
            return
