"""The plain model of the past: never fitted to whom it speaks of, and no effect of what it knows is left."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.levels import basis
from shoal.model.plain import Past, beyond, columns, expected, retold, splines, standing, variance


def test_it_learns_a_curve_and_keeps_the_total() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((3000, 2))
    truth = 10 * x[:, 0] ** 2 + 5 * (x[:, 1] > 0.5)
    values = truth * rng.gamma(4, 0.25, 3000)
    found = expected(Past(x, 2), values, "amount", seed=1)
    assert np.corrcoef(found, truth)[0, 1] > 0.97
    assert found.mean() == pytest.approx(values.mean(), rel=0.03)


def test_it_does_not_know_what_it_did_not_see() -> None:
    rng = np.random.default_rng(1)
    values = rng.gamma(1, 10, 1000)
    found = expected(Past(rng.random((1000, 3)), 3), values, "amount")
    assert abs(np.corrcoef(found, values)[0, 1]) < 0.15


def test_a_rate_stays_a_rate_and_gaps_are_no_hindrance() -> None:
    rng = np.random.default_rng(2)
    x = rng.random(2000)
    values = (rng.random(2000) < x).astype(float)
    gaps = np.where(rng.random(2000) < 0.2, np.nan, x)
    found = expected(Past(gaps[:, None], 1), values, "rate")
    assert (found.min(), found.max()) > (0.0, 0.0)
    assert found.max() < 1
    assert np.corrcoef(found, x)[0, 1] > 0.7


def test_the_same_seed_gives_the_same_to_the_bit() -> None:
    rng = np.random.default_rng(3)
    x, values = rng.random((500, 2)), rng.gamma(1, 10, 500)
    assert np.array_equal(
        expected(Past(x, 2), values, "amount", seed=4), expected(Past(x, 2), values, "amount", seed=4)
    )


@pytest.mark.parametrize("values", [np.zeros(200), np.full(200, 3.0)])
def test_what_is_the_same_for_all_is_expected_of_all(values: np.ndarray) -> None:
    found = expected(Past(np.arange(200.0)[:, None], 1), values, "amount")
    assert np.array_equal(found, values)
    assert np.isfinite(standing(found, values - found, "amount")).all()
    assert np.isfinite(variance(found, values - found, "amount")).all()


def test_splines_take_out_what_goes_with_the_past() -> None:
    rng = np.random.default_rng(5)
    x = rng.gamma(1, 50, (4000, 2))
    member = (x[:, 0] > 40)[:, None].astype(float)
    terms = splines(Past(x, 2), x[:, 0])
    left = beyond(terms, member)
    assert left.var() < 0.25 * member.var()
    assert np.abs(terms.T @ left).max() < 1.0


def test_a_ratio_of_plain_columns_is_told_already_and_a_habit_is_not() -> None:
    rng = np.random.default_rng(6)
    orders, aov = rng.integers(1, 30, 3000).astype(float), rng.lognormal(3, 0.5, 3000)
    table = pa.table({"orders": orders, "revenue": orders * aov, "aov": aov, "weekend_share": rng.random(3000)})
    rows = np.arange(3000)
    past = Past.of(table, ["orders", "revenue"], [], rows)
    assert retold(table, past, ["aov", "weekend_share"], rows) == ["aov"]


def test_the_plain_columns_are_recency_frequency_monetary_and_tenure() -> None:
    table = pa.table({"recency_days": [1.0], "orders": [2], "revenue": [9.0], "tenure_days": [3.0], "breadth": [1]})
    assert columns(table, basis(table)) == ["recency_days", "orders", "revenue", "tenure_days"]


def test_a_table_without_anything_of_the_kind_has_none() -> None:
    table = pa.table({"plan": ["Pro"], "devices": [3]})
    assert columns(table, basis(table)) == []
