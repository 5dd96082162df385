from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from shoal.intervals import interval, wilson
from shoal.validate.intervals import holm, mean_interval

chances = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (371, 1000)])
def test_wilson_is_scipys(successes: int, n: int) -> None:
    ours, theirs = wilson(successes, n), binomtest(successes, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_a_rate_of_nobody_is_unknown() -> None:
    assert wilson(0, 0).value is None


@pytest.mark.parametrize(
    ("draw", "truth", "least"),
    [
        pytest.param(lambda rng: rng.normal(3, 1, 100), 3.0, 0.92, id="normal"),
        pytest.param(lambda rng: rng.exponential(1, 100), 1.0, 0.92, id="exponential"),
        pytest.param(
            lambda rng: rng.lognormal(0, 1, 60) * (rng.random(60) < 0.3), 0.3 * np.exp(0.5), 0.91, id="mostly nothing"
        ),
    ],
)
def test_the_interval_of_a_mean_holds_the_truth_about_as_often_as_it_says(draw, truth: float, least: float) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(5)
    found = [mean_interval(draw(rng)) for _ in range(600)]
    held = np.mean([(part.low or 0) <= truth <= (part.high or 0) for part in found])
    assert least <= held <= 0.98


def test_skewed_amounts_get_a_higher_upper_than_lower_arm() -> None:
    found = mean_interval(np.random.default_rng(1).lognormal(0, 1, 80))
    assert found.value is not None
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.value > 1.2 * (found.value - found.low)


def test_amounts_that_are_never_negative_have_no_negative_end() -> None:
    assert mean_interval([0.0] * 40 + [100.0]).low == 0


def test_too_few_or_all_alike_have_a_mean_without_interval() -> None:
    assert mean_interval([1.0, 2.0]) == interval(1.5)
    assert mean_interval([7.0] * 50) == interval(7.0)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_the_mean_lies_in_its_interval(values: list[float]) -> None:
    found = mean_interval(values)
    if found.value is not None and found.low is not None and found.high is not None:
        assert found.low - 1e-6 <= found.value <= found.high + 1e-6


@given(chances)
def test_holm_is_no_smaller_than_benjamini_hochberg_and_no_larger_than_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= false_discovery_control(p) - 1e-12).all()
    assert (adjusted <= np.minimum(np.array(p) * len(p), 1) + 1e-12).all()


def test_unknown_chances_stay_unknown_and_are_not_counted() -> None:
    assert holm([0.02, np.nan, 0.5]).tolist()[0] == 0.04
    assert np.isnan(holm([0.02, np.nan])[1])


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 7), (10, 10), (12, 4000)])
def test_the_interval_of_a_rate_is_scipys(hits: int, n: int) -> None:
    there = binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((there.low, there.high), abs=1e-6)
