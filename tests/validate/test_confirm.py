"""A difference is searched on one half of the people and measured on the other."""

from __future__ import annotations

import numpy as np
import pytest

from shoal.validate.confirm import confirmed, confirmed_verdicts
from shoal.validate.difference import against_rest
from shoal.validate.outcome import Outcome


def _noise(seed: int, people: int = 400, outcomes: int = 12) -> tuple[np.ndarray, list[Outcome]]:
    rng = np.random.default_rng(seed)
    found = [Outcome(f"o{i}", f"o{i}", rng.normal(size=people)) for i in range(outcomes)]
    return rng.integers(0, 4, people), found


def test_a_real_difference_is_confirmed_with_its_size() -> None:
    codes, outcomes = _noise(0, 4000)
    outcomes.append(Outcome("spend", "spend", outcomes[0].values + (codes == 2)))
    found = confirmed(codes, outcomes, k=4)[2]
    verdict = confirmed_verdicts([found], outcomes, ["a", "b", "c"])[0]
    assert (found.outcome, verdict.subject, verdict.result) == ("spend", "c", "pass")
    assert found.effect.value == pytest.approx(1 / np.sqrt(1 + 3 / 16), abs=0.1)


def test_the_largest_of_many_differences_of_nothing_does_not_flatter() -> None:
    """The mean over many random cuts is 0; on everybody the largest one is far from it."""
    drawn = [_noise(seed) for seed in range(60)]
    honest = [one.effect.value for codes, outcomes in drawn for one in confirmed(codes, outcomes, k=4)]
    largest = [one.effect.value for codes, outcomes in drawn for one in against_rest(codes, outcomes, k=4)]
    assert abs(np.mean(honest)) < 0.03
    assert np.mean(largest) > 0.15


def test_random_cuts_are_confirmed_in_at_most_one_of_twenty() -> None:
    wrong = 0
    for seed in range(100):
        codes, outcomes = _noise(seed)
        wrong += any((one.effect.low or -1) > 0 for one in confirmed(codes, outcomes, k=4))
    assert wrong <= 5


def test_two_runs_agree_and_another_seed_draws_other_halves() -> None:
    codes, outcomes = _noise(3)
    assert confirmed(codes, outcomes, k=4) == confirmed(codes, outcomes, k=4)
    assert confirmed(codes, outcomes, k=4) != confirmed(codes, outcomes, k=4, seed=5)


def test_too_few_people_on_a_half_is_not_enough_data() -> None:
    codes, outcomes = _noise(1)
    codes = np.where(np.arange(400) < 40, 0, 1)
    results = [one.result for one in confirmed_verdicts(confirmed(codes, outcomes, k=3), outcomes, "abc")]
    assert (results[0], results[2]) == ("not enough data", "not enough data")


def test_people_in_no_segment_are_among_the_rest() -> None:
    value = np.tile([0.0, 1.0], 500)
    codes = np.where(np.arange(1000) < 500, 0, -1)
    spread = Outcome("spend", "spend", value + (codes < 0))
    assert confirmed(codes, [spread], k=1)[0].effect.value is not None
