"""What the terminal shows, at several widths, in colour and without."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from shoal.errors import NotFound
from shoal.report import listing, person, terminal

from . import sample


def shown(renderable: RenderableType, width: int = 80, *, colour: bool = False, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace")
    console = Console(file=file, width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    console.print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)


RUNS = {
    "full": sample.full(),
    "empty": sample.empty(),
    "twenty": sample.many(20),
    "long names": sample.many(3, name="Averylongnamewithoutanyblank" * 6),
    "hostile": sample.hostile(),
    "lost": sample.lost(),
    "older": sample.older(),
    "bare": sample.bare(),
}


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("name", RUNS)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    for renderable in (terminal.overview(RUNS[name], "report.html"), listing.listing(RUNS[name])):
        assert max(len(line) for line in shown(renderable, width).splitlines()) <= width


def test_every_segment_is_listed_with_its_people_and_shares_at_80_columns() -> None:
    text = shown(terminal.overview(sample.full()))
    for segment in sample.full().segments[:5]:
        line = next(line for line in text.splitlines() if segment.name in line and "%" in line)
        assert f"{segment.size:,}" in line


def test_a_wide_terminal_shows_intervals() -> None:
    assert "£724 to £985" not in shown(terminal.overview(sample.full()), 80)
    assert "£724 to £985" in shown(terminal.overview(sample.full()), 130)


def test_the_outcome_failures_data_questions_and_the_report_are_told() -> None:
    text = " ".join(shown(terminal.overview(sample.older(), "out/report.html"), 200).split())
    for words in (
        "Value tiers explain most of the next 13 weeks' revenue",
        "1 failed",
        "2 not enough data",
        "Slipping away: stability 0.66",
        "541,909 rows read",
        "not read. data/tickets.csv",
        "is UnitPrice in pounds?",
        "Report: out/report.html",
    ):
        assert words in text


def test_hostile_words_neither_style_nor_steer_the_terminal() -> None:
    text = shown(terminal.overview(sample.hostile(), "x"), colour=False)
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "[bold red]" in "".join(text.split("\n")).replace("bold \x20", "bold ").replace("  ", " ")


def test_without_colour_there_are_no_escape_sequences() -> None:
    assert "\x1b[" in shown(terminal.overview(sample.full()), colour=True)
    assert "\x1b[" not in shown(terminal.overview(sample.full()))


def test_a_terminal_without_unicode_gets_plain_marks() -> None:
    text = shown(terminal.overview(sample.older()), encoding="ascii")
    assert "19 passed" in text
    assert "+ 19 passed" in text


def test_a_brief_finds_its_segment_whatever_the_case() -> None:
    text = shown(terminal.brief(sample.full(), "slipping AWAY"), 120)
    assert "recency_days > 60 and orders >= 2" in text
    assert "Win back before day 90" in text
    assert "fails below 0.6" in text


def test_a_brief_of_a_traditional_segment_says_that_nothing_was_checked() -> None:
    assert "No check was made on it." in shown(terminal.brief(sample.full(), "Champions"))


def test_a_brief_of_an_unknown_segment_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean 'Steady regulars'"):
        terminal.brief(sample.full(), "Steady regular")


def test_the_comparison_table_has_every_contender_and_its_score() -> None:
    comparison = sample.older().comparison
    assert comparison is not None
    text = shown(terminal.contest(comparison), 120)
    assert all(contender.name in text for contender in comparison.contenders)
    assert "24.7%" in text


PERSON = {
    "profile_id": "p00000000000000ff",
    "first_seen": "2011-01-03T00:00:00Z",
    "last_seen": "2011-12-03T00:00:00Z",
    "currency": "GBP",
    "identifiers": [{"type": "email", "value": "ann@example.com", "source": "newsletter"}],
    "traits": {"country": "United Kingdom", "plan": None},
    "features": {"orders_90d": 4, "loyal": True},
    "memberships": [
        {"segment": "Steady regulars", "entered_at": "2011-10-01T00:00:00Z"},
        {"segment": "New", "entered_at": "2011-01-03T00:00:00Z", "left_at": "2011-04-03T00:00:00Z"},
    ],
    "timeline": [{"at": "2011-12-03T09:12:00Z", "event": "Order Completed", "value": 12.5, "properties": {"n": 3}}],
}


def test_a_profile_shows_all_that_is_known_of_a_person() -> None:
    text = shown(person.profile(PERSON))
    for words in (
        "ann@example.com",
        "United Kingdom",
        "orders_90d",
        "since 1 Oct 2011",
        "to 3 Apr 2011",
        "£12.50",
        "n=3",
    ):
        assert words in text


def test_a_profile_shows_what_the_person_is_drawn_to_and_what_is_new_for_them() -> None:
    items = [
        {"model": "tastes", "rank": 2, "item": "i2", "name": "Milk", "new": False},
        {"model": "tastes", "rank": 1, "item": "i1", "name": None, "new": False},
        {"model": "tastes", "rank": 3, "item": "i3", "name": "Figs", "new": True},
    ]
    text = shown(person.profile({"profile_id": "p1", "affinities": items}))
    drawn, new = text.split("Drawn to")[1].split("New for them")
    assert drawn.split() == ["i1", "Milk"]
    assert new.split()[0] == "Figs"


def test_a_profile_with_nothing_but_its_id_says_none() -> None:
    assert shown(person.profile({"profile_id": "p1"})).count("none") == 5


def test_an_explanation_tells_each_clause_with_the_persons_value() -> None:
    answer = {
        "profile_id": "p1",
        "segment": "Steady regulars",
        "at": "2011-12-03T00:00:00Z",
        "member": False,
        "clauses": [
            {"words": "at least 3 orders", "holds": True, "actual": 4},
            {"text": "recency_days <= 20", "holds": False, "actual": 44.2},
            {"words": "weekend share known", "holds": None, "actual": None},
        ],
    }
    lines = shown(person.explanation(answer)).splitlines()
    assert "p1 is not in Steady regulars" in lines[0]
    assert [line.split()[0] for line in lines if any(s in line for s in ("orders", "recency", "weekend"))] == [
        "✓",
        "✕",
        "–",  # noqa: RUF001
    ]


def test_findings_come_worst_first_with_their_remedy() -> None:
    text = shown(
        person.findings(
            [
                {"severity": "question", "what": "is it pounds?"},
                {
                    "severity": "error",
                    "where": "shoal.yaml:7",
                    "what": "'at' is missing",
                    "remedy": "name the time column",
                },
            ]
        )
    )
    assert text.index("'at' is missing") < text.index("name the time column") < text.index("is it pounds?")
    assert "1 fault to mend." in text


def test_no_finding_is_good_news() -> None:
    assert "Nothing is wrong." in shown(person.findings([]))
