"""Folds, blends, candidates and plain baselines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predict.samples import sigmoid

from shoal.predict.baseline import base_rate, by_field, calibrated, single_field
from shoal.predict.blend import blend
from shoal.predict.choose import RFM, candidates, choose, registered, rfm_inputs
from shoal.predict.folds import folds, some
from shoal.predict.skill import exact


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=200), st.integers(2, 5))
@settings(max_examples=50, deadline=None)
def test_nobody_is_in_two_folds_and_outcomes_are_spread(rows: list[tuple[int, bool]], count: int) -> None:
    person = np.array([who for who, _ in rows])
    y = np.array([float(did) for _, did in rows])
    found = folds(person, y, count, seed=1)
    homes = {who: set(found[person == who]) for who in set(person.tolist())}
    assert all(len(home) == 1 for home in homes.values())
    ever = [next(iter(homes[who])) for who in homes if y[person == who].any()]
    assert np.ptp(np.bincount(ever, minlength=count)) <= 1


def test_a_sample_keeps_people_whole() -> None:
    person = np.repeat(np.arange(1000), 3)
    kept = some(person, 900, seed=0)
    assert 700 < len(kept) < 1100
    assert set(np.bincount(person[kept], minlength=1000).tolist()) == {0, 3}


def test_a_blend_of_two_views_is_better_than_either() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4000))
    y = (rng.random(4000) < sigmoid(a + b)).astype(float)
    mixed = blend([a, b], y)
    p = sigmoid(mixed.of([a, b]))
    assert mixed.places == (0, 1)
    assert (exact(y, p)["log_loss"] or 9) < (exact(y, sigmoid(a))["log_loss"] or 0) - 0.02
    assert choose([a, b], y, np.arange(4000), "auc").places == (0, 1)


def test_what_adds_nothing_is_not_blended_in() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=2000)
    y = (rng.random(2000) < sigmoid(2 * a)).astype(float)
    chosen = choose([rng.normal(size=2000), a], y, np.arange(2000), "auc")
    assert (chosen.places, chosen.weights, chosen.constant) == ((1,), (1.0,), 0.0)


def test_recency_frequency_and_money_are_found_by_name() -> None:
    assert rfm_inputs(["views", "recency_days", "orders_90d", "revenue_30d", "orders", "revenue"]) == (1, 4, 5)
    assert rfm_inputs(["Recency", "Frequency", "Monetary"]) == (0, 1, 2)
    assert rfm_inputs(["tenure", "Contract"]) == ()


def test_a_logit_on_rfm_competes_only_where_there_is_more_to_use() -> None:
    thin = ["recency_days", "orders", "revenue"]
    assert RFM not in [one.name for one in candidates(registered(), thin)]
    assert RFM in [one.name for one in candidates(registered(), [*thin, "views"])]


def test_a_plain_score_is_calibrated_whichever_way_it_points() -> None:
    rng = np.random.default_rng(0)
    raw = rng.exponential(size=3000) ** 3
    y = (rng.random(3000) < 1 / (1 + raw)).astype(float)
    p = calibrated(raw, y, raw)
    assert abs(p.mean() - y.mean()) < 0.01
    assert exact(y, p)["auc"] == pytest.approx(exact(y, -raw / raw.max())["auc"], abs=0.001)
    assert (exact(y, p)["ece"] or 1) < 0.05


def test_people_without_a_plain_score_get_their_own_rate() -> None:
    raw = np.concatenate([np.linspace(0, 1, 500), np.full(500, np.nan)])
    y = np.concatenate([np.zeros(250), np.ones(250), np.tile([0.0, 0, 0, 0, 1], 100)])
    assert calibrated(raw, y, np.array([np.nan]))[0] == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("raw", [np.full(100, np.nan), np.ones(100)])
def test_a_plain_score_that_says_nothing_gives_the_base_rate(raw: np.ndarray) -> None:
    y = np.tile([0.0, 0, 0, 1], 25)
    assert calibrated(raw, y, raw) == pytest.approx(base_rate(y, 100), abs=0.01)


def test_the_best_single_field_may_be_a_number_or_a_category() -> None:
    rng = np.random.default_rng(0)
    number, category = rng.normal(size=2000), rng.integers(0, 4, 2000).astype(float)
    x = np.column_stack([number, category])
    kinds = np.array([False, True])
    for place, truth in ((0, np.abs(number) > 1), (1, category % 2 == 1)):
        y = np.where(rng.random(2000) < 0.1, ~truth, truth).astype(float)
        chosen, rates = single_field(x, y, kinds)
        assert chosen == place
        assert (exact(y, by_field(x, chosen, rates, x, kinds))["auc"] or 0) > 0.85


def test_a_single_field_says_something_of_missing_values_and_new_levels() -> None:
    x = np.array([[0.0], [1.0], [np.nan]] * 100)
    kinds = np.array([True])
    place, rates = single_field(x, np.array([0.0, 1.0, 1.0] * 100), kinds)
    p = by_field(x, place, rates, np.array([[0.0], [1.0], [np.nan], [7.0]]), kinds)
    assert p[0] < 0.2
    assert p[2] > 0.8
    assert np.isfinite(p).all()
