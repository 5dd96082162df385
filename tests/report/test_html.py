"""The page: everything is in it, nothing gets out of it, nothing in the data gets into it."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from shoal.report import card
from shoal.report.html import render
from shoal.report.view import View
from shoal.summary import Interval, ModelCard, Run, Verdict

from . import sample

_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects elements, text and whether every element is closed in its place."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


RUNS = {
    "full": sample.full(),
    "empty": sample.empty(),
    "one segment": sample.many(1),
    "twenty segments": sample.many(20),
    "long names": sample.many(6, name="Averyveryverylongnamewithoutanyblank" * 8),
    "hostile": sample.hostile(),
    "lost": sample.lost(),
    "older": sample.older(),
    "bare": sample.bare(),
}


@pytest.fixture(params=RUNS, scope="module")
def html(request: pytest.FixtureRequest) -> str:
    return render(RUNS[request.param])


def test_every_element_is_closed_in_its_place(html: str) -> None:
    page = Page(html)
    assert page.wrong == []
    assert page.open == []


def test_it_has_no_script_and_asks_for_nothing(html: str) -> None:
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"})
    addresses = [v for _, attrs in page.elements for k, v in attrs.items() if k in ("src", "href", "xlink:href")]
    assert all(address and address.startswith("#") for address in addresses)
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_no_attribute_runs_code(html: str) -> None:
    names = {name for _, attrs in Page(html).elements for name in attrs}
    assert not [name for name in names if name.startswith("on")]


def test_the_policy_forbids_everything_but_its_own_style(html: str) -> None:
    policy = next(attrs for tag, attrs in Page(html).elements if "http-equiv" in attrs)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_ids_are_unique_and_links_lead_to_them(html: str) -> None:
    page = Page(html)
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert max(ids.values()) == 1
    targets = {(attrs["href"] or "")[1:] for tag, attrs in page.elements if tag == "a"}
    labels = {name for _, attrs in page.elements for name in (attrs.get("aria-labelledby") or "").split()}
    assert (targets | labels) <= set(ids)


def test_it_stays_small(html: str) -> None:
    assert len(html.encode()) < 500_000


def test_every_drawing_has_a_name_for_readers_that_cannot_see_it(html: str) -> None:
    for tag, attrs in Page(html).elements:
        if tag == "svg":
            assert attrs.get("aria-hidden") == "true" or (attrs.get("role") == "img" and attrs.get("aria-label"))


def test_every_header_cell_says_what_it_heads(html: str) -> None:
    assert all(attrs.get("scope") in ("row", "col", "rowgroup") for tag, attrs in Page(html).elements if tag == "th")


def test_headings_go_down_one_level_at_a_time(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert not [(one, other) for one, other in pairwise(levels) if other > one + 1]


def test_every_table_is_named(html: str) -> None:
    """By its caption, or by the region that it scrolls in."""
    tables = re.findall(r'(aria-label="[^"]+">\s*)?<table[^>]*>(\s*<caption)?', html)
    assert all(region or caption for region, caption in tables)


def test_hostile_words_are_shown_as_they_are_without_control_characters() -> None:
    html = render(sample.hostile())
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{7*7}}" in html
    assert not re.search("[\x00\x1b\u202e]", html)


def test_every_segment_verdict_source_and_column_appears() -> None:
    run = sample.full()
    text = Page(render(run)).text
    told = [
        *(s.name for s in run.segments),
        *(s.words for s in run.segments),
        *(v.rule for v in run.verdicts),
        *(v.note for v in run.verdicts),
        *(q.source for q in run.quality),
        *(q.error for q in run.quality),
        *(c.column for q in run.quality for c in q.columns),
        *run.questions,
        *run.notes,
    ]
    assert [words for words in told if words not in text] == []


def test_every_strategy_and_risk_appears() -> None:
    run = sample.full()
    text = Page(render(run)).text
    found = [s for s in run.segments if s.kind != "micro"]
    assert [w for s in found for w in [*s.brief.strategies, *s.brief.risks] if w not in text] == []


def test_a_lost_comparison_is_told_at_the_top() -> None:
    text = Page(render(sample.older())).text
    assert text.index("Value tiers explain most") < text.index("Segments worth acting on")


def test_a_refused_segment_says_that_it_cannot_be_released() -> None:
    assert "it cannot be released as it is" in Page(render(sample.full())).text


def test_an_empty_run_says_so_in_every_part() -> None:
    text = Page(render(sample.empty())).text
    for words in (
        "No segment was discovered in this run",
        "were not compared",
        "No check was made in this run.",
        "No source was read in this run.",
    ):
        assert words in text


def test_not_enough_data_is_neither_a_pass_nor_a_number() -> None:
    verdict = Verdict(subject="set:discovered", check="drift", result="not enough data", rule="below 0.2")
    html = render(sample.empty().model_copy(update={"verdicts": [verdict]}))
    text = Page(html).text
    assert "Drift : below 0.2" in text
    assert "<small>not enough data</small>" in html
    assert '<span class="mark not-enough-data">' in html


def test_a_run_without_money_shows_no_revenue() -> None:
    run = sample.full()
    segments = [
        s.model_copy(
            update={
                "value_share": None,
                "next_period": {"retention": Interval(value=0.4, low=0.3, high=0.5)},
                "brief": s.brief.model_copy(update={"expected_revenue": None}),
            }
        )
        for s in run.segments
        if s.kind == "discovered"
    ]
    bare = {"segments": segments, "subgroups": [], "currency": None, "extra": {}}
    html = render(Run.model_validate({**run.model_dump(), **bare}))
    assert "Past revenue" not in html
    assert "Size against value" not in html
    assert "Came back" in html


def test_every_model_has_its_question_its_verdict_and_an_anchor() -> None:
    run = sample.full()
    html = render(run)
    page = Page(html)
    ids = {attrs.get("id") for _, attrs in page.elements}
    for one in run.models:
        assert f"model-{one.name}" in ids
        told = (card.headline(one), card.verdict(one, "GBP"), card.standing(one, "GBP"), one.label)
        assert [words for words in told if words not in page.text] == []


def test_every_way_limit_note_and_left_out_feature_of_every_model_appears() -> None:
    run = sample.full()
    text = Page(render(run)).text
    told = [
        words
        for one in run.models
        for words in (*(s.name for s in one.skills), *one.limits, *one.notes, *one.dropped.values())
    ]
    assert len(told) > 30
    assert [words for words in told if words not in text] == []


def test_the_first_three_models_are_open_and_the_rest_folded() -> None:
    elements = Page(render(sample.full())).elements
    tags = [tag for tag, attrs in elements if "model" in (attrs.get("class") or "").split() and tag != "path"]
    assert tags == ["article"] * 3 + ["details"] * (len(sample.full().models) - 3)


def test_models_whose_names_differ_in_odd_letters_keep_their_own_anchors() -> None:
    ids = [attrs["id"] for _, attrs in Page(render(sample.hostile())).elements if "id" in attrs]
    assert len({name for name in ids if name and name.startswith("model-")}) == 2 * 3 + 2 * (8 - 3)
    assert not [name for name in ids if name and " " in name]


def test_a_model_that_was_not_judged_out_of_time_says_so() -> None:
    assert "Not out of time: judged on people whom it had not seen" in Page(render(sample.full())).text


def test_a_run_without_models_says_how_to_get_some() -> None:
    assert "Nothing was predicted in this run. Name a goal:" in " ".join(Page(render(sample.empty())).text.split())


@pytest.mark.parametrize("models", [[], None])
def test_a_card_with_nothing_but_its_name_is_shown_without_a_number(models: list[ModelCard] | None) -> None:
    bare = [ModelCard(name="m", kind="churn", status="not enough data")] if models is None else models
    html = render(sample.empty().model_copy(update={"models": bare}))
    assert ("Who will leave" in html) == bool(bare)
    section = html[html.index('id="predictions"') : html.index('id="checks"')]
    assert "<svg" not in section


def test_segments_are_ordered_by_value_with_refused_ones_last() -> None:
    names = [shown.segment.name for shown in View(sample.full()).shown]
    assert names[0] == "Frequent big baskets"
    assert names[-1] == "Slipping away"


@pytest.mark.parametrize(
    ("winner", "standing"), [("Value tiers", "lost"), ("Discovered segments", "won"), ("tie", "open")]
)
def test_losing_is_being_beaten_by_another_cut(winner: str, standing: str) -> None:
    comparison = sample.older().comparison
    assert comparison is not None
    run = sample.older().model_copy(update={"comparison": comparison.model_copy(update={"winner": winner})})
    assert View(run).contest.standing == standing


def test_a_card_shows_two_measures_and_the_drawings_all_that_are_not_rescaled() -> None:
    run = sample.many(1)
    names = ("log_revenue", "basket", "retained", "capped_revenue", "revenue")
    segment = run.segments[0].model_copy(update={"next_period": {name: Interval(value=0.5) for name in names}})
    view = View(run.model_copy(update={"segments": [segment]}))
    assert list(view.shown[0].headline_measures) == ["revenue", "retained"]
    assert list(view.next_period) == ["revenue", "retained", "basket"]
