from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from shoal.errors import UsageError
from shoal.validate import explained as module
from shoal.validate.explained import explained
from shoal.validate.outcome import Cut, Outcome, behaviour_outcome, value_outcomes


def _people(n: int, seed: int, k: int = 5, noise: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planted segments, the same with three in ten people misplaced, and what they spend."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    blurred = np.where(rng.random(n) < 0.3, rng.integers(0, k, n), codes)
    return codes, blurred, np.linspace(0, 1, k)[codes] + noise * rng.standard_normal(n)


def _of(codes: np.ndarray, name: str = "A") -> Cut:
    return Cut(name, name, codes)


def _spent(values: np.ndarray) -> Outcome:
    return Outcome("log_revenue", "next-period revenue (log)", values)


def test_r2_is_the_formula_over_both_halves_and_every_split() -> None:
    codes, _, spent = _people(200, 0)
    found = explained([_of(codes)], [_spent(spent)], seed=9).table["log_revenue"][0, 0]
    rng = np.random.default_rng(9)
    rng.permutation(200)
    top = bottom = 0.0
    for _ in range(module.SPLITS):
        half = rng.permutation(200) % 2
        for side in (0, 1):
            learn, score = half != side, half == side
            everybody = spent[learn].mean()
            means = np.array([spent[learn & (codes == code)].mean() for code in range(5)])
            off = spent[score] - spent[score].mean()
            top += ((means[codes[score]] - everybody) * off).sum()
            bottom += (off**2).sum()
    assert found == pytest.approx(top / bottom)


@pytest.mark.parametrize("noise", [0.7, 2.0])
def test_intervals_hold_the_truth_about_as_often_as_they_say(noise: float) -> None:
    codes, blurred, spent = _people(1_000_000, 1, noise=noise)
    truths = []
    for cut in (codes, blurred):
        means = np.bincount(cut, spent) / np.bincount(cut)
        truths.append(means[cut].var() / spent.var())
    held, paired = 0, 0
    for turn in range(200):
        codes, blurred, spent = _people(800, 100 + turn, noise=noise)
        scores = explained([_of(codes), _of(blurred, "B")], [_spent(spent)], seed=turn)
        own, lead = scores.interval("value", 0), scores.lead("value", 0, 1)
        held += (own.low or 0) <= truths[0] <= (own.high or 0)
        paired += (lead.low or 0) <= truths[0] - truths[1] <= (lead.high or 0)
    assert 0.90 <= held / 200 <= 0.99
    assert 0.90 <= paired / 200 <= 0.99


@pytest.mark.parametrize("k", [3, 30])
def test_random_segments_explain_nothing_however_many(k: int) -> None:
    rng = np.random.default_rng(3)
    scores = [explained([_of(rng.integers(0, k, 600))], [_spent(rng.normal(size=600))], seed=i) for i in range(60)]
    parts = [score.interval("value", 0) for score in scores]
    assert np.mean([part.value for part in parts]) == pytest.approx(0, abs=0.004)
    assert np.mean([(part.low or 0) <= 0 <= (part.high or 0) for part in parts]) >= 0.9


def test_one_segment_of_everybody_explains_exactly_nothing() -> None:
    _, _, spent = _people(500, 2)
    found = explained([_of(np.zeros(500, dtype=int))], [*value_outcomes(spent**2, spent > 0)])
    assert {found.interval(name, 0).value for name in ("revenue", "capped_revenue", "log_revenue", "retained")} == {0.0}
    assert found.interval("auc", 0).value == 0.5


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)))
def test_renaming_segments_changes_nothing(names: list[int]) -> None:
    codes, _, spent = _people(300, 4)
    outcomes = value_outcomes(np.maximum(spent, 0), spent > 0.5)
    one = explained([_of(codes)], outcomes)
    two = explained([_of(np.array(names)[codes])], outcomes)
    assert all(one.interval(metric, 0) == two.interval(metric, 0) for metric in one.table)


def test_a_lead_one_way_is_a_lag_the_other_way() -> None:
    codes, blurred, spent = _people(600, 5)
    found = explained([_of(codes), _of(blurred, "B")], [_spent(spent)])
    there, back = found.lead("value", 0, 1), found.lead("value", 1, 0)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))  # type: ignore[operator]


def test_a_cut_does_not_change_by_who_stands_beside_it() -> None:
    codes, blurred, spent = _people(600, 6)
    alone = explained([_of(codes)], [_spent(spent)])
    beside = explained([_of(blurred, "B"), _of(codes)], [_spent(spent)])
    assert alone.interval("value", 0) == beside.interval("value", 1)


def test_auc_is_near_that_of_the_segments_own_rates() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 20_000)
    kept = rng.random(20_000) < 0.2 + 0.15 * codes
    found = explained([_of(codes)], value_outcomes(None, kept)).interval("auc", 0)
    assert found.value == pytest.approx(roc_auc_score(kept, codes), abs=0.002)


def test_behaviour_and_value_decide_together() -> None:
    codes, _, spent = _people(600, 7)
    found = explained([_of(codes)], [_spent(spent), behaviour_outcome("weekend_share", spent * 2)])
    assert found.primary == "overall"
    assert found.interval("overall", 0).value == pytest.approx(found.interval("value", 0).value)


def test_people_of_whom_an_outcome_is_not_known_are_left_out_of_it() -> None:
    codes, _, spent = _people(400, 8)
    unknown = np.arange(400) % 4 == 0
    told = explained([_of(codes)], [_spent(np.where(unknown, np.nan, spent))], seed=1)
    other = explained([_of(codes)], [_spent(np.where(unknown, np.nan, spent + 1e6 * unknown))], seed=1)
    assert told.interval("value", 0) == other.interval("value", 0)
    assert (told.interval("value", 0).value or 0) > 0.1


def test_more_people_than_the_bound_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PEOPLE", 500)
    codes, _, spent = _people(2_000, 9)
    found = explained([_of(codes)], [_spent(spent)])
    assert (found.people, found.sampled) == (2_000, 500)
    assert found.interval("value", 0).value == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 30])
@pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
def test_degenerate_outcomes_have_no_score_and_no_nan(n: int, fill: float) -> None:
    outcomes = [*value_outcomes(np.full(n, fill), np.full(n, fill)), behaviour_outcome("basket", np.full(n, fill))]
    found = explained([_of(np.arange(n) % 2), _of(np.full(n, -1), "B")], outcomes)
    for metric in found.table:
        assert found.interval(metric, 0).value is None
        assert found.lead(metric, 0, 1).value is None


def test_cuts_of_other_people_are_refused_with_the_counts() -> None:
    with pytest.raises(UsageError, match="cut 'A' has 3, outcome 'log_revenue' has 2"):
        explained([_of(np.zeros(3, dtype=int))], [_spent(np.zeros(2))])
