"""The tracking API: what Segment's and RudderStack's SDKs send, kept on disk before it is acknowledged.

A bare ASGI app, as the hot path has no time for a framework: read, unpack, check the key, split, log, answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import msgspec

from shoal.errors import Busy, NoRoom, Transient
from shoal.live.commit import GroupCommit
from shoal.live.counters import Counters
from shoal.live.log import Log

from .bootstrap import rudder_config, segment_settings
from .cors import Headers, allowed, preflight
from .declined import Declined
from .mend import mended
from .messages import Damaged, Opened, opened, refused
from .wire import Gate, Gone, Limits, Receive, key_of, plain

Scope: TypeAlias = dict[str, Any]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Keys: TypeAlias = Callable[[str], str | None]
Clock: TypeAlias = Callable[[], int]

WRITERS = frozenset({"write", "admin"})
_encode = msgspec.json.encode
_logger = logging.getLogger(__name__)
_JSON = (b"content-type", b"application/json")
_OK = b'{"success":true}'
_PATIENCE, _NO_ROOM = 1, 10  # seconds for Retry-After
_GONE = 499  # counted where nobody is left to answer


class Route(NamedTuple):
    """What a path is for: messages of a type (none: each says its own), or something that an SDK asks for."""

    serves: str
    kind: str | None = None
    historical: bool = False

    @property
    def methods(self) -> bytes:
        """The methods it answers, as `Allow` has them."""
        return b"GET, HEAD, OPTIONS" if self.serves in _ASKED else b"POST, OPTIONS"


_ASKED = frozenset({"settings", "config"})
_SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
ROUTES: dict[str, Route] = {
    **{f"/v1/{name}": Route("messages", name) for name in _SHORT.values()},
    **{f"/v1/{short}": Route("messages", name) for short, name in _SHORT.items()},
    "/v1/batch": Route("messages"),
    "/v1/b": Route("messages"),
    "/beacon/v1/batch": Route("messages"),
    "/v1/import": Route("messages", historical=True),
    "/v1/m": Route("metrics"),
    "/sourceConfig": Route("config"),
}


def route_of(path: str) -> Route | None:
    """What a path is for, however many slashes it has; none when it is not the tracking API's.

    >>> route_of("/v1/t/").kind, route_of("//v1/batch").kind, route_of("/v1/projects/KEY/settings").serves
    ('track', None, 'settings')
    """
    found = ROUTES.get(path)
    if found is not None:
        return found
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["settings"] and parts[-3:-2] == ["projects"] and parts[:-3] in ([], ["v1"]):
        return Route("settings", parts[-2])
    return ROUTES.get("/" + "/".join(parts))


class Tracking:
    """The app; make it with `tracking_app`."""

    def __init__(
        self, log: Log, keys: Keys, *, clock: Clock, limits: Limits, counters: Counters, fallback: App | None
    ) -> None:
        self._keys, self._clock, self._limits, self.counters, self._fallback = keys, clock, limits, counters, fallback
        self._commit = GroupCommit(log, pending=limits.held, counters=counters)
        self._gate = Gate(limits)

    @property
    def receiving(self) -> int:
        """Bytes of bodies that are still arriving."""
        return self._gate.held

    @property
    def pending(self) -> int:
        """Bytes that are not yet on disk."""
        return self._commit.pending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        route = route_of(scope["path"]) if scope["type"] == "http" else None
        if route is not None:
            await self._answer(route, scope, receive, send)
        elif self._fallback is not None:
            await self._fallback(scope, receive, send)
        elif scope["type"] == "http":
            problem = Declined(
                404, "not_found", f"there is no {scope['path'][:200]}; events go to /v1/batch or /v1/track"
            )
            origin = dict(scope["headers"]).get(b"origin")
            await self._say(send, 404, _encode(problem.content()), allowed(origin))
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and stop: what was accepted is on disk before the server ends."""

        async def told() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._commit.close()
            return message

        if self._fallback is not None:
            await self._fallback(scope, told, send)
            return
        while True:
            kind = (await told())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    async def _answer(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        try:
            if scope["method"] == "OPTIONS":
                asked = headers.get(b"access-control-request-headers")
                status, content, more = 204, b"", preflight(origin, asked, route.methods)
            else:
                status, content, more = 200, await self._served(route, scope, headers, receive), allowed(origin)
        except Gone:
            self.counters.requests[_GONE] += 1
            return
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the sender gets an answer that keeps its events
            problem = _problem(error)
            status, content, more = (
                problem.status,
                _encode(problem.content()),
                [*allowed(origin), *_advice(problem, route)],
            )
        await self._say(send, status, content, more)

    async def _served(self, route: Route, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if scope["method"].encode() not in route.methods.split(b", "):
            text = f"{scope['method']} is not for this path; it takes {route.methods.decode()}"
            raise Declined(405, "wrong_method", text)
        if route.serves == "messages":
            return await self._keep(route, scope, headers, receive)
        if route.serves == "metrics":  # an SDK's figures about itself
            await self._gate.body(receive, headers.get(b"content-length"))
            return _OK
        key = route.kind or key_of(headers.get(b"authorization"), scope["query_string"])
        self._authorise(key)
        assert key is not None
        if route.serves == "config":
            return _encode(rudder_config(key))
        host = headers.get(b"host", b"").decode("latin-1") + scope.get("root_path", "")
        return _encode(segment_settings(key, host, scope["scheme"]))

    async def _keep(self, route: Route, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Reads a request, puts it on disk and returns the answer; raises Declined and what the log raises."""
        received = await self._gate.body(receive, headers.get(b"content-length"))
        self.counters.received_bytes += len(received)
        key = key_of(headers.get(b"authorization"), scope["query_string"])
        if key is not None:
            self._authorise(key)
        found = await self._opened(plain(received, headers.get(b"content-encoding"), self._limits.body))
        if key is None:
            self._authorise(found.write_key)
        rejected = refused(found, route.kind, self._limits)
        accepted = len(found.messages) - len(rejected)
        self.counters.rejected += len(rejected)
        if rejected and not accepted:
            reason = rejected[0]["reason"]
            more = f", and {len(rejected) - 1} more were refused" if len(rejected) > 1 else ""
            raise Declined(400, "no_event", f"no event was accepted: {reason}{more}", extra={"rejected": rejected})
        if accepted:
            await self._commit.put(_entry(found.body, route, headers.get(b"sentat"), self._clock()))
            self.counters.accepted += accepted
        return _encode({"success": True, "rejected": rejected}) if rejected else _OK

    async def _opened(self, body: bytes) -> Opened:
        """The body's messages; what must be mended first is mended in a thread, as it takes long."""
        try:
            return opened(body, self._limits)
        except Damaged:
            better = await asyncio.to_thread(mended, body)
            if better is None:
                raise
        return opened(better, self._limits)

    def _authorise(self, key: str | None) -> None:
        if not key:
            places = "the user name of Basic authorization, writeKey in the body or ?writeKey="
            raise Declined(401, "no_key", f"there is no write key; send it as {places}")
        role = self._keys(key)
        if role is None:
            raise Declined(
                401, "unknown_key", "the write key is unknown or revoked; `shoal keys list` shows those there are"
            )
        if role not in WRITERS:
            raise Declined(403, "wrong_role", f"the key's role is {role}; sending events takes a key of role write")

    async def _say(self, send: Send, status: int, content: bytes, headers: Headers) -> None:
        self.counters.requests[status] += 1
        length = (b"content-length", b"%d" % len(content))
        start = {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def _entry(body: bytes, route: Route, sent_at: bytes | None, now: int) -> bytes:
    """What the log keeps: the body as it was received, and what only the request knew. `now` in microseconds."""
    sent = _encode(sent_at[:64].decode("latin-1")) if sent_at else b"null"
    return b'{"receivedAt":%d,"type":%s,"sentAt":%s,"historical":%s,"body":%s}' % (
        now,
        _encode(route.kind),
        sent,
        b"true" if route.historical else b"false",
        body,
    )


def _problem(error: Exception) -> Declined:
    """How an error is told. What was not kept is worth another try, after a fault of ours too."""
    if isinstance(error, Declined):
        return error
    if isinstance(error, Busy):
        return Declined(429, "busy", str(error), retry=_PATIENCE)
    if isinstance(error, NoRoom):
        return Declined(503, "no_room", "the disk is full; nothing was kept of this request", retry=_NO_ROOM)
    if not isinstance(error, Transient):
        _logger.error("a request could not be handled", exc_info=error)
    text = "the events could not be stored; nothing was kept of this request"
    return Declined(503, "unavailable", text, retry=_PATIENCE)


def _advice(problem: Declined, route: Route) -> Headers:
    """Headers that say what to do next."""
    advice: Headers = []
    if problem.retry is not None:
        advice.append((b"retry-after", b"%d" % problem.retry))
    if problem.close:
        advice.append((b"connection", b"close"))
    if problem.status == 405:
        advice.append((b"allow", route.methods))
    return advice


def _now() -> int:
    return time.time_ns() // 1_000


def tracking_app(
    log: Log,
    keys: Keys,
    *,
    clock: Clock = _now,
    limits: Limits | None = None,
    counters: Counters | None = None,
    fallback: App | None = None,
) -> Tracking:
    """The tracking API as an ASGI app that appends to `log`.

    `keys` gives the role of a key's text, none for an unknown or revoked one, without waiting; `clock` the time in
    microseconds since 1970; `counters` are counted up for `/metrics`; `fallback` is the app for all other paths.
    """
    return Tracking(
        log, keys, clock=clock, limits=limits or Limits(), counters=counters or Counters(), fallback=fallback
    )
