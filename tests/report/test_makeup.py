"""The audit by protected traits, changes and releases on the page."""

from __future__ import annotations

from shoal.report.html import render
from shoal.report.makeup import audits
from shoal.summary import Fairness

from . import finds, sample

GENDER, AGE = audits(finds.fairness())


def test_the_least_even_reach_is_told_first() -> None:
    assert [(row.segment, row.group) for row in GENDER.uneven] == [("Frequent big baskets", "female")]
    assert "Least even: Frequent big baskets, female, 0.70 times." in GENDER.says


def test_even_reach_is_told_too() -> None:
    rows = [row for row in finds.fairness().makeup if row.segment == "Steady regulars" and row.trait == "gender"]
    (audit,) = audits(Fairness(makeup=rows))
    assert audit.says.startswith("Every segment reaches every group")


def test_reach_that_was_not_measured_is_no_verdict() -> None:
    assert AGE.says == "Reach could not be compared."
    assert AGE.uneven == []


def test_every_row_has_its_own_place() -> None:
    assert [GENDER.place(row) for row in GENDER.rows] == list(range(6))


def test_a_trait_without_people_is_left_out() -> None:
    assert audits(Fairness(traits=["religion"])) == []


def test_the_page_shows_make_up_and_proxies() -> None:
    html = render(sample.full())
    part = html[html.index('<section id="fairness"') : html.index('<section id="releases"')]
    for words in ("Gender", "Age group", "45% to 53%", "below 0.8", "revenue_90d &gt;= 610", "0.64 to 0.68"):
        assert words in part


def test_an_audit_that_could_not_be_made_says_why() -> None:
    note = "no protected trait is known of anybody"
    html = render(sample.empty().model_copy(update={"fairness": Fairness(note=note)}))
    assert note in html
    assert "No clause of a rule" not in html


def test_every_change_is_told_with_what_moved() -> None:
    html = render(sample.full())
    part = html[html.index('<section id="changes"') : html.index('<section id="predictions"')]
    assert "What changed since 9 Nov 2011" in part
    for change in finds.changes():
        assert change.words in part
        assert f">{change.kind}</span>" in part
        assert all(trait.words in part for trait in change.traits)


def test_every_release_is_told_with_who_decided_and_what_is_done() -> None:
    html = render(sample.full())
    part = html[html.index('<section id="releases"') : html.index('<section id="traditional"')]
    for release in finds.releases():
        assert release.segment in part
        assert release.by in part
        assert release.answer in part
    newest, older = part.index("41 people are left."), part.index("A replenishment reminder")
    assert newest < older


def test_what_is_released_now_is_listed_with_its_rule() -> None:
    html = render(sample.full())
    start = html.index("Released now", html.index('<section id="releases"'))
    listed = html[start : html.index("</table>", start)]
    assert listed.count("<tr><th") == 2
    assert "Steady regulars" in listed


def test_a_released_segment_says_so_beside_its_name() -> None:
    html = render(sample.full())
    start = html.index('id="name-2"')
    assert ">released</span>" in html[start : html.index("</h3>", start)]


def test_a_run_without_findings_has_none_of_these_sections() -> None:
    html = render(sample.older())
    assert not [name for name in ("changes", "fairness", "releases", "inside") if f'<section id="{name}"' in html]
