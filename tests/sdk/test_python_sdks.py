"""Segment's and RudderStack's Python SDKs, as published, pointed at Shoal as docs/tracking.md says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shoal.errors import Busy, StorageError
from tracked import KEY, READER, REVOKED, Shoal

from . import documented

SEGMENT, RUDDER = "segment-analytics-python", "rudder-sdk-python"
BOTH = pytest.mark.parametrize("sdk", [SEGMENT, RUDDER])
IMPORT = {
    SEGMENT: "import segment.analytics as analytics\nanalytics.host = {url!r}\n",
    RUDDER: "import rudderstack.analytics as analytics\nanalytics.dataPlaneUrl = {url!r}\n",
}


def run(code: str) -> str:
    """A program of its own, which ends by its end: what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def program(sdk: str, shoal: Shoal, body: str, key: str = KEY) -> str:
    """A program that sends, and says what was given up."""
    head = IMPORT[sdk].format(url=shoal.url) + f"analytics.write_key = {key!r}\n"
    head += "analytics.on_error = lambda error, items: print('gave up', len(items), error)\n"
    return run(head + body)


@BOTH
def test_what_the_page_says_arrives_when_the_program_ends(shoal: Shoal, sdk: str) -> None:
    run(documented.snippet(sdk, shoal.url))
    documented.check(shoal.messages)
    assert {path for path, _ in shoal.posts} == {"/v1/batch"}
    assert {headers["content-encoding"] for _, headers in shoal.posts} == {"gzip"}


@BOTH
@pytest.mark.slow
def test_after_429_and_503_the_same_messages_are_sent_again_and_none_is_lost(shoal: Shoal, sdk: str) -> None:
    shoal.log.errors = [Busy("pressed"), StorageError("away")]
    said = program(sdk, shoal, "for n in range(5): analytics.track(f'u{n}', 'x')\nanalytics.flush()")
    assert "gave up" not in said
    assert len(shoal.attempts) >= 3
    sent = {name for attempt in shoal.attempts for name in attempt}
    kept = [message["messageId"] for message in shoal.messages]
    assert len(kept) == len(set(kept)) == 5
    assert set(kept) == sent
    assert set(shoal.attempts[0]) & set(shoal.attempts[1])


@BOTH
@pytest.mark.parametrize(("key", "status"), [(REVOKED, "401"), (READER, "403")])
def test_a_key_that_may_not_write_is_told_to_the_program_with_its_reason_and_not_tried_again(
    shoal: Shoal, sdk: str, key: str, status: str
) -> None:
    said = program(sdk, shoal, "analytics.track('u1', 'x')", key)
    assert "gave up 1" in said
    assert status in said
    assert "key" in said.split("gave up 1")[1]
    assert len(shoal.posts) == 1
    assert shoal.log.entries == []


def test_nan_costs_no_neighbour(shoal: Shoal) -> None:
    program(SEGMENT, shoal, "analytics.track('u1', 'a', {'total': float('nan')})\nanalytics.track('u1', 'b', {'x': 1})")
    assert [(message["event"], message["properties"]) for message in shoal.messages] == [
        ("a", {"total": None}),
        ("b", {"x": 1}),
    ]


@BOTH
def test_many_events_arrive_in_batches_each_once(shoal: Shoal, sdk: str) -> None:
    many = "for n in range(250): analytics.track(n + 1, 'x', {'n': n, 'name': 'J\\u00f6rg \\U0001F600'})"
    program(sdk, shoal, many + "\nanalytics.flush()")
    assert sorted(message["properties"]["n"] for message in shoal.messages) == list(range(250))
    assert len({message["messageId"] for message in shoal.messages}) == 250
    assert {message["properties"]["name"] for message in shoal.messages} == {"J\u00f6rg \N{GRINNING FACE}"}
    assert 3 <= len(shoal.entries) <= 10
