"""Objectives through the whole loop: bad input, champions and challengers, and that no bit depends on chance."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from shoal import summary
from shoal.errors import SettingsError
from shoal.workspace import Workspace
from shop import write_orders

Make = Callable[..., Workspace]


def shop(folder: Path, objectives: Sequence[dict[str, Any]] = (), goal: str | None = None, **orders: int) -> Workspace:
    """A workspace over generated orders with objectives of one's own."""
    folder.mkdir(parents=True, exist_ok=True)
    write_orders(folder / "orders.csv", **{"people": 300, "days": 150, **orders})
    Workspace.init(folder, [folder / "orders.csv"])
    return asking(Workspace(folder), objectives, goal)


def asking(made: Workspace, objectives: Sequence[dict[str, Any]], goal: str | None = None) -> Workspace:
    path = made.folder / "shoal.yaml"
    said = yaml.safe_load(path.read_text())
    said = {name: value for name, value in said.items() if name not in ("goal", "objectives")}
    said |= {"objectives": list(objectives)} if objectives else {"goal": goal}
    path.write_text(yaml.safe_dump(said))
    return Workspace(made.folder)


def members(people: int, *, blank: int = 0, seed: int = 1) -> list[list[str]]:
    """Rows id, plan, seats, empty, left; the first `blank` have no label and a plan that nobody else has."""
    chance = random.Random(seed)
    rows = []
    for place in range(people):
        plan, seats = chance.choice("abc"), chance.randrange(20)
        left = "yes" if chance.random() < 0.1 + 0.5 * (plan == "a") + 0.015 * seats else "no"
        rows.append([f"c{place}", "new" if place < blank else plan, str(seats), "", "" if place < blank else left])
    return rows


def table(folder: Path, rows: Sequence[Sequence[str]], objectives: Sequence[dict[str, Any]]) -> Workspace:
    """A workspace over a table of customers without events."""
    folder.mkdir(parents=True, exist_ok=True)
    header = ["id", "plan", "seats", "empty", "left"]
    with (folder / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    source = {
        "path": "customers.csv",
        "kind": "profiles",
        "identifiers": {"customer_id": "id"},
        "traits": {name: name for name in header[1:]},
    }
    settings = {"sources": {"customers": source}, "objectives": list(objectives)}
    (folder / "shoal.yaml").write_text(yaml.safe_dump(settings))
    return Workspace(folder)


LEAVING = {"name": "leaving", "kind": "label", "label": "left = 'yes'"}


def faults_of(made: Workspace) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        made.run()
    return [f"{fault.where}: {fault.what}" for fault in caught.value.faults]


def scores(made: Workspace, model: str | None = None) -> pa.Table:
    found = made.table("scores").to_arrow().sort_by([("model", "ascending"), ("profile_id", "ascending")])
    return found if model is None else found.filter(pa.compute.equal(found["model"], model))


def cards(run: summary.Run) -> dict[str, summary.ModelCard]:
    return {card.name: card for card in run.models}


# What the data cannot carry


THIN = [
    {"name": "nobody", "kind": "purchase", "horizon": "30d", "among": "orders >= 100000"},
    {"name": "nowhere", "kind": "purchase", "horizon": "30d", "where": "category = 'Zzz'"},
    {"name": "at_once", "kind": "churn", "horizon": "30d", "active_within": "1h"},
    {"name": "too_long", "kind": "churn", "horizon": "500d"},
    {"name": "first", "kind": "conversion", "horizon": "30d"},
    {"name": "orders", "kind": "churn", "horizon": "90d"},
    {"name": "worth", "kind": "value", "horizon": "30d", "among": "orders > 3"},
    {"name": "rare", "kind": "purchase", "horizon": "1h"},
    {"name": "ended", "kind": "purchase", "horizon": "30d", "where": "at < time('2024-03-20')"},
]


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = shop(tmp_path_factory.mktemp("thin"), THIN)
    (made.folder / "segments").mkdir()
    (made.folder / "segments" / "leaving.yaml").write_text("name: Leaving\nrule: orders_score >= 0 and orders >= 9")
    made.run()
    return made


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "0 rows, 0 of them positive. Needed: 100 rows and 10 of either outcome: 10 more positive"),
        ("nowhere", "0 of them positive. Needed: .*: 10 more positive"),
        ("at_once", "Needed: 100 rows"),
        ("too_long", "a horizon of 500 days needs at least 750 days of history"),
        ("first", "Needed: 100 rows"),
        ("rare", "the test has .* Needed: .* more positive"),
        ("ended", "the test has 300 rows, 0 of them positive"),
    ],
)
def test_what_the_data_cannot_carry_is_said_with_what_would_be_needed(thin: Workspace, name: str, words: str) -> None:
    card = thin.model(name)
    assert card.status == "not enough data"
    assert any(pa.compute.match_substring_regex(pa.array(card.notes), words).to_pylist())
    assert scores(thin, name).num_rows == 0


def test_a_history_between_one_and_two_horizons_is_judged_on_people_not_seen(thin: Workspace) -> None:
    card = thin.model("orders")
    assert (card.status, card.out_of_time) == ("used", False)
    assert any("not seen" in limit for limit in card.limits)
    assert "test" not in card.rows


def test_a_score_named_like_a_feature_is_read_by_another_name(thin: Workspace) -> None:
    people = thin.runs.current().people()
    wanted = sum(row["orders_score"] is not None and row["orders"] >= 9 for row in people.to_pylist())
    assert thin.segment("Leaving").size == wanted > 0


def test_a_setting_that_a_kind_does_not_heed_is_said(thin: Workspace) -> None:
    assert any("`among` is not heeded" in limit for limit in thin.model("worth").limits)


def test_no_score_is_made_up(thin: Workspace) -> None:
    found = scores(thin)
    assert found["score"].null_count == 0
    assert not {"nobody", "nowhere", "at_once", "too_long", "first", "rare", "ended"} & set(found["model"].to_pylist())


# Settings that name what is not there


def test_every_fault_of_every_objective_is_told_once_with_the_nearest_name(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": "a", "kind": "churn", "event": "Order Complted"},
        {"name": "b", "kind": "churn", "horizon": "20d", "where": "categry = 'A'"},
        {"name": "c", "kind": "churn", "horizon": "20d", "among": "ordrs > 3"},
        {"name": "d", "kind": "label", "label": "ordrs > 3", "horizon": "20d"},
        {"name": "e", "kind": "lookalike", "segment": "Champons"},
        {"name": "f", "kind": "cross_sell", "property": "catgory"},
        {"name": "g", "kind": "affinity", "property": "catgory"},
        {"name": "h", "kind": "purchase", "exclude": ["order"], "horizon": "20d"},
        {"name": "i", "kind": "value", "horizon": "99999w"},
    ]
    told = faults_of(shop(tmp_path, wrong, people=40))
    assert [one.split(":")[0].split(".")[1] for one in told] == list("abcdefghi")
    near = ["Order Completed", "category", "orders", "orders", "Champions", "category", "category", "orders"]
    for text, name in zip(told, near, strict=False):
        assert f"Did you mean '{name}'" in text


def test_two_objectives_whose_names_differ_in_capitals_only_are_refused(tmp_path: Path) -> None:
    twice = [{"name": "churn", "kind": "churn"}, {"name": "Churn", "kind": "churn"}]
    assert "the name of two objectives" in faults_of(shop(tmp_path, twice, people=20))[0]


def test_a_misspelt_label_has_the_nearest_name(tmp_path: Path) -> None:
    told = faults_of(table(tmp_path, members(30), [{**LEAVING, "label": "lft = 'yes'"}]))
    assert "Did you mean 'left'?" in told[0]


# Tables of customers without events


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = table(tmp_path_factory.mktemp("labelled"), members(500, blank=100), [LEAVING])
    made.run()
    return made


def test_people_without_a_label_are_scored_and_a_category_never_seen_counts_as_unknown(labelled: Workspace) -> None:
    card, found = labelled.model("leaving"), scores(labelled, "leaving").to_pandas()
    assert (card.status, card.out_of_time) == ("used", False)
    assert (card.rows["train"], card.rows["scored"], len(found)) == (400, 500, 500)
    assert ((found["low"] <= found["score"]) & (found["score"] <= found["high"])).all()
    assert found["score"].between(0, 1).all()


def test_people_with_a_label_have_the_score_of_a_model_that_did_not_see_it(labelled: Workspace) -> None:
    from shoal.predict import vault
    from shoal.predict.model import Model

    run, card = labelled.runs.current(), labelled.model("leaving")
    model = Model.load(vault.load(run.folder / "models" / "leaving", str(card.version)))
    people = run.table("features")
    seen = pa.compute.is_valid(people["left"]).to_numpy(zero_copy_only=False)
    given = dict(zip(*(scores(labelled)[name].to_pylist() for name in ("profile_id", "score")), strict=True))
    whole = dict(zip(people["profile_id"].to_pylist(), model.score(people)[0], strict=True))
    same = [given[who] == whole[who] for who in people["profile_id"].to_pylist()]
    assert all(equal for equal, known in zip(same, seen, strict=True) if not known)
    assert sum(equal for equal, known in zip(same, seen, strict=True) if known) < 20


def test_a_feature_that_is_null_for_everybody_is_left_out(labelled: Workspace) -> None:
    assert "empty" in labelled.model("leaving").dropped


@pytest.mark.parametrize(
    ("rows", "label", "words"),
    [
        (members(200), "left = 'perhaps'", "10 more positive"),
        (members(100, blank=100), "left = 'yes'", "100 more rows"),
        (members(12), "left = 'yes'", "88 more rows"),
        (members(2), "left = 'yes'", "98 more rows"),
        (members(60), "no Order within 90d", "needs events"),
    ],
    ids=["one class", "all blank", "twelve rows", "two rows", "a sentence"],
)
def test_a_label_that_says_too_little_is_not_enough_data(
    tmp_path: Path, rows: list[list[str]], label: str, words: str
) -> None:
    made = table(tmp_path, rows, [{**LEAVING, "label": label}])
    card = cards(made.run())["leaving"]
    assert card.status == "not enough data"
    assert words in card.notes[-1]
    assert len(made.table("scores")) == 0


def test_customers_named_twice_are_scored_once(tmp_path: Path) -> None:
    made = table(tmp_path, [*members(150), *members(150, seed=2)], [LEAVING])
    made.run()
    assert len(made.table("scores")) == len(made.table("profiles")) == 150


def test_objectives_that_need_events_say_so_without_any(tmp_path: Path) -> None:
    kinds = ("churn", "value", "affinity", "cross_sell", "intent")
    made = table(tmp_path, members(60), [{"name": kind, "kind": kind} for kind in kinds])
    told = cards(made.run())
    assert {card.status for card in told.values()} == {"not enough data"}
    assert all("needs events" in card.notes[0] for card in told.values())


def test_a_goal_that_customers_alone_cannot_answer_is_said(tmp_path: Path) -> None:
    made = asking(table(tmp_path, members(60), []), [], goal="retention")
    assert any("cannot answer what the goal `retention` asks" in note for note in made.run().notes)


def test_people_without_events_are_scored_where_the_question_is_about_them(tmp_path: Path) -> None:
    objectives = [{"name": "first", "kind": "conversion", "horizon": "30d"}, {"name": "value", "kind": "value"}]
    made = shop(tmp_path, objectives, people=120)
    rows = "".join(f"{50_000 + n},{'ab'[n % 2]}\n" for n in range(30))
    (tmp_path / "customers.csv").write_text("id,plan\n" + rows)
    path = tmp_path / "shoal.yaml"
    said = yaml.safe_load(path.read_text())
    said["sources"]["customers"] = {
        "path": "customers.csv",
        "kind": "profiles",
        "identifiers": {"customer_id": "id"},
        "traits": {"plan": "plan"},
    }
    path.write_text(yaml.safe_dump(said))
    made = Workspace(tmp_path)
    told = cards(made.run())
    assert told["first"].status == "not enough data"
    assert told["value"].rows["people"] == 150
    assert set(scores(made, "value.purchases")["person"].to_pylist()) <= set(scores(made)["person"].to_pylist())
    assert scores(made, "value.purchases").num_rows == told["value"].rows["scored"] == 120


# Goals and likeness


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["retention", "acquisition", "conversion", "expansion", "value", "engagement"])
def test_every_goal_runs(tmp_path: Path, goal: str) -> None:
    made = shop(tmp_path, goal=goal)
    told = made.run()
    assert told.models or any("cannot answer" in note for note in told.notes)
    assert {name for card in told.models for name in card.scores} == set(scores(made)["model"].to_pylist())


def test_lookalikes_of_too_few_and_of_a_rule_over_scores(tmp_path: Path) -> None:
    objectives = [
        {"name": "few", "kind": "lookalike", "segment": "tiny"},
        {"name": "scored", "kind": "lookalike", "segment": "leaving"},
        {"name": "churn", "kind": "churn", "horizon": "30d"},
    ]
    made = shop(tmp_path, objectives, days=100)
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "tiny.yaml").write_text("rule: orders in top 3")
    (tmp_path / "segments" / "leaving.yaml").write_text("rule: churn >= 0.3")
    told = cards(made.run())
    assert told["few"].status == told["scored"].status == "not enough data"
    assert "needed" in told["few"].notes[0]
    assert "scores are not known yet" in told["scored"].notes[0]


def test_categories_that_read_alike_are_two_questions() -> None:
    from shoal.define.packs import Catalogue
    from shoal.predict.objective import tasks
    from shoal.settings import Objective

    known = Catalogue({"Order Completed": 9}, {"category": "text"}, {"category": ["Home & Co", "Home, Co", "茶", "米"]})
    names = [task.name for task in tasks(Objective(name="x", kind="cross_sell"), known, 30, [])]
    assert names == ["x.home_co", "x.home_co_2", "x.other", "x.other_2"]


# Champion and challenger, back-tests

CHURN = {"name": "churn", "kind": "churn", "horizon": "20d", "active_within": "60d"}
VALUE = {"name": "value", "kind": "value", "horizon": "20d"}
FIRST, SOON, LATER = "2024-04-20", "2024-04-25", "2024-05-20"


class Story:
    """Three runs of one workspace, each a little later."""

    def __init__(self, folder: Path) -> None:
        self.workspace = shop(folder, [CHURN, VALUE], days=160)
        (folder / "segments").mkdir()
        rule = "name: Worth keeping\nrule: churn >= 0.3 and clv_12m in top 50%"
        (folder / "segments" / "risk.yaml").write_text(rule)
        said = yaml.safe_load((folder / "shoal.yaml").read_text())
        (folder / "shoal.yaml").write_text(yaml.safe_dump({**said, "keep_runs": 2}))
        self.workspace = Workspace(folder)
        self.runs, self.ids, self.scores = [], [], []
        for as_of in (FIRST, SOON, LATER):
            self.runs.append(cards(self.workspace.run(as_of=as_of)))
            self.ids.append(self.workspace.runs.current().run_id)
            self.scores.append(scores(self.workspace))

    @property
    def models(self) -> Path:
        return self.workspace.runs.current().folder / "models"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("story"))


@pytest.fixture
def again(story: Story, tmp_path: Path) -> Workspace:
    shutil.copytree(story.workspace.folder, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


@pytest.mark.parametrize("name", ["churn", "value"])
def test_a_champion_stays_where_it_has_learned_from_the_newest_window(story: Story, name: str) -> None:
    first, soon = story.runs[0][name], story.runs[1][name]
    assert soon.contest is not None
    assert soon.contest.gain is None
    assert soon.contest.winner == soon.version == first.version != soon.contest.challenger
    assert "has learned from the newest labelled window" in soon.contest.words
    assert any(f"{first.version}, made by an earlier run, gives the scores" in note for note in soon.notes)


@pytest.mark.parametrize("name", ["churn", "value"])
def test_a_contest_on_a_window_that_neither_has_seen_is_decided_by_its_gain(story: Story, name: str) -> None:
    contest = story.runs[2][name].contest
    assert contest is not None
    assert contest.gain is not None
    assert contest.gain.value is not None
    better = contest.gain.value > 0
    assert contest.winner == (contest.challenger if better else contest.champion)
    assert ("better on the newest" if better else "was not better on the newest") in contest.words


@pytest.mark.parametrize("name", ["churn", "value"])
def test_both_versions_are_on_record_though_the_run_that_made_one_is_gone(story: Story, name: str) -> None:
    contest = story.runs[2][name].contest
    assert contest is not None
    assert {path.name for path in (story.models / name).iterdir()} == {contest.champion, contest.challenger}
    assert not (story.workspace.runs.runs / story.ids[0]).exists()


def test_predictions_that_have_come_due_are_held_against_what_happened(story: Story) -> None:
    assert story.runs[0]["churn"].backtests == story.runs[1]["churn"].backtests == []
    found = story.workspace.model("churn").backtests[-1]
    predicted = story.scores[0].filter(pa.compute.equal(story.scores[0]["model"], "churn"))
    assert datetime.fromisoformat(found.made_at) == datetime.fromisoformat(f"{FIRST}T00:00:00+00:00")
    assert found.people == predicted.num_rows
    assert found.predicted == pytest.approx(pa.compute.mean(predicted["score"]).as_py())
    assert 0 < found.observed < 1
    assert found.metrics["auc"].value is not None
    assert found.version == story.runs[0]["churn"].version


@pytest.mark.slow
def test_a_changed_champion_is_refused_and_made_anew(again: Workspace) -> None:
    changed = damage(again)
    told = cards(again.run(as_of="2024-05-22"))
    for name, version in changed.items():
        card = told[name]
        assert card.contest is not None
        assert card.version == card.contest.challenger != version
        assert f"takes over: {version} was refused" in card.contest.words
        assert "was changed since it was saved" in card.contest.words
    assert len(again.table("scores")) > 0


@pytest.mark.slow
def test_a_changed_champion_does_not_stop_a_stage_that_is_run_alone(again: Workspace) -> None:
    damage(again)
    card = cards(again.run(only="predict"))["churn"]
    assert card.contest is not None
    assert "was refused" in card.contest.words


def damage(made: Workspace) -> dict[str, str]:
    """Flips a bit in every version in use; gives the versions."""
    run = made.runs.current()
    found = {one["name"]: one["version"] for one in run.read_part("predict")["entries"]}
    for name, version in found.items():
        path = max(
            (run.folder / "models" / name / version).glob("*.json"), key=lambda file: file.name != "manifest.json"
        )
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    return found


@pytest.mark.slow
def test_predicting_alone_leaves_the_files_of_the_last_run_as_they_were(again: Workspace) -> None:
    last = again.runs.current().folder
    before = {path: path.read_bytes() for path in last.rglob("*") if path.is_file()}
    again.run(only="predict")
    assert again.runs.current().folder != last
    assert {path: path.read_bytes() for path in last.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_run_as_of_an_earlier_instant_uses_no_model_that_has_learned_later(story: Story, again: Workspace) -> None:
    told = cards(again.run(as_of=FIRST))
    assert scores(again).equals(story.scores[0])
    assert told["churn"].version == story.runs[0]["churn"].version
    assert told["churn"].backtests == []
    assert told["churn"].contest is not None
    if story.runs[2]["churn"].version != told["churn"].version:
        assert "has learned from what came after the instant of this run" in told["churn"].contest.words


@pytest.mark.slow
def test_a_champion_outlives_a_run_that_had_not_enough_data(again: Workspace) -> None:
    version = again.model("churn").version
    shutil.rmtree(again.folder / "segments")  # its rule reads a score that there will not be
    short = asking(again, [{**CHURN, "horizon": "400d"}, VALUE])
    assert cards(short.run(as_of=LATER))["churn"].status == "not enough data"
    back = cards(asking(short, [CHURN, VALUE]).run(as_of=LATER))["churn"]
    assert back.contest is not None
    assert back.contest.champion == version


def test_profile_and_explain_show_a_segment_over_scores(story: Story) -> None:
    workspace = story.workspace
    stays = workspace.table("memberships").to_arrow().to_pylist()
    who = next(row["profile_id"] for row in stays if row["segment"] == "Worth keeping" and row["left_at"] is None)
    person, told = workspace.profile(who), workspace.explain("Worth keeping", who)
    assert told["member"] is True
    given = {one["model"]: one for one in person["scores"]}
    assert {name for part in told["clauses"] for name in part["actual"]} == {"churn", "clv_12m"}
    assert told["clauses"][0]["actual"]["churn"] == given["churn"]["score"] >= 0.3
    assert given["churn"]["reasons"]


# The same data give the same, and what came later changes nothing


@pytest.mark.slow
def test_two_fresh_runs_over_data_with_and_without_what_came_later_agree_to_the_bit(
    tmp_path: Path, story: Story
) -> None:
    lines = (story.workspace.folder / "orders.csv").read_text().splitlines(keepends=True)
    early = [lines[0], *(line for line in lines[1:] if line.split(",")[2] <= f"{FIRST} 00:00:00")]
    assert len(early) < len(lines)
    (tmp_path / "orders.csv").write_text("".join(early))
    shutil.copy(story.workspace.folder / "shoal.yaml", tmp_path / "shoal.yaml")
    fresh = Workspace(tmp_path)
    told = cards(fresh.run(as_of=FIRST))
    ours, theirs = (table.drop_columns(["profile_id"]) for table in (scores(fresh), story.scores[0]))
    assert ours.equals(theirs)
    assert {name: card.version for name, card in told.items()} == {
        name: card.version for name, card in story.runs[0].items()
    }
