"""The script for websites in a real browser: it knows the visitor, shows what is for them, and sends events."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shoal.server.api import api_app

from .serving import serving
from .shop import KEYS, QUICK, shop

pytestmark = pytest.mark.slow
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>waiting</title><script>%s</script>
<script src="%s/shoal.js" data-key="shoal_write_1"></script></head><body>
<p id="loyal" data-shoal-show="Loyal" hidden>for the loyal</p><p id="both" data-shoal-show="others, LOYAL">for both</p>
<p id="others" data-shoal-show="others">for others</p>
<script>(async () => { document.title = JSON.stringify(await (async () => { %s })()); })();</script></body></html>"""
SHOWN = """const names = await shoal.segments();
return {names, html: document.documentElement.dataset.shoalSegments,
        shown: [...document.querySelectorAll("p")].filter((e) => !e.hidden).map((e) => e.id)};"""
Page = Callable[..., Any]


class Site:
    """A website and the API beside it; what is tracked is remembered."""

    def __init__(self) -> None:
        self.api = api_app(shop(), KEYS.get, limits=QUICK)
        self.state, self.page, self.tracked = self.api.state, b"", list[tuple[str, Any]]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/page":
            await self._answer(send, self.page, b"text/html")
        elif scope["type"] == "http" and scope["method"] == "POST":
            body = b""
            while (message := await receive()).get("more_body"):
                body += message["body"]
            self.tracked.append((scope["path"], json.loads(body + message["body"])))
            await self._answer(send, b"{}", b"application/json")
        else:
            await self.api(scope, receive, send)

    async def _answer(self, send: Any, body: bytes, kind: bytes) -> None:
        headers = [(b"content-type", kind), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def page(site: Site, tmp_path: Path) -> Iterator[Page]:
    """Opens a page on another origin than the API's; gives what its last script returns."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with serving(site) as (url, _):

        def opened(before: str = "", after: str = SHOWN, api: str = url) -> Any:
            site.page = (PAGE % (before, api, after)).encode()
            command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
            command += ["--virtual-time-budget=5000", "--dump-dom", url.replace("127.0.0.1", "localhost") + "/page"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
            title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
            assert title, done.stdout[:500]
            return json.loads(html.unescape(title[1]))

        yield opened


CODED = "RS_ENC_v3_" + base64.b64encode(b'"anon-1"').decode()


@pytest.mark.parametrize(
    "before",
    [
        "localStorage.setItem('ajs_anonymous_id', '\"anon-1\"')",
        "localStorage.setItem('ajs_anonymous_id', 'anon-1')",
        "document.cookie = 'ajs_anonymous_id=anon-1'",
        f"document.cookie = 'other=1'; document.cookie = 'rl_anonymous_id=' + encodeURIComponent('{CODED}')",
        f"localStorage.setItem('rl_anonymous_id', '{CODED}')",
        "localStorage.setItem('shoal_anonymous_id', '\"anon-1\"')",
    ],
)
def test_a_known_visitor_sees_what_is_for_them(page: Page, before: str) -> None:
    assert page(before) == {"names": ["Loyal"], "html": "loyal", "shown": ["loyal", "both"]}


def test_a_new_visitor_gets_an_id_that_stays_and_sees_nothing_special(page: Page) -> None:
    after = SHOWN.replace("return {", "return {id: shoal.anonymousId(), ")
    first = page(after=after)
    assert (first["names"], first["html"], first["shown"]) == ([], "", [])
    assert re.fullmatch(r"\d+(-\d+){3}", first["id"])
    assert page(after=after)["id"] == first["id"]


def test_where_nothing_can_be_stored_the_id_stays_for_the_page(page: Page) -> None:
    forbidden = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }});"
    told = page(forbidden, "await shoal.segments(); return [shoal.anonymousId(), shoal.anonymousId()];")
    assert told[0] == told[1] != ""


def test_where_the_api_is_away_everything_special_is_hidden(page: Page) -> None:
    gone = "const real = fetch; window.fetch = (url, told) => Promise.reject(new TypeError('away'));"
    assert page(f"localStorage.ajs_anonymous_id = 'anon-1'; {gone}") == {"names": [], "html": "", "shown": []}


def test_events_are_sent_with_the_ids_and_the_key(page: Page, site: Site) -> None:
    sent = page(
        "localStorage.ajs_anonymous_id = 'anon-1'",
        """return [await shoal.track("Product Viewed", {sku: "A1"}), await shoal.identify("u-7", {plan: "pro"}),
                   await shoal.page("Home")];""",
    )
    assert sent == [True, True, True]
    assert [path for path, _ in site.tracked] == ["/v1/t", "/v1/i", "/v1/p"]
    track, identify, viewed = (message for _, message in site.tracked)
    assert (track["event"], track["properties"], track["userId"]) == ("Product Viewed", {"sku": "A1"}, "")
    assert (identify["userId"], identify["traits"], viewed["userId"], viewed["name"]) == (
        "u-7", {"plan": "pro"}, "u-7", "Home",
    )  # fmt: skip
    assert {(one["anonymousId"], one["writeKey"]) for _, one in site.tracked} == {("anon-1", "shoal_write_1")}
    assert len({one["messageId"] for _, one in site.tracked}) == 3
    assert track["context"]["page"]["path"] == "/page"
    assert track["timestamp"] == track["sentAt"] != ""


def test_where_fetch_fails_a_beacon_is_sent(page: Page, site: Site) -> None:
    failing = "const real = fetch; window.fetch = (url, told) => told.body ? Promise.reject() : real(url, told);"
    assert page(failing, "await shoal.segments(); return await shoal.track('Left', {});") is True
    assert [(path, one["event"]) for path, one in site.tracked] == [("/v1/t", "Left")]
