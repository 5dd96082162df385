"""What a website's visitors may ask: the script, and which segments they themselves are in. Nothing else of anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from shoal.errors import NotFound
from shoal.server.problem import Json
from shoal.server.view import View

SCRIPT = (Path(__file__).parent / "static" / "shoal.js").read_bytes()
PATHS = ("/v1/personalise", "/shoal.js")
_TAG = f'"{hashlib.sha256(SCRIPT).hexdigest()[:32]}"'
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "authorization",
    "Access-Control-Max-Age": "86400",
}


class Website:
    """The routes for a website; `public` names the segments that visitors may learn of, the released ones if empty."""

    def __init__(self, view: View, public: Sequence[str]) -> None:
        self._view, self._public = view, public

    async def personalise(
        self,
        anonymous_id: Annotated[
            str, Query(alias="anonymousId", min_length=1, max_length=255, description="the visitor's own anonymous id")
        ],
    ) -> Response:
        """The names of the segments that the visitor is in, and nothing else; nobody's are an empty list."""
        try:
            stays = self._view.profile(f"anonymous_id:{anonymous_id}")["memberships"]
        except NotFound:
            stays = []
        names = {one["segment"] for one in stays if self._may_know(one)}
        return Json({"segments": sorted(names)}, headers={"Cache-Control": "private, no-store"})

    def _may_know(self, stay: Mapping[str, Any]) -> bool:
        return stay["segment"] in self._public if self._public else stay["status"] == "released"


async def script(request: Request) -> Response:
    """The script for websites, kept by browsers for an hour."""
    headers = {
        "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
        "ETag": _TAG,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = request.headers.get("if-none-match", "")
    if _TAG in known:
        return Response(status_code=304, headers=headers)
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers=headers)


def cors(scope_path: str, method: str) -> dict[str, str]:
    """The headers that let a script of any website read an answer: on these two paths, and on no other.

    >>> sorted(cors("/shoal.js", "GET")), cors("/v1/segments", "GET")
    (['Access-Control-Allow-Origin', 'Access-Control-Expose-Headers'], {})
    """
    if scope_path not in PATHS:
        return {}
    return _PREFLIGHT if method == "OPTIONS" else _CORS


async def preflight(_: Request) -> Response:
    """Answers a browser that asks whether it may ask."""
    return Response(status_code=204)
