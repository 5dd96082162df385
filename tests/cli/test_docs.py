"""The page on predictions speaks of everything that can be set, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from shoal.report.skills import METRICS
from shoal.settings import Objective, Settings, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "predictions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", get_args(Objective.model_fields["kind"].annotation))
def test_every_kind_of_objective_is_explained(kind: str) -> None:
    assert re.search(rf"^\| `{kind}` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("goal", list(get_args(get_args(Settings.model_fields["goal"].annotation)[0])))
def test_every_goal_says_what_it_chooses(goal: str) -> None:
    assert re.search(rf"^\| `{goal}` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in Objective.model_fields if name not in ("name", "property")])
def test_every_setting_of_an_objective_is_mentioned(name: str) -> None:
    assert f"`{name}`" in PAGE or f"`{name}:" in PAGE or f"{name}:" in PAGE


@pytest.mark.parametrize("words", [words.split(",")[0] for words in METRICS.values() if words != "Rank agreement"])
def test_every_measure_is_explained(words: str) -> None:
    known = {"Total off by": "total", "Recall of new items": "recall of new items"}
    assert known.get(words, words).casefold() in PAGE.casefold()


def test_the_example_of_objectives_is_valid() -> None:
    block = re.search(r"^    objectives:\n(?:      .*\n)+", PAGE, re.MULTILINE)
    assert block is not None
    text = "\n".join(line[4:] for line in block[0].splitlines())
    assert [one.kind for one in parse(text).objectives] == ["churn", "value", "label"]
