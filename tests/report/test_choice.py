"""The number of segments: its reason in words, thresholds drawn, silhouette and gap shown but not obeyed."""

from __future__ import annotations

import pytest

from shoal.report.choice import STABLE, TRUSTED, disobeyed, panels, reason
from shoal.report.html import render
from shoal.summary import KChoice
from shoal.validate.verdict import CHECKS

from . import sample


def choice(k: int, mean: float, least: float, *, chosen: bool = False, **more: float | None) -> KChoice:
    return KChoice.model_validate(
        {"k": k, "jaccard_mean": mean, "jaccard_min": least, "chosen": chosen, "silhouette": None, **more}
    )


def test_the_thresholds_drawn_are_those_that_are_obeyed() -> None:
    assert (CHECKS["stability"].passes, CHECKS["stability"].warns) == (STABLE, TRUSTED)


@pytest.mark.parametrize(
    ("tried", "words"),
    [
        ([choice(3, 0.9, 0.8), choice(4, 0.8, 0.7, chosen=True), choice(5, 0.7, 0.3)], "the most that are stable"),
        ([choice(3, 0.9, 0.8, chosen=True), choice(4, 0.8, 0.7)], "more would be stable too (4)"),
        ([choice(3, 0.7, 0.5, chosen=True), choice(4, 0.6, 0.4)], "no number that was tried is"),
        ([choice(3, 0.7, 0.5, chosen=True), choice(4, 0.8, 0.7)], "other numbers were"),
    ],
)
def test_the_reason_is_the_one_that_the_numbers_give(tried: list[KChoice], words: str) -> None:
    assert words in reason(tried)


def test_without_a_choice_there_is_no_reason() -> None:
    assert reason([choice(3, 0.9, 0.8)]) == reason([]) == ""


def test_silhouette_and_gap_say_their_number_and_are_not_obeyed() -> None:
    tried = [choice(2, 0.9, 0.9, silhouette=0.4, gap=0.1), choice(5, 0.8, 0.7, silhouette=0.2, gap=0.5)]
    assert (
        disobeyed(tried)
        == "Silhouette is highest at 2 and the gap statistic is highest at 5; both are shown, not obeyed."
    )


def test_of_equal_silhouettes_the_smaller_number_is_named() -> None:
    assert "at 2;" in disobeyed([choice(k, 0.9, 0.9, silhouette=0.4) for k in (2, 3)])


def test_what_was_not_measured_has_no_panel_and_no_word() -> None:
    tried = [choice(2, 0.9, 0.9), choice(3, 0.9, 0.9, silhouette=float("nan"))]
    assert [panel.title for panel in panels(tried)] == ["Stability: obeyed"]
    assert disobeyed(tried) == ""
    assert panels([]) == []


def test_thresholds_stand_on_the_axis_in_place_of_the_numbers_beside_them() -> None:
    (panel, *_) = panels([choice(2, 0.9, 0.9), choice(3, 0.5, 0.2)])
    texts = [tick.text for tick in panel.drawing.up]
    assert {"0.75", "0.6"} <= set(texts)
    assert len(texts) == len(set(texts))
    assert len(panel.drawing.limits) == 2


def test_one_number_tried_is_drawn() -> None:
    assert panels([choice(4, 0.8, 0.7, chosen=True, overall=-0.1)])[1].drawing.chosen is not None


def test_the_chosen_number_is_marked_in_words_and_every_number_has_its_row() -> None:
    html = render(sample.full())
    assert "5 (chosen)" in html
    part = html[html.index("The numbers behind the curves") :]
    assert part[: part.index("</table>")].count("<tr") == 7
