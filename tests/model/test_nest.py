"""Micro-segments: together exactly their segment's people, no more than asked, none without people."""

from __future__ import annotations

import numpy as np
import pytest

from model.pasts import META, features, foreseen, table_of
from shoal.model.distil import distil
from shoal.model.matrix import build
from shoal.model.nest import FEWEST, nested, shares
from shoal.model.outcome_tree import OutcomeTreeRecipe
from shoal.model.rules import select


@pytest.mark.parametrize("most", [6, 12, 40])
def test_micro_segments_are_exactly_their_segments_people(most: int) -> None:
    table, (matrix, _) = table_of(features(600, 9)), foreseen(600)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 4, 0))
    found = nested(matrix, macro, most)
    assert found
    assert len(found) <= most
    rules = dict(zip(macro.groups, macro.rules, strict=True))
    for group in {part.group for part in found}:
        inside = [select(part.rule, table) for part in found if part.group == group]
        np.testing.assert_array_equal(sum(one.astype(int) for one in inside), select(rules[group], table).astype(int))
        assert len(inside) >= 2
        assert min(one.sum() for one in inside) >= FEWEST


def test_its_own_condition_within_its_segment_is_its_rule() -> None:
    table, (matrix, _) = table_of(features(600, 9)), foreseen(600)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 3, 0))
    rules = dict(zip(macro.groups, macro.rules, strict=True))
    for part in nested(matrix, macro, 12):
        own = select(part.own, table) & select(rules[part.group], table)
        np.testing.assert_array_equal(own, select(part.rule, table))


def test_the_same_people_give_the_same_micro_segments() -> None:
    matrix, _ = foreseen(400)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 3, 0))
    assert nested(matrix, macro, 9) == nested(matrix, macro, 9)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_than_the_segments_are_is_none(most: int) -> None:
    matrix, _ = foreseen(400)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 3, 0))
    assert nested(matrix, macro, most) == []


def test_without_an_outlook_they_are_of_the_features() -> None:
    matrix = build(table_of(features(500)), META)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 3, 0))
    assert nested(matrix, macro, 9)


@pytest.mark.parametrize("most", [0, 5, 27])
def test_shares_are_one_each_and_the_rest_by_spread(most: int) -> None:
    matrix, _ = foreseen(500)
    assert matrix.outlook is not None
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 4, 0))
    found = shares(matrix.outlook.values, macro, most)
    assert min(found) >= 1
    assert sum(found) <= max(most, len(macro.groups))
    assert shares(np.zeros((500, 2)), macro, most) == [1] * len(macro.groups)
