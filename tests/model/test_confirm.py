"""Effects on the confirming half agree with statsmodels' and scipy's formulas, and do not cry wolf."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from shoal.model.confirm import NONE, Effect, benjamini_hochberg, partial, welch
from shoal.model.plain import Past, beyond, splines, variance


def test_welch_is_scipys() -> None:
    rng = np.random.default_rng(0)
    values, member = rng.gamma(2, 5, 300), rng.random(300) < 0.2
    own = welch(values, member)
    theirs = stats.ttest_ind(values[member], values[~member], equal_var=False)
    assert own.p(1) == pytest.approx(stats.t.sf(theirs.statistic, theirs.df))
    assert own.ends() == pytest.approx(tuple(theirs.confidence_interval()))


def test_adjusted_p_values_are_scipys() -> None:
    p = np.random.default_rng(1).random(40) ** 3
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_an_effect_that_cannot_be_told_still_counts_as_tested() -> None:
    found = benjamini_hochberg([0.01, math.nan])
    assert found[0] == pytest.approx(0.02)
    assert math.isnan(found[1])


def test_without_a_past_it_is_the_difference_of_means() -> None:
    rng = np.random.default_rng(2)
    values, member = rng.normal(size=400), rng.random(400) < 0.3
    past = Past(np.empty((400, 0)), 0)
    terms = splines(past, np.zeros(400))
    rest = beyond(terms, member[:, None].astype(float))[:, 0]
    residual = values - values.mean()
    effect = partial(residual, rest, member, np.ones(400), np.zeros(400), terms.shape[1])
    assert effect.value == pytest.approx(values[member].mean() - values[~member].mean(), abs=1e-5)


def test_an_error_of_the_past_that_goes_with_membership_is_taken_out() -> None:
    rng = np.random.default_rng(3)
    x = rng.random(5000)
    member = rng.random(5000) < x
    values = 3 * x + rng.normal(size=5000)
    residual = values - values.mean()  # a model of the past that learned nothing
    terms = splines(Past(x[:, None], 1), np.zeros(5000))
    rest = beyond(terms, member[:, None].astype(float))[:, 0]
    effect = partial(residual, rest, member, np.ones(5000), np.ones(5000), terms.shape[1])
    low, high = effect.ends()
    assert low < 0 < high
    assert welch(residual, member).value > 0.5


def test_a_few_people_who_all_did_nothing_prove_little() -> None:
    fitted = np.full(300, 0.08)
    member = np.arange(300) < 30
    values = np.where(member, 0.0, np.arange(300) % 12 == 0)
    residual = values - fitted
    rest = member - member.mean()
    noise = variance(fitted, residual, "rate")
    effect = partial(residual, rest, member, np.ones(300), noise, 1)
    assert effect.value < -0.05
    assert effect.p(-1) > 0.03


def test_what_the_past_tells_wholly_has_no_effect() -> None:
    member = np.arange(100) < 50
    assert partial(np.zeros(100), np.zeros(100), member, np.ones(100), np.ones(100), 1) is NONE


def test_too_few_have_no_effect() -> None:
    assert welch(np.arange(30.0), np.arange(30) < 5) is NONE
    assert math.isnan(Effect(1.0, 0.0, 5.0).p(1))
