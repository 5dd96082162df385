"""A workspace whose only source is its log, before its first run: what it defines, and how that changes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.live.histories import DAY, HOUR, MINUTE
from tests.living.places import FEATURES, changes, did, members, place, send, update, write_rule

from shoal import living, settings
from shoal.errors import Busy
from shoal.living import Definitions, Living, home
from shoal.living.worker import BEGUN, OLD


def test_a_rule_of_ones_own_has_its_people_and_verify_finds_no_difference(tmp_path: Path) -> None:
    folder = place(tmp_path, {"buyers": "my_orders >= 2"})
    send(folder, did("u1", "Order Completed", HOUR), did("u1", "Order Completed", DAY), did("u2", "Order Completed"))
    update(folder)
    assert members(folder, "buyers") == {"u1"}
    proof = living.verify(folder)
    assert (proof.found, proof.people, proof.events) == (0, 2, 3)
    assert [one["change"] for one in changes(folder)] == ["entered"]


def test_what_reads_a_property_that_nobody_sent_yet_waits_and_says_so_once(tmp_path: Path) -> None:
    folder = place(tmp_path, {"wide": "my_items >= 2", "pros": "plan = 'pro'"})
    send(folder, did("u1", "Order Completed", HOUR))
    told: list[str] = []
    worker = Living(folder, tell=lambda what, _: told.append(what))
    try:
        worker.settle()
        worker.settle()
        waiting = [one.split()[1] for one in told if "cannot be evaluated yet" in one]
        assert sorted(waiting) == ["features.my_items.distinct", "pros", "wide"]
        send(folder, did("u1", "Order Completed", MINUTE, item="a"), did("u1", "Order Completed", 2, item="b"))
        worker.settle()
        said = len(told)
        assert worker.definitions.now(worker.worker.advancer.seen.to_dict()).waiting.keys() == {"pros"}
        identify = {**did("u1", "x"), "type": "identify", "traits": {"plan": "pro"}}
        send(folder, identify)
        worker.settle()
        assert not [one for one in told[said:] if "building" in one]  # a trait needs no new histories
    finally:
        worker.close()
    assert members(folder, "wide") == {"u1"}
    assert members(folder, "pros") == {"u1"}
    assert not living.verify(folder).found


def test_a_property_that_turns_from_number_to_text_is_text_for_everybody(tmp_path: Path) -> None:
    folder = place(tmp_path, {"many": "last_size = '5'"}, features={"last_size": {"last": "size"}})
    send(folder, did("u1", "Order Completed", HOUR, size=5))
    update(folder)
    told: list[str] = []
    send(folder, did("u2", "Order Completed", HOUR, size="XL"))
    update(folder, told)
    assert members(folder, "many") == {"u1"}
    assert any("building" in one for one in told)
    assert not living.verify(folder).found


def test_a_rule_that_changes_lets_people_leave_and_enter_because_of_the_rule(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 2"})
    send(folder, did("u1", "Order Completed", HOUR), did("u1", "Order Completed", DAY), did("u2", "Order Completed"))
    update(folder)
    write_rule(folder, "it", "my_orders = 1")
    update(folder)
    assert members(folder, "it") == {"u2"}
    assert {(one["change"], one["why"]["cause"]) for one in changes(folder)[1:]} == {
        ("left", "rule"),
        ("entered", "rule"),
    }
    (folder / "segments" / "it.yaml").unlink()
    update(folder)
    assert [(one["change"], one["why"]["cause"]) for one in changes(folder)[3:]] == [("left", "rule")]
    assert not living.verify(folder).found


def test_a_broken_file_is_told_once_and_what_was_defined_goes_on(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 2"})
    send(folder, did("u1", "Order Completed", HOUR))
    told: list[str] = []
    worker = Living(folder, tell=lambda what, _: told.append(what))
    try:
        worker.settle()
        path = folder / "segments" / "it.yaml"
        path.write_text("rule: [", encoding="utf-8")
        send(folder, did("u1", "Order Completed", DAY))
        worker.settle()
        worker.worker.look()
        assert len([one for one in told if "stay as they were" in one]) == 1
        assert worker.worker.advancer.definition.rules[0].rule == "my_orders >= 2"
        write_rule(folder, "it", "my_orders >= 1")
        worker.settle()
        path.write_text("rule: [", encoding="utf-8")
        worker.settle()
        assert len([one for one in told if "stay as they were" in one]) == 2  # it had been mended
    finally:
        worker.close()
    write_rule(folder, "it", "my_orders >= 2")
    assert members(folder, "it") == {"u1"}


def test_the_settings_say_where_identifiers_stand_and_a_change_of_it_makes_everybody_anew(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 1"}, tracking={"identifiers": {"customer_id": "userId"}})
    send(folder, did("17", "Order Completed", HOUR), {**did("18", "Order Completed"), "userId": 18})
    update(folder)
    shown = living.view(folder, settings.load(folder))
    one = shown.profile("customer_id:17")
    assert [each["type"] for each in one["identifiers"]] == ["customer_id"]
    assert shown.profile("user_id:17")["profile_id"] == shown.profile("17")["profile_id"] == one["profile_id"]
    assert shown.profile("18")["features"]["my_orders"] == 1
    shown.close()
    place(folder, tracking={})
    update(folder)
    shown = living.view(folder, settings.load(folder))
    again = shown.profile("17")
    assert [each["type"] for each in again["identifiers"]] == ["user_id"]
    assert again["profile_id"] != one["profile_id"]
    shown.close()
    assert not living.verify(folder).found


def test_guards_that_change_part_and_join_people(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 2"}, unify={"max_users": 1})
    send(folder, *({**did(f"u{one}", "Order Completed"), "anonymousId": "shared"} for one in range(3)))
    update(folder)
    assert members(folder, "it") == set()
    place(folder, unify={"max_users": 5})
    update(folder)
    assert len(members(folder, "it")) == 1
    assert not living.verify(folder).found


def test_the_same_definition_is_the_same_object_and_reads_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 2"})
    looked = Definitions(folder)
    first = looked.now({"events": {"Order Completed": 1}})
    monkeypatch.setattr(settings, "load", lambda _: pytest.fail("the settings are read again"))
    assert looked.now({"events": {"Order Completed": 900}}) is first


def test_only_one_may_write(tmp_path: Path) -> None:
    folder = place(tmp_path)
    worker = Living(folder)
    try:
        with pytest.raises(Busy, match="another process writes the live state"):
            Living(folder)
    finally:
        worker.close()
    Living(folder).close()


def test_a_rebuilding_that_was_cut_short_between_the_renames_loses_nothing(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 1"})
    send(folder, did("u1", "Order Completed", HOUR))
    update(folder)
    held = changes(folder)
    home(folder).rename(home(folder).with_name(OLD))
    update(folder)
    assert changes(folder) == held
    assert not home(folder).with_name(OLD).exists()


def test_positions_of_the_feed_never_begin_again(tmp_path: Path) -> None:
    """A reader that had come to position 900 must not miss what a state made from nothing tells."""
    folder = place(tmp_path, {"it": "my_orders >= 1"})
    send(folder, did("u1", "Order Completed", HOUR))
    update(folder)
    last = changes(folder)[-1]["position"]
    (home(folder) / "boot").write_text("another-boot", encoding="ascii")
    update(folder)
    assert members(folder, "it") == {"u1"}
    told = changes(folder)
    assert [one["change"] for one in told] == ["entered"]
    assert told[0]["position"] > last + 1_000
    assert home(folder).with_name(BEGUN).exists()


def test_a_person_keeps_answering_to_a_former_id_after_the_state_was_made_anew(tmp_path: Path) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 1"})
    send(folder, {**did("", "Order Completed", DAY), "anonymousId": "c1"})
    update(folder)
    shown = living.view(folder, settings.load(folder))
    former = shown.profile("c1")["profile_id"]
    shown.close()
    send(folder, {**did("u1", "Order Completed"), "anonymousId": "c1"})
    update(folder)
    place(folder, tracking={"earliest": "2001-01-01"})  # everybody is made anew, at once: nobody is ever renamed
    update(folder)
    shown = living.view(folder, settings.load(folder))
    now = shown.profile("u1")["profile_id"]
    assert now != former
    assert shown.profile(former)["profile_id"] == now
    shown.close()
    assert [one["change"] for one in changes(folder)] == ["entered", "left", "entered"]


def test_a_rebuilding_that_fails_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place(tmp_path, {"it": "my_orders >= 1"})
    send(folder, did("u1", "Order Completed", HOUR))
    worker = Living(folder)
    try:
        worker.settle()
        place(folder, features={**FEATURES, "my_total": {"sum": "value"}})
        with monkeypatch.context() as patch:
            patch.setattr("shoal.living.worker.carry", lambda *_, **__: os.strerror(None))  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                worker.worker.look()
        worker.settle()
    finally:
        worker.close()
    assert not living.verify(folder).found


def test_names_that_keep_coming_do_not_keep_the_worker_building(tmp_path: Path) -> None:
    folder = place(tmp_path, features={f"f{one}": {"last": f"name_{one}"} for one in range(6)})
    told: list[str] = []
    worker = Living(folder, tell=lambda what, _: told.append(what))
    try:
        worker.settle()
        told.clear()
        worker._rests = time.monotonic() + 3_600  # as after a rebuilding that took six minutes
        for one in range(6):
            send(folder, did("u1", "View", one, **{f"name_{one}": one}))
            worker.worker.drain()
            worker.worker.look()
        assert not [one for one in told if "building" in one]
        worker.settle()
        assert len([one for one in told if "building" in one]) == 1
    finally:
        worker.close()
    assert not living.verify(folder).found
