"""A server's read API as its clients ask it, and what holds of the answers together."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from urllib.parse import quote

from server.running import Running, until
from shoal.live.log import Log
from shoal.live.message import Cleaner

PAGE = 1_000


class Asking:
    """Asks a server with a read key."""

    def __init__(self, server: Running, key: str) -> None:
        self.server, self._headers = server, {"authorization": f"Bearer {key}"}

    def get(self, path: str) -> Any:
        """The JSON of a good answer."""
        status, body = self.server.ask("GET", path, **self._headers)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def profile(self, who: str) -> Any:
        """A person."""
        return self.get(f"/v1/profiles/{quote(who, safe='')}")

    def knows(self, who: str) -> bool:
        """Whether anybody has the id."""
        return self.server.ask("GET", f"/v1/profiles/{quote(who, safe='')}", **self._headers)[0] == 200

    def members(self, segment: str) -> dict[str, str]:
        """Everybody in a segment with the instant of entry; nobody may be on two pages."""
        found: dict[str, str] = {}
        path = f"/v1/segments/{quote(segment, safe='')}/members?limit={PAGE}"
        after: str | None = ""
        while after is not None:
            page = self.get(path + (f"&after={after}" if after else ""))
            fresh = {one["profile_id"]: one["entered_at"] for one in page["members"]}
            assert not fresh.keys() & found.keys()
            found |= fresh
            after = page["next"]
        return found

    def changes(self) -> list[dict[str, Any]]:
        """The whole feed."""
        found: list[dict[str, Any]] = []
        while fresh := self.get(f"/v1/changes?after={len(found)}&limit={PAGE}")["changes"]:
            found += fresh
            assert fresh[-1]["position"] == len(found), "positions have no gaps"
        return found

    def status(self) -> Any:
        """How far the live side is."""
        return self.get("/v1/status")

    def caught_up(self) -> None:
        """Waits until the state has everything that is in the log."""
        until(lambda: (now := self.status())["ready"] and now["offset"] == now["log_last"], "the worker has caught up")


def check_feed(feed: list[dict[str, Any]], members: dict[str, dict[str, str]]) -> None:
    """That a feed is whole, and that who follows it from its beginning has exactly the members.

    `members` are those of each segment version (`NAME@2`) with the instant of entry.
    """
    assert [one["position"] for one in feed] == list(range(1, len(feed) + 1))
    assert len({one["id"] for one in feed}) == len(feed), "every change has an id of its own"
    held: dict[str, dict[str, str]] = defaultdict(dict)
    for one in feed:
        inside = held[f"{one['segment']}@{one['version']}"]
        if one["change"] == "entered":
            assert one["profile_id"] not in inside, f"entered twice: {one}"
            inside[one["profile_id"]] = one["at"]
        else:
            assert one["profile_id"] in inside, f"left without having entered: {one}"
            del inside[one["profile_id"]]
    assert {key: people for key, people in held.items() if people} == {key: one for key, one in members.items() if one}


def cleaned(log: Log, cleaner: Cleaner) -> dict[str, str]:
    """The log as the worker understands it: each event's id with its first identifier's value."""
    found: dict[str, str] = {}
    after = 0
    while entries := log.read(after):
        after = entries[-1][0]
        for offset, entry in entries:
            for event in cleaner.clean(offset, entry)[0]:
                found.setdefault(event.event_id, event.identifiers[0][1])
    return found
