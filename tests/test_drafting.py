"""`shoal draft` on a finished run: proposals, what is saved, and the language model beside the grammar."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

import shoal
from endpoint import Reply, endpoint
from shoal.cli.app import app
from shoal.errors import UsageError
from shoal.report import drafts
from shoal.workspace import Workspace
from shop import write_orders


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("drafts")
    write_orders(folder / "orders.csv")
    Workspace.init(folder, [folder / "orders.csv"])
    workspace = shoal.open(folder)
    workspace.run()
    return workspace


def command(workspace: Workspace, *args: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["draft", *args, "-w", str(workspace.folder)])
    return found.exit_code, found.stdout


def drawn(told: dict[str, Any]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(drafts.proposal(told))
    return console.export_text()


def with_model(workspace: Workspace, url: str, key: str = "") -> Workspace:
    """The same folder, opened anew with a language model in its settings."""
    made = shoal.open(workspace.folder)
    language = {"url": url, "model": "small", **({"key": key} if key else {})}
    made.__dict__["settings"] = workspace.settings.model_validate(
        {**workspace.settings.model_dump(), "language": language}
    )
    return made


def test_a_proposal_selects_the_people_that_the_table_has(done: Workspace) -> None:
    told = done.draft("at least 3 orders in the last 90 days")
    features = done.table("features").to_arrow()
    rows = features.select(["profile_id", "orders_90d"]).to_pylist()
    people = [row["profile_id"] for row in rows if row["orders_90d"] >= 3]
    assert told["rule"] == "orders_90d >= 3"
    assert told["size"] == len(people) > 0
    assert told["share"] == len(people) / features.num_rows
    assert set(told["examples"]) <= set(people)
    assert told["complete"] is True
    assert told["model"] is None


def test_every_clause_says_why_and_how_many(done: Workspace) -> None:
    told = done.draft("loyal customers who buy less than before")
    assert [one["size"] is not None and bool(one["why"]) for one in told["clauses"]] == [True, True]


def test_a_draft_of_a_lifecycle_stage_is_the_run_s_own_stage(done: Workspace) -> None:
    for stage in ("loyal", "at risk", "lapsed"):
        assert done.draft(f"{stage} customers")["size"] == done.segment(f"Stage: {stage}").size


def test_nobody_is_explained(done: Workspace) -> None:
    told = done.draft("new customers with at least 30 orders and not seen for 200 days")
    assert told["size"] == 0
    assert told["notes"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001])
def test_a_text_of_no_or_endless_length_is_misuse(done: Workspace, text: str) -> None:
    with pytest.raises(UsageError, match="1 to 1,000 characters"):
        done.draft(text)


def test_the_command_prints_the_rule_and_saves_nothing(done: Workspace) -> None:
    code, shown = command(done, "big spenders not seen for 60 days")
    assert code == 0
    assert "recency_days > 60" in shown
    assert "Nothing is saved" in shown
    assert not (done.folder / "segments").exists()


def test_what_was_not_understood_ends_with_1_and_says_what_can_be_said(done: Workspace) -> None:
    code, shown = command(done, "gruffalo")
    assert code == 1
    assert "'gruffalo'" in shown
    assert "at least 3 orders" in shown


def test_json_has_everything(done: Workspace) -> None:
    code, shown = command(done, "big spenders", "--json")
    told = json.loads(shown)
    assert code == 0
    assert {
        "rule",
        "words",
        "size",
        "share",
        "examples",
        "clauses",
        "missing",
        "unknown",
        "notes",
        "model",
        "saved",
    } <= set(told)


def test_a_saved_draft_takes_part_in_the_next_run_and_is_never_written_over(done: Workspace) -> None:
    try:
        code, shown = command(done, "at least 3 orders in the last 90 days with gruffalo", "--save", "Regulars: 90")
        assert code == 2
        code, shown = command(done, "at least 3 orders in the last 90 days with gruffalo", "--save", "Regulars 90")
        assert code == 0
        assert "Wrote" in shown
        path = done.folder / "segments" / "regulars-90.yaml"
        text = path.read_text()
        assert "# Not in the rule: gruffalo" in text
        assert yaml.safe_load(text)["rule"] == "orders_90d >= 3"
        size = done.draft("at least 3 orders in the last 90 days")["size"]
        code, _ = command(done, "big spenders", "--save", "regulars 90")
        assert code == 2
        assert path.read_text() == text
        again = done.run(only="model")
        assert next(one.size for one in again.segments if one.name == "Regulars 90") == size
    finally:
        for path in (done.folder / "segments").glob("*"):
            path.unlink()
        (done.folder / "segments").rmdir()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 90, "-", "a\nb:"])
def test_a_name_that_is_none_writes_nothing(done: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match=r"no name|nothing was written"):
        done.save_draft(name, done.draft("big spenders"))
    assert not (done.folder / "segments").exists()


def test_nothing_understood_is_not_saved(done: Workspace) -> None:
    with pytest.raises(UsageError, match="no rule to save"):
        done.save_draft("X", done.draft("gruffalo"))


def test_the_model_s_rule_stands_beside_the_grammar_s(done: Workspace) -> None:
    answer = json.dumps({"rule": "orders >= 5", "why": "many orders", "left_out": "nothing"})
    with endpoint(Reply(answer)) as server:
        told = with_model(done, server.url).draft("people who buy often")
    assert told["model"]["rule"] == "orders >= 5"
    assert told["model"]["size"] > 0
    assert told["rule"] != "orders >= 5"
    assert "By the language model (small)" in drawn(told)
    ids = done.table("features").to_arrow()["profile_id"].to_pylist()
    assert not any(one in json.dumps(server.asked) for one in ids)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply('{"rule": "ordres >= 5"}'), "unknown column 'ordres'"),
        (Reply('{"rule": "orders >="}'), "cannot be read"),
        (Reply("no"), "JSON"),
        (Reply(status=401), "key"),
        (Reply(status=500), "failed"),
    ],
)
def test_a_model_that_fails_leaves_the_grammar_s_proposal(done: Workspace, reply: Reply, fault: str) -> None:
    with endpoint(reply) as server:
        told = with_model(done, server.url).draft("big spenders")
    assert told["rule"]
    assert told["model"]["rule"] is None
    assert fault in told["model"]["fault"]
    assert "No rule:" in drawn(told)


def test_a_key_that_is_not_in_the_environment_leaves_the_grammar_s_proposal(done: Workspace) -> None:
    told = with_model(done, "http://127.0.0.1:9/v1", "${NO_SUCH_KEY_HERE}").draft("big spenders")
    assert told["rule"]
    assert "NO_SUCH_KEY_HERE" in told["model"]["fault"]


def test_the_model_s_rule_is_saved_only_when_it_is_asked_for(done: Workspace) -> None:
    with endpoint(Reply('{"rule": "orders >= 5"}')) as server:
        told = with_model(done, server.url).draft("gruffalo")
    with pytest.raises(UsageError, match="no rule to save"):
        done.save_draft("By model", told)
    path = done.save_draft("By model", told, of_model=True)
    try:
        assert yaml.safe_load(path.read_text())["rule"] == "orders >= 5"
    finally:
        path.unlink()
        path.parent.rmdir()
