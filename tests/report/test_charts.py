"""Geometry: ticks cover the numbers, labels never lie on each other, streams add up."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.report.charts import curves, plane, shorten, ticks, whiskers
from shoal.report.heat import heat
from shoal.report.tree import streams
from shoal.summary import Interval, TreeNode

from . import sample

finite = st.floats(-1e9, 1e9, allow_nan=False)
share = st.floats(0, 1, allow_nan=False)


@given(finite, finite)
def test_ticks_cover_the_range_in_few_even_steps(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    places = ticks(low, high)
    span = places[-1] - places[0]
    assert places[0] <= low + 1e-6 * span
    assert places[-1] >= high - 1e-6 * span
    assert 2 <= len(places) <= 8
    steps = [b - a for a, b in pairwise(places)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(st.text(max_size=60), share, share), min_size=1, max_size=25))
def test_labels_never_lie_on_each_other_nor_leave_the_frame(points: list[tuple[str, float, float]]) -> None:
    drawn = plane([(i + 1, name, x, y) for i, (name, x, y) in enumerate(points)], width=340, height=330)
    boxes = [dot.box for dot in drawn.dots if dot.box is not None]
    assert not [1 for one, other in combinations(boxes, 2) if one.meets(other)]
    assert all(box.within(drawn.frame) for box in boxes)


@given(st.lists(st.tuples(share, share), min_size=1, max_size=20))
def test_every_dot_lies_in_the_frame(points: list[tuple[float, float]]) -> None:
    drawn = plane([(i + 1, "name", x, y) for i, (x, y) in enumerate(points)])
    for dot in drawn.dots:
        assert drawn.frame.left <= dot.x <= drawn.frame.right
        assert drawn.frame.top <= dot.y <= drawn.frame.bottom


def test_dots_that_are_far_apart_all_have_labels() -> None:
    drawn = plane([(1, "Low", 0.1, 0.1), (2, "High", 0.5, 0.9)])
    assert [dot.label for dot in drawn.dots] == ["Low", "High"]


def test_a_number_that_is_not_known_has_no_place_on_the_axis() -> None:
    drawn = whiskers([("known", 1, Interval(value=5.0, low=2.0, high=9.0)), ("unknown", 2, Interval(value=None))])
    assert drawn.rows[1].at is None
    assert drawn.rows[0].at == 50.0


def test_an_interval_below_zero_widens_the_axis() -> None:
    drawn = whiskers([("loss", 1, Interval(value=-3.0, low=-5.0, high=1.0))])
    assert all(0 <= place <= 100 for row in drawn.rows for place in (row.at, row.low, row.high) if place is not None)
    assert drawn.ticks[0].text.startswith("-")


def test_an_axis_with_fixed_ends_shows_them_even_when_no_number_is_there() -> None:
    drawn = whiskers([("stable", 1, Interval(value=0.3))], ends=(0.0, 1.0))
    assert [drawn.ticks[0].text, drawn.ticks[-1].text] == ["0", "1"]


def test_a_curve_skips_what_is_not_known_and_marks_the_chosen_place() -> None:
    drawn = curves([2, 3, 4], [("silhouette", [0.4, None, 0.2]), ("nothing", [None, None, None])], chosen=4)
    assert [curve.name for curve in drawn.curves] == ["silhouette"]
    assert [chosen for _, _, chosen in drawn.curves[0].dots] == [False, True]


def test_curve_names_keep_a_line_apart() -> None:
    drawn = curves([2, 3], [(name, [0.5, 0.5]) for name in "abc"], chosen=None)
    heights = sorted(curve.end[1] for curve in drawn.curves)
    assert all(b - a >= 16 for a, b in pairwise(heights))


def test_streams_leave_a_fork_beside_each_other_as_wide_as_the_fork() -> None:
    tree = TreeNode(
        rule="",
        share=1.0,
        branches=[TreeNode(rule="a", share=0.25, segment="A"), TreeNode(rule="b", share=0.75, segment="B")],
    )
    first, second, root = streams(tree).knots
    assert first.start is not None
    assert second.start is not None
    assert second.start[1] - first.start[1] == pytest.approx((first.thick + second.thick) / 2)
    assert first.thick + second.thick == pytest.approx(root.thick)


def test_branches_without_a_rule_answer_their_parents_question() -> None:
    tree = TreeNode(
        rule="x > 1",
        share=1.0,
        branches=[TreeNode(rule="", share=0.5, segment="A"), TreeNode(rule="", share=0.5, segment="B")],
    )
    assert [knot.words for knot in streams(tree).knots] == ["yes", "no", "x > 1"]


def test_heat_is_measured_from_everybody_in_the_features_spread() -> None:
    one, other = (s.model_copy(update={"size": 50}) for s in sample.many(2).segments)
    one, other = one.model_copy(update={"means": {"x": 1.0}}), other.model_copy(update={"means": {"x": 5.0}})
    (row,) = heat([one, other], {"x": 4.0})
    assert [cell.away for cell in row.cells] == [-0.5, 0.5]


def test_heat_without_a_mean_has_no_colour() -> None:
    one, other = sample.many(2).segments
    one = one.model_copy(update={"means": {"x": None}})
    other = other.model_copy(update={"means": {"x": 3.0}})
    (row,) = heat([one, other])
    assert [cell.away for cell in row.cells] == [None, 0.0]


def test_a_shortened_text_keeps_its_length() -> None:
    assert shorten("a" * 30, 10) == "a" * 9 + "…"
