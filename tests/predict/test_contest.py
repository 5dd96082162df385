"""Learners against baselines: who wins, who is not used, and what is not enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.predict.samples import people

from shoal.predict import contest
from shoal.predict.contest import Learned, NotEnough, learn
from shoal.predict.learner import Examples
from shoal.predict.logistic import Logistic
from shoal.predict.skill import exact

QUICK = {"logistic": Logistic()}


def later(examples: Examples, *, by: int = 10) -> Examples:
    return replace(examples, cutoff=examples.cutoff + by, person=examples.person + 1_000_000)


@pytest.fixture(scope="module")
def timed() -> Learned:
    """Every learner, on people of three cut-offs and a later one."""
    train, test = people(1500, cutoffs=3), later(people(700, seed=1))
    recency = {"recency": (train.table["recency_days"].to_numpy(), test.table["recency_days"].to_numpy())}
    return learn(train, test, baselines=recency, metric="auc", seed=0)


def test_a_model_that_beats_its_baseline_says_by_how_much(timed: Learned) -> None:
    assert timed.beats
    assert timed.baseline == "recency"
    assert timed.gain.low is not None
    assert timed.gain.low > 0
    assert timed.out_of_time


def test_the_chosen_model_comes_first_and_every_contestant_is_shown(timed: Learned) -> None:
    names = [one.name for one in timed.skills]
    assert names[0] == timed.algorithm
    assert {"forest", "lightgbm", "logistic", "recency"} <= {*names, timed.algorithm}
    assert [one.kind for one in timed.skills][-1] == "baseline"


def test_the_judged_skill_is_that_of_the_judged_model_on_the_test(timed: Learned) -> None:
    test = later(people(700, seed=1))
    assert timed.judged_model is not None
    p, low, high = timed.judged_model.score(test.table)
    np.testing.assert_array_equal(p, timed.predictions)
    assert timed.skills[0].metrics["auc"].value == exact(test.y, p)["auc"]
    assert ((low <= p) & (p <= high)).all()


def test_the_model_for_use_learned_from_the_test_too(timed: Learned) -> None:
    table = people(50, seed=2).table
    assert timed.judged_model is not None
    assert not np.array_equal(timed.model.score(table)[0], timed.judged_model.score(table)[0])


def test_protected_traits_stay_out_with_the_reason(timed: Learned) -> None:
    assert timed.dropped["gender"] == "a protected trait"
    assert "gender" not in {one.feature for one in timed.importances}
    assert sum(one.share for one in timed.importances) == pytest.approx(1, abs=1e-4)


def test_two_runs_agree_to_the_bit() -> None:
    train = people(400)
    a, b = (learn(train, None, baselines={}, metric="brier", seed=3) for _ in range(2))
    assert a.model.to_files() == b.model.to_files()
    assert a.skills == b.skills
    np.testing.assert_array_equal(a.predictions, b.predictions)


def test_a_table_without_time_is_judged_on_every_row_by_folds() -> None:
    train = people(800)
    found = learn(train, None, baselines={}, metric="auc", seed=0, learners=QUICK)
    assert not found.out_of_time
    assert found.judged_model is None
    assert len(found.predictions) == len(found.judged) == 800
    assert {one.name for one in found.skills} >= {"base rate", "best single field"}
    assert found.skills[0].metrics["auc"].value == exact(train.y, found.predictions)["auc"]


def test_no_row_is_judged_by_a_model_that_saw_its_outcome() -> None:
    """Trees can learn outcomes by heart where all rows differ; judged honestly that is worth nothing."""
    found = learn(people(600, noise=True), None, baselines={}, metric="auc", seed=0)
    assert found.skills[0].metrics["auc"].value == pytest.approx(0.5, abs=0.08)
    assert not found.beats
    assert any("not used" in note for note in found.notes)


def test_rows_of_one_person_never_help_each_other() -> None:
    """Each person comes five times with a constant mark and outcome; with people split the mark would tell all."""
    rng = np.random.default_rng(0)
    y = np.repeat(rng.integers(0, 2, 200), 5).astype(float)
    table = pa.table({"mark": np.repeat(rng.normal(size=200), 5), "noise": rng.normal(size=1000)})
    repeated = Examples(table, y, np.repeat(np.arange(200), 5), np.zeros(1000, dtype=np.int64))
    found = learn(repeated, None, baselines={}, metric="auc", seed=0)
    assert (found.skills[0].metrics["auc"].value or 1) < 0.65


def test_a_large_table_without_time_is_judged_on_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "MOST_CROSSED", 500)
    train = people(1000)
    recency = {"recency": (train.table["recency_days"].to_numpy(), np.empty(0))}
    found = learn(train, None, baselines=recency, metric="auc", seed=0, learners=QUICK)
    assert len(found.predictions) == len(found.judged) == 200
    assert not found.out_of_time
    assert found.skills[0].metrics["auc"].value == exact(train.y[found.judged], found.predictions)["auc"]


def test_learners_are_compared_on_a_sample_and_fitted_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "SCREEN", 500)
    found = learn(people(1000), later(people(300, seed=1)), baselines={}, metric="auc", seed=0, learners=QUICK)
    assert any("compared on" in note for note in found.notes)
    assert found.beats


def test_a_baseline_that_is_better_is_named_and_the_model_not_used() -> None:
    train, test = people(600), later(people(600, seed=1))
    found = learn(train, test, baselines={"oracle": (train.y, test.y)}, metric="auc", seed=0, learners=QUICK)
    assert not found.beats
    assert found.gain.high is not None
    assert found.gain.high < 0


def test_a_loss_as_success_metric_is_turned_so_that_more_is_better() -> None:
    found = learn(people(800), None, baselines={}, metric="brier", seed=0, learners=QUICK)
    assert found.beats
    assert (found.gain.value or 0) > 0


@pytest.mark.parametrize(
    ("rows", "positives", "needed"),
    [(99, 40, "1 more rows"), (200, 9, "1 more positive"), (200, 0, "10 more positive"), (0, 0, "10 more")],
)
def test_too_few_examples_say_what_would_be_needed(rows: int, positives: int, needed: str) -> None:
    few = people(rows)
    y = (np.arange(rows) < positives).astype(float)
    with pytest.raises(NotEnough, match=f"not enough data: the training set has.*{needed}") as found:
        learn(replace(few, y=y), None, baselines={}, metric="auc", seed=0)
    assert found.value.reason
    assert found.value.needed


def test_a_test_with_one_outcome_is_not_enough() -> None:
    test = later(people(200, seed=1))
    with pytest.raises(NotEnough, match="the test has"):
        learn(people(300), replace(test, y=np.zeros(200)), baselines={}, metric="auc", seed=0)


def test_nothing_left_to_learn_from_says_why() -> None:
    train = people(200)
    with pytest.raises(NotEnough, match="gender: a protected trait"):
        learn(replace(train, table=train.table.select(["gender"])), None, baselines={}, metric="auc", seed=0)


def test_ten_positives_are_enough_for_an_honest_answer() -> None:
    train = people(300)
    y = np.zeros(300)
    y[::30] = 1
    found = learn(replace(train, y=y), None, baselines={}, metric="auc", seed=0)
    assert not found.beats


def test_excluded_fields_are_not_used_and_allowed_ones_are() -> None:
    found = learn(
        people(300), None, baselines={}, metric="auc", seed=0, learners=QUICK, allow=["gender"], exclude=["plan"]
    )
    assert "gender" in found.model.encoding.names
    assert found.dropped["plan"] == "excluded"


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="one of auc"):
        learn(people(300), None, baselines={}, metric="accuracy", seed=0)
