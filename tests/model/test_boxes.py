"""Unions of boxes and the rules they are written as."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shoal.model import boxes
from shoal.model.rules import select

COLUMNS = ("a", "b", "c")
edges = st.sampled_from([-math.inf, 0.0, 1.0, 2.5, 4.0, boxes.ABOVE_ZERO, math.inf])


@st.composite
def box(draw: st.DrawFn) -> dict[str, boxes.Bounds]:
    sides = {}
    for column in draw(st.sets(st.sampled_from(COLUMNS))):
        low, high = sorted((draw(edges), draw(edges)))
        sides[column] = (low, high)
    return sides


def grid() -> dict[str, np.ndarray]:
    points = np.array(np.meshgrid(*[[-1.0, 0.0, 0.5, 1.0, 2.5, 3.0, 4.0, 9.0]] * 3)).reshape(3, -1)
    return dict(zip(COLUMNS, points, strict=True))


def member(union: list[dict[str, boxes.Bounds]], points: dict[str, np.ndarray]) -> np.ndarray:
    found = np.zeros(len(points["a"]), dtype=bool)
    for one in union:
        own = np.ones_like(found)
        for column, (low, high) in one.items():
            own &= (points[column] >= low) & (points[column] < high)
        found |= own
    return found


@given(st.lists(box(), max_size=5))
def test_simplifying_keeps_the_union(union: list[dict[str, boxes.Bounds]]) -> None:
    points = grid()
    assert (member(boxes.simplify(union), points) == member(union, points)).all()


@given(st.lists(box(), max_size=5))
def test_the_rule_selects_the_union(union: list[dict[str, boxes.Bounds]]) -> None:
    points = grid()
    assert (select(boxes.rule(union), pa.table(points)) == member(union, points)).all()


@given(st.lists(box(), max_size=4))
def test_the_rule_of_whole_numbers_selects_the_union(union: list[dict[str, boxes.Bounds]]) -> None:
    points = {name: np.floor(values) for name, values in grid().items()}
    rule = boxes.rule(union, whole=COLUMNS)
    assert (select(rule, pa.table(points)) == member(union, points)).all()


def test_null_stands_on_the_side_it_is_given() -> None:
    table = pa.table({"days": [5.0, 50.0, None]})
    low = boxes.rule([{"days": (-math.inf, 30.0)}], absent={"days": "high"})
    high = boxes.rule([{"days": (30.0, math.inf)}], absent={"days": "high"})
    assert select(low, table).tolist() == [True, False, False]
    assert select(high, table).tolist() == [False, True, True]


def test_from_three_to_under_four_orders_is_three_orders() -> None:
    assert boxes.rule([{"orders": (3.0, 4.0)}], whole={"orders"}) == "orders = 3"


def test_everybody_and_nobody_have_rules_too() -> None:
    table = pa.table({"a": [1.0, None]})
    assert select(boxes.rule([{}]), table).tolist() == [True, True]
    assert select(boxes.rule([]), table).tolist() == [False, False]


def test_a_column_with_blanks_is_quoted() -> None:
    assert boxes.rule([{"share of gifts": (0.5, math.inf)}]) == '"share of gifts" >= 0.5'


def test_clauses_that_all_alternatives_share_are_written_once() -> None:
    union = [{"a": (1.0, math.inf), "b": (2.0, math.inf)}, {"a": (1.0, math.inf), "c": (-math.inf, 3.0)}]
    assert boxes.rule(union) == "a >= 1 and (b >= 2 or c < 3)"
