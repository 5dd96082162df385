"""Measures equal scikit-learn's; their intervals are those of the bootstrap of people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from tests.predict.samples import sigmoid

from shoal.predict import skill
from shoal.predict.learner import Array
from shoal.predict.resample import People, quantile_bins
from shoal.predict.skill import better, differences, exact, judge


def drawn(rows: int, seed: int = 0, places: int | None = None) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=rows) - 1
    p = sigmoid(z if places is None else np.round(z, places))
    return (rng.random(rows) < sigmoid(z)).astype(float), p


@given(st.integers(2, 400), st.integers(0, 50), st.sampled_from([None, 0, 1]))
@settings(max_examples=50, deadline=None)
def test_measures_equal_scikit_learns(rows: int, seed: int, places: int | None) -> None:
    y, p = drawn(rows, seed, places)
    y[:2] = [0, 1]
    found = exact(y, p)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(y, p), abs=1e-6)
    assert found["ap"] == pytest.approx(metrics.average_precision_score(y, p), abs=1e-6)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-6)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, p), abs=1e-6)


def test_lift_and_calibration_error_equal_a_plain_loop() -> None:
    y, p = drawn(1000)
    order = np.argsort(-p)
    assert exact(y, p)["lift"] == pytest.approx(y[order[:100]].mean() / y.mean(), abs=1e-6)
    tenths = np.array_split(np.argsort(p), 10)
    apart = sum(abs(p[rows].sum() - y[rows].sum()) for rows in tenths) / 1000
    assert exact(y, p)["ece"] == pytest.approx(apart, abs=1e-6)


def test_intervals_equal_a_loop_over_resampled_people() -> None:
    y, p = drawn(600)
    person = np.arange(600) // 3
    people = People.of(person, seed=4)
    values = []
    for draws in people.draws:
        rows = np.repeat(np.arange(600), draws[people.group].astype(int))
        values.append(metrics.roc_auc_score(y[rows], p[rows]))
    found = judge(y, p, people)["auc"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-6)


def test_paired_differences_equal_a_loop_over_resampled_people() -> None:
    y, p = drawn(300)
    other = np.clip(p + np.random.default_rng(1).normal(0, 0.1, 300), 0, 1)
    people = People.of(np.arange(300), seed=4)
    losses = ((other - y) ** 2) - ((p - y) ** 2)
    values = [np.average(losses, weights=draws[people.group]) for draws in people.draws]
    found = differences(y, p, other, people)["brier"]
    assert found.value == pytest.approx(losses.mean(), abs=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-6)


def test_many_people_in_random_groups_have_nearly_the_interval_of_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = drawn(20_000)
    grouped = judge(y, p, People.of(np.arange(20_000), seed=0, times=1000))["auc"]
    monkeypatch.setattr("shoal.predict.resample.GROUPS", 20_000)
    monkeypatch.setattr(skill, "RANKS", 20_000)
    rank = np.argsort(np.argsort(p))
    positives, negatives = rank[y > 0], rank[y == 0]
    # Hanley and McNeil's closed form for independent people.
    area = metrics.roc_auc_score(y, p)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    m, n = len(positives), len(negatives)
    error = np.sqrt((area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (m * n))
    assert grouped.low is not None
    assert grouped.high is not None
    assert grouped.high - grouped.low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_people_seen_often_widen_the_interval() -> None:
    y, p = drawn(400)
    alone = judge(y, p, People.of(np.arange(400), seed=0))["brier"]
    thrice = judge(np.tile(y, 3), np.tile(p, 3), People.of(np.tile(np.arange(400), 3), seed=0))["brier"]
    assert thrice == alone


@pytest.mark.parametrize("y", [np.zeros(30), np.ones(30), np.zeros(0), np.array([1.0])])
def test_one_outcome_or_few_rows_have_no_interval_and_no_error(y: Array) -> None:
    p = np.linspace(0.1, 0.9, len(y))
    found = judge(y, p, People.of(np.arange(len(y)), seed=0))
    assert found["auc"].value is None
    assert all(item.low is None and item.high is None for item in found.values())
    assert all(item.low is None for item in differences(y, p, p, People.of(np.arange(len(y)), seed=0)).values())


def test_certainty_that_fails_costs_much_but_not_everything() -> None:
    loss = exact(np.array([0.0, 1.0]), np.array([1.0, 0.0]))["log_loss"]
    assert loss is not None
    assert 30 < loss < 40


def test_a_difference_is_positive_where_the_first_is_better() -> None:
    y, p = drawn(500)
    found = differences(y, p, np.full(500, 0.5), People.of(np.arange(500), seed=0))
    assert all((found[name].value or 0) > 0 for name in ("auc", "brier", "log_loss", "lift", "ap"))


def test_less_is_better_for_losses_only() -> None:
    assert better("brier", 0.1, 0.2)
    assert better("auc", 0.9, 0.8)
    assert not better("auc", None, 0.8)


def test_bins_of_equal_mass_keep_equal_values_together() -> None:
    values = np.concatenate([np.zeros(500), np.random.default_rng(0).random(500)])
    bins = quantile_bins(values, 10)
    assert len(set(bins[:500])) == 1
    assert bins.max() < 10
    assert (np.diff(bins[np.argsort(values)]) >= 0).all()
