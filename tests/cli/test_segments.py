"""`shoal segments --inside`: macro segments opened into micro-segments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from report import sample
from shoal import summary
from shoal.cli.app import app
from shoal.workspace import Workspace


def ran(folder: Path, run: summary.Run) -> Workspace:
    """A workspace whose last run told this."""
    workspace = Workspace(folder)
    with workspace.runs.begin(keep=1) as made:
        made.write_part("run", run.model_dump(mode="json"))
    return workspace


@pytest.fixture
def full(tmp_path: Path) -> Workspace:
    return ran(tmp_path, sample.full())


def shoal(*args: str, at: Workspace) -> Result:
    return CliRunner().invoke(app, [*args, "-w", str(at.folder)])


def test_one_segment_opens_into_its_micro_segments(full: Workspace) -> None:
    done = shoal("segments", "steady regulars", "--inside", at=full)
    assert done.exit_code == 0
    assert "Regulars who widen" in done.stdout
    assert "Weekday wholesalers" not in done.stdout


def test_as_json_it_is_the_segment_with_its_micro_segments(full: Workspace) -> None:
    told = json.loads(shoal("segments", "Steady regulars", "--inside", "--json", at=full).stdout)
    assert told["name"] == "Steady regulars"
    assert [(one["name"], one["parent"]) for one in told["micro"]] == [
        ("Regulars who widen", "Steady regulars"),
        ("Regulars of few categories", "Steady regulars"),
    ]


def test_without_a_name_all_open(full: Workspace) -> None:
    told = json.loads(shoal("segments", "--inside", "--json", at=full).stdout)
    assert sum(len(one["micro"]) for one in told) == 9
    assert "Weekday wholesalers" in shoal("segments", "--inside", at=full).stdout


def test_a_segment_without_micro_segments_is_refused_with_a_reason(full: Workspace) -> None:
    done = shoal("segments", "One order long ago", "--inside", "--json", at=full)
    assert done.exit_code == 1
    assert "has no micro-segments" in json.loads(done.stdout)["error"]["message"]


def test_an_older_run_opens_into_nothing_and_says_so(tmp_path: Path) -> None:
    workspace = ran(tmp_path, sample.older())
    assert json.loads(shoal("segments", "--inside", "--json", at=workspace).stdout) == []
    assert "No segment of the last run opens" in shoal("segments", "--inside", at=workspace).stdout


def test_the_list_hides_micro_segments_from_people_not_from_programs(full: Workspace) -> None:
    assert "Weekday wholesalers" not in shoal("segments", at=full).stdout
    told = json.loads(shoal("segments", "--json", at=full).stdout)
    assert sum(one["kind"] == "micro" for one in told) == 9


def test_a_micro_segment_is_printed_in_full_by_its_name(full: Workspace) -> None:
    assert "Inside Frequent big baskets" in shoal("segments", "Big baskets, often", at=full).stdout
