"""A workspace's life: segments are found, two are approved, the data go on, and nothing changes on its own."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import shoal
from shoal.errors import NotFound
from shoal.summary import Segment
from shoal.workspace import Workspace
from shop import BEGIN, write_orders

PEOPLE = 300
OWN = "rule: orders >= {}\ndescription: who we call\n"


def members(workspace: Workspace, name: str, version: int) -> dict[str, object]:
    stays = workspace.table("memberships").to_arrow().to_pylist()
    return {
        one["profile_id"]: one["entered_at"]
        for one in stays
        if (one["segment"], one["version"], one["left_at"]) == (name, version, None)
    }


def versions(workspace: Workspace, name: str) -> dict[int, Segment]:
    return {one.version: one for one in workspace.segments if one.name == name}


def hand_out_cards(folder: Path, people: int = 120) -> None:
    """Adds people who began lately and buy gift cards at night, every other day: nobody did before."""
    chance = random.Random(5)
    with (folder / "orders.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for person in range(people):
            for place, day in enumerate(range(402, 460, 2)):
                at = BEGIN + timedelta(days=day, hours=23, minutes=chance.randint(0, 59))
                writer.writerow([f"{50_000 + person}", f"c{person}-{place}", at.isoformat(sep=" "), 500.0, "D"])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("life")
    write_orders(folder / "orders.csv", people=PEOPLE, days=460)
    Workspace.init(folder, [folder / "orders.csv"])
    (folder / "segments").mkdir()
    (folder / "segments" / "regulars.yaml").write_text(OWN.format(5))
    workspace = shoal.open(folder)
    workspace.run(as_of="2025-02-01")
    return workspace


@pytest.fixture
def life(first: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the workspace after its first run."""
    shutil.copytree(first.folder, tmp_path / "life")
    return shoal.open(tmp_path / "life")


def discovered(workspace: Workspace) -> list[Segment]:
    return [one for one in workspace.segments if one.kind == "discovered" and not one.carried]


def test_what_was_approved_keeps_its_rule_and_its_members_when_the_data_go_on(life: Workspace) -> None:
    names = [one.name for one in discovered(life)][:2]
    before = {name: (life.segment(name), members(life, name, 1)) for name in names}
    for name in names:
        life.approve(name, answer="write to them", by="ada", despite="a test")
    life.run(as_of="2025-04-01")
    for name, (was, stays) in before.items():
        now = life.segment(name)
        assert (now.status, now.version, now.rule, now.kind) == ("released", 1, was.rule, was.kind)
        inside = members(life, name, 1)
        assert len(inside) == now.size
        assert set(inside) & set(stays)
        assert all(inside[who] == stays[who] for who in set(inside) & set(stays))


def test_another_rule_by_the_same_name_is_a_draft_of_the_next_version_beside_it(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    (life.folder / "segments" / "regulars.yaml").write_text(OWN.format(9))
    life.run(as_of="2025-04-01")
    found = versions(life, "regulars")
    assert {number: (one.status, one.rule, one.carried) for number, one in found.items()} == {
        1: ("released", "orders >= 5", True),
        2: (found[2].status, "orders >= 9", False),
    }
    assert found[2].status in ("draft", "niche")
    for number, one in found.items():
        assert len(members(life, "regulars", number)) == one.size > 0
    assert life.segment("regulars").version == 1
    assert life.segment("REGULARS@2").rule == "orders >= 9"
    with pytest.raises(NotFound, match="Known: regulars@2"):
        life.segment("regulars@7")
    who = next(iter(members(life, "regulars", 2)))
    assert life.explain("regulars", who)["version"] == 1
    assert life.explain("regulars@2", who)["rule"] == "orders >= 9"


def test_approving_the_next_version_ends_the_one_before(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    (life.folder / "segments" / "regulars.yaml").write_text(OWN.format(9))
    life.run(as_of="2025-04-01")
    assert life.approve("regulars", answer="call them twice", by="ada", despite="a test").version == 2
    assert {number: one.status for number, one in versions(life, "regulars").items()} == {1: "retired", 2: "released"}
    life.run(as_of="2025-04-01")
    assert {number: one.status for number, one in versions(life, "regulars").items()} == {2: "released"}
    assert members(life, "regulars", 1) == {}
    stays = life.table("memberships").to_arrow().to_pylist()
    assert any((one["segment"], one["version"]) == ("regulars", 1) and one["left_at"] is not None for one in stays)


def test_a_released_segment_of_ones_own_outlives_its_file(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    (life.folder / "segments" / "regulars.yaml").unlink()
    life.run(as_of="2025-04-01")
    assert [(one.status, one.rule, one.kind) for one in versions(life, "regulars").values()] == [
        ("released", "orders >= 5", "rule")
    ]


def test_a_retired_segment_has_no_members_and_stays_retired_while_its_rule_is_the_same(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    life.retire("regulars", why="too many", by="bob")
    assert life.segment("regulars").status == "retired"
    life.run(as_of="2025-04-01")
    assert life.segment("regulars").status == "retired"
    assert members(life, "regulars", 1) == {}
    (life.folder / "segments" / "regulars.yaml").write_text(OWN.format(9))
    life.run(as_of="2025-04-01")
    assert {number: one.rule for number, one in versions(life, "regulars").items()} == {2: "orders >= 9"}
    assert versions(life, "regulars")[2].status in ("draft", "niche")


def test_a_released_rule_that_cannot_be_read_keeps_its_members_and_is_told(life: Workspace) -> None:
    text = (life.folder / "shoal.yaml").read_text()
    extra = "features:\n  big_orders: {count: events, of: Order Completed, where: value >= 20}\n"
    (life.folder / "shoal.yaml").write_text(text + extra)
    (life.folder / "segments" / "big.yaml").write_text("rule: big_orders >= 1\n")
    here = shoal.open(life.folder)
    here.run(as_of="2025-02-01")
    before = members(here, "big", 1)
    assert before
    here.approve("big", answer="call them", by="ada", despite="a test")
    (life.folder / "shoal.yaml").write_text(text)
    (life.folder / "segments" / "big.yaml").unlink()
    here = shoal.open(life.folder)
    told = here.run(as_of="2025-03-01")
    assert any("'big' cannot be told" in note and "members stay" in note for note in told.notes)
    assert members(here, "big", 1) == before
    (life.folder / "shoal.yaml").write_text(text + extra)
    here = shoal.open(life.folder)
    here.run(as_of="2025-03-01")
    assert here.segment("big").status == "released"
    assert all(before[who] == since for who, since in members(here, "big", 1).items() if who in before)


def test_one_stage_run_alone_keeps_what_was_released(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    before = members(life, "regulars", 1)
    for stage in ("model", "validate", "report"):
        life.run(only=stage)
    assert life.segment("regulars").status == "released"
    assert members(life, "regulars", 1) == before


def test_a_planted_segment_of_new_people_is_reported_with_its_numbers(life: Workspace) -> None:
    life.run(as_of="2025-02-02")
    life.approve(discovered(life)[0].name, answer="write to them", by="ada", despite="a test")
    hand_out_cards(life.folder)
    told = life.run(as_of="2025-04-05")
    news = [one for one in told.changes if one.kind in ("emerging", "splitting")]
    assert news
    planted = {life.profile(str(50_000 + person))["profile_id"] for person in range(120)}
    named = [one.segment for one in news if one.kind == "emerging"]
    drafts = {one.name: one for one in discovered(life)}
    caught = [name for name in named if len(planted & set(members(life, name, drafts[name].version))) >= 60]
    assert caught
    assert drafts[caught[0]].status != "released"
    change = next(one for one in news if one.segment == caught[0])
    assert change.size is not None
    assert change.size >= 60
    assert "points" in change.words
    assert change.since.startswith("2025-02-02")


def test_nothing_is_told_where_nothing_happened(life: Workspace) -> None:
    assert life.run(as_of="2025-02-01").changes == []


def test_a_change_is_told_until_a_person_decides(life: Workspace) -> None:
    life.approve("regulars", answer="call them", by="ada", despite="a test")
    hand_out_cards(life.folder)
    once = life.run(as_of="2025-04-05").changes
    again = life.run(as_of="2025-04-06").changes
    assert {one.segment for one in once if one.kind == "emerging"} & {
        one.segment for one in again if one.kind == "emerging"
    }
    life.approve(next(one.name for one in discovered(life)), answer="write to them", by="ada", despite="a test")
    assert life.run(as_of="2025-04-06").changes == []
