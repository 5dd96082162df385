from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from shoal.summary import KChoice
from shoal.validate.candidates import candidate, choose


def _tried(k: int, mean: float, least: float) -> KChoice:
    return KChoice(k=k, jaccard_mean=mean, jaccard_min=least, silhouette=None)


def test_the_largest_stable_number_is_chosen() -> None:
    found = choose([_tried(3, 0.9, 0.9), _tried(5, 0.8, 0.6), _tried(4, 0.8, 0.7), _tried(6, 0.9, 0.5)])
    assert [one.k for one in found if one.chosen] == [5]


def test_where_none_is_stable_the_least_shaky_is_chosen() -> None:
    found = choose([_tried(3, 0.5, 0.4), _tried(4, 0.5, 0.4), _tried(5, 0.7, 0.1)])
    assert [one.k for one in found if one.chosen] == [3]


def test_the_planted_number_is_chosen() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 4)) + 8 * (rng.integers(0, 4, 300)[:, None] == np.arange(4))

    def tried(k: int) -> KChoice:
        def refit(rows: np.ndarray, seed: int):  # type: ignore[no-untyped-def]
            found = KMeans(k, n_init=3, random_state=seed).fit(points[rows])
            return lambda asked: found.predict(points[asked])

        return candidate(k, points, refit(np.arange(300), 0)(np.arange(300)), refit, rounds=5)

    found = choose([tried(k) for k in (3, 4, 6)])
    assert [one.k for one in found if one.chosen] == [4]


def test_nothing_tried_is_nothing_chosen() -> None:
    assert choose([]) == []
