"""Lookalikes: planted ones are found, chance is not mistaken for likeness, the seed's rule is not learned again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from shoal.errors import UsageError
from shoal.intervals import wilson
from shoal.predict import similar
from shoal.predict.heldout import auc_of, auc_parts, difference, recall_at
from shoal.predict.lookalike import LookalikeResult, curve, lookalikes, similarity_of

NAMES = ["orders", "recency", "spend", "plan", "noise", "more_noise"]
CATEGORIES = np.array([name == "plan" for name in NAMES])


def people(count: int = 1500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A table with gaps, and who is of the kind looked for: of a middling recency, or on plan 3."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(count, len(NAMES)))
    x[:, 3] = rng.integers(0, 5, count)
    kind = (np.abs(np.log(x[:, 1])) < 0.25) | ((x[:, 3] == 3) & (x[:, 0] > 1.2))
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, kind


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, kind = people()
    seed = np.zeros(len(x), bool)
    seed[np.random.default_rng(1).choice(np.flatnonzero(kind), 200, replace=False)] = True
    return x, kind, seed


@pytest.fixture(scope="module")
def told(planted) -> LookalikeResult:
    x, _, seed = planted
    return lookalikes(x, seed, NAMES, categories=CATEGORIES)


def test_planted_lookalikes_stand_at_the_top(told, planted):
    _, kind, seed = planted
    grown = told.expand(size=100).rows
    assert told.status == "used"
    assert kind[grown].mean() > 0.8 > 2 * kind[~seed].mean()


def test_the_model_is_held_against_nearness_and_chance(told):
    assert [skill.kind for skill in told.skills] == ["model", "baseline", "baseline"]
    assert told.gain.low > 0
    assert told.skills[0].metrics["recall"].low > told.skills[-1].metrics["recall"].value


def test_what_the_likeness_rests_on_is_told(told):
    assert {one.feature for one in told.importances[:3]} >= {"recency", "plan"}
    assert sum(one.share for one in told.importances) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("count", [40, 300])
def test_a_shuffled_seed_is_no_better_than_chance(count):
    x, _ = people(seed=3)
    seed = np.zeros(len(x), bool)
    seed[np.random.default_rng(4).choice(len(x), count, replace=False)] = True
    told = lookalikes(x, seed, NAMES, categories=CATEGORIES)
    auc = told.skills[0].metrics["auc"]
    assert auc.low < 0.5 < auc.high
    assert told.status == "not used"
    assert "not clearly above" in told.reason


def test_the_seeds_own_rule_is_left_out():
    x, _ = people(seed=5)
    x = np.nan_to_num(x, nan=1.0)
    seed = x[:, 2] > np.quantile(x[:, 2], 0.9)  # the rule reads spend, and nothing else has to do with it
    told = lookalikes(x, seed, NAMES, rule_columns=["spend"], categories=CATEGORIES)
    assert "rule reads it" in told.dropped["spend"]
    assert "spend" not in {one.feature for one in told.importances}
    assert told.status == "not used"


def test_an_input_that_says_the_rule_again_is_left_out_too():
    x, _ = people(seed=5)
    x = np.nan_to_num(x, nan=1.0)
    seed = x[:, 2] > np.quantile(x[:, 2], 0.9)
    x[:, 0] = -(x[:, 2] ** 2)
    told = lookalikes(x, seed, NAMES, rule_columns=["spend"], categories=CATEGORIES)
    assert "alone tells the seed" in told.dropped["orders"]
    assert any("orders" in note for note in told.notes)


def test_a_category_that_says_the_rule_again_is_left_out_too():
    x, _ = people(seed=5)
    told = lookalikes(x, x[:, 3] == 3, NAMES, categories=CATEGORIES)
    assert "plan" in told.dropped


def test_members_are_scored_by_models_that_never_saw_them():
    """Every member alike in nothing: a model that had seen them would know them by their noise."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(400, 30))
    seed = np.arange(400) < 60
    told = lookalikes(x, seed, [f"n{place}" for place in range(30)])
    assert told.skills[0].metrics["auc"].value < 0.65


def test_similarity_is_the_share_of_members_no_more_alike(told, planted):
    seed = planted[2]
    for row in range(0, 1500, 150):
        assert told.similarity[row] == pytest.approx(np.mean(told.score[seed] <= told.score[row]))


def test_the_curve_reaches_from_the_most_alike_to_everybody(told, planted):
    seed = planted[2]
    reach, similarity = [one.people for one in told.curve], [one.similarity for one in told.curve]
    assert reach == sorted(reach)
    assert similarity == sorted(similarity, reverse=True)
    assert (reach[-1], told.curve[-1].recall) == ((~seed).sum(), 1.0)
    for one in told.curve[:-1]:
        assert one.people == told.expand(similarity=one.similarity).size
        assert one.recall == pytest.approx(np.mean(told.similarity[seed] >= one.similarity))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_more_reach_means_less_similarity_for_any_scores(rows):
    score, seed = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    if not seed.any() or seed.all():
        return
    found = curve(similarity_of(score, seed), seed)
    assert [one.people for one in found] == sorted(one.people for one in found)
    assert [one.recall for one in found] == sorted(one.recall for one in found)


def test_expanding_takes_nobody_of_the_seed_and_nests(told, planted):
    seed = planted[2]
    small, large = told.expand(size=50), told.expand(size=90)
    assert (small.size, large.size) == (50, 90)
    assert not (large.rows & seed).any()
    assert not (small.rows & ~large.rows).any()
    assert large.similarity <= small.similarity


def test_expanding_beyond_everybody_takes_everybody(told, planted):
    assert told.expand(size=10_000).rows.tolist() == (~planted[2]).tolist()
    assert told.expand(size=0).similarity is None


@pytest.mark.parametrize("asked", [{}, {"size": 5, "similarity": 0.5}, {"similarity": 1.5}, {"size": -1}])
def test_an_expansion_that_says_nothing_clear_is_refused(told, asked):
    with pytest.raises(UsageError):
        told.expand(**asked)


def test_two_runs_agree_to_the_bit(told, planted):
    x, _, seed = planted
    again = lookalikes(x, seed, NAMES, categories=CATEGORIES)
    assert np.array_equal(again.score, told.score)
    assert (again.skills, again.importances) == (told.skills, told.importances)


def test_a_better_plain_score_means_that_the_model_is_not_used(planted):
    x, _, seed = planted
    cheat = np.where(seed, 1.0, np.where(np.isnan(x[:, 4]), np.nan, 0.0))
    told = lookalikes(x, seed, NAMES, categories=CATEGORIES, baselines={"RFM score": cheat})
    assert (told.status, told.baseline) == ("not used", "RFM score")
    assert told.gain.high < 0


@pytest.mark.parametrize(
    ("size", "need"), [(0, "at least 30"), (29, "at least 30"), (750, "less than 50%"), (1500, "less than 50%")]
)
def test_a_seed_too_small_or_too_large_says_so(size, need):
    x, _ = people()
    told = lookalikes(x, np.arange(1500) < size, NAMES)
    assert told.status == "not enough data"
    assert need in told.reason
    with pytest.raises(UsageError, match="cannot be expanded"):
        told.expand(size=1)


def test_nothing_left_to_learn_from_says_so():
    x = np.column_stack([np.full(200, np.nan), np.ones(200), np.arange(200.0), np.full(200, np.inf)])
    told = lookalikes(x, np.arange(200) < 50, ["null", "same", "rule", "endless"], rule_columns=["rule"])
    assert told.status == "not enough data"
    assert set(told.dropped) == {"null", "same", "rule", "endless"}


def test_nobody_at_all_is_not_enough_data():
    assert lookalikes(np.empty((0, 2)), np.empty(0, bool), ["a", "b"]).status == "not enough data"


def test_categories_alone_are_enough():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 4, (600, 2)).astype(float)
    seed = (x[:, 0] == 2) & (rng.random(600) < 0.6)
    told = lookalikes(x, seed, ["plan", "shop"], categories=np.array([True, True]))
    assert told.baseline == "random"
    assert told.status == "used"


def test_endless_values_are_missing_values(planted, told):
    x, _, seed = planted
    endless = np.where(np.isnan(x), np.inf, x)
    assert np.array_equal(lookalikes(endless, seed, NAMES, categories=CATEGORIES).score, told.score)


def test_sizes_that_differ_are_refused(planted):
    x, _, seed = planted
    with pytest.raises(UsageError, match="do not fit"):
        lookalikes(x, seed[:-1], NAMES)
    with pytest.raises(UsageError, match="do not fit"):
        lookalikes(x, seed, NAMES, baselines={"RFM score": np.zeros(3)})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=4, max_size=60))
def test_the_auc_is_that_of_scikit_learn(rows):
    score, seed = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    if not seed.any() or seed.all():
        return
    parts = auc_parts(score, seed)
    assert auc_of(score, seed) == pytest.approx(roc_auc_score(seed, score))
    assert parts[1].mean() == pytest.approx(parts[0].mean())


def test_a_score_against_itself_gains_nothing():
    rng = np.random.default_rng(8)
    parts = auc_parts(rng.random(100), np.arange(100) < 40)
    gain = difference(parts, parts)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_the_interval_of_a_rate_solves_the_score_equation():
    found = wilson(7, 50)
    for end in (found.low, found.high):
        assert abs(0.14 - end) == pytest.approx(norm.ppf(0.975) * np.sqrt(end * (1 - end) / 50), abs=1e-5)


def test_members_at_the_top_are_counted():
    assert recall_at(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False])).tolist() == [True, False]


@pytest.mark.parametrize("count", [500, 20_000])
def test_a_bag_is_the_seed_and_part_of_the_rest(count):
    members, rest = np.arange(100), np.arange(100, count)
    for rows in similar._bags(members, rest, np.random.default_rng(0)):
        assert np.isin(members, rows).all()
        assert len(np.unique(rows)) == len(rows) <= similar.ROWS
