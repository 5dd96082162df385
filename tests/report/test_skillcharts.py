"""The drawings of a card: places lie in the frame, order is kept, what is not known is not drawn."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shoal.report.skillcharts import FRAME, Scale, plots, scale
from shoal.summary import Bin, ModelCard

from . import cards

amounts = st.lists(st.floats(0, 1e7), min_size=1, max_size=20)


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML ]*([\d.-]+) ([\d.-]+)", path)]


@given(amounts, st.booleans())
def test_an_axis_takes_in_every_number_and_keeps_their_order(values: list[float], money: bool) -> None:
    along = scale(values, amounts=money)
    put = [along.place(value) for value in sorted(values)]
    assert put == sorted(put)
    assert all(0 <= place <= 1 for place in put)
    assert along.high >= max(values)


@example([2.001953125], False)
@given(amounts, st.booleans())
def test_the_ticks_of_an_axis_lie_on_it(values: list[float], money: bool) -> None:
    along = scale(values, amounts=money)
    assert len(along.ticks) >= 2
    assert all(along.low <= at <= along.high * (1 + 1e-9) for at in along.ticks)


def test_amounts_of_very_different_sizes_are_told_apart() -> None:
    along = scale([3, 40, 4800], amounts=True)
    assert along == Scale(1, 10_000, logarithmic=True)
    assert along.place(40) - along.place(3) > 0.2
    assert not scale([0.001, 0.4]).logarithmic


def test_a_card_is_drawn_as_far_as_it_has_numbers() -> None:
    titles = [plot.title for plot in plots(cards.churn())]
    assert titles == ["Predicted, and what came true", "How well it ranks (ROC)", "Precision and recall"]
    assert [plot.title for plot in plots(cards.value())] == ["Predicted, and what came true"]
    assert [plot.title for plot in plots(cards.lookalike())] == ["Similarity and reach"]
    assert plots(cards.trial()) == []


@pytest.mark.parametrize("card", cards.cards(), ids=lambda card: card.name)
def test_nothing_is_drawn_outside_the_frame(card: ModelCard) -> None:
    for plot in plots(card):
        spots = [place for line in plot.lines for place in places(line.path)]
        spots += [(point.x, y) for point in plot.points for y in (point.y, point.low, point.high)]
        assert spots
        assert all(FRAME.left <= x <= FRAME.right and FRAME.top <= y <= FRAME.bottom for x, y in spots)


def test_a_long_curve_is_thinned_but_keeps_its_ends() -> None:
    long = [(i / 20_000, (i / 20_000) ** 0.3) for i in range(20_001)]
    card = cards.churn().model_copy(update={"roc": long})
    curve = places(plots(card)[1].lines[-1].path)
    assert len(curve) < 400
    assert curve[0] == (FRAME.left, FRAME.bottom)
    assert curve[-1] == (FRAME.right, FRAME.top)


def test_numbers_that_are_not_known_are_left_out_of_the_drawings() -> None:
    nan = float("nan")
    bins = [
        Bin(people=9, predicted=0.1, observed=nan, low=nan, high=nan),
        Bin(people=9, predicted=0.2, observed=0.3, low=0.1, high=0.5),
    ]
    card = cards.churn().model_copy(update={"calibration": bins, "roc": [(nan, 0.1)], "precision_recall": []})
    [only] = plots(card)
    assert len(only.points) == 1


def test_a_group_on_the_line_is_drawn_on_the_line() -> None:
    even = Bin(people=9, predicted=0.25, observed=0.25, low=0.2, high=0.3)
    [plot] = plots(ModelCard(name="m", kind="churn", status="used", calibration=[even]))
    [point] = plot.points
    across = (point.x - FRAME.left) / (FRAME.right - FRAME.left)
    up = (FRAME.bottom - point.y) / (FRAME.bottom - FRAME.top)
    assert across == pytest.approx(up, abs=0.005)


def test_a_drawing_tells_its_numbers_in_words() -> None:
    [plot] = plots(cards.value(), "GBP")
    assert "predicted £31, came true £37 [£28, £46], 288 people" in plot.about
