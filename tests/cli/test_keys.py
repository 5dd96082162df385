"""`shoal keys`: what is shown once, what is listed, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shoal.cli.app import app
from shoal.workspace import Workspace


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "shoal.yaml").write_text("sources: {}\n", encoding="utf-8")
    return tmp_path


def call(here: Path, *args: str) -> Result:
    return CliRunner().invoke(app, ["keys", *args, "-w", str(here)])


def test_json_gives_the_key_once_and_nothing_else(here: Path) -> None:
    done = call(here, "create", "--role", "write", "--label", "web shop", "--json")
    told = json.loads(done.stdout)
    assert list(told) == ["key", "role", "id"]
    assert told["role"] == "write"
    assert Workspace(here).keys.ring()(told["key"]) == "write"
    listed = call(here, "list", "--json")
    assert told["key"].rsplit("_", 1)[1] not in listed.stdout
    assert [(one["id"], one["label"]) for one in json.loads(listed.stdout)] == [(told["id"], "web shop")]


def test_people_see_the_key_alone_on_the_first_line(here: Path) -> None:
    done = call(here, "create", "--role", "read", "--by", "ada")
    assert Workspace(here).keys.ring()(done.stdout.split("\n")[0]) == "read"
    assert "not shown again" in done.stdout
    assert "by ada" in call(here, "list").stdout


def test_a_revoked_key_is_shown_as_such(here: Path) -> None:
    told = json.loads(call(here, "create", "--role", "admin", "--json").stdout)
    assert json.loads(call(here, "revoke", told["id"], "--by", "bob", "--json").stdout)["revoked_by"] == "bob"
    assert "by bob" in call(here, "list").stdout
    again = call(here, "revoke", told["id"])
    assert (again.exit_code, "revoked already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("create", "--role", "wrte"), 2, "Did you mean 'write'?"),
        (("create",), 2, "--role"),
        (("revoke", "nobody"), 1, "there is no key 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(here: Path, args: tuple[str, ...], code: int, says: str) -> None:
    done = call(here, *args)
    assert (done.exit_code, says in done.stderr) == (code, True)


def test_where_no_workspace_is_no_key_is_made(tmp_path: Path) -> None:
    done = call(tmp_path, "create", "--role", "read")
    assert (done.exit_code, "no shoal.yaml here" in done.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_without_keys_the_list_says_how_to_make_one(here: Path) -> None:
    assert "shoal keys create" in call(here, "list").stdout
    assert json.loads(call(here, "list", "--json").stdout) == []
