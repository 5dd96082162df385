"""What goes wrong, as JSON: `{"error": {"code", "message", "remedy"}}` with a status that fits, never a traceback."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shoal.errors import NotFound, Refused, ShoalError, Transient, UsageError

log = logging.getLogger("shoal.server")
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_STATUS: tuple[tuple[type[ShoalError], int], ...] = (
    (NotFound, 404),
    (UsageError, 422),
    (Refused, 403),
    (Transient, 503),
    (ShoalError, 503),
)
AGAIN = 1  # seconds after which a transient failure is worth another try
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}
_REMEDIES = {404: "see /v1/openapi.json for what there is", 405: "see /v1/openapi.json"}


class Problem(Exception):
    """An answer other than 200, raised where it is found out."""

    def __init__(
        self, status: int, code: str, message: str, remedy: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.remedy = status, code, message, remedy
        self.headers = headers or {}

    def response(self) -> Response:
        """The answer itself."""
        body = {"error": {"code": self.code, "message": self.message, "remedy": self.remedy}}
        return Json(body, self.status, self.headers)


class Json(Response):
    """An answer in JSON; what is not a number becomes null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        return msgspec.json.encode(content, enc_hook=_plain)


def told(error: ShoalError) -> Problem:
    """An error of Shoal's as an answer.

    >>> problem = told(NotFound("there is no segment 'Vip'. Did you mean 'VIP'? Remedy: see /v1/segments"))
    >>> problem.status, problem.code, problem.message, problem.remedy
    (404, 'not_found', "there is no segment 'Vip'. Did you mean 'VIP'?", 'see /v1/segments')
    """
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    message, _, remedy = str(error).partition("Remedy: ")
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    again = {"Retry-After": str(AGAIN)} if isinstance(error, Transient) else {}
    return Problem(status, code, message.strip(), remedy.strip() or "see docs/api.md", again)


async def on_error(_: Request, error: Exception) -> Response:
    """Answers an error that Shoal raised."""
    problem = error if isinstance(error, Problem) else told(error)  # type: ignore[arg-type]
    return problem.response()


async def on_refusal(_: Request, error: Exception) -> Response:
    """Answers what the router refused: no such path, not this method."""
    status: int = getattr(error, "status_code", 400)
    said = str(getattr(error, "detail", "refused"))
    headers = dict(getattr(error, "headers", None) or {})
    return Problem(
        status, _CODES.get(status, "refused"), said, _REMEDIES.get(status, "see docs/api.md"), headers
    ).response()


async def on_invalid(_: Request, error: Exception) -> Response:
    """Answers parameters that break a rule: every one of them at once."""
    faults: list[Any] = getattr(error, "errors", list)()
    # That it could have been left out (`none_required`) is no news to somebody who gave it.
    given = [one for one in faults if one["type"] != "none_required"]
    said = "; ".join(f"{' '.join(str(part) for part in one['loc'][:2])}: {one['msg']}" for one in given)
    return Problem(422, "invalid", said or "a parameter is wrong", "see /v1/openapi.json for what it may be").response()


class Calm:
    """Middleware: whatever nobody foresaw is answered with 500 as JSON, and logged by its kind and place alone.

    `more` gives further headers for a path and a method; refusals have them too.
    The text of an error may hold personal data, so it goes neither into the answer nor into the log.
    """

    def __init__(self, app: Any, more: Callable[[str, str], Mapping[str, str]]) -> None:
        self.app, self._more = app, more

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        more = {"X-Content-Type-Options": "nosniff", **self._more(scope["path"], scope["method"])}
        headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - whatever it is, a caller gets an answer and not a traceback
            _note(error)
            if not begun:
                fault = Problem(
                    500, "fault", "this is a fault in Shoal, not in what you asked", "report it; see the log"
                )
                await fault.response()(scope, receive, watched)


def _note(error: Exception) -> None:
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{Path(where[0].filename).name}:{where[0].lineno}" if where else "nowhere"
    log.error("fault: %s at %s", type(error).__name__, place)


def _plain(value: Any) -> Any:
    """Numbers of NumPy as numbers, anything else as its text."""
    return value.item() if hasattr(value, "item") else str(value)
