"""Recall and NDCG against loops."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from tests.predict.shoppers import baskets

from shoal.predict.affinity import plain
from shoal.predict.ranking import found, judge, mean, trial_of


def _naive(wanted: list[int], came: set[int], length: int) -> tuple[float, float]:
    if not came:
        return math.nan, math.nan
    hits = [item in came for item in wanted if item >= 0]
    possible = min(length, len(came))
    gain = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(hits) if hit)
    return sum(hits) / possible, gain / sum(1 / math.log2(rank + 2) for rank in range(possible))


PEOPLE = st.lists(
    st.tuples(
        st.lists(st.integers(0, 7), unique=True, min_size=4, max_size=4), st.sets(st.integers(0, 7)), st.integers(0, 4)
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(PEOPLE)
def test_recall_and_ndcg_are_those_of_a_loop(people):
    lists = np.array([[*wanted[:cut], *[-1] * (4 - cut)] for wanted, _, cut in people], np.int32)
    came = np.zeros((len(people), 8))
    for row, (_, items, _) in enumerate(people):
        came[row, list(items)] = 1
    recall, ndcg = found(lists, csr_matrix(came), 4)
    for row, (_, items, _) in enumerate(people):
        np.testing.assert_allclose((recall[row], ndcg[row]), _naive(lists[row].tolist(), items, 4))


def test_new_items_are_judged_apart_from_those_had_before():
    before = baskets([(1, 50, "tea"), (2, 50, "tea"), (2, 50, "jam"), (3, 50, "oats")])
    after = baskets([(1, 5, "tea"), (1, 5, "jam"), (2, 5, "tea"), (9, 5, "tea")])
    judged = judge(plain(before, own=0.0), trial_of(before, after), length=1)
    assert judged.recall.tolist() == [1.0, 1.0]  # tea is the most popular, and both took it
    assert judged.new_recall.tolist()[0] == 1.0  # jam is the most popular that person 1 had not
    assert math.isnan(judged.new_recall[1])  # person 2 took nothing new


def test_only_people_with_a_history_who_came_back_are_judged():
    before = baskets([(1, 50, "tea"), (2, 50, "tea"), (3, 50, "tea")])
    after = baskets([(2, 5, "tea"), (4, 5, "tea"), (3, 5, "soap")])
    assert before.people[trial_of(before, after).rows].tolist() == [2]


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_for_many_people():
    values = np.random.default_rng(0).random(5000)
    interval = mean(values, seed=0)
    spread = 1.96 * values.std() / math.sqrt(len(values))
    assert math.isclose(interval.low, values.mean() - spread, abs_tol=spread / 5)
    assert math.isclose(interval.high, values.mean() + spread, abs_tol=spread / 5)


def test_a_mean_of_nobody_has_no_value():
    assert mean(np.array([math.nan]), seed=0).value is None
    assert mean(np.array([0.25]), seed=0).low is None
