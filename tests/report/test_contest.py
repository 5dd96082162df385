"""The contest: ranked, the winner in words, columns only where something was measured."""

from __future__ import annotations

import re

import pytest

from shoal.report.contest import Contest, against, ranked
from shoal.report.gloss import gloss
from shoal.report.html import render
from shoal.summary import Comparison, Contender, Interval

from . import finds, sample


def contender(name: str, overall: float | None, kind: str = "discovered") -> Contender:
    return Contender(name=name, kind=kind, segments=5, scores={"overall": Interval(value=overall)})


def test_the_best_comes_first_the_unmeasured_after_and_the_baseline_last() -> None:
    given = [contender("plain", 0.0, "baseline"), contender("unknown", None), contender("b", 0.1), contender("a", 0.2)]
    assert [c.name for c in ranked(given)] == ["a", "b", "unknown", "plain"]


def test_losers_are_below_zero_not_hidden() -> None:
    assert [c.name for c in ranked([contender("bad", -0.1), contender("good", 0.1)])] == ["good", "bad"]


def test_contenders_without_any_score_keep_their_order() -> None:
    given = [Contender(name=name, kind="rfm", segments=1, scores={}) for name in "ba"]
    assert ranked(given) == given


@pytest.mark.parametrize("winner", ["tie", "nobody", "not enough data", ""])
def test_without_a_winner_nobody_is_marked(winner: str) -> None:
    contest = Contest([contender("tie", 0.1, "nobody")], winner)
    assert contest.won is None
    assert contest.standing == "open"


def test_a_winner_named_by_its_kind_is_the_best_of_that_kind() -> None:
    contest = Contest([contender("a", 0.2), contender("b", 0.1)], "discovered")
    assert [contest.stands(c) for c in contest.contenders] == [["won"], []]


def test_what_is_proposed_is_said_also_where_another_won() -> None:
    contest = Contest([contender("a", 0.2), contender("b", 0.1)], "a", "b")
    assert [contest.stands(c) for c in contest.contenders] == [["won"], ["proposed"]]


def test_at_most_three_scores_are_drawn_the_summaries_first() -> None:
    contest = Contest.of(finds.comparison())
    assert contest.leading == ["overall", "value", "behaviour"]
    assert [len(axis.rows) for axis in contest.axes.values()] == [12, 12, 12]


def test_a_run_without_a_comparison_has_an_empty_contest() -> None:
    assert Contest.of(None).contenders == Contest.of_many(None).contenders == []


def table(html: str) -> str:
    start = html.index('<table class="contest')
    return html[start : html.index("</table>", start)]


def test_the_table_has_every_contender_its_note_and_its_evidence() -> None:
    found = table(render(sample.full()))
    for one in finds.comparison().contenders:
        assert gloss(one.name) in found
        assert one.note in found
    assert "least 0.66" in found
    assert "93%" in found


def test_the_winner_is_told_in_words_not_by_colour_alone() -> None:
    row = re.search(r'<tr class="won">.*?</th>', table(render(sample.full())), re.DOTALL)
    assert row
    assert gloss("Clusters on SHAP values") in row[0]
    assert ">won</span>" in row[0]
    assert ">proposed</span>" in row[0]


def test_an_older_run_has_no_column_for_what_was_not_measured() -> None:
    found = table(render(sample.older()))
    assert "Refitted stability" not in found
    assert "Rule agrees" not in found
    assert "24.7%" in found


def test_intervals_stand_in_the_page_for_readers_that_cannot_see_whiskers() -> None:
    assert "14.9% to 18.1%" in table(render(sample.full()))


def test_micro_segments_are_compared_in_a_table_of_their_own() -> None:
    html = render(sample.full())
    second = html[html.index("With many small segments") :]
    assert "RFM cells" in second
    assert "117" in second
    assert "With many small segments" not in render(sample.older())


def test_a_lost_contest_proposes_the_traditional_segments_above_the_discovered() -> None:
    html = render(sample.lost())
    assert '<p class="verdict lost">' in html
    assert html.index("Proposed are traditional segments") < html.index('id="segment-1"')
    assert html.index("Middle tier") < html.index('id="segment-1"')


def test_the_first_sentence_leads_and_the_others_follow() -> None:
    html = render(sample.full())
    assert "(95 % interval 2.6 to 5.9).</p>" in html
    assert '<p class="further">On value alone value tiers lead by 0.7 points, which is a tie.</p>' in html


def test_a_comparison_without_contenders_is_drawn() -> None:
    nothing = Comparison(as_of="", until="", horizon_days=1, people=0, contenders=[], winner="nobody", words="None.")
    assert "None." in render(sample.empty().model_copy(update={"comparison": nothing}))


@pytest.mark.parametrize("kind", ["discovered", "micro"])
def test_many_small_segments_have_their_sentence(kind: str) -> None:
    mine = Contender(name="Ours", kind=kind, segments=21, scores={"overall": Interval(value=0.3)})
    cells = Contender(name="RFM cells", kind="rfm", segments=98, scores={"overall": Interval(value=0.2)})
    assert against(Contest([mine, cells])) == "21 micro-segments: 30.0%, against 20.0% for RFM cells (98)."
    assert against(Contest([mine])) == ""
