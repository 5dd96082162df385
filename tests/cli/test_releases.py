"""`shoal approve`, `retire` and `releases`: what is shown, asked, refused and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shoal.cli import ask
from shoal.cli.app import app
from shoal.store import audit
from shoal.store.database import Database
from shoal.summary import Brief, Run, Segment, Verdict
from shoal.workspace import Workspace


def segment(
    name: str, status: str = "draft", version: int = 1, rule: str = "orders > 3", carried: bool = False
) -> Segment:
    return Segment(
        name=name, version=version, kind="discovered", status=status, rule=rule, words=f"{rule}, in words", size=400,
        share=0.2, brief=Brief(headline=""), carried=carried,
    )  # fmt: skip


def verdict(subject: str, check: str, result: str) -> Verdict:
    return Verdict.model_validate(
        {"subject": subject, "check": check, "result": result, "value": 0.41, "rule": "a rule"}
    )


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    """A workspace with a run as its stages might have told it."""
    workspace = Workspace(tmp_path)
    told = Run(
        run_id="", workspace="shop", as_of="2024-05-01", rows={},
        segments=[segment("Loyal"), segment("Shaky", "refused"), segment("New", "niche")],
        verdicts=[
            verdict("Loyal", "size", "pass"), verdict("Loyal", "reach", "warn"), verdict("Shaky", "stability", "fail"),
            verdict("New", "size", "fail"),
        ],
    )  # fmt: skip
    with workspace.runs.begin(3) as run:
        run.write_part("run", told.model_copy(update={"run_id": run.run_id}).model_dump(mode="json"))
    return workspace


def call(here: Workspace, *args: str, say: str | None = None) -> Result:
    return CliRunner().invoke(app, [*args, "-w", str(here.folder)], input=say)


def test_approving_shows_what_it_is_and_records_the_answer(here: Workspace) -> None:
    done = call(here, "approve", "loyal", "--answer", "Call them", "--by", "ada", "--note", "until May")
    assert done.exit_code == 0, done.output
    for shown in (
        "orders > 3, in words",
        "400 people",
        "Reach 0.41".lower(),
        "Call them",
        "until May",
        "released by ada",
    ):
        assert shown in done.output.replace("\n", " "), shown
    assert "stability" not in done.output
    record = here.releases()[0]
    assert (record.segment, record.version, record.answer, record.by, record.size) == (
        "Loyal",
        1,
        "Call them",
        "ada",
        400,
    )
    assert record.run_id == here.last_run().run_id
    line = audit.entries(Database(here.folder))[0]
    assert [one["check"] for one in line.detail["verdicts"]] == ["size", "reach"]


def test_at_a_terminal_the_question_is_asked(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "at_terminal", lambda: True)
    done = call(here, "approve", "Loyal", "--by", "ada", say="Send the catalogue first\n")
    assert done.exit_code == 0, done.output
    assert done.output.index("in words") < done.output.index("What would we do differently for this segment?")
    assert here.releases()[0].answer == "Send the catalogue first"


def test_an_empty_answer_is_refused_and_nothing_recorded(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "at_terminal", lambda: True)
    done = call(here, "approve", "Loyal", "--by", "ada", say="\n")
    assert done.exit_code == 1
    assert "say what, in a sentence" in done.stderr
    assert here.releases() == []


def test_without_an_answer_and_a_terminal_it_is_misuse(here: Workspace) -> None:
    done = call(here, "approve", "Loyal")
    assert done.exit_code == 2
    assert "Remedy: --answer TEXT" in done.stderr
    assert here.releases() == []


def test_with_json_nothing_is_asked_and_stdout_is_json(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "at_terminal", lambda: True)
    assert call(here, "approve", "Loyal", "--json").exit_code == 2
    done = call(here, "approve", "Loyal", "--answer", "Call them", "--by", "ada", "--json")
    assert json.loads(done.stdout)["decision"] == "approved"
    refused = call(here, "approve", "Loyal", "--answer", "Call them", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["type"] == "Refused"


@pytest.mark.parametrize("name", ["Shaky", "New"])
def test_what_a_gate_stopped_is_refused_before_anything_is_asked(
    here: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ask, "at_terminal", lambda: True)
    done = call(here, "approve", name, say="Call them\n")
    assert done.exit_code == 1
    assert "--despite REASON" in done.stderr
    assert "What would we do differently" not in done.output
    done = call(here, "approve", name, "--answer", "Call them", "--by", "ada", "--despite", "we know them")
    assert done.exit_code == 0, done.output
    assert "we know them" in here.releases()[0].note


def test_an_unknown_segment_is_said_with_the_nearest(here: Workspace) -> None:
    done = call(here, "approve", "Loyall", "--answer", "Call them")
    assert done.exit_code == 1
    assert "Did you mean 'Loyal'" in done.stderr


def test_retiring_needs_a_reason_and_ends_the_released_version(here: Workspace) -> None:
    call(here, "approve", "Loyal", "--answer", "Call them", "--by", "ada")
    assert call(here, "retire", "Loyal").exit_code == 2
    done = call(here, "retire", "Loyal", "--why", "it was a trial", "--by", "bob")
    assert done.exit_code == 0, done.output
    assert "retired by bob" in done.output
    assert here.segment("Loyal").status == "retired"
    assert call(here, "retire", "Loyal", "--why", "again").exit_code == 1


def test_the_history_is_shown_newest_first_and_as_json_oldest_first(here: Workspace) -> None:
    assert "Nothing was released yet" in call(here, "releases").output
    assert json.loads(call(here, "releases", "--json").stdout) == []
    call(here, "approve", "Loyal", "--answer", "Call them", "--by", "ada")
    call(here, "retire", "Loyal", "--why", "a trial", "--by", "bob")
    shown = call(here, "releases").output
    assert shown.index("retired by bob") < shown.index("approved by ada")
    told = json.loads(call(here, "releases", "--json").stdout)
    assert [one["decision"] for one in told] == ["approved", "retired"]


def test_what_it_would_replace_is_shown(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    both = [segment("Loyal", "draft", 2, "orders > 5"), segment("Loyal", "released", 1, carried=True)]
    told = Run(
        run_id="r", workspace="s", as_of="", rows={}, segments=both,
        verdicts=[verdict("Loyal", "size", "pass"), verdict("Loyal@1", "share", "fail")],
    )  # fmt: skip
    with here.runs.begin(3) as run:
        run.write_part("run", told.model_dump(mode="json"))
    from shoal.govern.release import approval
    from shoal.store import releases

    first = approval(segment("Loyal"), told.verdicts, answer="Call them", by="ada")
    releases.add(Database(tmp_path), first)
    shown = call(here, "approve", "Loyal", "--answer", "Call them twice", "--by", "ada")
    assert shown.exit_code == 0, shown.output
    assert "It replaces v1, 400 people: orders > 3, in words" in shown.output
    assert "1 check, all passed" in shown.output
    assert here.segment("Loyal").version == 2
    whole = call(here, "segments", "Loyal@1")
    assert "orders > 3" in whole.output
    assert [one["check"] for one in json.loads(call(here, "segments", "Loyal@1", "--json").stdout)["verdicts"]] == [
        "share"
    ]
