"""What it takes to release a segment."""

from __future__ import annotations

import pytest

from shoal.errors import Refused, UsageError
from shoal.govern.release import approval, retirement, to_approve
from shoal.summary import Brief, Segment, Verdict

PASSED = [Verdict(subject="Loyal", check="size", result="pass", value=400)]
FAILED = [*PASSED, Verdict(subject="Loyal", check="stability", result="fail", value=0.41)]


def segment(status: str = "draft", version: int = 1) -> Segment:
    return Segment(
        name="Loyal", version=version, kind="discovered", status=status, rule="orders > 3", words="", size=400,
        share=0.2, brief=Brief(headline=""),
    )  # fmt: skip


def test_an_approval_records_what_was_approved_by_whom_and_what_for() -> None:
    found = approval(segment(version=3), PASSED, answer=" Call them. ", by="ada", note="until May", run_id="r7")
    assert found.model_dump(exclude={"at"}) == {
        "segment": "Loyal", "version": 3, "kind": "discovered", "rule": "orders > 3", "size": 400,
        "decision": "approved", "by": "ada", "answer": "Call them.", "note": "until May", "run_id": "r7",
    }  # fmt: skip
    assert found.at.endswith("+00:00")


@pytest.mark.parametrize("answer", ["", "  ", "?", "-", "nothing", "Nothing different.", "none", "N/A", "no"])
def test_a_segment_for_which_nothing_would_be_done_is_not_released(answer: str) -> None:
    with pytest.raises(Refused, match="What would we do differently"):
        approval(segment(), PASSED, answer=answer, by="ada")


@pytest.mark.parametrize("status", ["refused", "niche"])
def test_what_a_gate_stopped_needs_a_reason_which_is_recorded(status: str) -> None:
    with pytest.raises(Refused, match=f"{status}: failed stability 0.41.*--despite"):
        approval(segment(status), FAILED, answer="call", by="ada", despite=" ")
    found = approval(segment(status), FAILED, answer="call", by="ada", despite="we know them", note="so it is")
    assert found.note == f"despite being {status}: we know them; so it is"


def test_what_no_check_has_looked_at_needs_a_reason_too() -> None:
    with pytest.raises(Refused, match="not validated"):
        approval(segment(), [], answer="call", by="ada")
    assert approval(segment(), [], answer="call", by="ada", despite="a trial").note.startswith("despite being not")


def test_a_reason_without_need_is_not_recorded() -> None:
    assert approval(segment(), PASSED, answer="call", by="ada", despite="just so").note == ""


def test_nothing_is_released_or_retired_twice() -> None:
    with pytest.raises(Refused, match="released already"):
        approval(segment("released"), PASSED, answer="call", by="ada")
    with pytest.raises(Refused, match="retired already"):
        retirement(segment("retired"), why="x", by="ada")


def test_a_retired_segment_may_be_approved_again() -> None:
    assert approval(segment("retired"), PASSED, answer="call", by="ada").decision == "approved"


def test_a_retirement_has_a_reason() -> None:
    with pytest.raises(UsageError, match="--why"):
        retirement(segment(), why=" ", by="ada")
    assert retirement(segment("released"), why="merged", by="ada").note == "merged"


def test_the_user_of_the_machine_is_who_approves_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert approval(segment(), PASSED, answer="call").by == "grace"


def test_who_has_no_name_is_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(UsageError, match="--by WHO"):
        approval(segment(), PASSED, answer="call")


def test_the_newest_version_that_is_not_released_is_the_one_to_approve() -> None:
    both = [segment("released", 1), segment("draft", 2)]
    assert to_approve(both, "loyal").version == 2
    assert to_approve(both, "loyal@1").version == 1
