"""The pages on the API speak of every route, and their examples are answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from shoal.server.limit import Limits
from shoal.settings import Webhook

from .shop import Client, shop

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text(encoding="utf-8")
CALLS = re.findall(r'curl .*?"?http://localhost:8000([^\s"]+)', PAGE)


@pytest.mark.parametrize("path", sorted(Client().app.openapi()["paths"]))
def test_every_route_is_on_the_page(path: str) -> None:
    assert f"| `GET {path}` |" in PAGE


@pytest.mark.parametrize("call", [call for call in CALLS if "stream" not in call])
def test_every_example_is_answered(call: str) -> None:
    view = shop()
    view.add("p00000000000000ff", {"device_id": "d-1"})
    assert Client(view).ask(call.replace("$WRITE_KEY", "shoal_write_1")).status_code == 200


def test_every_route_has_an_example() -> None:
    kinds = {re.sub(r"/(Loyal|email:[^/]*|p0[^/]*)", "/{}", call.partition("?")[0]) for call in CALLS}
    known = {re.sub(r"\{\w+\}", "{}", path) for path in Client().app.openapi()["paths"]}
    assert kinds == known


def test_the_limits_are_those_of_the_code() -> None:
    limits = Limits()
    for said in (
        f"{limits.rate:g} requests a second, {limits.burst} at once, {limits.streams} streams",
        f"{limits.visitor_rate:g} requests a second and {limits.visitor_burst} at once",
        f"one address {limits.address_rate:,g} a second",
        f"heartbeat ({limits.heartbeat:g} seconds)",
    ):
        assert said in " ".join(PAGE.split())


def test_the_example_of_a_webhook_is_valid() -> None:
    page = (DOCS / "webhooks.md").read_text(encoding="utf-8")
    block = re.search(r"^    tracking:\n(?:      .*\n)+", page, re.MULTILINE)
    assert block is not None
    told = yaml.safe_load(block[0])["tracking"]["webhooks"]
    assert Webhook.model_validate(told[0]).segments == ["Loyal", "At risk"]
