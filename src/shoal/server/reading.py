"""The routes of the read API, each a line or two over the view.

They run on the event loop: the view maps its state into memory and answers a person in well under a millisecond, a page
of a thousand in a few, which is less than what handing it to a thread and back costs under load.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response, StreamingResponse

from shoal.releases import pick
from shoal.server.access import key_of
from shoal.server.problem import Json
from shoal.server.stream import Streams
from shoal.server.view import View

FAR = 2**63 - 1
Position = Annotated[int, Field(ge=0, le=FAR)]
Cursor = Annotated[str, Field(max_length=500)]
Absent = SkipJsonSchema[None]  # left out, not null: nothing of an address is null
Id = Annotated[
    str, Path(description="a profile id, an identifier's value or `type:value`", examples=["email:ada@example.org"])
]
Name = Annotated[str, Path(description="a segment's name; `NAME@2` for version 2", examples=["Loyal"])]
Limit = Annotated[int, Query(ge=1, le=1_000, description="at most this many")]
Place = Annotated[int, Query(ge=0, le=FAR, description="only what follows this position", examples=[0])]
Only = Annotated[list[str] | Absent, Query(description="only changes of this segment; may be given more than once")]
_LIVE = {"Cache-Control": "private, no-store"}


class Reading:
    """The routes, over a view."""

    def __init__(self, view: View, streams: Streams) -> None:
        self._view, self._streams = view, streams

    async def profile(self, id: Id) -> Response:  # noqa: A002 - the word users know
        """One person: identifiers, traits, features, scores, memberships, recommended items, next best action."""
        return _answer(self._view.profile(id))

    async def segments(self) -> Response:
        """Every segment version that is live, with its size."""
        return _answer({"segments": self._view.segments()})

    async def segment(self, name: Name) -> Response:
        """One segment: its released version, else the newest; `NAME@2` for version 2. Capitals do not count."""
        versions = [SimpleNamespace(**one, told=one) for one in self._view.segments()]
        return _answer(pick(versions, name).told)

    async def members(
        self,
        name: Name,
        after: Annotated[Cursor | Absent, Query(description="`next` of the page before")] = None,
        limit: Limit = 100,
    ) -> Response:
        """Who is in a segment, a page at a time. Who stays in is on one page only, whoever comes and goes meanwhile."""
        return _answer(self._view.members(name, after, limit))

    async def explain(self, name: Name, id: Id) -> Response:  # noqa: A002
        """Why a person is or is not in a segment, clause by clause."""
        return _answer(self._view.explain(name, id))

    async def changes(self, after: Place = 0, limit: Limit = 100, segment: Only = None) -> Response:
        """Who entered and who left, in order; `next` is where to go on, also when nothing of it was wanted."""
        found = self._view.changes(after, limit)
        wanted = _folded(segment)
        shown = [one for one in found if not wanted or one["segment"].casefold() in wanted]
        return _answer({"changes": shown, "next": found[-1]["position"] if found else after})

    async def stream(
        self,
        request: Request,
        after: Annotated[Position | Absent, Query(description="the present when left out")] = None,
        segment: Only = None,
        last_event_id: Annotated[
            Position | Absent, Header(description="where the last stream was cut off; counts more than `after`")
        ] = None,
    ) -> Response:
        """Who enters and who leaves, as it happens: server-sent events `change` with `id:` the position."""
        key = key_of(request.headers.get("authorization", ""))
        self._streams.check(key)
        place = last_event_id if last_event_id is not None else after
        if place is None:
            place = self._streams.newest()
        events = self._streams.events(key, place, segment or [])
        headers = {**_LIVE, "X-Accel-Buffering": "no"}  # a proxy that gathers would hold changes back
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def status(self) -> Response:
        """How far the live side is, and whether it is ready."""
        return _answer(self._view.status())


def _answer(content: dict[str, Any]) -> Response:
    return Json(content, headers=_LIVE)


def _folded(segments: list[str] | None) -> frozenset[str]:
    return frozenset(name.casefold() for name in segments or ())
