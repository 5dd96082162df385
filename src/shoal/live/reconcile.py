"""A state that was built anew takes the place of another: stays go on, and what differs is told as changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

from shoal import tables
from shoal.live import changes, members
from shoal.live.changes import Feed
from shoal.live.nodes import LmdbNodes
from shoal.live.reading import find, identifiers
from shoal.live.state import State, Txn, member_key, person_key, person_of
from shoal.live.write import instant

PER_POSITION = 10  # microseconds: no feed ever grew so fast

Stay = tuple[int, int]
"""A person and the instant of entry."""


class Before(Protocol):
    """Who was in which segment version (`NAME@2`) until now."""

    def keys(self) -> Collection[str]:
        """The segment versions."""
        ...

    def of(self, key: str) -> Iterable[Stay]:
        """The stays in one, in the order of `state.person_key`."""
        ...


class Kept:
    """The stays of a state, read in one transaction."""

    def __init__(self, txn: Txn) -> None:
        self._txn = txn
        self._codes: dict[str, int] = txn.meta("codes", {})

    def keys(self) -> Collection[str]:
        return self._codes.keys()

    def of(self, key: str) -> Iterable[Stay]:
        return members.walk(self._txn, self._codes[key]) if key in self._codes else ()


def carry(state: State, old: State | None, before: Before | None = None, *, again: bool = False) -> None:
    """Makes a new state the successor of what was known before, a segment at a time in little memory.

    Args:
        state: the new one, which was built in silence: everybody seems to have entered while it was built.
        old: the one before, whose feed goes on; None where there was none.
        before: the stays until now; those of `old` when left out.
        again: where there is no old one although there had been: positions then begin above all that were given out.
    """
    with ExitStack() as stack:
        txn = stack.enter_context(state.writing())
        known = before
        if old is not None:
            was = stack.enter_context(old.reading())
            _carry_feed(txn, was)
            _carry_aliases(txn, was)
            known = before or Kept(was)
        elif again:
            txn.set_meta("position", txn.meta("clock", 0) // PER_POSITION)
        _compare(txn, known)


def _compare(txn: Txn, before: Before | None) -> None:
    """Gives stays that go on their instant of entry, and tells of the others."""
    codes: dict[str, int] = txn.meta("codes", {})
    statuses = _statuses(txn)
    feed, clock = Feed(txn), txn.meta("clock", 0)
    for key in sorted({*codes, *(before.keys() if before is not None else ())}):
        now: Iterable[Stay] = members.walk(txn, codes[key]) if key in codes else ()
        for who, entered, change in _merged(before.of(key) if before is not None else (), now):
            if change != "left":  # who is new entered when the feed says so
                txn.put("members", member_key(codes[key], who), instant(entered if change is None else clock))
            if change is not None:
                feed.add(**_told(change, key, who, clock, statuses))
    feed.close()


def _merged(before: Iterable[Stay], now: Iterable[Stay]) -> Iterator[tuple[int, int, str | None]]:
    """Both lists in order: who is in both with the instant of the first, who entered, who left."""
    first, second = iter(before), iter(now)
    one, two = next(first, None), next(second, None)
    while one is not None or two is not None:
        left = one is not None and (two is None or person_key(one[0]) < person_key(two[0]))
        if one is not None and (left or (two is not None and one[0] == two[0])):
            yield one[0], one[1], "left" if left else None
            one, two = next(first, None), two if left else next(second, None)
        elif two is not None:
            yield two[0], two[1], "entered"
            two = next(second, None)


def _carry_feed(txn: Txn, before: Txn) -> None:
    """Readers of the feed keep their places."""
    for key, value in before.cursor("changes"):
        txn.put("changes", bytes(key), bytes(value))
    for name, missing in (("position", 0), ("counts", {}), ("jumps", 0)):
        txn.set_meta(name, before.meta(name, missing))


def _carry_aliases(txn: Txn, before: Txn) -> None:
    """Who was known by another number stays known by it."""
    nodes, known = (LmdbNodes(one.raw, one.dbs["nodes"]) for one in (txn, before))

    def gone(former: bytes) -> bool:
        return txn.get("people", former) is None and txn.get("aliases", former) is None

    for key in before.cursor("people").iternext(values=False):
        if gone(former := bytes(key)):
            named = (find(nodes, one.type, one.value) for one in identifiers(known, person_of(former)))
            now = next((one for one in named if one is not None and txn.get("people", person_key(one))), None)
            if now is not None:
                txn.put("aliases", former, person_key(now))
    for key, value in before.cursor("aliases"):
        if gone(former := bytes(key)):
            txn.put("aliases", former, bytes(value))


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
