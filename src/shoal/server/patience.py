"""HTTP with bounds that a framework cannot set: how long a request's head may take, and how large it may be."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15.0
HEAD_BYTES = 64 * 1024


class Patient(HttpToolsProtocol):
    """Closes connections that say nothing, or never come to the end of a request's head."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0  # bytes since the head began; -1 while a body is read or an answer is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: it has some seconds to say what it wants."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came; a head that grows without end is refused."""
        if self._head >= 0:
            self._head += len(data)
        super().data_received(data)
        if self._head > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is whole; its body has bounds of its own."""
        self._forget()
        self._head = -1
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._forget()
        self._head = 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)  # an earlier request is being answered
        elif not self.transport.is_closing():
            self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        self._forget()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def settings() -> dict[str, Any]:
    """What uvicorn is told besides."""
    return {"http": Patient, "timeout_keep_alive": 30}
