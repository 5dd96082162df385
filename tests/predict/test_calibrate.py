"""Calibration helps where it can, leaves alone where it cannot, and its band holds the truth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.predict.samples import sigmoid

from shoal.predict.calibrate import Calibration, calibrate, platt
from shoal.predict.learner import Array


def scored(rows: int, seed: int = 0, slope: float = 1.0, shift: float = 0.0) -> tuple[Array, Array]:
    """Log-odds of a model, and outcomes whose true log-odds are slope * z + shift."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=rows) - 1
    return z, (rng.random(rows) < sigmoid(slope * z + shift)).astype(float)


def of(z: Array, y: Array, cutoff: Array | None = None) -> Calibration:
    at = np.zeros(len(z)) if cutoff is None else cutoff
    return calibrate(z, y, np.arange(len(z)), at.astype(np.int64), seed=0)


def test_platts_curve_is_the_logistic_regression_on_the_score() -> None:
    z, y = scored(5000, slope=0.5, shift=1)
    model = LogisticRegression(C=1e9, tol=1e-10).fit(z[:, None], y)
    assert platt(z, y) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), rel=0.01)


def test_scores_that_part_the_outcomes_have_a_finite_curve() -> None:
    y = np.array([0.0, 1.0] * 30)
    slope, shift = platt(4 * y - 2, y)
    assert np.isfinite([slope, shift]).all()
    # Platt's targets: one outcome of each sort is held back.
    np.testing.assert_allclose(sigmoid(slope * np.array([-2.0, 2]) + shift), [1 / 32, 31 / 32], atol=1e-6)


def test_a_calibrated_model_is_left_as_it_is() -> None:
    assert of(*scored(20_000)).kind == "identity"


def test_an_overconfident_model_with_few_outcomes_is_held_back_by_platt() -> None:
    found = of(*scored(1500, slope=0.4))
    assert found.kind == "platt"
    assert found.slope == pytest.approx(0.4, abs=0.1)


def test_a_bent_curve_with_many_outcomes_is_isotonic() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=20_000)
    y = (rng.random(20_000) < np.where(z > 0, 0.6, 0.1)).astype(float)
    found = of(z, y)
    assert found.kind == "isotonic"
    assert found.apply(np.array([-1.0, 1.0])) == pytest.approx([0.1, 0.6], abs=0.02)


def test_a_curve_that_a_later_cutoff_does_not_confirm_is_not_used() -> None:
    z, y = scored(4000, slope=0.5)
    later_z, later_y = scored(4000, seed=1, slope=1.0)
    cutoff = np.repeat([1, 2], 4000)
    found = of(np.concatenate([z, later_z]), np.concatenate([y, later_y]), cutoff)
    assert found.kind == "identity"
    assert "later cut-off" in found.note


def test_a_score_without_skill_keeps_the_order_of_people() -> None:
    z, y = scored(3000, slope=-0.5)
    slope, shift = platt(z, y)
    assert slope > 0
    assert sigmoid(slope * z + shift).mean() == pytest.approx(y.mean(), abs=0.01)


@pytest.mark.parametrize(("rows", "slope"), [(60, 1.0), (1500, 0.4), (20_000, 1.0), (20_000, 0.3)])
def test_the_band_is_monotone_and_contains_the_score(rows: int, slope: float) -> None:
    found = of(*scored(rows, slope=slope))
    z = np.linspace(-12, 12, 4001)
    p, (low, high) = found.apply(z), found.band(z)
    assert (np.diff(p) >= 0).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert ((low <= p) & (p <= high) & (low >= 0) & (high <= 1)).all()


def test_the_band_covers_the_true_rate_of_a_calibrated_score() -> None:
    z = np.linspace(-2.5, 0.5, 31)
    covered = []
    for seed in range(20):
        low, high = of(*scored(2000, seed)).band(z)
        covered.append(((low <= sigmoid(z)) & (sigmoid(z) <= high)).mean())
    assert np.mean(covered) > 0.9


def test_the_band_narrows_with_people() -> None:
    few, many = of(*scored(500)), of(*scored(8000))
    z = np.array([-1.0])
    assert np.subtract(*many.band(z)[::-1]) < np.subtract(*few.band(z)[::-1])


@pytest.mark.parametrize("y", [np.zeros(50), np.ones(50)])
def test_one_outcome_only_leaves_the_scores_alone(y: Array) -> None:
    found = of(np.linspace(-1, 1, 50), y)
    assert found.kind == "identity"
    assert np.isfinite(found.band(np.zeros(1))).all()


def test_no_scores_know_nothing() -> None:
    low, high = of(np.zeros(0), np.zeros(0)).band(np.zeros(1))
    assert (low[0], high[0]) == (0.0, 1.0)


def test_a_calibration_survives_json_to_the_bit() -> None:
    found = of(*scored(20_000, slope=0.3))
    again = Calibration.from_dict(json.loads(json.dumps(found.to_dict())))
    z = np.linspace(-3, 3, 100)
    np.testing.assert_array_equal(again.apply(z), found.apply(z))
    np.testing.assert_array_equal(again.band(z), found.band(z))


def test_a_rate_that_moves_between_cut_offs_widens_the_band() -> None:
    rng = np.random.default_rng(3)
    z, cutoff = rng.normal(size=12_000), np.repeat(np.arange(6), 2_000)
    person = np.tile(np.arange(2_000), 6)
    widths = []
    for moves in (0.0, 0.5):
        shift = np.array([1, -1, 1, -1, 1, -1])[cutoff] * moves
        y = (rng.random(len(z)) < sigmoid(z + shift)).astype(float)
        low, high = calibrate(z, y, person, cutoff, seed=1).band(np.zeros(1))
        widths.append(float(high[0] - low[0]))
    assert widths[0] < 0.1
    assert widths[1] > 0.4  # 1.96 standard deviations of 0.55 log-odds to either side of a half
