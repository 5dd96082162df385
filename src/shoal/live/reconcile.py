"""A state that was built anew takes the place of another: stays go on, and what differs is told as changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal import tables
from shoal.live import changes, members
from shoal.live.changes import Feed
from shoal.live.state import State, Txn, member_key
from shoal.live.write import instant

Stays = Mapping[str, Mapping[int, int]]
"""By segment version (`NAME@2`): the people who are in it, each with the instant of entry."""


def stays(state: State) -> dict[str, dict[int, int]]:
    """Who is in which segment version by a state."""
    with state.reading() as txn:
        return {key: dict(members.walk(txn, code)) for key, code in txn.meta("codes", {}).items()}


def carry(state: State, old: State | None, before: Stays) -> None:
    """Makes a new state the successor of what was known before.

    Args:
        state: the new one, which was built in silence: everybody seems to have entered while it was built.
        old: the one before, whose feed goes on; None where there was none.
        before: the stays until now.
    """
    with state.writing() as txn:
        if old is not None:
            _carry_feed(txn, old)
        codes: dict[str, int] = txn.meta("codes", {})
        statuses = _statuses(txn)
        feed, clock = Feed(txn), txn.meta("clock", 0)
        for key in sorted({*codes, *before}):
            was = before.get(key, {})
            now = dict(members.walk(txn, codes[key])) if key in codes else {}
            for who in sorted({*was, *now}):
                if who in now:
                    txn.put("members", member_key(codes[key], who), instant(was.get(who, clock)))
                if (who in was) != (who in now):
                    feed.add(**_told("entered" if who in now else "left", key, who, clock, statuses))
        feed.close()


def _carry_feed(txn: Txn, old: State) -> None:
    """Readers of the feed keep their places."""
    with old.reading() as before:
        for key, value in before.cursor("changes"):
            txn.put("changes", bytes(key), bytes(value))
        txn.set_meta("position", before.meta("position", 0))
        txn.set_meta("counts", before.meta("counts", {}))


def _statuses(txn: Txn) -> dict[str, str]:
    made = txn.meta("generations", {}).get(str(txn.meta("generation", 0)), {"rules": []})
    return {f"{one['name']}@{one['version']}": one["status"] for one in made["rules"]}


def _told(change: str, key: str, who: int, clock: int, statuses: Mapping[str, str]) -> dict[str, Any]:
    name, _, version = key.rpartition("@")
    return {
        "id": changes.identity("rule", clock, who, key, change),
        "change": change,
        "segment": name,
        "version": int(version),
        "status": statuses.get(key, "retired"),
        "profile_id": tables.profile_id(who),
        "at": tables.iso(clock),
        "why": changes.why("rule"),
    }
