"""Segment's and RudderStack's Node SDKs, as published, pointed at Shoal as docs/tracking.md says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shoal.errors import Busy, StorageError
from tracked import KEY, READER, REVOKED, Shoal

from . import documented

pytestmark = pytest.mark.slow
SEGMENT, RUDDER = "@segment/analytics-node", "@rudderstack/rudder-sdk-node"
BOTH = pytest.mark.parametrize("sdk", [SEGMENT, RUDDER])
MANY = """for (let n = 0; n < 120; n++)
  analytics.track({ userId: `u${n}`, event: "x", properties: { n, name: "J\u00f6rg \\u{1F600}" } });
"""
GIVEN_UP = {
    SEGMENT: 'analytics.on("error", (error) => console.log("gave up", error.code, error.reason?.message));',
    RUDDER: "",
}


def run(node: str, code: str, *, ends: bool = True) -> str:
    """A program of its own, which ends when it has nothing left to do: what it printed."""
    command = [node, "--input-type=module", "--eval", code]
    here = Path(__file__).resolve().parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0 or not ends, done.stderr
    return done.stdout + done.stderr


def opening(sdk: str, shoal: Shoal, key: str = KEY) -> str:
    """The page's snippet up to the first call, and in less of a hurry to wait."""
    code = documented.snippet(sdk, shoal.url, key).split("analytics.identify")[0] + GIVEN_UP[sdk]
    return code.replace("host:", "flushInterval: 200, host:")


@BOTH
def test_what_the_page_says_arrives_when_the_program_ends(node: str, shoal: Shoal, sdk: str) -> None:
    run(node, documented.snippet(sdk, shoal.url))
    documented.check(shoal.messages)
    assert {path for path, _ in shoal.posts} == {"/v1/batch"}


@BOTH
def test_many_events_arrive_in_batches_each_once(node: str, shoal: Shoal, sdk: str) -> None:
    run(node, opening(sdk, shoal) + MANY)
    assert sorted(message["properties"]["n"] for message in shoal.messages) == list(range(120))
    assert len({message["messageId"] for message in shoal.messages}) == 120
    assert {message["properties"]["name"] for message in shoal.messages} == {"J\u00f6rg \N{GRINNING FACE}"}
    assert len(shoal.entries) < 60


@BOTH
def test_after_429_and_503_the_same_messages_are_sent_again_and_none_is_lost(node: str, shoal: Shoal, sdk: str) -> None:
    shoal.log.errors = [Busy("pressed"), StorageError("away")]
    run(node, opening(sdk, shoal) + 'analytics.track({ userId: "u1", event: "x" });')
    assert len(shoal.attempts) == 3
    assert shoal.attempts[0] == shoal.attempts[1] == shoal.attempts[2]
    assert [message["messageId"] for message in shoal.messages] == shoal.attempts[0]


@pytest.mark.parametrize(("key", "status"), [(REVOKED, 401), (READER, 403)])
def test_a_key_that_may_not_write_is_told_to_the_program_and_not_tried_again(
    node: str, shoal: Shoal, key: str, status: int
) -> None:
    said = run(node, opening(SEGMENT, shoal, key) + 'analytics.track({ userId: "u1", event: "x" });')
    assert "gave up" in said
    assert len(shoal.posts) == 1
    assert shoal.log.entries == []


@pytest.mark.parametrize("key", [REVOKED, READER])
def test_rudders_sdk_does_not_try_a_key_that_may_not_write_for_ever(node: str, shoal: Shoal, key: str) -> None:
    run(node, opening(RUDDER, shoal, key) + 'analytics.track({ userId: "u1", event: "x" });', ends=False)
    assert len(shoal.posts) == 1
    assert shoal.log.entries == []
