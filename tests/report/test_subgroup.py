"""Subgroups: what is claimed and what is not, in the target's own unit."""

from __future__ import annotations

import re

import pytest

from shoal.report.html import render
from shoal.report.subgroup import Target, short
from shoal.summary import Interval, Subgroup, Subgroups

from . import finds, sample

VALUE, CHURN, GROWTH = (Target.of(found, "GBP") for found in finds.subgroups())


def of(target: str, inside: float | None, effect: float | None, currency: str | None = "GBP") -> Target:
    group = Subgroup(
        rule="a > 1",
        words="a",
        claim="",
        size=1,
        share=0.1,
        inside=inside,
        outside=inside,
        raw=Interval(value=effect),
        adjusted=Interval(value=effect),
        confirmed=False,
    )
    words = "revenue in 90 days" if target == "value" else target
    return Target.of(Subgroups(target=target, words=words, found=[group]), currency)


@pytest.mark.parametrize(
    ("target", "inside", "effect", "currency", "said"),
    [
        ("value", 240.0, 61.2, "GBP", "+£61"),
        ("value", 0.5, -0.25, "GBP", "-£0.25"),
        ("value", 240.0, 61.2, None, "+61.2"),
        ("churn", 0.4, -0.123, "GBP", "-12 points"),
        ("response", 0.4, 0.05, None, "+5 points"),
        ("visits", 14.0, 2.25, "GBP", "+2.25"),
        ("churn", None, None, "GBP", "–"),  # noqa: RUF001
        ("value", 1.0, float("nan"), "GBP", "–"),  # noqa: RUF001
    ],
)
def test_an_effect_is_told_in_its_unit(
    target: str, inside: float | None, effect: float | None, currency: str | None, said: str
) -> None:
    assert of(target, inside, effect, currency).effect(effect) == said


def test_an_interval_names_its_unit_once() -> None:
    assert CHURN.span(Interval(value=0.05, low=-0.07, high=0.17)) == "-7 to +17"
    assert VALUE.span(Interval(value=61.0)) == ""


def test_raw_and_adjusted_effects_lie_on_one_axis() -> None:
    assert len(VALUE.axis.rows) == 2 * len(VALUE.found.found)
    assert (VALUE.axis.rows[0].at or 0) > (VALUE.axis.rows[1].at or 0)


def test_a_few_unconfirmed_are_shown_and_the_rest_folded() -> None:
    shown, folded = VALUE.groups
    assert [group.confirmed for _, group in shown] == [True, True, *[False] * 3]
    assert len(folded) == 5


def test_every_step_of_the_search_is_counted() -> None:
    assert [step[0] for step in VALUE.steps] == ["48,310", "30", "30", "2"]
    assert GROWTH.steps == []


def test_a_target_that_could_not_be_searched_says_so() -> None:
    assert short(finds.subgroups()[2]) == "not enough data"
    assert short(Subgroups(target="x", words="", people=100)) == "nothing to test"


def section(html: str) -> str:
    return html[html.index('<section id="subgroups"') : html.index('<section id="changes"')]


def test_the_page_tells_every_result_and_claim() -> None:
    html = section(render(sample.full()))
    for found in finds.subgroups():
        assert found.says in html
        for group in found.found:
            assert group.words.replace("%", "%") in html
            assert group.claim in html


def test_what_is_not_confirmed_says_so_in_words() -> None:
    html = section(render(sample.full()))
    rows = re.findall(r'<tr class="doubtful-group">.*?</th>', html, re.DOTALL)
    assert len(rows) == 9
    assert all(">not confirmed</span>" in row for row in rows)
    assert html.count(">confirmed</span>") == 2


def test_a_run_without_a_search_has_no_section() -> None:
    assert 'id="subgroups"' not in render(sample.older())
