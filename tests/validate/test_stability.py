from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.cluster import KMeans

from shoal.validate.stability import bootstrap, stability_verdicts


def _planted(n: int = 900) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, n)
    return rng.normal(size=(n, 3)) + 6 * (codes[:, None] == np.arange(3)), codes


def _kmeans(points: np.ndarray) -> Callable[[np.ndarray, int], Callable[[np.ndarray], np.ndarray]]:
    def refit(rows: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        found = KMeans(3, n_init=3, random_state=seed).fit(points[rows])
        return lambda asked: found.predict(points[asked])

    return refit


def _random(n: int) -> Callable[[np.ndarray, int], np.ndarray]:
    return lambda rows, seed: np.random.default_rng(seed).integers(0, 3, n)


def test_planted_segments_are_found_again() -> None:
    points, codes = _planted()
    found = bootstrap(codes, _kmeans(points), rounds=8)
    assert {verdict.result for verdict in stability_verdicts(found, "ABC")} == {"pass"}
    assert (found.least or 0) > 0.95
    assert found.recovered == (8, 8, 8)


def test_random_segments_are_not() -> None:
    _, codes = _planted()
    found = bootstrap(codes, _random(len(codes)))
    assert {verdict.result for verdict in stability_verdicts(found, "ABC")} == {"fail"}
    assert found.dissolved == (20, 20, 20)


def test_only_the_segment_that_dissolves_fails() -> None:
    codes = np.repeat([0, 1, 2], 300)
    rng = np.random.default_rng(0)

    def refit(rows: np.ndarray, seed: int) -> np.ndarray:
        return np.where(codes == 0, 0, rng.permutation(codes) + 3)

    verdicts = stability_verdicts(bootstrap(codes, refit), "ABC")
    assert [verdict.result for verdict in verdicts] == ["pass", "fail", "fail"]


def test_a_refit_may_answer_with_labels_of_everybody_or_with_a_function() -> None:
    points, codes = _planted(300)
    refit = _kmeans(points)
    everybody = np.arange(300)
    one = bootstrap(codes, refit, rounds=4)
    two = bootstrap(codes, lambda rows, seed: refit(rows, seed)(everybody), rounds=4)
    assert one == two


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_draws() -> None:
    codes = np.arange(200) % 3
    drawn: list[np.ndarray] = []

    def refit(rows: np.ndarray, seed: int) -> np.ndarray:
        drawn.append(rows)
        return np.random.default_rng(int(rows.sum()) + seed).integers(0, 3, 200)

    assert bootstrap(codes, refit, rounds=3) == bootstrap(codes, refit, rounds=3)
    bootstrap(codes, refit, rounds=3, seed=1)
    assert all(np.array_equal(drawn[i], drawn[i + 3]) for i in range(3))
    assert not np.array_equal(drawn[0], drawn[6])


def test_draws_repeat_people_and_stay_within_the_bound() -> None:
    codes = np.repeat([0, 1], 5_000)
    seen: list[int] = []

    def refit(rows: np.ndarray, seed: int) -> np.ndarray:
        seen.extend([len(rows), len(np.unique(rows))])
        return codes

    found = bootstrap(codes, refit, rounds=1, people=1_000)
    assert seen[0] == found.sampled == 1_000
    assert 550 < seen[1] < 700
    assert "on a sample of 1,000 people" in stability_verdicts(found, "AB")[0].note


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(np.zeros(0, dtype=int), id="nobody"),
        pytest.param(np.array([0]), id="one person"),
        pytest.param(np.zeros(100, dtype=int), id="one segment"),
        pytest.param(np.full(100, -1), id="in no segment"),
    ],
)
def test_what_cannot_be_told_is_not_enough_data(codes: np.ndarray) -> None:
    found = bootstrap(codes, lambda rows, seed: codes, k=2, rounds=3)
    assert {verdict.result for verdict in stability_verdicts(found, "AB")} == {"not enough data"}
