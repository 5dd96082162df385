"""A workspace's life: segments are found, two are approved, the data go on, and nothing changes on its own."""

from __future__ import annotations

import csv
import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import shoal
from shoal.errors import NotFound
from shoal.summary import Segment
from shoal.workspace import Workspace
from shop import BEGIN, write_orders

PEOPLE = 300
CARDS = 120


def members(workspace: Workspace, name: str, version: int) -> dict[str, object]:
    stays = workspace.table("memberships").to_arrow().to_pylist()
    return {
        one["profile_id"]: one["entered_at"]
        for one in stays
        if (one["segment"], one["version"], one["left_at"]) == (name, version, None)
    }


def versions(workspace: Workspace, name: str) -> dict[int, Segment]:
    return {one.version: one for one in workspace.segments if one.name == name}


def hand_out_cards(folder: Path, people: int = CARDS) -> None:
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
    """A workspace after its first run: nothing was decided yet."""
    folder = tmp_path_factory.mktemp("life")
    write_orders(folder / "orders.csv", people=PEOPLE, days=460)
    Workspace.init(folder, [folder / "orders.csv"])
    text = (folder / "shoal.yaml").read_text()
    (folder / "shoal.yaml").write_text(
        text.replace("goal: retention", "# goal: retention")
    )  # predicts nothing: quicker
    (folder / "segments").mkdir()
    for name, orders in (("regulars", 5), ("trial", 3), ("old", 7)):
        own(folder, name, orders)
    workspace = shoal.open(folder)
    workspace.run(as_of="2025-02-01")
    return workspace


@pytest.fixture(scope="module")
def second(first: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same, after four segments were approved, one of them retired, rules were rewritten and people came."""
    folder = tmp_path_factory.mktemp("later") / "life"
    shutil.copytree(first.folder, folder)
    workspace = shoal.open(folder)
    for name in ("regulars", "trial", "old", discovered(workspace)[0].name):
        workspace.approve(name, answer="write to them", by="ada", despite="a test")
    workspace.retire("trial", why="it was one", by="bob")
    own(folder, "regulars", 9)
    (folder / "segments" / "old.yaml").unlink()
    hand_out_cards(folder)
    workspace.run(as_of="2025-04-05")
    return workspace


@pytest.fixture
def life(first: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the workspace after its first run."""
    shutil.copytree(first.folder, tmp_path / "life")
    return shoal.open(tmp_path / "life")


def own(folder: Path, name: str, orders: int) -> None:
    (folder / "segments" / f"{name}.yaml").write_text(f"rule: orders >= {orders}\ndescription: who we call\n")


def discovered(workspace: Workspace) -> list[Segment]:
    return [one for one in workspace.segments if one.kind == "discovered" and not one.carried]


@pytest.mark.parametrize("which", ["regulars", "old", "discovered"])
def test_what_was_approved_keeps_its_rule_and_its_members_when_the_data_go_on(
    first: Workspace, second: Workspace, which: str
) -> None:
    name = discovered(first)[0].name if which == "discovered" else which
    was, now = first.segment(name), second.segment(name)
    assert (now.status, now.version, now.rule, now.kind) == ("released", 1, was.rule, was.kind)
    stays, inside = members(first, name, 1), members(second, name, 1)
    assert len(inside) == now.size
    assert set(inside) & set(stays)
    assert all(inside[who] == stays[who] for who in set(inside) & set(stays))


def test_another_rule_by_the_same_name_is_a_draft_of_the_next_version_beside_it(second: Workspace) -> None:
    found = versions(second, "regulars")
    assert {number: (one.status, one.rule, one.carried) for number, one in found.items()} == {
        1: ("released", "orders >= 5", True),
        2: ("draft", "orders >= 9", False),
    }
    for number, one in found.items():
        assert len(members(second, "regulars", number)) == one.size > 0
    table = second.table("segments").to_arrow().to_pylist()
    assert {one["version"]: one["status"] for one in table if one["name"] == "regulars"}.keys() == {1, 2}


def test_a_name_means_the_released_version_and_a_number_that_version(second: Workspace) -> None:
    assert second.segment("regulars").version == 1
    assert second.segment("REGULARS@2").rule == "orders >= 9"
    with pytest.raises(NotFound, match="Known: regulars@"):
        second.segment("regulars@7")
    who = next(iter(members(second, "regulars", 2)))
    assert second.explain("regulars", who)["version"] == 1
    assert second.explain("regulars@2", who)["rule"] == "orders >= 9"


def test_verdicts_on_a_name_are_on_what_was_found_today(second: Workspace) -> None:
    sizes = {one.subject: one.value for one in second.last_run().verdicts if one.check == "size"}
    found = versions(second, "regulars")
    assert (sizes["regulars"], sizes["regulars@1"]) == (found[2].size, found[1].size)


def test_the_discovered_set_is_whole_without_those_that_stand_by_their_release(second: Workspace) -> None:
    assert sum(one.size for one in discovered(second)) == second.table("profiles").to_arrow().num_rows


def test_a_retired_segment_has_no_members_and_stays_retired_while_its_rule_is_the_same(second: Workspace) -> None:
    assert {number: one.status for number, one in versions(second, "trial").items()} == {1: "retired"}
    assert members(second, "trial", 1) == {}
    stays = second.table("memberships").to_arrow().to_pylist()
    assert {one["left_at"] is None for one in stays if one["segment"] == "trial"} == {False}


def test_a_planted_segment_of_new_people_is_reported_with_its_numbers_and_filed_as_a_draft(second: Workspace) -> None:
    told = second.last_run()
    planted = {second.profile(str(50_000 + person))["profile_id"] for person in range(0, CARDS, 10)}
    drafts = {one.name: one for one in second.segments if one.kind in ("discovered", "micro") and not one.carried}
    change = next(
        one
        for one in told.changes
        if one.kind == "emerging" and len(planted & set(members(second, one.segment, drafts[one.segment].version))) > 9
    )
    assert drafts[change.segment].status in ("draft", "niche", "refused")
    assert change.size == drafts[change.segment].size >= CARDS
    assert change.since.startswith("2025-02-01")
    assert f"{change.size} people" in change.words


def test_the_run_tells_the_releases_that_it_heeded(second: Workspace) -> None:
    told = second.last_run().releases
    assert [(one.segment, one.decision) for one in told][-1] == ("trial", "retired")
    assert len(told) == 5


def test_the_names_of_discovered_segments_stay_with_their_people(first: Workspace, second: Workspace) -> None:
    now = {one.name: set(members(second, one.name, one.version)) for one in discovered(second)}
    for one in discovered(first):
        were = set(members(first, one.name, one.version))
        everybody = set(second.table("profiles").to_arrow()["profile_id"].to_pylist()) & {
            who for name in discovered(first) for who in members(first, name.name, name.version)
        }
        like = [name for name, people in now.items() if len(people & were) > 0.6 * len((people & everybody) | were)]
        assert like in ([], [one.name])


def test_nothing_is_told_where_nothing_happened(life: Workspace) -> None:
    life.approve("regulars", answer="write to them", by="ada", despite="a test")
    before = members(life, "regulars", 1)
    assert life.run(only="model").changes == []
    assert life.segment("regulars").status == "released"
    assert members(life, "regulars", 1) == before


@pytest.mark.slow
def test_approving_the_next_version_ends_the_one_before(second: Workspace, tmp_path: Path) -> None:
    shutil.copytree(second.folder, tmp_path / "life")
    life = shoal.open(tmp_path / "life")
    assert life.approve("regulars", answer="call them twice", by="ada", despite="a test").version == 2
    assert {number: one.status for number, one in versions(life, "regulars").items()} == {1: "retired", 2: "released"}
    life.run(as_of="2025-04-06")
    assert {number: one.status for number, one in versions(life, "regulars").items()} == {2: "released"}
    assert members(life, "regulars", 1) == {}
    stays = life.table("memberships").to_arrow().to_pylist()
    assert any((one["segment"], one["version"]) == ("regulars", 1) and one["left_at"] is not None for one in stays)


@pytest.mark.slow
def test_a_retired_name_with_another_rule_is_a_draft_of_the_next_version(second: Workspace, tmp_path: Path) -> None:
    shutil.copytree(second.folder, tmp_path / "life")
    life = shoal.open(tmp_path / "life")
    own(life.folder, "trial", 4)
    life.run(as_of="2025-04-06")
    assert {number: (one.rule, one.status) for number, one in versions(life, "trial").items()} == {
        2: ("orders >= 4", "draft")
    }


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_change_is_told_until_a_person_decides(second: Workspace, tmp_path: Path) -> None:
    shutil.copytree(second.folder, tmp_path / "life")
    life = shoal.open(tmp_path / "life")
    new = {one.segment for one in life.last_run().changes if one.kind == "emerging"}
    again = life.run(as_of="2025-04-06")
    assert new & {one.segment for one in again.changes if one.kind == "emerging"}
    assert {one.since for one in again.changes} == {one.since for one in second.last_run().changes}
    life.approve(next(iter(new)), answer="write to them", by="ada", despite="a test")
    assert life.run(as_of="2025-04-06").changes == []


@pytest.mark.slow
def test_releases_outlive_the_runs(second: Workspace, tmp_path: Path) -> None:
    shutil.copytree(second.folder, tmp_path / "life")
    shutil.rmtree(tmp_path / "life" / ".shoal" / "runs")
    (tmp_path / "life" / ".shoal" / "current").unlink()
    life = shoal.open(tmp_path / "life")
    told = life.run(as_of="2025-04-06")
    assert life.segment("regulars").rule == "orders >= 5"
    assert life.segment("regulars@2").rule == "orders >= 9"
    assert told.changes == []
