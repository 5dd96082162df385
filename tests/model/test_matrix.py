"""What goes into discovery, on what scale, and why the rest does not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model import matrix
from shoal.model.meta import FeatureMeta, describe


def build(**columns: object) -> matrix.Matrix:
    return matrix.build(pa.table(columns), {})


def spread(n: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(size=n)


def test_a_feature_that_is_the_same_for_nearly_everybody_is_left_out() -> None:
    found = build(revenue=spread(), carts=[0] * 196 + [1] * 4)
    assert found.names == ("revenue",)
    assert "the same for 98%" in found.dropped["carts"]


def test_of_two_features_that_rank_alike_the_plainer_one_stays() -> None:
    orders = np.random.default_rng(1).permutation(200)
    found = build(orders_365d=orders**2, orders=orders, revenue=spread())
    assert "orders" in found.names
    assert "ranks people as 'orders' does" in found.dropped["orders_365d"]


def test_a_feature_that_many_people_lack_is_left_out() -> None:
    gaps = [None] * 68 + list(range(132))
    found = build(revenue=spread(), gap_days_mean=pa.array(gaps, pa.float64()))
    assert found.dropped["gap_days_mean"] == "not used: missing for 34% of people"


def test_the_few_people_without_a_value_stand_at_the_end() -> None:
    days = pa.array([None, None, *range(198)], pa.float64())
    found = build(recency_days=days, revenue=spread())
    assert found.absent == {"recency_days": "high"}
    assert found.values[0, 0] == found.values[:, 0].max()


def test_infinities_are_refused() -> None:
    assert "infinite for 1 people" in build(revenue=[1.0, 2.0, float("inf")]).dropped["revenue"]


@pytest.mark.parametrize("name", ["phone_number", "customer_name"])
def test_personal_data_is_never_used(name: str) -> None:
    assert build(**{name: spread(), "revenue": spread(seed=1)}).dropped[name] == "not used: personal data"


@pytest.mark.parametrize("name", ["age", "gender_code", "share_religion"])
def test_protected_traits_are_never_used(name: str) -> None:
    assert build(**{name: spread(), "revenue": spread(seed=1)}).dropped[name] == "not used: a protected trait"


def test_text_is_not_a_number() -> None:
    assert "not a number" in build(plan=["a", "b"]).dropped["plan"]


def test_one_window_a_measure_is_enough() -> None:
    found = build(orders_90d=spread(seed=1), orders_7d=spread(seed=2), revenue=spread(seed=3), sessions=spread(seed=4))
    assert "orders_90d" in found.names
    assert "is the window for it" in found.dropped["orders_7d"]


def test_every_theme_has_its_share_of_the_variance() -> None:
    meta = {name: FeatureMeta(name, name, "count", theme) for name, theme in zip("abcd", "xxxy", strict=True)}
    weights = matrix.theme_weights([meta[name] for name in "abcd"], [1.0, 2.0, 3.0, 4.0])
    variance = (weights * np.array([1.0, 2.0, 3.0, 4.0])) ** 2
    assert variance[:3].sum() / variance[3] == pytest.approx(np.sqrt(3))


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, 5.0, -3.0, 1e9]), min_size=1, max_size=50))
def test_ranks_keep_order_and_ties(values: list[float]) -> None:
    array = np.array(values)
    ranks = matrix.uniform(array)
    assert ((array[:, None] < array) == (ranks[:, None] < ranks)).all()
    assert ranks.mean() == pytest.approx(0.5)


def test_the_sample_is_bounded_and_seeded() -> None:
    assert (matrix.sample(1000, 10, 3) == matrix.sample(1000, 10, 3)).all()
    assert len(matrix.sample(1000, 10, 3)) == 10


def test_nobody_gives_an_empty_matrix() -> None:
    assert build(revenue=pa.array([], pa.float64())).names == ()


def test_the_meaning_of_standard_features_is_guessed_from_their_names() -> None:
    assert describe("gap_days_std").unit == "days"
    assert describe("active_days_30d").unit == "count"
    assert describe("refund_share").unit == "share"
    assert describe("revenue_90d").theme == "value"
    assert describe("weekend_share").theme == "timing"
