"""A small shop behind the read API: two people, two segments, three changes, one key of each role."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from shoal.server.api import api_app
from shoal.server.limit import Limits
from shoal.testing import MemoryView

ADA, BOB = "p0000000000000001", "p0000000000000002"
KEYS = {"shoal_read_1": "read", "shoal_write_1": "write", "shoal_admin_1": "admin"}
READ = {"Authorization": "Bearer shoal_read_1"}
QUICK = Limits(
    rate=1e6,
    burst=1_000_000,
    visitor_rate=1e6,
    visitor_burst=1_000_000,
    address_burst=1_000_000,
    stream_for=0.05,
    poll=0.005,
)


def shop() -> MemoryView:
    """What the live side knows."""
    view = MemoryView()
    features = {"orders_90d": 3, "spend": 12.5, "stage": None}
    view.add(ADA, {"email": "ada@example.org", "anonymous_id": "anon-1"}, traits={"country": "NL"}, features=features)
    view.add(BOB, {"anonymous_id": "anon/2"})
    view.segment("Loyal")
    view.segment("Trial", status="draft", version=3)
    view.enter("Loyal", ADA)
    view.enter("Trial", ADA)
    view.enter("Loyal", BOB)
    return view


class Client:
    """Asks the shop's read API, in this process."""

    def __init__(self, view: MemoryView | None = None, limits: Limits = QUICK, **more: Any) -> None:
        self.view = view or shop()
        self.app = api_app(self.view, KEYS.get, limits=limits, **more)

    def ask(
        self, path: str, headers: Mapping[str, str] = READ, method: str = "GET", address: str = "127.0.0.1"
    ) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://shoal") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(asked())

    def get(self, path: str, headers: Mapping[str, str] = READ) -> Any:
        """The JSON of a good answer."""
        answer = self.ask(path, headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path: str, headers: Mapping[str, str] = READ) -> tuple[int, str]:
        """Status and code of an answer that is a refusal."""
        answer = self.ask(path, headers)
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"code", "message", "remedy"}
        return answer.status_code, answer.json()["error"]["code"]
