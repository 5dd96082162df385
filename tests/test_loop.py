"""The whole loop as a newcomer runs it: one raw file, `init`, `run`, and what can be asked afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shoal
from shoal.errors import NotFound, UsageError
from shoal.workspace import Workspace
from shop import write_orders


def command(*args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shoal", *args], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("loop")
    write_orders(folder / "orders.csv")
    Workspace.init(folder, [folder / "orders.csv"])
    workspace = shoal.open(folder)
    workspace.run()
    return workspace


def test_every_row_is_loaded_or_quarantined(done: Workspace) -> None:
    for source in done.last_run().quality:
        assert source.read == source.loaded + source.quarantined
        assert source.read > 500


def test_the_tables_have_their_standing_columns(done: Workspace) -> None:
    from shoal.tables import PUBLIC

    for name, schema in PUBLIC.items():
        assert done.table(name).to_arrow().column_names[: len(schema.names)] == schema.names


def test_there_are_two_to_six_discovered_segments_that_everybody_is_in_once(done: Workspace) -> None:
    found = [segment for segment in done.segments if segment.kind == "discovered"]
    assert 2 <= len(found) <= 6
    assert sum(segment.size for segment in found) == done.table("profiles").to_arrow().num_rows


def test_a_segment_is_its_rule(done: Workspace) -> None:
    for segment in done.segments:
        name = segment.name.replace("'", "''")
        members = done.table("memberships").sql(
            f"select count(*) as n from memberships where left_at is null and segment = '{name}'"
        )
        assert members["n"][0].as_py() == segment.size


def test_no_two_segments_share_a_name(done: Workspace) -> None:
    names = [segment.name for segment in done.segments]
    assert len(set(names)) == len(names)


def test_explain_tells_each_clause_and_agrees_with_the_membership(done: Workspace) -> None:
    segment = next(one for one in done.segments if one.kind == "discovered")
    members = done.table("memberships").sql(f"select profile_id from memberships where segment = '{segment.name}'")
    inside = done.explain(segment.name, members["profile_id"][0].as_py())
    assert inside["member"] is True
    assert inside["clauses"]


def test_explain_at_an_earlier_instant_knows_only_what_was_known_then(done: Workspace) -> None:
    segment = next(one for one in done.segments if one.kind == "rfm" and "orders" in one.rule)
    told = done.explain(segment.name, "10000", at="2024-04-01")
    actual = next(clause["actual"]["orders"] for clause in told["clauses"] if "orders" in clause["actual"])
    counted = done.table("events").sql(
        "select count(distinct properties.order_id) as n from events join identifiers using (profile_id) "
        "where identifiers.value = '10000' and \"at\" <= timestamptz '2024-04-01 00:00:00+00'"
    )
    assert told["at"].startswith("2024-04-01")
    assert actual == counted["n"][0].as_py()
    assert actual < done.profile("10000")["features"]["orders"]


def test_a_profile_is_found_by_any_identifier(done: Workspace) -> None:
    by_value = done.profile("10000")
    assert by_value["profile_id"] == done.profile(by_value["profile_id"])["profile_id"]
    assert {"identifiers", "features", "memberships", "timeline"} <= set(by_value)


def test_an_unknown_profile_is_said(done: Workspace) -> None:
    with pytest.raises(NotFound, match="nobody"):
        done.profile("no-such-person")


def test_a_second_run_keeps_the_profile_ids_and_the_segments(done: Workspace) -> None:
    before = done.table("identifiers").to_arrow().sort_by("value")
    segments = [(one.name, one.version, one.rule, one.size) for one in done.segments]
    done.run()
    assert done.table("identifiers").to_arrow().sort_by("value").equals(before)
    assert [(one.name, one.version, one.rule, one.size) for one in done.segments] == segments


def test_as_of_uses_nothing_later(tmp_path: Path) -> None:
    write_orders(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines(keepends=True)
    early = [lines[0], *(line for line in lines[1:] if line.split(",")[2] <= "2024-10-01 00:00:00")]
    answers = []
    for name, text in (("whole", lines), ("cut", early)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "orders.csv").write_text("".join(text))
        Workspace.init(folder, [folder / "orders.csv"])
        workspace = shoal.open(folder)
        workspace.run(as_of="2024-10-01")
        answers.append(workspace)
    one, other = (workspace.table("features").to_arrow().drop_columns("as_of") for workspace in answers)
    assert one.equals(other)
    assert [s.rule for s in answers[0].segments] == [s.rule for s in answers[1].segments]


def test_one_stage_can_be_run_alone(done: Workspace) -> None:
    before = done.table("features").to_arrow()
    proven = done.last_run().verdicts
    again = done.run(only="model")
    assert again.run_id == done.runs.current().run_id
    assert done.table("features").to_arrow().equals(before)
    assert again.verdicts == []
    assert any("not validated" in note for note in again.notes)
    assert done.run(only="validate").verdicts == proven


@pytest.mark.parametrize("stage", ["features", "predict", "model", "validate"])
def test_a_stage_run_alone_leaves_the_files_of_the_last_run_as_they_were(done: Workspace, stage: str) -> None:
    last = done.runs.current().folder
    before = {path: path.read_bytes() for path in last.rglob("*.parquet")}
    done.run(only=stage)
    assert {path: path.read_bytes() for path in last.rglob("*.parquet")} == before
    done.run()  # as the other tests expect it


def test_an_unknown_stage_is_misuse(done: Workspace) -> None:
    with pytest.raises(UsageError, match="Did you mean 'model'"):
        done.run(only="modle")


def test_the_command_line_runs_the_loop(tmp_path: Path) -> None:
    rows = write_orders(tmp_path / "orders.csv")
    assert command("init", "orders.csv", folder=tmp_path).returncode == 0
    ran = command("run", "--json", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {"run_id", "as_of", "rows", "segments", "verdicts", "timings"} <= set(told)
    assert told["rows"]["events"] == rows
    assert {"name", "version", "status", "size", "share", "rule", "value_share", "brief"} <= set(told["segments"][0])
    assert "<html" in (tmp_path / "report.html").read_text()
    for args in (("segments",), ("segments", told["segments"][0]["name"]), ("profile", "10001"), ("doctor",)):
        assert command(*args, folder=tmp_path).returncode == 0
        json.loads(command(*args, "--json", folder=tmp_path).stdout)


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    write_orders(tmp_path / "orders.csv", people=5)
    assert command("init", "orders.csv", folder=tmp_path).returncode == 0
    again = command("init", "orders.csv", folder=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_run_without_a_workspace_says_what_to_do(tmp_path: Path) -> None:
    ran = command("run", folder=tmp_path)
    assert ran.returncode == 1
    assert "shoal init" in ran.stderr
