"""The browser SDKs in a real browser, on a page of another origin, pointed at Shoal as docs/tracking.md says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from shoal.errors import Busy, StorageError
from tracked import KEY, READER, REVOKED, MemoryLog, Shoal, tracking

from . import documented
from .page import Page, browsing

pytestmark = pytest.mark.slow
CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
SEGMENT, RUDDER = "@segment/analytics-next", "@rudderstack/analytics-js"
LOAD = "const analytics = AnalyticsBrowser.load({{ writeKey: '{key}', cdnURL: '{url}' }}, {options});\n"


@pytest.fixture
def page(node: str) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with browsing(node, CHROMIUM) as found:
        found.open()
        yield found


def loaded(shoal: Shoal, key: str = KEY, options: str = "{}") -> str:
    return LOAD.format(key=key, url=shoal.url, options=options) + "await analytics;\n"


def test_what_the_page_says_of_segments_sdk_arrives_and_nothing_else_is_contacted(page: Page, shoal: Shoal) -> None:
    page.run(documented.snippet(SEGMENT, shoal.url))
    documented.check(shoal.wait(6))
    assert ("GET", f"/v1/projects/{KEY}/settings") in {seen[:2] for seen in shoal.seen}
    assert sorted(path for path, _ in shoal.posts) == ["/v1/a", "/v1/g", "/v1/i", "/v1/p", "/v1/s", "/v1/t"]
    assert {headers["content-type"] for _, headers in shoal.posts} == {"text/plain"}
    assert page.tell(strangers=True) == []


def test_what_the_page_says_of_rudders_sdk_arrives_and_nothing_else_is_contacted(page: Page, shoal: Shoal) -> None:
    page.run(documented.snippet(RUDDER, shoal.url))
    documented.check(shoal.wait(5), documented.KINDS - {"screen"})
    assert ("GET", "/sourceConfig/") in {seen[:2] for seen in shoal.seen}
    assert all(entry["sentAt"] for entry in shoal.entries)
    assert page.tell(strangers=True) == []


def test_rudders_beacon_arrives_when_the_page_is_left(page: Page, shoal: Shoal) -> None:
    options = f"{{ configUrl: '{shoal.url}', useBeacon: true, beaconQueueOptions: {{ flushQueueInterval: 600000 }} }}"
    page.run(
        "const analytics = new RudderAnalytics();\n"
        f"analytics.load('{KEY}', '{shoal.url}', {options});\n"
        "await new Promise((done) => analytics.ready(done));\n"
        "analytics.track('Left', { n: 1 });"
    )
    page.tell(leave=True)
    assert [message["event"] for message in shoal.wait(1)] == ["Left"]
    path, headers = shoal.posts[0]
    assert path == "/beacon/v1/batch"
    assert "authorization" not in headers


def test_the_batching_strategy_sends_few_requests(page: Page, shoal: Shoal) -> None:
    strategy = "{ deliveryStrategy: { strategy: 'batching', config: { size: 10, timeout: 300 } } }"
    code = loaded(shoal, options=f"{{ integrations: {{ 'Segment.io': {strategy} }} }}")
    page.run(code + "await Promise.all([...Array(25).keys()].map((n) => analytics.track('x', { n })));")
    assert sorted(message["properties"]["n"] for message in shoal.wait(25)) == list(range(25))
    assert {path for path, _ in shoal.posts} == {"/v1/b"}
    assert len(shoal.posts) <= 5


def test_after_429_and_503_the_same_message_is_sent_again_when_it_was_told_to(page: Page, shoal: Shoal) -> None:
    shoal.log.errors = [Busy("pressed"), StorageError("away")]
    page.run(loaded(shoal) + "analytics.track('x', {});")
    kept = [message["messageId"] for message in shoal.wait(1)]
    assert shoal.attempts == [kept] * 3
    assert [headers.get("x-retry-count") for _, headers in shoal.posts][1:] == ["1", "2"]


def test_what_happens_while_the_server_is_away_arrives_when_it_is_back(page: Page) -> None:
    log = MemoryLog()
    with tracking(log=log) as shoal:
        page.run(loaded(shoal) + "window.analytics = analytics; await analytics.track('before', {});")
        shoal.wait(1)
    page.run("for (let n = 0; n < 5; n++) window.analytics.track('away', { n });")
    page.run("await new Promise((done) => setTimeout(done, 500));")
    with tracking(int(shoal.host.split(":")[1]), log) as back:
        messages = back.wait(6)
    away = [message for message in messages if message["event"] == "away"]
    assert sorted(message["properties"]["n"] for message in away) == list(range(5))
    assert len({message["messageId"] for message in away}) == 5


def test_what_could_not_be_sent_before_the_page_was_left_arrives_with_the_next_one(page: Page) -> None:
    log = MemoryLog()
    with tracking(log=log) as shoal:
        page.run(loaded(shoal) + "window.analytics = analytics;")
    page.run("window.analytics.track('away', {}); await new Promise((done) => setTimeout(done, 300));")
    page.tell(leave=True)
    with tracking(int(shoal.host.split(":")[1]), log) as back:
        page.open()
        page.run(loaded(back))
        assert [message["event"] for message in back.wait(1)] == ["away"]


@pytest.mark.parametrize(("key", "status"), [(REVOKED, 401), (READER, 403)])
def test_a_key_that_may_not_write_gets_no_settings_and_keeps_nothing(
    page: Page, shoal: Shoal, key: str, status: int
) -> None:
    answer = page.run(
        f"const found = await fetch('{shoal.url}/v1/projects/{key}/settings');"
        "return [found.status, (await found.json()).message];"
    )
    assert answer[0] == status
    assert "key" in answer[1]
    sent = page.run(
        f"const found = await fetch('{shoal.url}/v1/t', {{ method: 'POST',"
        f" body: JSON.stringify({{ writeKey: '{key}', userId: 'u', event: 'e' }}) }});"
        "return found.status;"
    )
    assert sent == status
    assert shoal.log.entries == []


def test_retry_after_can_be_read_by_the_page(page: Page, shoal: Shoal) -> None:
    shoal.log.errors = [Busy("pressed")]
    body = f"JSON.stringify({{ writeKey: '{KEY}', userId: 'u', event: 'e' }})"
    code = f"const found = await fetch('{shoal.url}/v1/t', {{ method: 'POST', body: {body} }});"
    assert page.run(code + "return [found.status, found.headers.get('Retry-After')];") == [429, "1"]
