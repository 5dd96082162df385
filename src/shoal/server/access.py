"""Who asks, and whether they may: keys, roles, rate limits."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request, Security
from fastapi.security import HTTPBasic, HTTPBearer
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from shoal.server.limit import Buckets, Limits
from shoal.server.problem import Problem

Keys = Callable[[str], str | None]
"""The role that a key's text has (`write`, `read`, `admin`), None for a key that is none."""
READERS = ("read", "admin")
MOST = 255  # characters of an anonymous id
_CHALLENGE = 'Bearer realm="shoal"'


class _Bearer(HTTPBearer):
    """Says in the OpenAPI document how to send a key; `Access` reads it."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        """Reads nothing."""


class _Basic(HTTPBasic):
    """The same for the other way."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        """Reads nothing."""


BEARER = _Bearer(scheme_name="bearer", description="`Authorization: Bearer KEY`", auto_error=False)
BASIC = _Basic(scheme_name="basic", description="the key as user name, no password", auto_error=False)


class Access:
    """Checks the key of a request; its methods are FastAPI dependencies."""

    def __init__(self, keys: Keys, limits: Limits, buckets: Buckets) -> None:
        self._keys, self._limits, self._buckets = keys, limits, buckets

    async def reader(
        self,
        request: Request,
        _bearer: Annotated[None, Security(BEARER)],
        _basic: Annotated[None, Security(BASIC)],
    ) -> None:
        """Lets keys through that may read profiles. Raises Problem 401, 403 or 429."""
        text = key_of(request.headers.get("authorization", ""))
        if self._role(text) not in READERS:
            raise Problem(
                403, "forbidden", "a write key may not read. Rule: profiles are read with the role read or admin",
                "shoal keys create --role read", {"WWW-Authenticate": _CHALLENGE + ', error="insufficient_scope"'},
            )  # fmt: skip
        self._spend(text, self._limits.rate, self._limits.burst)

    async def visitor(
        self,
        request: Request,
        _bearer: Annotated[None, Security(BEARER)],
        _basic: Annotated[None, Security(BASIC)],
        write_key: Annotated[
            Annotated[str, Field(max_length=200)] | SkipJsonSchema[None],
            Query(alias="writeKey", description="the key, where a header would cost a preflight"),
        ] = None,
    ) -> None:
        """Lets every key through, for a visitor's own memberships. Raises Problem 401 or 429."""
        text = key_of(request.headers.get("authorization", "")) or write_key or ""
        if self._role(text) in READERS:
            self._spend(text, self._limits.rate, self._limits.burst)
        else:
            address = request.client.host if request.client else ""
            visitor = request.query_params.get("anonymousId", "")[:MOST]
            self._spend(f"{text} {address}", self._limits.address_rate, self._limits.address_burst)
            self._spend(f"{text} {address} {visitor}", self._limits.visitor_rate, self._limits.visitor_burst)

    def _role(self, text: str) -> str:
        role = self._keys(text) if text else None
        if role is None:
            what = "the key is unknown or was revoked" if text else "there is no key"
            remedy = "send `Authorization: Bearer KEY`; shoal keys create makes one"
            raise Problem(401, "unauthorized", what, remedy, {"WWW-Authenticate": _CHALLENGE})
        return role

    def _spend(self, name: str, rate: float, burst: int) -> None:
        wait = self._buckets.take(name, rate=rate, burst=burst)
        if wait:
            raise Problem(
                429, "too_many_requests", f"too many requests. Rule: {rate:g} a second with this key, {burst} at once",
                "wait as long as Retry-After says", {"Retry-After": str(math.ceil(wait))},
            )  # fmt: skip


def key_of(header: str) -> str:
    """The key in an Authorization header, empty where there is none.

    >>> key_of("Bearer shoal_read_1"), key_of("Basic " + base64.b64encode(b"shoal_write_2:").decode()), key_of("Odd")
    ('shoal_read_1', 'shoal_write_2', '')
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""
