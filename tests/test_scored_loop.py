"""A run whose models were written by hand: scores in rules, in explanations, profiles, evidence and the report."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console, RenderableType

import shoal
from shoal import summary, tables
from shoal.define.segment import SegmentFile, load_segments
from shoal.errors import SettingsError
from shoal.model.run import seeds
from shoal.report import listing, person, terminal
from shoal.settings import Settings
from shoal.store.runs import Run
from shoal.workspace import Workspace
from shop import write_orders

OWN = {
    "save": "rule: churn >= 0.3\nbudget: 20\nby: churn * clv_12m",
    "best": "name: Best of all\nrule: clv_12m in top 10%",
    "blind": "rule: coalesce(churn, 0) < 0.2",
    "either": "rule: orders >= 1 or churn >= 0.9",
}
CARDS = [
    summary.ModelCard(name="churn", kind="churn", status="used", scores=["churn"], horizon_days=90, version="c1"),
    summary.ModelCard(name="value", kind="value", status="used", scores=["value.clv_12m", "value.alive"]),
    summary.ModelCard(name="purchase", kind="purchase", status="not used", notes=["AUC 0.61 against 0.62"]),
]
WHY = [
    {"feature": "orders", "value": "2", "effect": -0.2, "words": "2 orders"},
    {"feature": "recency_days", "value": "64", "effect": 1.5, "words": "no order for 64 days; usual gap 21"},
]


def scored(people: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    count = people.num_rows
    return pa.table(
        {
            "profile_id": people["profile_id"],
            "as_of": people["as_of"],
            "model": pa.repeat(name, count),
            "score": values,
            "low": values * 0.9,
            "high": values * 1.1,
            "version": pa.repeat("c1", count),
            "person": people["person"],
            "reasons": pa.array([WHY] * count, pa.list_(tables.REASON)),
        }
    )


def predictions(people: pa.Table) -> pa.Table:
    """What a predict stage might have written of these people."""
    churn = 1 / (1 + np.exp(-(people["recency_days"].to_numpy() - 60) / 30))
    worth = people["revenue"].to_numpy() * (1.2 - churn)
    parts = [("churn", churn), ("value.clv_12m", worth), ("value.alive", 1 - churn)]
    return tables.conform(pa.concat_tables([scored(people, *part) for part in parts]), tables.SCORES)


def predict(_settings: Settings, run: Run, *_: object) -> None:
    """Stands in for the predict stage."""
    pq.write_table(predictions(run.table("features")), run.path("scores"))
    models = [card.model_dump(mode="json") for card in CARDS]
    run.write_part("predict", {"models": models, "rows": {}, "notes": []})


def own(workspace: Workspace, **rules: str) -> None:
    folder = workspace.folder / "segments"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in rules.items():
        (folder / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("scored")
    write_orders(folder / "orders.csv", people=300)
    Workspace.init(folder, [folder / "orders.csv"])
    workspace = shoal.open(folder)
    own(workspace, **OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shoal.predict.run.predict", predict)
        workspace.run()
    return workspace


@pytest.fixture
def again(done: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the workspace, to be changed."""
    shutil.copytree(done.folder, tmp_path / "copy")
    return shoal.open(tmp_path / "copy")


def shown(what: RenderableType) -> str:
    console = Console(width=160, file=io.StringIO())
    with console.capture() as caught:
        console.print(what)
    return caught.get()


def test_the_run_makes_segments_of_what_people_will_do(done: Workspace) -> None:
    found = {one.name: one for one in done.segments if one.kind == "predictive"}
    assert {"Likely to leave", "Most valuable ahead"} <= set(found)
    leaving = found["Likely to leave"]
    assert leaving.rule.startswith("churn >= 0.")
    assert leaving.words.startswith("probability of churn within 90 days is at least ")
    assert leaving.brief.headline.startswith("Probability of churn within 90 days ")
    assert "Expected value at stake" in leaving.brief.value
    assert leaving.brief.strategies


def test_a_rank_is_published_as_a_plain_comparison_and_said_as_a_rank(done: Workspace) -> None:
    best = done.segment("Best of all")
    assert best.rule.startswith("clv_12m >= ")
    assert best.words.startswith("lifetime value in 12 months is in the top 10% (at least ")
    assert best.size == 30


def test_a_budget_takes_the_best_among_those_of_the_rule(done: Workspace) -> None:
    frame = done.runs.current().people().to_pandas()
    rest = frame[frame["churn"] >= 0.3].assign(at_stake=lambda rows: rows["churn"] * rows["clv_12m"])
    wanted = set(rest.nlargest(20, "at_stake")["profile_id"])
    stays = done.table("memberships").to_pandas()
    assert set(stays[(stays["segment"] == "save") & stays["left_at"].isna()]["profile_id"]) == wanted
    assert "among the best 20 of these" in done.segment("save").words


def test_every_segment_over_scores_is_its_rule(done: Workspace) -> None:
    stays = done.table("memberships").to_arrow()
    for segment in done.segments:
        here = stays.filter((pa.compute.field("segment") == segment.name) & pa.compute.field("left_at").is_null())
        assert here.num_rows == segment.size


def test_a_second_run_of_the_model_keeps_rules_and_versions(done: Workspace) -> None:
    before = [(one.name, one.version, one.rule) for one in done.segments]
    done.run(only="model")
    done.run(only="validate")
    assert [(one.name, one.version, one.rule) for one in done.segments] == before


def test_discovery_does_not_see_scores(done: Workspace) -> None:
    inputs = set(done.last_run().discovery.inputs)  # type: ignore[union-attr]
    rules = " ".join(one.rule for one in done.segments if one.kind not in ("rule", "predictive"))
    assert not inputs & {"churn", "clv_12m", "value_clv_12m", "value_alive"}
    assert "churn" not in rules
    assert "clv_12m" not in rules


def test_what_was_not_scored_a_period_ago_has_no_next_period(done: Workspace) -> None:
    for name in ("Likely to leave", "Best of all", "blind"):
        assert done.segment(name).next_period == {}
    assert next(one for one in done.segments if one.kind == "rfm").next_period


def test_scores_of_a_period_ago_give_a_next_period(again: Workspace) -> None:
    run = again.runs.current()
    pq.write_table(predictions(run.table("features_before")), run.path("scores_before"))
    again.run(only="validate")
    leaving, best = again.segment("Likely to leave").next_period, again.segment("Best of all").next_period
    assert best["revenue"].value > leaving["revenue"].value  # type: ignore[operator]


def test_gates_judge_predictive_segments(done: Workspace) -> None:
    checks = {one.check for one in done.last_run().verdicts if one.subject == "Likely to leave"}
    assert {"size", "share", "readable", "strategy"} <= checks


def test_explain_shows_the_score_of_the_run(done: Workspace) -> None:
    frame = done.runs.current().people()
    told = done.explain("Best of all", "10003")
    who = told["profile_id"]
    row = frame.filter(pa.compute.field("profile_id") == who)
    assert told["clauses"][0]["actual"] == {"clv_12m": row["clv_12m"][0].as_py()}
    assert "in the top 10%" in told["clauses"][0]["words"]


@pytest.mark.parametrize("segment", ["Likely to leave", "Best of all", "blind"])
def test_explain_at_another_instant_says_that_scores_are_not_known(done: Workspace, segment: str) -> None:
    told = done.explain(segment, "10000", at="2024-06-01")
    assert told["member"] is False
    assert told["clauses"][0]["holds"] is None
    assert "not known: scores are kept as of the run only" in told["clauses"][0]["words"]
    assert set(told["clauses"][0]["actual"].values()) == {None}


def test_what_holds_without_the_score_holds_at_another_instant(done: Workspace) -> None:
    told = done.explain("either", "10000", at="2024-06-01")
    assert told["member"] is True
    assert [part["holds"] for part in told["clauses"][0]["parts"]] == [True, None]


def test_a_profile_has_its_scores_with_reasons(done: Workspace) -> None:
    found = {one["model"]: one for one in done.profile("10000")["scores"]}
    assert list(found) == ["churn", "value.clv_12m", "value.alive"]
    churn = found["churn"]
    assert (churn["version"], churn["unit"]) == ("c1", "share")
    assert churn["low"] < churn["score"] < churn["high"]
    assert churn["reasons"][1]["words"] == "no order for 64 days; usual gap 21"


def test_the_terminal_shows_scores_in_their_unit_with_the_strongest_reason_first(done: Workspace) -> None:
    text = shown(person.profile(done.profile("10000")))
    assert "probability of churn within 90 days" in text
    assert "%" in text.split("probability of churn within 90 days")[1].split("\n")[0]
    assert text.index("+ no order for 64 days") < text.index("- 2 orders")


def test_terminal_and_report_show_predictive_segments_after_the_discovered(done: Workspace) -> None:
    run = done.last_run()
    for text in (shown(terminal.overview(run)), shown(listing.listing(run))):
        assert text.index("Predictive segments") < text.index("Your own rules")
        assert "Likely to leave" in text
    page = (done.folder / "report.html").read_text()
    assert page.index('id="segments"') < page.index('id="predictive"') < page.index('id="traditional"')
    assert "Expected value at stake" in page


def test_without_models_there_is_no_part_for_them(done: Workspace) -> None:
    run = done.last_run()
    bare = run.model_copy(update={"segments": [one for one in run.segments if one.kind != "predictive"]})
    assert "Predictive segments" not in shown(terminal.overview(bare))


def test_a_rule_over_the_score_of_a_model_that_is_not_used_says_so(again: Workspace) -> None:
    own(again, soon="name: Soon\nrule: purchase >= 0.5", odd="rule: clv_12m in top 0%")
    with pytest.raises(SettingsError) as caught:
        again.run(only="model")
    told = {fault.file: fault.what for fault in caught.value.faults}
    assert "Model 'purchase' is not used: AUC 0.61 against 0.62." in told["segments/soon.yaml"]
    assert "no share" in told["segments/odd.yaml"]


def test_what_a_rank_could_not_give_is_a_note_of_the_run(again: Workspace) -> None:
    own(again, many="rule: clv_12m in top 9000")
    notes = again.run(only="model").notes
    assert "segments/many.yaml: clv_12m in top 9,000: only 300 people have a value, and all of them are in" in notes


def test_an_own_segment_keeps_its_name(again: Workspace) -> None:
    own(again, mine="name: Likely to leave\nrule: churn >= 0.9")
    found = {one.name: one.kind for one in again.run(only="model").segments}
    assert found["Likely to leave"] == "rule"
    assert found["Likely to leave 2"] == "predictive"


def test_lookalikes_may_start_from_a_rank_over_features_and_from_scores_of_the_run_before(done: Workspace) -> None:
    run, last = Run("new", done.folder / "new"), done.runs.current()
    shutil.copytree(last.folder, run.folder)
    run.path("scores").unlink()
    mine = [SegmentFile(name="top", rule="orders in top 5"), *load_segments(done.folder)]
    found = seeds(done.settings, mine, run, last)
    assert found["top"].startswith("orders >= ")
    assert found["Best of all"] == done.segment("Best of all").rule


def test_a_run_from_before_there_were_models_works(again: Workspace) -> None:
    run = again.runs.current()
    for path in (run.path("scores"), run.folder / "predict.json"):
        path.unlink()
    own(again)
    told = again.run(only="model")
    assert not [one for one in told.segments if one.kind == "predictive"]
    assert again.profile("10000")["scores"] == []
    assert again.explain(told.segments[0].name, "10000")["clauses"]
