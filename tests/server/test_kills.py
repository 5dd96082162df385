"""Whichever process is killed and whenever: what was acknowledged is there once, in the log and in the live state."""

from __future__ import annotations

import os
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import pytest

from server.asking import Asking, check_feed, cleaned
from server.chaos import Chaos, Tally, logged
from server.real import command, workspace
from server.running import Running, until
from shoal import pipeline, settings
from shoal.live.logs import open_log
from shoal.workspace import Workspace

SETTINGS = """
sources: {}
features:
  events: {count: events}
  lately: {count: events, within: 2s}
"""
ANOTHER = """
  spent: {sum: total}
"""
RULES = {"somebody": "events >= 1", "regular": "events >= 4", "many": "events >= 25", "here": "lately >= 3"}


def _workspace(folder: Path) -> tuple[str, str]:
    keys = workspace(folder, SETTINGS)
    (folder / "segments").mkdir()
    for name, rule in RULES.items():
        (folder / "segments" / f"{name}.yaml").write_text(f"rule: {rule}\n")
    return keys


def _torment(folder: Path, kills: int, seed: int, every: int = 0) -> None:
    """`every` so many kills something else is defined."""
    write, read = _workspace(folder)

    def look(server: Running, tally: Tally) -> None:
        asking = Asking(server, read)
        asking.caught_up()
        known = _logged(folder)
        assert {_id(one) for one in tally.acknowledged} - set(known) == set(), "nothing acknowledged is lost"
        held = {who: asking.profile(f"user_id:{who}")["features"]["events"] for who in set(known.values())}
        assert held == Counter(known.values()), "the live state has every event once"
        assert asking.status()["people"] == len(held)
        until(lambda: not asking.members("here"), "everybody has left whom nothing came of lately")

    def redefine(number: int) -> None:
        """Another feature comes or goes: the state is built anew, or everybody looked at again."""
        if every and number % every == every - 1:
            whole = SETTINGS + ("" if number // every % 2 else ANOTHER)
            (folder / "shoal.new").write_text(whole)
            (folder / "shoal.new").replace(folder / "shoal.yaml")

    tally = Chaos(folder, command, seed, write).run(kills, ("http-0", "live", "serve"), look, redefine)
    assert tally.acknowledged, "something was sent"
    proof = Workspace(folder).verify()
    assert proof["equal"], proof["differences"]
    assert proof["events"] == len(_logged(folder))
    _check_memberships(folder)
    print(tally, f"{_repeated(folder)} were in the log again after a retry")


def _check_memberships(folder: Path) -> None:
    """With a state that stands still: no window closes between two questions."""
    from shoal.living import view

    seen = view(folder, settings.load(folder))
    try:
        feed = seen.changes(0, 10**9)
        members = {
            name: {one["profile_id"]: one["entered_at"] for one in seen.members(name, None, 10**6)["members"]}
            for name in RULES
        }
    finally:
        seen.close()
    check_feed(feed, {f"{name}@1": people for name, people in members.items()})
    assert feed, "somebody entered"


def _logged(folder: Path) -> dict[str, str]:
    log = open_log(folder, None)
    try:
        return cleaned(log, pipeline.cleaner(settings.load(folder)))
    finally:
        log.close()


def _repeated(folder: Path) -> int:
    log = open_log(folder, None)
    try:
        found = logged(log)
    finally:
        log.close()
    return found.total() - len(found)


def _id(message_id: str) -> str:
    return blake2b(message_id.encode(), digest_size=16).hexdigest()


def test_nothing_acknowledged_is_lost_or_counted_twice_in_two_kills(tmp_path: Path) -> None:
    _torment(tmp_path / "w", 2, seed=5)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_counted_twice_in_many_kills(tmp_path: Path) -> None:
    """`SHOAL_KILLS=1000` for the long run."""
    _torment(tmp_path / "w", int(os.environ.get("SHOAL_KILLS", "150")), seed=7)


@pytest.mark.slow
def test_nothing_is_lost_or_counted_twice_while_what_is_defined_changes_between_kills(tmp_path: Path) -> None:
    _torment(tmp_path / "w", 40, seed=11, every=3)
