"""The checks of the first lines, what failed, and the sheets of all."""

from __future__ import annotations

from shoal.report import terminal
from shoal.report.checks import counted, counts, failed, sheets, tally
from shoal.report.html import render
from shoal.report.view import View
from shoal.summary import Run, Segment, Verdict

from . import sample
from .test_terminal import shown


def failing(subject: str, check: str = "contrast") -> Verdict:
    return Verdict(subject=subject, check=check, result="fail", rule="at least 0.2")


def with_failures() -> Run:
    run = sample.full()
    micro = next(s for s in run.segments if s.kind == "micro")
    rfm = next(s for s in run.segments if s.kind == "rfm")
    added = [failing(micro.name), failing(rfm.name), failing("set:rfm"), failing("Steady regulars", "odd check")]
    return run.model_copy(update={"verdicts": [*run.verdicts, *added]})


def changed(segment: Segment, **what: object) -> Segment:
    return segment.model_copy(update=what)


def test_yardsticks_and_micro_segments_are_not_counted() -> None:
    run = with_failures()
    subjects = {v.subject for v in counted(run)}
    assert {"Steady regulars", "set:discovered"} <= subjects
    assert not subjects & {"set:rfm", *(s.name for s in run.segments if s.kind in ("micro", "rfm"))}


def test_what_is_proposed_or_released_is_counted_whatever_its_kind() -> None:
    run = sample.full()
    rfm = next(s for s in run.segments if s.kind == "rfm")
    micro = next(s for s in run.segments if s.kind == "micro")
    assert counts(changed(rfm, proposed=True, status="draft"))
    assert counts(changed(micro, status="released"))
    assert not counts(changed(micro, proposed=True, status="draft"))


def test_the_first_lines_say_what_failed() -> None:
    run = with_failures()
    assert "odd check (Steady regulars)" in failed(counted(run))
    assert "odd check (Steady regulars)" in render(run)
    assert failed([]) == ""


def test_the_terminal_lists_every_failure_that_it_counts() -> None:
    run = sample.full()
    many = [failing("Steady regulars", f"check{i}") for i in range(12)]
    run = run.model_copy(update={"verdicts": [*run.verdicts, *many]})
    text = shown(terminal.overview(run))
    assert f"{tally(counted(run))['fail']} failed" in text
    assert all(f"check{i} " in text for i in range(12))


def test_a_sheet_says_a_threshold_once_and_marks_every_subject() -> None:
    view = View(with_failures())
    first = view.sheets[0]
    assert first.checks["size"] == "at least 2% of people and 50 people"
    cells = [first.cell(name, "size") for name in first.subjects if view.number(name)]
    assert [cell.result for cell in cells if cell] == ["pass"] * 5
    assert first.cell("Slipping away", "odd check") is None


def test_traditional_and_micro_sheets_are_folded() -> None:
    run = with_failures()
    titles = {sheet.title: sheet.folded for sheet in sheets(run, View(run).subjects)}
    assert titles == {"Segments": False, "Sets of segments": False, "Micro-segments": True, "RFM segments": True}
