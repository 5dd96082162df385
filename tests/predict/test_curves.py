"""Curves equal scikit-learn's, thinned."""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from tests.predict.test_skill import drawn

from shoal.predict import curves


def test_the_roc_curve_encloses_the_area_and_has_at_most_100_points() -> None:
    y, p = drawn(5000)
    line = curves.roc(y, p)
    x, up = zip(*line, strict=True)
    assert len(line) <= 100
    assert (line[0], line[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert abs(np.trapezoid(up, x) - metrics.roc_auc_score(y, p)) < 0.002


def test_a_short_roc_curve_equals_scikit_learns() -> None:
    y, p = drawn(60)
    x, up, _ = metrics.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(np.array(curves.roc(y, p)), np.column_stack([x, up]), atol=1e-6)


def test_a_short_precision_curve_equals_scikit_learns() -> None:
    y, p = drawn(60)
    precision, recall, _ = metrics.precision_recall_curve(y, p)
    expected = np.column_stack([recall, precision])[:-1][::-1]
    np.testing.assert_allclose(np.array(curves.precision_recall(y, p)), expected, atol=1e-6)


def test_there_is_no_curve_without_both_outcomes() -> None:
    assert curves.roc(np.zeros(5), np.arange(5) / 5) == []
    assert curves.precision_recall(np.zeros(5), np.arange(5) / 5) == []
    assert curves.deciles(np.zeros(0), np.zeros(0)) == []
    assert curves.calibration(np.zeros(0), np.zeros(0)) == []


def test_calibration_bins_hold_everybody_once() -> None:
    y, p = drawn(1003)
    bins = curves.calibration(y, p)
    assert sum(one.people for one in bins) == 1003
    assert abs(sum(one.people * one.observed for one in bins) - y.sum()) < 0.01
    assert all(one.low <= one.observed <= one.high for one in bins)


def test_deciles_come_from_the_highest_scores_down() -> None:
    y, p = drawn(1000)
    found = curves.deciles(y, p)
    assert [one.decile for one in found] == list(range(1, 11))
    assert found[0].predicted > found[-1].predicted
    assert abs(sum((one.lift or 0) * one.people for one in found) / 1000 - 1) < 1e-5


def test_without_positives_there_is_no_lift() -> None:
    assert {one.lift for one in curves.deciles(np.zeros(20), np.arange(20) / 20)} == {None}
