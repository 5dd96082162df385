"""Webhooks against a real server: in order, none lost, twice only after a crash, and then by the same delivery id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shoal.activate.post import Poster
from shoal.activate.sender import Hook, Sender
from shoal.activate.sign import verify_signature
from shoal.activate.webhook import Webhooks, hooks_of
from shoal.errors import Busy, SettingsError
from shoal.settings import Webhook
from shoal.store import audit
from shoal.store.database import Database
from shoal.store.hooks import Hooks, Place

from .receiver import Receiver, receiver


class Feed:
    """Membership changes in memory."""

    def __init__(self, count: int = 0) -> None:
        self.all: list[dict[str, Any]] = []
        self.away = False
        self.add(count)

    def add(self, count: int, segment: str = "Loyal") -> None:
        for place in range(len(self.all) + 1, len(self.all) + count + 1):
            told = {"position": place, "id": f"c{place}", "change": "entered", "segment": segment}
            self.all.append({**told, "profile_id": "p1", "at": "2024-05-01T09:30:00+00:00", "why": float("nan")})

    def __call__(self, after: int, limit: int) -> list[dict[str, Any]]:
        if self.away:
            raise Busy("it is being built anew")
        return self.all[after : after + limit]


class Crash(BaseException):
    """The process is killed."""


class Fragile(Hooks):
    """A store in whose way a crash comes, once, before a batch's arrival is kept."""

    crash = False

    def put(self, hook: str, *, place: int, sending: int | None, last_change: str) -> None:
        if self.crash and sending is None:
            self.crash = False
            raise Crash
        super().put(hook, place=place, sending=sending, last_change=last_change)


@pytest.fixture
def places(tmp_path: Path) -> Fragile:
    return Fragile(Database(tmp_path))


@contextmanager
def sending(
    to: Receiver, feed: Feed, places: Hooks, segments: Collection[str] = (), name: str = "h"
) -> Iterator[Sender]:
    """A process that sends."""
    post = Poster(to.url)
    try:
        yield Sender(Hook(name, to.url, "whsec", frozenset(segments)), feed, places, post)
    finally:
        post.close()


def begun(to: Receiver, feed: Feed, places: Hooks, segments: Collection[str] = ()) -> None:
    """A hook that was there before there was any change."""
    whole, feed.all = feed.all, []
    with sending(to, feed, places, segments) as sender:
        sender.step()
    feed.all = whole


def test_changes_arrive_in_order_signed_and_once(places: Fragile) -> None:
    feed = Feed(250)
    with receiver() as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            assert [sender.step() for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]
        assert to.positions() == [list(range(1, 101)), list(range(101, 201)), list(range(201, 251))]
        assert len(set(to.deliveries())) == 3
        assert b'"why":null' in to.bodies[0]
        for body, headers in zip(to.bodies, to.headers, strict=True):
            assert verify_signature("whsec", headers["Shoal-Signature"], body, time.time())
            assert not verify_signature("another", headers["Shoal-Signature"], body, time.time())
    assert places.get("h") == Place(250, None, "c250")


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_whatever_a_receiver_refuses_is_sent_again_by_the_same_id(places: Fragile, status: int) -> None:
    feed = Feed(3)
    with receiver((status, {"Location": "/elsewhere"}), status, 200) as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            assert 0.5 <= sender.step() <= 1.0
            feed.add(2)
            assert 1.0 <= sender.step() <= 2.0
            assert (sender.failures, str(status) in sender.error) == (2, True)
            assert [sender.step(), sender.step()] == [0.0, 0.0]
            assert sender.failures == 0
        assert to.positions() == [[1, 2, 3]] * 3 + [[4, 5]]
        assert len(set(to.deliveries())) == 2
        assert set(to.paths) == {"/in?key=hidden"}


def test_the_wait_grows_to_five_minutes_and_never_ends(places: Fragile) -> None:
    feed = Feed(1)
    with receiver(500) as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            waits = [sender.step() for _ in range(12)]
    assert all(150 <= wait <= 300 for wait in waits[9:])
    assert len(set(waits[9:])) > 1


def test_a_receiver_says_how_long_to_wait_and_it_is_kept_within_an_hour(places: Fragile) -> None:
    feed = Feed(1)
    with receiver((429, {"Retry-After": "40"}), (503, {"Retry-After": "999999"})) as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            assert 40 <= sender.step() <= 44
            assert 3_600 <= sender.step() <= 3_960


def test_a_receiver_that_is_not_there_is_waited_for(places: Fragile) -> None:
    feed = Feed(2)
    with receiver() as gone:
        begun(gone, feed, places)
    with sending(gone, feed, places) as sender:
        assert sender.step() > 0
        assert sender.error == "ConnectError"
        with receiver() as back:
            sender.hook = Hook("h", back.url, "whsec")
            assert sender.step() == 0
            assert back.positions() == [[1, 2]]


def test_a_restart_goes_on_where_it_was(places: Fragile) -> None:
    feed = Feed(3)
    with receiver() as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            sender.step()
        feed.add(2)
        with sending(to, feed, places) as sender:
            sender.step()
        assert to.positions() == [[1, 2, 3], [4, 5]]


def test_after_a_crash_before_the_place_was_kept_the_same_batch_comes_again_by_the_same_id(places: Fragile) -> None:
    feed = Feed(3)
    with receiver() as to:
        begun(to, feed, places)
        places.crash = True
        with sending(to, feed, places) as sender, pytest.raises(Crash):
            sender.step()
        feed.add(4)
        with sending(to, feed, places) as sender:
            sender.step()
            sender.step()
        assert to.positions() == [[1, 2, 3], [1, 2, 3], [4, 5, 6, 7]]
        first, again, other = to.deliveries()
        assert first == again != other


def test_killed_at_any_moment_nothing_is_lost_and_only_whole_batches_come_twice(places: Fragile) -> None:
    feed = Feed(0)
    with receiver(200, 500, 200, 200, 503, 200) as to:
        begun(to, feed, places)
        for turn in range(25):
            feed.add(turn % 5)
            with sending(to, feed, places) as sender:
                places.crash = turn % 3 == 0
                try:
                    for _ in range(turn % 4):
                        sender.step()
                except Crash:
                    pass
        places.crash = False
        to.answers = [(200, {})]
        with sending(to, feed, places) as sender:
            while sender.step() == 0:
                pass
        firsts: dict[str, list[int]] = {}
        for delivery, positions in zip(to.deliveries(), to.positions(), strict=True):
            assert firsts.setdefault(delivery, positions) == positions
        assert [place for positions in firsts.values() for place in positions] == list(range(1, len(feed.all) + 1))


def test_what_arrived_is_not_sent_again_because_the_store_was_away(places: Fragile) -> None:
    feed = Feed(2)
    with receiver() as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            put, away = places.put, [True]

            def failing(hook: str, *, place: int, sending: int | None, last_change: str) -> None:
                if sending is None and away:
                    away.pop()
                    raise Busy("another program is writing here")
                put(hook, place=place, sending=sending, last_change=last_change)

            places.put = failing  # type: ignore[method-assign]
            assert sender.step() > 0
            assert [sender.step(), sender.step()] == [0.0, 0.1]
        assert to.positions() == [[1, 2]]
    assert places.get("h") == Place(2, None, "c2")


def test_a_new_hook_starts_at_the_present(places: Fragile) -> None:
    feed = Feed(1_234)
    with receiver() as to, sending(to, feed, places) as sender:
        assert sender.step() == 0.1
        feed.add(1)
        sender.step()
        assert to.positions() == [[1_235]]


def test_only_the_segments_that_are_wanted_are_sent_and_the_others_passed_by(places: Fragile) -> None:
    feed = Feed(2_500)
    feed.add(1, "VIP")
    with receiver() as to:
        begun(to, feed, places, {"vip"})
        with sending(to, feed, places, {"vip"}) as sender:
            assert [sender.step() for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]
        assert to.positions() == [[2_501]]


def test_of_many_that_nobody_wants_the_place_is_kept_now_and_then(places: Fragile) -> None:
    feed = Feed(12_000)
    with receiver() as to:
        begun(to, feed, places, {"vip"})
        with sending(to, feed, places, {"vip"}) as sender:
            while sender.step() == 0:
                pass
        assert to.bodies == []
    assert places.get("h") == Place(10_000, None, "c10000")


def test_a_receiver_that_is_gone_ends_the_hook_with_a_line_in_the_audit_log(places: Fragile, tmp_path: Path) -> None:
    feed = Feed(2)
    with receiver(410, 200) as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            assert sender.step() == float("inf")
            assert sender.disabled
        with sending(to, feed, places) as sender:
            assert sender.step() == float("inf")
        assert len(to.bodies) == 1
    line = audit.entries(Database(tmp_path))[-1]
    assert (line.what, "hidden" in str(line)) == ("webhook disabled", False)


def test_a_body_that_is_too_large_is_halved(places: Fragile) -> None:
    feed = Feed(7)
    with receiver(413, 413, 200) as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            for _ in range(9):
                sender.step()
        assert to.positions() == [[1, 2, 3, 4, 5, 6, 7], [1, 2, 3]] + [[place] for place in range(1, 8)]


def test_a_feed_that_was_built_anew_is_found_again_by_the_last_change(places: Fragile) -> None:
    feed = Feed(5)
    with receiver() as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            sender.step()
            feed.away = True
            assert sender.step() > 0
            feed.all = [{**one, "position": place} for place, one in enumerate(feed.all[2:], 1)]
            feed.away = False
            assert sender.step() == 0.1
            feed.add(1)
            sender.step()
        assert to.positions() == [[1, 2, 3, 4, 5], [4]]


def test_a_feed_without_the_last_change_is_sent_from_its_beginning(places: Fragile) -> None:
    feed = Feed(5)
    with receiver() as to:
        begun(to, feed, places)
        with sending(to, feed, places) as sender:
            sender.step()
            feed.all = [{**one, "id": f"other {one['id']}"} for one in feed.all[:2]]
            sender.step()
        assert to.positions() == [[1, 2, 3, 4, 5], [1, 2]]


def until(holds: Callable[[], bool]) -> None:
    """Waits for what other threads do."""
    for _ in range(2_000):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come to pass")


def test_a_slow_receiver_holds_up_no_other_and_its_lag_is_told(places: Fragile) -> None:
    feed = Feed(3)
    with receiver(500) as slow, receiver() as quick:
        told = [Webhook(url=slow.url, secret="${S}"), Webhook(url=quick.url, secret="${S}")]
        hooks = Webhooks(told, feed, places, {"S": "whsec"})
        hooks.start()
        try:
            until(lambda: all(places.get(one.hook.id) is not None for one in hooks.senders))
            feed.add(2)
            until(lambda: quick.positions() == [[4, 5]] and slow.bodies != [])
            until(lambda: [one.behind for one in hooks.standing()] == [2, 0])
            behind, well = hooks.standing()
            assert behind.lag_s is not None
            assert well.lag_s is not None
            assert behind.lag_s > 0
            assert well.lag_s < 1  # the clock is read twice
            assert behind.failures > 0
            assert "hidden" not in str(behind)
            feed.away = True
            assert [(one.behind, one.lag_s) for one in hooks.standing()] == [(None, None)] * 2
        finally:
            hooks.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hook-")]


def test_a_hook_taken_out_of_the_settings_starts_at_the_present_when_it_comes_back(places: Fragile) -> None:
    feed = Feed(3)
    with receiver() as to:
        told = [Webhook(url=to.url, secret="${S}")]
        for hooks in (told, [], told):
            running = Webhooks(hooks, feed, places, {"S": "whsec"})
            running.start()
            until(lambda running=running: all(places.get(one.hook.id) for one in running.senders))  # type: ignore[misc]
            running.stop()
            feed.add(2)
        assert to.bodies == []


def test_every_secret_that_the_environment_lacks_is_told_at_once() -> None:
    told = [Webhook(url="https://example.com/a", secret=secret) for secret in ("${A}", "${B}", "${C}")]
    with pytest.raises(SettingsError) as error:
        hooks_of(told, {"B": "x", "C": " "})
    assert [fault.what for fault in error.value.faults] == ["the environment has no A", "the environment has no C"]
    assert "'x'" not in repr(hooks_of(told, dict.fromkeys("ABC", "x")))
