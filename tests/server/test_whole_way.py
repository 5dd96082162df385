"""The whole way over every kind of log: served, sent to, asked, run, begun anew from the run, proved equal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker import broker, make_topic
from postgres import server as postgres
from server.asking import Asking, check_feed
from server.real import basic, command, serving, workspace
from server.running import Running, until
from server.traffic import Message, Traffic, batches, user

PEOPLE = 60
SETTINGS = """
sources: {{}}
goal: retention
features:
  bought: {{count: events, of: Order Completed}}
segments: {{budget: 3}}
{more}
"""
RULES = {"buyers": "bought >= 1", "gold": "plan = 'gold'"}


@contextmanager
def sqlite() -> Iterator[str]:
    """Everything in files of the workspace."""
    yield ""


@contextmanager
def in_postgres() -> Iterator[str]:
    """Log and store in one real Postgres."""
    with postgres() as url:
        yield f"tracking:\n  log: {url}\nstore: {url}\n"


@contextmanager
def in_kafka() -> Iterator[str]:
    """The log in a topic of a real broker."""
    with broker() as servers:
        make_topic(servers, "events")
        yield f"tracking:\n  log: kafka://{servers}/events\n"


def _made(folder: Path, more: str) -> tuple[str, str]:
    keys = workspace(folder, SETTINGS.format(more=more))
    (folder / "segments").mkdir()
    for name, rule in RULES.items():
        (folder / "segments" / f"{name}.yaml").write_text(f"rule: {rule}\n")
    return keys


class Way:
    """One server on its way; each step leaves what the next one needs."""

    def __init__(self, folder: Path, server: Running, write: str, read: str) -> None:
        self.folder, self.server = folder, server
        self._write, self.asking = basic(write), Asking(server, read)
        self.traffic = Traffic(PEOPLE)
        self.sent: set[str] = set()

    def send(self, path: str, messages: list[Message]) -> None:
        """In batches, each of them twice, as SDKs do that heard no answer."""
        for batch in batches(messages):
            body = json.dumps({"batch": batch}).encode()
            for _ in range(2):
                assert self.server.ask("POST", path, body, **self._write)[0] == 200
            self.sent |= {message["messageId"] for message in batch}

    def months(self) -> None:
        """Somebody's history arrives at once, and everybody is in the segments of the workspace's own."""
        messages = self.traffic.months()
        self.send("/v1/import", messages)
        buyers = {message["userId"] for message in messages if message.get("event") == "Order Completed"}
        until(lambda: self._size("buyers") == len(buyers), "the buyers are in")
        self.asking.caught_up()
        assert self.asking.status()["people"] == PEOPLE
        assert self.asking.status()["counts"]["events"] == len(messages)
        orders = [one for one in messages if one.get("event") == "Order Completed" and one["userId"] == user(5)]
        assert self.asking.profile(f"user_id:{user(5)}")["features"]["bought"] == len(orders)

    def today(self, who: int) -> None:
        """A stranger's visit turns out to be a customer's: one person, with the browser's history."""
        before = self.asking.profile(f"email:{user(who)}@example.org")
        self.send("/v1/batch", self.traffic.today(who))
        until(lambda: self._is_gold(who), "the trait and its segment are there")
        now = self.asking.profile(f"anonymous_id:browser-{who}-today")
        assert now["profile_id"] == before["profile_id"]
        assert now["traits"] == {**before["traits"], "plan": "gold"}
        assert now["features"]["bought"] == before["features"]["bought"] + 1
        assert self.asking.status()["people"] == PEOPLE

    def check(self) -> None:
        """The feed gives exactly the members, of every segment."""
        segments = self.asking.get("/v1/segments")["segments"]
        members = {
            f"{one['name']}@{one['version']}": self.asking.members(f"{one['name']}@{one['version']}")
            for one in segments
        }
        assert {f"{one['name']}@{one['version']}": one["size"] for one in segments} == {
            key: len(people) for key, people in members.items()
        }
        check_feed(self.asking.changes(), members)

    def verify(self, since: int) -> None:
        """The proof, beside the server; `since` events came after the run."""
        done = _shoal("verify", "--json", "-w", str(self.folder))
        proof = json.loads(done.stdout)
        assert proof["equal"], proof["differences"]
        assert done.returncode == 0
        assert (proof["people"], proof["events"]) == (PEOPLE, since)

    def run(self) -> None:
        """The pipeline beside the server: the state begins anew with the run, and who was in a segment stays so."""
        stays, feed = self.asking.members("buyers"), self.asking.changes()
        done = _shoal("run", "--json", "-w", str(self.folder))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["rows"] == {"live": len(self.sent)} or told["rows"], told["rows"]
        until(lambda: self.asking.status()["run_id"] == told["run_id"], "the worker has taken up the run")
        self.asking.caught_up()
        assert self.asking.members("buyers") == stays
        assert self.asking.changes()[: len(feed)] == feed, "the feed goes on where it was"
        names = {one["name"] for one in told["segments"] if one["status"] not in ("refused", "retired")}
        assert names <= {one["name"] for one in self.asking.get("/v1/segments")["segments"]} | set(RULES)
        assert self.asking.profile(user(5))["scores"]

    def _size(self, segment: str) -> int:
        return int(self.asking.status().get("sizes", {}).get(f"{segment}@1", 0))

    def _is_gold(self, who: int) -> bool:
        stays = self.asking.profile(f"user_id:{user(who)}")["memberships"]
        return "gold" in {stay["segment"] for stay in stays}


def _shoal(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "shoal", *words], capture_output=True, text=True, check=False)


def test_what_is_sent_is_known_a_moment_later_and_proved(tmp_path: Path) -> None:
    keys = _made(tmp_path / "w", "")
    with serving(tmp_path / "w") as server:
        way = Way(tmp_path / "w", server, *keys)
        way.months()
        way.today(7)
        way.check()
        way.verify(len(way.sent))
        assert server.end() == 0


@pytest.mark.slow
@pytest.mark.parametrize("kept", [sqlite, in_postgres, in_kafka])
def test_a_run_beside_the_server_changes_nothing_that_was_known(tmp_path: Path, kept: Callable[[], Any]) -> None:
    with kept() as more:
        keys = _made(tmp_path / "w", more)
        with serving(tmp_path / "w") as server:
            way = Way(tmp_path / "w", server, *keys)
            way.months()
            way.today(7)
            way.check()
            way.verify(len(way.sent))
            way.run()
            way.check()
            way.verify(0)
            before = len(way.sent)
            way.today(8)
            way.check()
            way.verify(len(way.sent) - before)
            assert server.end() == 0
            assert not server.events("child-died")
            assert not server.events("fault")


@pytest.mark.slow
def test_a_topic_of_several_partitions_is_refused_and_says_so(tmp_path: Path) -> None:
    with broker() as servers:
        make_topic(servers, "events", partitions=3)
        workspace(tmp_path / "w", f"sources: {{}}\ntracking:\n  log: kafka://{servers}/events\n")
        server = Running(command(tmp_path / "w"), tmp_path / "stderr")
        try:
            assert server.process.wait(60) == 1
            assert "the topic 'events' has 3 partitions" in server.errors
            assert server.gone()
        finally:
            server.clear()
