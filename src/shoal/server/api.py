"""The read API as an application: routes, who may ask them, and what every answer may be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from shoal import __version__
from shoal.errors import ShoalError
from shoal.server import problem, shapes
from shoal.server.access import Access, Keys
from shoal.server.limit import Buckets, Limits
from shoal.server.reading import Reading
from shoal.server.stream import Streams
from shoal.server.view import View
from shoal.server.website import PATHS, Website, cors, preflight, script

_WAIT = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
_KEY = {"WWW-Authenticate": {"description": "how to send a key", "schema": {"type": "string"}}}
_MEANINGS: Mapping[int, tuple[str, Mapping[str, Any]]] = {
    401: ("no key, or one that is unknown or was revoked", _KEY),
    403: ("a key of a role that may not ask this", _KEY),
    404: ("no such person or segment", {}),
    422: ("a parameter breaks a rule", {}),
    429: ("too many requests or streams with this key", _WAIT),
    500: ("a fault in Shoal", {}),
    503: ("the server is stopping, or its state or store cannot be read now", _WAIT),
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "server-sent events",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "description": "one event; `data` is the JSON of a Change, as of /v1/changes",
                    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
                    "required": ["id"],
                },
                "example": 'id: 17\nevent: change\ndata: {"position":17,"change":"entered","segment":"Loyal"}\n\n',
            }
        },
    }
}


def api_app(
    view: View,
    keys: Keys,
    *,
    limits: Limits | None = None,
    public_segments: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The read API over a view.

    Args:
        keys: gives the role of a key's text, None for one that is no key; a `KeyRing` is one.
        public_segments: names of segments that a website's visitors may learn of; the released ones when empty.
        clock: seconds, for the rate limits.

    `app.state.streams.close()` ends the event streams: call it when the server is told to stop, else it waits for them.

    >>> from shoal.testing import MemoryView
    >>> api_app(MemoryView(), lambda key: None).title
    'Shoal'
    """
    limits = limits or Limits()
    access = Access(keys, limits, Buckets(clock))
    streams = Streams(view.changes, limits)
    app = FastAPI(
        title="Shoal",
        version=__version__,
        summary="Living customer segments: who is in which now, and why.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # both pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            ShoalError: problem.on_error,
            problem.Problem: problem.on_error,
            HTTPException: problem.on_refusal,
            RequestValidationError: problem.on_invalid,
        },
    )
    app.state.streams = streams
    app.include_router(_reading(Reading(view, streams), access))
    app.include_router(_website(Website(view, public_segments), access))
    app.router.routes += [Route(path, preflight, methods=["OPTIONS"]) for path in PATHS]
    app.router.routes.append(Route("/shoal.js", script, methods=["GET"]))
    app.add_middleware(problem.Calm, more=cors)
    return app


def _reading(reading: Reading, access: Access) -> APIRouter:
    router = APIRouter(
        prefix="/v1", dependencies=[Depends(access.reader)], responses=_answers(401, 403, 422, 429, 500, 503)
    )
    routes: list[tuple[str, Callable[..., Any], Any, tuple[int, ...], str]] = [
        ("/profiles/{id:path}", reading.profile, shapes.Profile, (404,), "One person"),
        ("/segments", reading.segments, shapes.Segments, (), "All segments"),
        (
            "/segments/{name:path}/explain/{id:path}",
            reading.explain,
            shapes.Explanation,
            (404,),
            "Why in it, or why not",
        ),
        ("/segments/{name:path}/members", reading.members, shapes.Members, (404,), "Who is in it"),
        ("/segments/{name:path}", reading.segment, shapes.Segment, (404,), "One segment"),
        ("/changes", reading.changes, shapes.Feed, (), "Who entered and left"),
        ("/status", reading.status, shapes.Status, (), "How far the live side is"),
    ]
    for path, answer, shape, more, summary in routes:
        router.add_api_route(path, answer, response_model=shape, responses=_answers(*more), summary=summary)
    router.add_api_route(
        "/changes/stream", reading.stream, response_model=None, responses=_EVENTS, summary="Who enters and leaves"
    )
    return router


def _website(website: Website, access: Access) -> APIRouter:
    router = APIRouter(
        prefix="/v1", dependencies=[Depends(access.visitor)], responses=_answers(401, 422, 429, 500, 503)
    )
    router.add_api_route(
        "/personalise", website.personalise, response_model=shapes.Personal, summary="A visitor's own segments"
    )
    return router


def _answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": shapes.Problem, "description": _MEANINGS[status][0], "headers": dict(_MEANINGS[status][1])}
        for status in statuses
    }
