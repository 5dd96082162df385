from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from shoal.contingency import adjusted_rand, best_jaccard, cross, encode, sample

two_cuts = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(-1, 5), min_size=n, max_size=n) for _ in range(2)))
)


@given(two_cuts)
def test_jaccard_by_counts_is_jaccard_by_sets(cuts: tuple[list[int], list[int]]) -> None:
    a, b = cuts
    found = best_jaccard(cross(a, b))
    others = [{i for i, code in enumerate(b) if code == other} for other in set(b) - {-1}]
    for code in set(a) - {-1}:
        own = {i for i, one in enumerate(a) if one == code}
        best = max((len(own & other) / len(own | other) for other in others), default=0.0)
        assert found[code] == pytest.approx(best)


@given(two_cuts, st.permutations(range(6)))
def test_names_of_the_segments_found_again_do_not_matter(cuts: tuple[list[int], list[int]], names: list[int]) -> None:
    a, b = cuts
    renamed = [names[code] if code >= 0 else -1 for code in b]
    assert np.array_equal(best_jaccard(cross(a, b, 6, 6)), best_jaccard(cross(a, renamed, 6, 6)), equal_nan=True)
    assert adjusted_rand(cross(a, b, 6, 6)) == pytest.approx(adjusted_rand(cross(a, renamed, 6, 6)))


@given(two_cuts)
def test_adjusted_rand_is_scikit_learns(cuts: tuple[list[int], list[int]]) -> None:
    assert adjusted_rand(cross(*cuts)) == pytest.approx(adjusted_rand_score(*cuts), abs=1e-9)


@given(two_cuts)
def test_a_cross_counts_everybody_once(cuts: tuple[list[int], list[int]]) -> None:
    assert cross(*cuts).sum() == len(cuts[0])


def test_a_sample_keeps_a_floor_of_every_segment_and_is_the_same_again() -> None:
    codes = np.repeat([0, 1, 2, -1], [100_000, 300, 5, 50])
    rows = sample(codes, 1_000, seed=3, floor=100)
    assert np.bincount(codes[rows]).tolist()[1:] == [100, 5]
    assert np.array_equal(rows, sample(codes, 1_000, seed=3, floor=100))


def test_names_become_codes_from_lists_and_arrow() -> None:
    told = ["b", None, "a", ""]
    assert encode(told)[0].tolist() == encode(pa.array(told))[0].tolist() == [1, -1, 0, -1]
