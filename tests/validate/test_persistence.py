from __future__ import annotations

import numpy as np
import pytest

from shoal.validate.persistence import migration, persistence_verdicts


def test_people_who_all_stay_persist() -> None:
    codes = np.arange(300) % 3
    found = migration(codes, codes)
    assert found.adjusted_rand.value == 1
    assert {verdict.result for verdict in persistence_verdicts(found, "ABC")} == {"pass"}


def test_people_shuffled_at_random_agree_only_by_chance() -> None:
    rng = np.random.default_rng(0)
    found = migration(rng.integers(0, 3, 3000), rng.integers(0, 3, 3000))
    verdicts = persistence_verdicts(found, "ABC")
    assert verdicts[0].result == "fail"
    assert {verdict.result for verdict in verdicts[1:]} == {"warn"}


def test_the_matrix_counts_moves_and_says_where_most_went() -> None:
    found = migration([0] * 30 + [1] * 30, [0] * 10 + [1] * 15 + [-1] * 5 + [1] * 30)
    assert found.moves == ((10, 15, 5), (0, 30, 0), (0, 0, 0))
    assert [verdict.note for verdict in persistence_verdicts(found, "AB")][1:] == ["50 % moved to B", ""]


def test_the_interval_of_agreement_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)

    def people(n: int) -> tuple[np.ndarray, np.ndarray]:
        before = rng.integers(0, 4, n)
        return before, np.where(rng.random(n) < 0.6, before, rng.integers(0, 4, n))

    truth = migration(*people(400_000)).adjusted_rand.value or 0.0
    parts = [migration(*people(500), seed=turn).adjusted_rand for turn in range(300)]
    held = np.mean([(part.low or 0) <= truth <= (part.high or 0) for part in parts])
    assert 0.91 <= held <= 0.985


@pytest.mark.parametrize("codes", [[], [0], [-1, -1], [0] * 200])
def test_one_group_says_nothing_of_agreement(codes: list[int]) -> None:
    found = migration(codes, codes, k=1)
    assert persistence_verdicts(found, ["A"])[0].result == "not enough data"


def test_two_cuts_of_different_people_are_refused() -> None:
    with pytest.raises(ValueError, match="same people"):
        migration([0, 1], [0])
