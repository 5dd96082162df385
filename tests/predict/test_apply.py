"""Models applied again to a few people: the run's own numbers, to the bit, for every kind of model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from tests.predict.busy import OTHERS, QUESTIONS, busy

from shoal import pipeline, tables
from shoal.errors import DataError, StorageError, UsageError
from shoal.predict.apply import Scorer
from shoal.predict.run import scorer
from shoal.predict.similar import fold_of
from shoal.predict.ways import Scored
from shoal.store.runs import Run
from shoal.unify.events import batches
from shoal.workspace import Workspace

FEW = ("churn", "again", "left", "value", "alike")
ORDER = [("model", "ascending"), ("person", "ascending")]
EARLY = ("unify", "features", "predict", "report")


@dataclass
class Made:
    """A finished run, its scorer, and everything that scoring takes."""

    workspace: Workspace
    run: Run
    scorer: Scorer
    features: pa.Table
    events: pa.Table
    as_of: int

    def score(self, rows: Sequence[int] | np.ndarray | None = None, **options: Any) -> tuple[Scored, ...]:
        """The scores of the people at these places, with nothing of anybody else at hand."""
        few = self.people(rows)
        theirs = self.events.filter(pc.is_in(self.events["person"], few["person"].combine_chunks()))
        return self.scorer.score(few, self.as_of, events=theirs.to_batches(), **options)

    def people(self, rows: Sequence[int] | np.ndarray | None) -> pa.Table:
        return self.features if rows is None else self.features.take(pa.array(rows))


def made_of(workspace: Workspace) -> Made:
    run = workspace.runs.current()
    found = scorer(run)
    part = run.read_part("features")
    events = pa.Table.from_batches(list(batches(run.files("events"), ["person", "at", "event", "value"])))
    events = events.sort_by([("person", "ascending"), ("at", "ascending")])
    return Made(workspace, run, found, beside(run, found, part["as_of"]), events, part["as_of"])


def beside(run: Run, found: Scorer, as_of: int) -> pa.Table:
    """The run's features with those that scoring needs besides, by the scorer's own plan."""
    table = run.table("features")
    columns = sorted({*found.plan.event_columns, "person"})
    files = run.files("events")
    made = [batch for file in files for batch in found.plan.run(batches([file], columns), [as_of])]
    computed = {row["person"]: row for batch in made for row in batch.to_pylist()}
    empty = found.plan.empty()
    people = table["person"].to_pylist()
    for one in found.extra:
        values = [computed.get(person, empty)[one.name] for person in people]
        table = table.append_column(one.name, pa.array(values, found.plan.schema.field(one.name).type))
    return table


def ran(folder: Path, objectives: Iterable[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose run went as far as its predictions."""
    folder.mkdir(parents=True, exist_ok=True)
    workspace = busy(folder, list(objectives))
    monkeypatch.setattr(pipeline, "STAGES", {name: pipeline.STAGES[name] for name in EARLY})
    workspace.run()
    return workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    wanted = [one for one in [*QUESTIONS, *OTHERS] if one["name"] in FEW]
    with pytest.MonkeyPatch.context() as patch:
        return made_of(ran(tmp_path_factory.mktemp("busy"), wanted, patch))


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Run:
    shutil.copytree(made.run.folder, tmp_path / "run")
    return Run("run", tmp_path / "run")


def assert_as_the_run(made: Made, rows: Sequence[int] | np.ndarray | None = None) -> None:
    """Bit for bit, with bands; NaN is NaN."""
    few = made.people(rows)
    mine = made.scorer.table(made.score(rows), few, made.as_of).sort_by(ORDER)
    his = made.run.table("scores").sort_by(ORDER)
    his = his.filter(pc.is_in(his["person"], few["person"].combine_chunks()))
    for name in ("profile_id", "as_of", "model", "version", "person"):
        assert mine[name].to_pylist() == his[name].to_pylist(), name
    for name in ("score", "low", "high"):
        np.testing.assert_array_equal(mine[name].to_numpy(), his[name].to_numpy(), err_msg=name)


def test_everybody_gets_the_very_scores_of_the_run(made: Made) -> None:
    models = set(made.run.table("scores")["model"].to_pylist())
    assert {"churn", "again", "left", "value.purchases", "value.revenue", "value.alive", "alike"} < models
    assert set(made.scorer.models) == models
    assert_as_the_run(made)


@pytest.mark.parametrize("count", [1, 2, 17])
def test_a_few_people_in_any_order_get_the_scores_that_they_have_among_everybody(made: Made, count: int) -> None:
    for draw in range(5):
        assert_as_the_run(made, np.random.default_rng(draw).permutation(made.features.num_rows)[:count])


def test_one_by_one_everybody_has_the_same_scores(made: Made) -> None:
    for row in range(0, made.features.num_rows, 7):
        assert_as_the_run(made, [row])


def test_people_with_a_known_label_are_scored_by_a_model_that_has_not_seen_it(made: Made) -> None:
    card = made.workspace.model("left")
    unseen = made.run.table("unseen")
    assert "not used" not in card.algorithm
    assert set(unseen["model"].to_pylist()) == {"left"}
    assert sorted(set(unseen["part"].to_pylist())) == [0, 1, 2, 3, 4]
    assert unseen.num_rows == card.rows["train"] < made.features.num_rows
    strangers = made.scorer.score(_strangers(made), made.as_of, events=[], bands=False)
    everybody = next(one for one in strangers if one.model == "left")
    mine = next(one for one in made.score(bands=False) if one.model == "left")
    known = np.isin(made.features["person"].to_numpy(), unseen["person"].to_numpy())
    assert np.array_equal(everybody.score[~known], mine.score[~known])
    assert np.mean(everybody.score[known] == mine.score[known]) < 0.2


def _strangers(made: Made) -> pa.Table:
    """The same people under ids that no model has seen."""
    place = made.features.column_names.index("person")
    return made.features.set_column(place, "person", pc.add(made.features["person"], 1))


def test_without_bands_the_scores_are_the_same(made: Made) -> None:
    for one, other in zip(made.score(range(40)), made.score(range(40), bands=False), strict=True):
        assert one.model == other.model
        np.testing.assert_array_equal(one.score, other.score)
        assert np.isnan(other.low).all()
        assert np.isnan(other.high).all()


def test_features_with_scores_beside_them_are_as_rules_read_them(made: Made) -> None:
    found = made.scorer.beside(made.features, made.score())
    whole = made.run.people()
    assert set(made.scorer.columns) >= {"churn", "value_alive", "clv_12m", "left", "alike"}
    for name in made.scorer.columns:
        assert found[name].to_pylist() == whole[name].to_pylist(), name


def test_a_score_follows_the_features_of_the_person(made: Made) -> None:
    place = made.features.column_names.index("recency_days")
    gone = pa.array(np.full(made.features.num_rows, 59.0))
    later = made.features.set_column(place, "recency_days", gone)
    churn = next(
        one for one in made.scorer.score(later, made.as_of, events=made.events.to_batches()) if one.model == "churn"
    )
    before = next(one for one in made.score() if one.model == "churn")
    assert np.array_equal(churn.rows, before.rows)
    assert churn.score.mean() > before.score.mean()


def test_purchases_after_the_instant_and_of_others_count_for_nothing(made: Made) -> None:
    few = made.people(range(10))
    theirs = made.events.filter(pc.is_in(made.events["person"], few["person"].combine_chunks()))
    later = made.events.set_column(1, "at", pc.add(made.events["at"], pa.scalar(400, pa.duration("s"))))
    noise = later.filter(pc.greater(pc.cast(later["at"], pa.int64()), made.as_of))
    one = made.scorer.score(few, made.as_of, events=pa.concat_tables([theirs, noise]).to_batches())
    two = made.scorer.score(few, made.as_of, events=made.events.to_batches())
    for mine, other, known in zip(one, two, made.score(range(10)), strict=True):
        np.testing.assert_array_equal(mine.score, known.score)
        np.testing.assert_array_equal(other.score, known.score)
        np.testing.assert_array_equal(other.rows, known.rows)


def test_someone_new_is_scored_where_a_model_means_them(made: Made) -> None:
    row = made.people([0])
    place = row.column_names.index("person")
    new = row.set_column(place, "person", pa.array([123456789], pa.int64()))
    found = {one.model for one in made.scorer.score(new, made.as_of, events=[])}
    assert "left" in found
    assert not any(name.startswith("value.") for name in found)


def test_nobody_has_no_scores(made: Made) -> None:
    empty = made.features.slice(0, 0)
    assert made.scorer.score(empty, made.as_of, events=[]) == ()
    assert made.scorer.table((), empty, made.as_of).num_rows == 0


def test_what_scoring_needs_is_said_and_held_to(made: Made) -> None:
    assert made.scorer.needs_events == ("person", "at", "event", "value")
    assert made.scorer.purchases == {"Order Completed"}
    assert {one.name for one in made.scorer.extra} <= set(made.scorer.plan.names)
    with pytest.raises(UsageError, match=r"value: .* give `events`"):
        made.scorer.score(made.features, made.as_of)
    with pytest.raises(DataError, match="recency_days"):
        made.scorer.score(made.features.drop_columns(["recency_days"]), made.as_of, events=[])


def test_a_score_table_conforms_to_the_public_one(made: Made) -> None:
    table = made.scorer.table(made.score(range(5)), made.people(range(5)), made.as_of)
    assert table.select(tables.SCORES.names).schema.equals(tables.SCORES)


def test_the_version_names_every_model_in_it(made: Made, copy: Run) -> None:
    assert scorer(copy).version == made.scorer.version
    part = copy.read_part("predict")
    copy.write_part("predict", {**part, "uses": part["uses"][1:]})
    assert scorer(copy).version != made.scorer.version


def test_folds_of_likeness_depend_on_the_person_alone() -> None:
    person = np.random.default_rng(0).integers(-(1 << 62), 1 << 62, 5_000)
    order = np.random.default_rng(1).permutation(5_000)
    assert np.array_equal(fold_of(person)[order], fold_of(person[order]))
    assert np.bincount(fold_of(person), minlength=5).min() > 900


# What is not there


@pytest.mark.parametrize("name", ["predict.json", "features.json", "features.parquet", "unseen.parquet"])
def test_a_part_of_the_run_that_is_missing_is_named(copy: Run, name: str) -> None:
    (copy.folder / name).unlink()
    with pytest.raises(StorageError, match=name.replace(".", r"\.")):
        scorer(copy)


def test_a_model_that_is_missing_or_was_changed_is_refused(copy: Run) -> None:
    home = copy.folder / "models" / "alike"
    file = next(home.glob("*/members.npy"))
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(StorageError, match=r"'members\.npy' is not what was saved"):
        scorer(copy)
    shutil.rmtree(home)
    with pytest.raises(StorageError, match="cannot be read"):
        scorer(copy)


def test_a_run_of_before_models_could_be_applied_asks_for_another(copy: Run) -> None:
    part = copy.read_part("predict")
    del part["uses"]
    copy.write_part("predict", part)
    with pytest.raises(StorageError, match="Remedy: `shoal run`"):
        scorer(copy)
    copy.write_part("predict", {**part, "models": []})
    assert scorer(copy).models == ()


def test_a_rule_over_a_feature_that_is_gone_is_told_with_the_remedy(copy: Run) -> None:
    part = copy.read_part("predict")
    for one in part["uses"]:
        if one["name"] == "alike":
            one["rule"] = "spendings >= 3"
    copy.write_part("predict", part)
    with pytest.raises(StorageError, match=r"(?s)'alike' does not fit .*--only predict"):
        scorer(copy)


def test_a_run_that_predicts_nothing_scores_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made_of(ran(tmp_path, [], monkeypatch))
    assert (found.scorer.models, found.scorer.needs_events, found.scorer.extra) == ((), (), ())
    assert found.scorer.score(found.features, found.as_of) == ()
    assert found.scorer.beside(found.features, ()).equals(found.features)


def test_a_run_of_one_stage_alone_keeps_the_models(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made.workspace.folder, tmp_path / "copy")
    again = Workspace(tmp_path / "copy")
    monkeypatch.setattr(pipeline, "STAGES", {name: pipeline.STAGES[name] for name in EARLY})
    again.run(only="report")
    assert scorer(again.runs.current()).version == made.scorer.version
    assert_as_the_run(made_of(again), range(20))


def test_what_was_kept_of_a_model_is_plain_data(made: Made) -> None:
    part = made.run.read_part("predict")
    assert json.loads(json.dumps(part["uses"])) == part["uses"]
    assert {one["way"] for one in part["uses"]} == {"question", "table", "value", "lookalike"}


@pytest.mark.slow
def test_every_kind_of_objective_is_applied_as_the_run_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    workspace = busy(folder, [*QUESTIONS, *OTHERS], people=900, days=140)
    monkeypatch.setattr(pipeline, "STAGES", {name: pipeline.STAGES[name] for name in EARLY})
    workspace.run()
    found = made_of(workspace)
    assert {card.kind for card in workspace.models if card.status == "used"} >= {
        "churn", "purchase", "conversion", "intent", "upsell", "decline", "cross_sell", "label", "value", "lookalike",
    }  # fmt: skip
    assert_as_the_run(found)
    assert_as_the_run(found, np.random.default_rng(0).permutation(900)[:30])
    assert set(found.scorer.stale) == {
        card.name for card in workspace.models if (card.kind, card.status) == ("affinity", "used")
    }


REAL: dict[str, tuple[list[str], str | None, list[dict[str, Any]]]] = {
    "online_retail": (
        ["online_retail/online_retail.csv.gz"],
        None,
        [{"name": "churn", "kind": "churn"}, {"name": "value", "kind": "value", "horizon": "13w"}],
    ),
    "relax_saas": (
        ["relax_saas/takehome_user_engagement.csv.gz", "relax_saas/takehome_users.csv"],
        "2014-05-18",
        [{"name": "churn", "kind": "churn"}, {"name": "alike", "kind": "lookalike", "segment": "Regulars"}],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REAL))
def test_real_people_get_the_scores_of_the_run(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    files, as_of, objectives = REAL[name]
    Workspace.init(tmp_path, [data_dir / file for file in files])
    path = tmp_path / "shoal.yaml"
    said = {key: value for key, value in yaml.safe_load(path.read_text()).items() if key != "goal"}
    path.write_text(yaml.safe_dump({**said, "objectives": objectives}))
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "regulars.yaml").write_text("name: Regulars\nrule: active_days >= 20")
    monkeypatch.setattr(pipeline, "STAGES", {name: pipeline.STAGES[name] for name in EARLY})
    workspace = Workspace(tmp_path)
    workspace.run(as_of=as_of)
    found = made_of(workspace)
    assert {card.status for card in workspace.models} == {"used"}
    assert_as_the_run(found)
    assert_as_the_run(found, np.random.default_rng(0).permutation(found.features.num_rows)[:200])
