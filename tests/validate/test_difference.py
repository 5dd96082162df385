from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from shoal.intervals import wilson
from shoal.validate.difference import against_neighbour, against_rest, contrast_verdicts, next_period
from shoal.validate.intervals import mean_interval
from shoal.validate.outcome import Outcome, value_outcomes


def _planted(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, list[Outcome]]:
    """Segments 0 and 1 behave alike, 2 spends more."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    kept = rng.random(n) < np.array([0.3, 0.3, 0.7])[codes]
    return codes, value_outcomes(kept * rng.lognormal(1, 1, n), kept)


def test_each_segments_next_period_has_wilsons_and_halls_intervals() -> None:
    codes, outcomes = _planted()
    found = next_period(codes, outcomes)
    revenue, kept = outcomes[0].values, outcomes[-1].values
    assert found[2]["revenue"] == mean_interval(revenue[codes == 2])
    assert found[2]["retained"] == wilson(kept[codes == 2].sum(), (codes == 2).sum())


def test_an_empty_segment_has_no_next_period() -> None:
    found = next_period([0, 0, -1], value_outcomes([1.0, 2.0, 9.0], [1, 1, 1]), k=2)
    assert found[0]["revenue"].value == 1.5
    assert found[1]["revenue"].value is None


def test_planted_difference_is_found_and_the_like_are_told_as_like() -> None:
    codes, outcomes = _planted()
    results = {(v.check, v.subject): v.result for v in contrast_verdicts(codes, outcomes, "ABC")}
    assert [results["contrast", name] for name in "ABC"] == ["pass"] * 3
    assert [results["neighbour", name] for name in "ABC"] == ["fail", "fail", "pass"]


def test_neighbours_are_each_others() -> None:
    codes, outcomes = _planted()
    found = against_neighbour(codes, outcomes)
    assert [one.other for one in found][:2] == [1, 0]
    assert found[0].effect == found[1].effect
    assert (found[0].inside, found[0].outside) == pytest.approx((found[1].outside, found[1].inside))


def test_the_numbers_told_are_the_means_of_both_sides() -> None:
    codes, outcomes = _planted()
    one = against_rest(codes, outcomes)[2]
    values = next(outcome.values for outcome in outcomes if outcome.name == one.outcome)
    assert (one.inside, one.outside) == pytest.approx((values[codes == 2].mean(), values[codes != 2].mean()))
    two = against_neighbour(codes, outcomes)[2]
    values = next(outcome.values for outcome in outcomes if outcome.name == two.outcome)
    assert two.outside == pytest.approx(values[codes == two.other].mean())


def test_chances_are_welchs_up_to_the_small_samples_guard() -> None:
    rng = np.random.default_rng(2)
    codes, values = np.repeat([0, 1], 2000), np.append(rng.normal(0, 1, 2000), rng.normal(0.08, 2, 2000))
    found = against_rest(codes, [Outcome("spent", "revenue", values)])
    theirs = ttest_ind(values[:2000], values[2000:], equal_var=False).pvalue
    assert found[0].p == pytest.approx(2 * theirs, rel=0.05)


def test_random_segments_seldom_differ_after_holm() -> None:
    rng = np.random.default_rng(7)
    differing = 0
    for _ in range(200):
        outcomes = value_outcomes(rng.lognormal(0, 1, 600), rng.random(600) < 0.4)
        differing += any(one.differing for one in against_rest(rng.integers(0, 4, 600), outcomes))
    assert differing / 200 <= 0.09


def test_a_segment_of_few_is_neither_judged_nor_anyones_neighbour() -> None:
    codes, outcomes = _planted()
    codes = np.where(np.arange(3000) < 10, 3, codes)
    found = against_neighbour(codes, outcomes)
    assert found[3].effect.value is None
    assert 3 not in [one.other for one in found]
    verdicts = [v for v in contrast_verdicts(codes, outcomes, "ABCD") if v.subject == "D"]
    assert {v.result for v in verdicts} == {"not enough data"}


@pytest.mark.parametrize("codes", [[], [0], [0] * 100, [-1] * 100, [0] * 99 + [1]])
@pytest.mark.parametrize("fill", [0.0, 5.0, np.nan])
def test_degenerate_people_are_not_enough_data(codes: list[int], fill: float) -> None:
    outcomes = value_outcomes(np.full(len(codes), fill), np.full(len(codes), fill > 0))
    verdicts = contrast_verdicts(np.array(codes, dtype=int), outcomes, ["A", "B"])
    assert {verdict.result for verdict in verdicts} == {"not enough data"}
    assert {verdict.value for verdict in verdicts} == {None}


def test_a_small_segment_all_alike_is_not_taken_for_certain() -> None:
    codes = np.repeat([0, 1], [30, 1000])
    kept = np.append(np.zeros(30), np.arange(1000) % 20 == 0)
    assert against_rest(codes, [Outcome("retained", "retention", kept)])[0].differing == ()


def test_large_amounts_are_noted_without_an_exponent() -> None:
    spent = Outcome("spent", "revenue", np.repeat([1112.0, 152.0], 50) + np.tile([-1.0, 1.0], 50))
    note = contrast_verdicts(np.repeat([0, 1], 50), [spent], ["a", "b"])[0].note
    assert "revenue: 1,112 against 152 for the rest" in note
