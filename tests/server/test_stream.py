"""The stream of changes over a real connection: resumed where it was cut off, filtered, ended with the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from shoal.server.api import api_app
from shoal.server.limit import Limits
from shoal.testing import MemoryView

from .serving import Server, serving
from .shop import ADA, BOB, KEYS, READ, shop

LIMITS = Limits(poll=0.005, heartbeat=0.02, streams=2)


class Reader:
    """Reads events as a browser does."""

    def __init__(self, answer: httpx.Response) -> None:
        self.lines = answer.iter_lines()
        self.last_id = ""

    def event(self) -> dict[str, Any] | None:
        """The next event that has data, None at the end."""
        for block in self.blocks():
            if "data" in block:
                return dict(msgspec.json.decode(block["data"]))
        return None

    def heartbeat(self) -> None:
        """Waits for one."""
        assert any("" in block for block in self.blocks()), "the stream ended"

    def blocks(self) -> Iterator[dict[str, str]]:
        """Fields by name, a comment's is empty."""
        block: dict[str, str] = {}
        for line in self.lines:
            if line:
                name, _, value = line.partition(":")
                block[name] = value.strip()
                continue
            self.last_id = block.get("id", self.last_id)
            yield block
            block = {}


@pytest.fixture
def view() -> MemoryView:
    return shop()


@pytest.fixture
def served(view: MemoryView) -> Iterator[tuple[str, Server]]:
    with serving(api_app(view, KEYS.get, limits=LIMITS)) as found:
        yield found


@contextmanager
def stream(url: str, query: str = "", **headers: str) -> Iterator[Reader]:
    asked = httpx.stream("GET", f"{url}/v1/changes/stream{query}", headers={**READ, **headers}, timeout=20)
    with asked as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield Reader(answer)


def test_it_starts_at_the_present_and_tells_what_happens(served: tuple[str, Server], view: MemoryView) -> None:
    with stream(served[0]) as reader:
        reader.heartbeat()
        view.leave("Loyal", ADA)
        event = reader.event()
        assert event == view.feed[3]
        assert reader.last_id == "4"


def test_cut_off_it_goes_on_with_what_followed(served: tuple[str, Server], view: MemoryView) -> None:
    with stream(served[0], "?after=0") as reader:
        assert [reader.event() for _ in range(2)] == view.feed[:2]
        last = reader.last_id
    view.leave("Loyal", BOB)
    with stream(served[0], **{"Last-Event-ID": last}) as reader:
        assert [reader.event() for _ in range(2)] == view.feed[2:]


def test_a_stream_that_saw_nothing_yet_knows_where_to_go_on(served: tuple[str, Server], view: MemoryView) -> None:
    with stream(served[0]) as reader:
        reader.heartbeat()
        last = reader.last_id
    view.leave("Loyal", BOB)
    with stream(served[0], **{"Last-Event-ID": last}) as reader:
        assert reader.event() == view.feed[3]


def test_of_other_segments_it_tells_nothing_but_remembers_the_place(
    served: tuple[str, Server], view: MemoryView
) -> None:
    with stream(served[0], "?after=0&segment=trial") as reader:
        assert reader.event() == view.feed[1]
        reader.heartbeat()
        view.enter("Trial", BOB)
        assert reader.event() == view.feed[3]
    with stream(served[0], "?segment=trial&segment=LOYAL&after=1") as reader:
        assert [reader.event() for _ in range(3)] == view.feed[1:]


def test_a_thousand_changes_at_once_arrive_in_order(served: tuple[str, Server], view: MemoryView) -> None:
    with stream(served[0]) as reader:
        for _ in range(600):
            view.leave("Loyal", ADA)
            view.enter("Loyal", ADA)
        found = [reader.event() for _ in range(1_200)]
    assert [one["position"] for one in found if one] == list(range(4, 1_204))


def test_a_server_that_stops_ends_its_streams(served: tuple[str, Server]) -> None:
    url, server = served
    with stream(url) as reader:
        reader.heartbeat()
        server.stop()
        assert reader.event() is None


def test_one_key_has_so_many_streams_at_a_time(served: tuple[str, Server]) -> None:
    url = served[0]
    with stream(url) as first, stream(url) as second:
        first.heartbeat()
        second.heartbeat()
        answer = httpx.get(f"{url}/v1/changes/stream", headers=READ)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_streams")
        with httpx.stream(
            "GET", f"{url}/v1/changes/stream", headers={"Authorization": "Bearer shoal_admin_1"}
        ) as other:
            assert other.status_code == 200
    for _ in range(400):  # the server notices a moment later that two have left
        with httpx.stream("GET", f"{url}/v1/changes/stream", headers=READ) as again:
            if again.status_code == 200:
                return
    raise AssertionError("streams that were left still count")


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}, {"Last-Event-ID": "9" * 20}])
def test_a_place_that_is_none_is_refused(served: tuple[str, Server], headers: dict[str, str]) -> None:
    answer = httpx.get(f"{served[0]}/v1/changes/stream", headers={**READ, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
