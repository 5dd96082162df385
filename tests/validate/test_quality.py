from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from shoal.validate.quality import quality_verdicts, separation, silhouettes, size_verdicts


def _planted(n: int = 600, k: int = 3, apart: float = 6.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    return rng.normal(size=(n, 4)) + apart * (codes[:, None] == np.arange(4)), codes


@given(st.integers(0, 1000), st.integers(4, 60), st.integers(1, 4))
def test_silhouettes_are_scikit_learns(seed: int, n: int, inputs: int) -> None:
    rng = np.random.default_rng(seed)
    points, codes = rng.normal(size=(n, inputs)), np.arange(n) % 3
    assert silhouettes(points, codes) == pytest.approx(silhouette_samples(points, codes), abs=1e-7)


def test_explained_is_the_share_of_variance_between() -> None:
    points, codes = _planted()
    centred = points - points.mean(axis=0)
    within = sum(((points[codes == c] - points[codes == c].mean(axis=0)) ** 2).sum() for c in range(3))
    assert separation(points, codes).explained == pytest.approx(1 - within / (centred**2).sum())


def test_planted_segments_lie_apart_and_random_ones_do_not() -> None:
    points, codes = _planted()
    random = np.random.default_rng(1).permutation(codes)
    good, poor = separation(points, codes), separation(points, random)
    assert [verdict.result for verdict in quality_verdicts(good, "ABC")] == ["pass"] * 9
    assert (good.silhouette.value or 0) > 0.5 > 0.05 > (poor.silhouette.value or 0)
    assert {verdict.result for verdict in quality_verdicts(poor, "ABC")} <= {"fail", "warn"}


def test_a_sample_tells_about_the_same_as_everybody() -> None:
    points, codes = _planted(12_000, apart=3.0)
    found = separation(points, codes)
    assert found.sampled < 5_200
    whole = silhouettes(points, codes).mean()
    assert found.silhouette.value == pytest.approx(whole, abs=0.02)


def test_the_order_of_names_does_not_change_the_numbers() -> None:
    points, codes = _planted()
    renamed = np.array([2, 0, 1])[codes]
    one, two = separation(points, codes), separation(points, renamed)
    assert one.silhouette.value == pytest.approx(two.silhouette.value)
    assert [one.ratios[c] for c in range(3)] == pytest.approx([two.ratios[c] for c in (2, 0, 1)])


@pytest.mark.parametrize(
    ("points", "codes"),
    [
        pytest.param(np.zeros((50, 2)), np.arange(50) % 2, id="all alike"),
        pytest.param(np.full((50, 2), np.nan), np.arange(50) % 2, id="all unknown"),
        pytest.param(np.array([[np.inf], [1.0], [2.0], [-np.inf]]), [0, 0, 1, 1], id="infinities"),
        pytest.param(np.ones((1, 3)), [0], id="one person"),
        pytest.param(np.ones((0, 3)), [], id="nobody"),
        pytest.param(np.arange(9.0)[:, None], [0] * 9, id="one segment"),
        pytest.param(np.arange(9.0)[:, None], [-1] * 9, id="in no segment"),
        pytest.param(np.arange(9.0)[:, None], [0] * 8 + [4], id="empty segments"),
    ],
)
def test_degenerate_people_give_numbers_or_not_enough_data(points: np.ndarray, codes: object) -> None:
    found = separation(points, codes, k=5)  # type: ignore[arg-type]
    for verdict in quality_verdicts(found, ["A", "B", "C", "D", "E"]):
        assert verdict.value is None or np.isfinite(verdict.value)
        assert verdict.result == "not enough data" or verdict.value is not None


def test_size_is_held_against_people_and_the_workspaces_floor() -> None:
    results = {(v.check, v.subject): v.result for v in size_verdicts([5000, 60, 20], list("ABC"), 5080, floor=0.01)}
    assert [results["size", name] for name in "ABC"] == ["pass", "warn", "fail"]
    assert [results["share", name] for name in "ABC"] == ["pass", "pass", "fail"]
