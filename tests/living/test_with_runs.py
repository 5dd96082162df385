"""The live side and runs over one log: the same people, numbers and members, whichever is asked."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.live.histories import DAY, HOUR, MINUTE, iso
from tests.living.places import changes, did, members, place, send, shop, update, write_rule

from shoal import living, tables
from shoal.define.types import Type
from shoal.live.advance import crowd
from shoal.live.evaluate import Evaluator
from shoal.live.gather import known
from shoal.live.nodes import LmdbNodes
from shoal.live.reading import identifiers
from shoal.live.record import unpack
from shoal.live.state import State, Words, person_of
from shoal.living import Definitions, home
from shoal.store.runs import Run, Runs
from shoal.workspace import Workspace

RULES = {"buyers": "my_orders >= 2", "fresh": "my_recency < 5", "tea": "my_items > 2 and plan = 'pro'"}


@dataclass(frozen=True)
class Everything:
    """What a live state says of everybody as of an instant."""

    clock: int
    values: dict[str, dict[int, Any]]
    members: dict[str, set[int]]
    traits: dict[int, dict[str, Any]]
    seen: dict[int, tuple[int, int]]
    identifiers: dict[int, set[tuple[str, str]]]


def everything(folder: Path, as_of: int | None = None) -> Everything:
    state = State(home(folder))
    try:
        with state.reading() as txn:
            made = Definitions(folder).now(txn.meta("seen", {}))
            words, clock = Words(), txn.meta("clock")
            words.txn = txn
            works = [known(person_of(bytes(key)), unpack(value), "time") for key, value in txn.cursor("people")]
            truth = Evaluator(made, words).truth(crowd(works, made), clock if as_of is None else as_of)
            people, kinds = [work.person for work in works], dict(made.computed)
            nodes = LmdbNodes(txn.raw, txn.dbs["nodes"])
            return Everything(
                clock,
                {
                    name: dict(zip(people, vector.arrow(Type(kinds[name])).to_pylist(), strict=True))
                    for name, vector in truth.computed.items()
                },
                {
                    rule.key: {who for who, holds in zip(people, mask, strict=True) if holds}
                    for rule, mask in zip(made.rules, truth.holds, strict=True)
                },
                {work.person: work.traits() for work in works},
                {work.person: (work.record.first_seen, work.record.last_seen) for work in works},
                {who: {(one.type, one.value) for one in identifiers(nodes, who)} for who in people},
            )
    finally:
        state.close()


def same_as(run: Run, live: Everything) -> None:
    """A run's features, profiles, identifiers and memberships are the live ones, to the bit."""
    features, profiles = run.table("features"), run.table("profiles")
    people = features["person"].to_pylist()
    assert live.seen.keys() == set(people)
    compared = 0
    for name, values in live.values.items():
        if name in features.column_names:
            compared += 1
            assert dict(zip(people, features[name].to_pylist(), strict=True)) == values, name
    assert compared > 10
    first, last = (profiles[one].cast("int64").to_pylist() for one in ("first_seen", "last_seen"))
    assert dict(zip(profiles["person"].to_pylist(), zip(first, last, strict=True), strict=True)) == live.seen
    for name in ("plan", "age"):
        told = dict(zip(profiles["person"].to_pylist(), profiles[name].to_pylist(), strict=True))
        assert told == {who: traits.get(name) for who, traits in live.traits.items()}
    table = run.table("identifiers")
    named: dict[int, set[tuple[str, str]]] = {}
    for who, kind, value in zip(*(table[one].to_pylist() for one in ("profile_id", "type", "value")), strict=True):
        named.setdefault(tables.person(who), set()).add((kind, value))
    assert named == live.identifiers
    assert {key: who for key, who in stays(run).items() if key in live.members} == {
        key: who for key, who in live.members.items() if who
    }


def stays(run: Run) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for one in run.table("memberships").to_pylist():
        if one["left_at"] is None:
            found.setdefault(f"{one['segment']}@{one['version']}", set()).add(tables.person(one["profile_id"]))
    return found


@dataclass(frozen=True)
class Lived:
    """A workspace that was live, then ran as of the state's clock; and what was said before it ran."""

    folder: Path
    before: Everything


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    folder = place(tmp_path_factory.mktemp("lived") / "shop", RULES)
    send(folder, *shop(60, 40))
    update(folder)
    before = everything(folder)
    Workspace(folder).run(as_of=iso(before.clock))
    return Lived(folder, before)


@pytest.fixture
def ran(lived: Lived, tmp_path: Path) -> Lived:
    """A copy of it, to be changed."""
    shutil.copytree(lived.folder, tmp_path / "shop")
    return Lived(tmp_path / "shop", lived.before)


def test_a_run_over_the_log_gives_what_the_live_state_says(lived: Lived) -> None:
    assert len(lived.before.seen) > 30
    assert all(lived.before.members[f"{name}@1"] for name in RULES)
    same_as(Runs(lived.folder).current(), lived.before)


def test_a_state_that_begins_with_a_run_says_what_the_run_says(ran: Lived) -> None:
    update(ran.folder)
    same_as(Runs(ran.folder).current(), everything(ran.folder, ran.before.clock))
    proof = living.verify(ran.folder)
    assert not proof.found
    assert proof.people == len(ran.before.seen)


def test_a_new_run_while_serving_keeps_stays_and_the_feed_goes_on(ran: Lived) -> None:
    held = {one["id"]: one for one in changes(ran.folder)}
    entered = _entered(ran.folder, "buyers")
    worker = living.Living(ran.folder)
    try:
        worker.settle()  # takes the run up
        send(ran.folder, did("u1", "Order Completed", 5), did("u1", "Order Completed", 6))
        worker.settle()
    finally:
        worker.close()
    told = changes(ran.folder)
    assert [one["position"] for one in told] == list(range(1, len(told) + 1))
    assert held.keys() <= {one["id"] for one in told}
    fresh = [one for one in told if one["id"] not in held and one["segment"] in RULES]
    assert [(one["change"], one["segment"]) for one in fresh] == [("entered", "fresh")] * len(fresh)
    now = _entered(ran.folder, "buyers")
    assert entered.items() <= now.items()
    assert not living.verify(ran.folder).found


def _entered(folder: Path, segment: str) -> dict[str, str]:
    from shoal import settings

    shown = living.view(folder, settings.load(folder))
    try:
        return {one["profile_id"]: one["entered_at"] for one in shown.members(segment, None, 1_000)["members"]}
    finally:
        shown.close()


def test_a_file_that_changes_is_a_draft_of_the_next_version(ran: Lived) -> None:
    update(ran.folder)
    before = len(changes(ran.folder))
    write_rule(ran.folder, "buyers", "my_orders >= 3")
    update(ran.folder)
    told = [one for one in changes(ran.folder)[before:] if one["segment"] == "buyers"]
    assert {(one["change"], one["version"], one["why"]["cause"]) for one in told} == {
        ("left", 1, "rule"),
        ("entered", 2, "rule"),
    }
    three = {who for who, orders in everything(ran.folder).values["my_orders"].items() if orders >= 3}
    assert set(_entered(ran.folder, "buyers")) == {tables.profile_id(who) for who in three}
    assert not living.verify(ran.folder).found


def test_a_segment_that_is_released_stays_beside_its_changed_file_until_it_is_retired(ran: Lived) -> None:
    workspace = Workspace(ran.folder)
    worker = living.Living(ran.folder)

    def statuses() -> dict[str, str]:
        worker.settle()
        rules = worker.worker.advancer.definition.rules
        return {rule.key: rule.status for rule in rules if rule.name == "buyers"}

    try:
        before = statuses()
        workspace.approve("buyers", answer="call them", by="eve", despite="a small shop")
        assert statuses() == {"buyers@1": "released"} != before
        write_rule(ran.folder, "buyers", "my_orders >= 3")
        assert statuses() == {"buyers@1": "released", "buyers@2": "draft"}
        workspace.retire("buyers", why="over", by="eve")
        assert statuses() == {"buyers@2": "draft"}
    finally:
        worker.close()
    assert not [one for one in everything(ran.folder).members if one == "buyers@1"]
    assert not living.verify(ran.folder).found


def test_a_run_as_of_the_past_loses_no_event_of_the_log(ran: Lived) -> None:
    send(ran.folder, did("late", "Order Completed", HOUR), did("late", "Order Completed", MINUTE))
    update(ran.folder)
    assert "late" in members(ran.folder, "buyers")
    Workspace(ran.folder).run(as_of=iso(ran.before.clock - 10 * DAY))
    update(ran.folder)
    assert "late" in members(ran.folder, "buyers")
    proof = living.verify(ran.folder)
    assert not proof.found
    assert proof.people == len(everything(ran.folder).seen)


def test_the_definition_of_a_run_is_not_read_again_while_nothing_changes(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Definitions(lived.folder)
    first = looked.now({})
    monkeypatch.setattr(Run, "read_part", lambda *_: pytest.fail("the run is read again"))
    assert looked.now({}) is first


@pytest.mark.slow
def test_files_then_events_then_a_second_run(tmp_path: Path) -> None:
    """Profile ids stay, stays keep their beginning, positions go on, and live equals batch at every turn."""
    folder = tmp_path
    rows = [one for one in shop(80, 60, seed=3) if one["type"] == "track" and "userId" in one]
    lines = [
        {"who": one["userId"], "what": one["event"], "when": one["timestamp"], **one["properties"]} for one in rows
    ]
    (folder / "old.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    old = {
        "path": "old.jsonl",
        "event": {"column": "what"},
        "at": "when",
        "identifiers": {"user_id": "who"},
        "value": "total",
        "properties": {"item": "item", "category": "category"},
    }
    place(folder, {"buyers": "my_orders >= 2", "fresh": "my_recency < 5"}, sources={"old": old})
    workspace = Workspace(folder)
    workspace.run()
    update(folder)
    assert not living.verify(folder).found
    first = _entered(folder, "buyers")
    ids = everything(folder).seen.keys()
    send(folder, *shop(40, 5, seed=4))
    update(folder)
    assert not living.verify(folder).found
    live, told = everything(folder), changes(folder)
    workspace.run(as_of=iso(live.clock))
    run = Runs(folder).current()
    people = set(run.table("features")["person"].to_pylist())
    assert people == live.seen.keys()
    assert len(ids & people) > 20
    for name in ("my_orders", "my_recency", "my_items"):
        column = dict(
            zip(run.table("features")["person"].to_pylist(), run.table("features")[name].to_pylist(), strict=True)
        )
        assert column == live.values[name]
    update(folder)
    again = _entered(folder, "buyers")
    assert all(again[who] == first[who] for who in first.keys() & again.keys())
    assert [one["id"] for one in changes(folder)][: len(told)] == [one["id"] for one in told]
    assert not living.verify(folder).found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_half_of_a_history_in_a_run_and_half_live_is_the_batch_answer(seed: int, tmp_path: Path) -> None:
    folder, messages = place(tmp_path, {"buyers": "my_orders >= 2"}), shop(60, 40, seed=seed + 10)
    half = len(messages) // 2
    send(folder, *messages[:half])
    Workspace(folder).run()
    send(folder, *messages[half:])
    update(folder)
    proof = living.verify(folder)
    assert not proof.found, proof.differences[:3]
    Workspace(folder).run()
    update(folder)
    assert not living.verify(folder).found
