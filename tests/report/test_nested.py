"""Macro segments opened into micro-segments."""

from __future__ import annotations

import re

import pytest

from shoal.errors import NotFound
from shoal.report.html import render
from shoal.report.listing import inside
from shoal.report.nested import nests, opened
from shoal.report.view import View

from . import sample
from .test_terminal import shown

RUN = sample.full()


def test_micro_segments_lie_in_their_macro_segment_the_most_valuable_first() -> None:
    nest = opened(RUN.segments, "Frequent big baskets")
    assert [s.name for s in nest.inside] == ["Weekday wholesalers", "Big baskets, often", "Small baskets, often"]
    assert sum(nest.part(s) or 0 for s in nest.inside) == pytest.approx(1)


def test_macro_segments_come_in_the_order_of_the_report() -> None:
    assert [nest.name for nest in View(RUN).nests] == [
        "Frequent big baskets",
        "Steady regulars",
        "Recent newcomers",
        "Slipping away",
    ]


def test_a_name_is_found_whatever_its_case() -> None:
    assert opened(RUN.segments, "SLIPPING away").name == "Slipping away"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Frequent big basket", "Did you mean 'Frequent big baskets'"),
        ("One order long ago", "has no micro-segments; those that open: Frequent big baskets, "),
        ("Big baskets, often", "is itself a micro-segment of 'Frequent big baskets'"),
    ],
)
def test_what_does_not_open_says_why_and_what_does(name: str, words: str) -> None:
    with pytest.raises(NotFound, match=re.escape(words)):
        opened(RUN.segments, name)


def test_where_nothing_opens_that_is_said() -> None:
    with pytest.raises(NotFound, match="no segment of the last run opens"):
        opened(sample.older().segments, "Steady regulars")


def test_a_micro_segment_whose_macro_segment_is_gone_is_still_shown() -> None:
    orphans = [s for s in RUN.segments if s.kind == "micro"][:1]
    (nest,) = nests(orphans)
    assert (nest.macro, nest.part(orphans[0])) == (None, None)
    assert "Weekday wholesalers" in render(sample.empty().model_copy(update={"segments": orphans}))


def test_micro_segments_are_neither_discovered_nor_traditional() -> None:
    view = View(RUN)
    assert len(view.shown) == 5
    assert "micro" not in view.traditional


def test_the_tree_opens_without_a_script_and_is_folded() -> None:
    html = render(RUN)
    assert re.findall(r'<details class="nest c\d" id="inside-\d"( open)?>', html) == [""] * 4
    assert "Without micro-segments: <bdi>One order long ago</bdi>." in html


def test_each_has_its_people_value_and_next_period() -> None:
    html = render(RUN)
    start = html.index("Regulars who widen", html.index('id="inside"'))
    row = html[start : html.index("</tr>", start)]
    for words in ("at least 6 categories", "431", "13%", "£371", "£289 to £460"):
        assert words in row


def test_a_name_does_not_say_its_parents_again() -> None:
    micro = next(s for s in RUN.segments if s.kind == "micro")
    long = micro.model_copy(update={"name": f"{micro.parent}: few sessions", "words": "few sessions, says the rule"})
    run = RUN.model_copy(update={"segments": [s if s is not micro else long for s in RUN.segments]})
    html = render(run)
    assert "<bdi>Few sessions</bdi>" in html
    assert "few sessions, says the rule" not in html
    text = shown(inside(run, nests(run.segments)), 100)
    assert "few sessions" in text
    assert long.name not in text


def test_checks_of_micro_segments_are_folded() -> None:
    html = render(RUN)
    assert html.index("Micro-segments: checks of 9 segments") < html.index(
        "Weekday wholesalers", html.index('id="checks"')
    )


def test_a_card_leads_to_what_is_inside() -> None:
    assert '<a href="#inside-2">Opens into 2 micro-segments</a>' in render(RUN)
