"""An ASGI app asked in the same process: no socket, every byte and piece of a body as a test wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Answer:
    """What the app said; status 0 when it said nothing."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


async def asked(
    app: App,
    method: str,
    path: str,
    pieces: Sequence[bytes | None] = (b"",),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request whose body arrives in pieces; a piece None is a client that goes away, no piece is one that waits."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "scheme": "http",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
    }
    left, answer = list(pieces), Answer(0, {}, b"")

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.sleep(3600)
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert answer.status == 0, "answered twice"
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.content += message["body"]

    await app(scope, receive, send)
    return answer


def ask(app: App, method: str, path: str, *pieces: bytes | None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request, in an event loop of its own."""
    return asyncio.run(asked(app, method, path, pieces or (b"",), headers))
