"""Lists of segments and the short lines of findings in the terminal."""

from __future__ import annotations

import pytest

from shoal.report import listing, nested, terminal

from . import finds, sample
from .test_terminal import shown

RUN = sample.full()


def test_micro_segments_are_counted_not_listed() -> None:
    text = shown(listing.listing(RUN))
    assert "9 micro-segments inside. See: shoal segments [NAME] --inside" in text
    assert not [s.name for s in RUN.segments if s.kind == "micro" and s.name in text]


def test_without_micro_segments_nothing_is_said_of_them() -> None:
    assert "--inside" not in shown(listing.listing(sample.older()))


def test_a_segment_opens_into_its_micro_segments_with_rule_and_numbers() -> None:
    text = shown(listing.inside(RUN, [nested.opened(RUN.segments, "Steady regulars")]), 120)
    for words in (
        "opens into 2 micro-segments",
        "Regulars who widen",
        "at least 6 categories",
        "431",
        "£289 to £460",
        "1✓",
    ):
        assert words in text
    assert "Weekday wholesalers" not in text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("run", [RUN, sample.hostile(), sample.bare()], ids=["full", "hostile", "bare"])
def test_opened_segments_fit_the_terminal(run: sample.Run, width: int) -> None:
    text = shown(listing.inside(run, nested.nests(run.segments)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_a_run_that_opens_nothing_says_so() -> None:
    assert "No segment of the last run opens" in shown(listing.inside(sample.older(), []))


def test_released_retired_and_proposed_segments_say_so() -> None:
    text = shown(listing.listing(sample.lost()), 140)
    assert "Steady regulars (released)" in text
    assert "Top tier (proposed)" in text
    assert "Steady regulars (released) (proposed)" not in text


def test_that_all_are_proposed_is_not_said_of_each() -> None:
    assert "(proposed)" not in shown(terminal.overview(RUN), 100)


def test_the_overview_tells_the_contest_the_subgroups_and_the_changes() -> None:
    text = " ".join(shown(terminal.overview(RUN), 200).split())
    for words in (
        "they win by 4.2 points",
        "Refitted stability 0.81 (least 0.66), a period later 0.61, rule agrees 93%.",
        "9 micro-segments: 18.3%, against 9.5% for RFM cells (117).",
        "Value 2 of 30 confirmed (30 before adjustment): 131 people",
        "Leaving 0 of 30 confirmed (11 before adjustment) Growth not enough data",
        "Changed since 9 Nov 2011",
        "emerging Weekday wholesalers; moved Steady regulars; growing Slipping away; vanishing Christmas guests",
    ):
        assert words in text


def test_the_overview_grows_by_few_lines_at_80_columns() -> None:
    now, then = (len(shown(terminal.overview(run)).splitlines()) for run in (RUN, sample.older()))
    assert now - then <= 18


def test_a_brief_leads_to_what_is_inside_and_to_where_it_lies() -> None:
    assert "It opens into 2 micro-segments. See: shoal segments 'Steady regulars' --inside" in shown(
        terminal.brief(RUN, "Steady regulars"), 120
    )
    assert "Inside Frequent big baskets" in shown(terminal.brief(RUN, "Big baskets, often"))


def test_the_contest_table_marks_winner_and_proposed_in_words() -> None:
    text = shown(terminal.contest(finds.comparison()), 120)
    assert "Clusters on SHAP values (won) (proposed)" in text
    assert text.index("Clusters on SHAP values") < text.index("Value tiers") < text.index("Everybody alike")
