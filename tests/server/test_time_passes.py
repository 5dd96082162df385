"""Time passes on the real clock: people enter and leave when it is due, with no event, and who listens hears of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activate.receiver import receiver
from server.asking import Asking, check_feed
from server.real import basic, serving, workspace
from server.running import Running, until
from shoal.activate.sign import verify_signature
from shoal.workspace import Workspace

SECRET = "whsec-of-a-test"
SETTINGS = """
sources: {{}}
features:
  carts: {{count: events, of: Product Added}}
  waiting: {{count: matches, sequence: [Product Added, {{not: Order Completed, within: 3s}}]}}
  lately: {{count: events, within: 5s}}
tracking:
  webhooks:
    - url: {url}
      secret: ${{SHOAL_TEST_SECRET}}
"""
RULES = {"left a cart": "carts >= 1 and waiting >= 1", "here": "lately >= 1"}


class Listener(threading.Thread):
    """Follows the stream of changes from its beginning, and remembers when each was heard."""

    def __init__(self, server: Running, key: str) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {"authorization": f"Bearer {key}"}
        self.heard: list[tuple[dict[str, Any], datetime]] = []

    def run(self) -> None:
        self._connection.request("GET", "/v1/changes/stream?after=0", headers=self._headers)
        answer = self._connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                self.heard.append((json.loads(line[6:]), datetime.now(UTC)))
        self._connection.close()


@contextmanager
def _listening(server: Running, key: str) -> Iterator[Listener]:
    listener = Listener(server, key)
    listener.start()
    yield listener
    assert server.end() == 0
    listener.join(60)
    assert not listener.is_alive()


def test_who_waits_enters_and_who_is_silent_leaves_without_another_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_TEST_SECRET", SECRET)
    folder = tmp_path / "w"
    with receiver() as hook:
        write, read = workspace(folder, SETTINGS.format(url=hook.url))
        (folder / "segments").mkdir()
        for name, rule in RULES.items():
            (folder / "segments" / f"{name}.yaml").write_text(f"rule: {rule}\n")
        with serving(folder) as server:
            until(lambda: server.ready()["ready"], "everything has started")
            asking = Asking(server, read)
            with _listening(server, read) as listener:
                sent = datetime.now(UTC)
                for who, event in (("ada", "Product Added"), ("bob", "Product Added"), ("bob", "Order Completed")):
                    body = json.dumps({"userId": who, "event": event, "timestamp": datetime.now(UTC).isoformat()})
                    assert server.ask("POST", "/v1/track", body.encode(), **basic(write))[0] == 200
                last = datetime.now(UTC)
                until(lambda: len(asking.changes()) == 5, "two came, one waits, both are gone")
                feed = asking.changes()
                members = {f"{name}@1": asking.members(name) for name in RULES}
                until(lambda: len(listener.heard) == 5, "the stream heard of all")
                until(lambda: sum(map(len, hook.positions())) == 5, "the webhook heard of all")
                who = {asking.profile(f"user_id:{one}")["profile_id"]: one for one in ("ada", "bob")}
    check_feed(feed, members)
    told = {(one["segment"], who[one["profile_id"]], one["change"]): one for one in feed}
    assert told.keys() == {
        ("here", "ada", "entered"), ("here", "bob", "entered"), ("here", "ada", "left"), ("here", "bob", "left"),
        ("left a cart", "ada", "entered"),
    }  # fmt: skip
    assert members.keys() == {"left a cart@1", "here@1"}
    assert list(members["left a cart@1"].values()) == [told["left a cart", "ada", "entered"]["at"]]
    for key, seconds in (
        (("left a cart", "ada", "entered"), 3),
        (("here", "ada", "left"), 5),
        (("here", "bob", "left"), 5),
    ):
        one = told[key]
        assert one["why"]["cause"] == "time"
        at = datetime.fromisoformat(one["at"])
        begun = sent if key[1] == "ada" else last
        assert (at - sent).total_seconds() >= seconds, "not before it is due"
        print(key, f"at most {(at - begun).total_seconds() - seconds:.3f} s after it was due")
    assert [one for one, _ in listener.heard] == feed
    for one, heard in listener.heard:
        print(
            one["segment"],
            one["change"],
            f"heard {(heard - datetime.fromisoformat(one['at'])).total_seconds():.3f} s later",
        )
    assert [one for body in hook.bodies for one in json.loads(body)["changes"]] == feed
    for headers, body in zip(hook.headers, hook.bodies, strict=True):
        assert verify_signature(SECRET, headers["Shoal-Signature"], body, time.time())
        assert not verify_signature(SECRET, headers["Shoal-Signature"], body + b" ", time.time())
    proof = Workspace(folder).verify()
    assert proof["equal"], proof["differences"]
