"""`shoal models` and `shoal model NAME` on a run that has models, and on one that has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from report import sample
from shoal import summary
from shoal.cli.app import app
from shoal.errors import NotFound
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


def test_the_models_of_a_run_are_its_cards(full: Workspace) -> None:
    assert full.models == sample.full().models


def test_a_model_is_found_by_its_name_or_by_a_score_it_gives(full: Workspace) -> None:
    assert full.model("Churn").name == "churn"
    assert full.model("value.revenue").name == "value"


def test_an_unknown_model_names_the_nearest(full: Workspace) -> None:
    with pytest.raises(NotFound, match=r"there is no model 'value.revenu'. Did you mean 'value.revenue'"):
        full.model("value.revenu")


def test_without_models_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="`goal:` or `objectives:`"):
        ran(tmp_path, sample.empty()).model("churn")


def test_the_list_as_json_holds_the_whole_cards(full: Workspace) -> None:
    told = json.loads(shoal("models", "--json", at=full).stdout)
    assert [summary.ModelCard.model_validate(card) for card in told] == sample.full().models


def test_one_model_as_json_is_its_card(full: Workspace) -> None:
    told = json.loads(shoal("model", "value.clv_12m", "--json", at=full).stdout)
    assert summary.ModelCard.model_validate(told) == full.model("value")


def test_amounts_are_in_the_runs_currency(full: Workspace) -> None:
    assert "£3,346" in shoal("model", "value", at=full).stdout
    assert "£3,346" in shoal("models", at=full).stdout


def test_an_unknown_model_is_refused_with_exit_code_1(full: Workspace) -> None:
    assert shoal("model", "nobody", at=full).exit_code == 1


def test_a_run_without_models_says_how_to_get_some(tmp_path: Path) -> None:
    done = shoal("models", at=ran(tmp_path, sample.empty()))
    assert done.exit_code == 0
    assert "`goal:`" in done.stdout


def test_a_run_without_models_is_an_empty_list_as_json(tmp_path: Path) -> None:
    assert json.loads(shoal("models", "--json", at=ran(tmp_path, sample.empty())).stdout) == []
