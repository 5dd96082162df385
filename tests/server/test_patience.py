"""Connections that say nothing, or never come to the end of what they ask, are closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn

from shoal.server import patience


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def _answered(sent: list[bytes]) -> bytes:
    """All that the server says to these pieces, until it closes the connection."""
    config = uvicorn.Config(_app, log_config=None, lifespan="off", **patience.settings())
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening := _listening()])
    try:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        for piece in sent:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return said
    finally:
        await server.shutdown(sockets=[listening])


def _listening() -> Any:
    from shoal.server.address import listen

    return listen("127.0.0.1", 0)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)


@pytest.mark.parametrize("sent", [[], [b"GET / HT"], [b"GET / HTTP/1.1\r\n", b"a: b\r\n"]])
def test_who_does_not_say_what_he_wants_is_told_so(sent: list[bytes]) -> None:
    assert asyncio.run(_answered(sent)).startswith(b"HTTP/1.1 408 ")


def test_a_head_without_end_is_refused() -> None:
    line = b"a: " + b"b" * 8_000 + b"\r\n"
    assert asyncio.run(_answered([b"GET / HTTP/1.1\r\n", *[line] * 9])).startswith(b"HTTP/1.1 431 ")


def test_the_next_request_of_a_connection_has_its_time_anew() -> None:
    ask = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    said = asyncio.run(_answered([ask, ask, b"GET / HT"]))
    assert said.count(b"200 OK") == 2
    assert b"408 Request Timeout" in said
