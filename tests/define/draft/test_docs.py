"""The page on drafts says nothing that the grammar does not do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drafts import grammar, shop
from shoal.define.draft.propose import propose

DOCS = Path(__file__).resolve().parents[3] / "docs"
TABLE = (DOCS / "draft.md").read_text(encoding="utf-8").split("## What can be said")[1].split("\n\n*")[0]
SAID = [said for line in TABLE.splitlines() if line.startswith("| ") for said in re.findall(r"`([^`]+)`", line)]


@pytest.mark.parametrize("said", SAID)
def test_every_example_on_the_page_is_understood_whole(said: str) -> None:
    assert propose(said, shop()[1], grammar("shop")).complete, said


def test_the_page_has_examples() -> None:
    assert len(SAID) > 40


def test_the_pages_on_drafts_and_on_language_name_every_setting_and_option() -> None:
    from shoal.settings import Language

    page = (DOCS / "settings.md").read_text(encoding="utf-8").split("## Language")[1]
    assert all(f"`{name}`" in page for name in Language.model_fields)
    draft = (DOCS / "draft.md").read_text(encoding="utf-8")
    assert all(option in draft for option in ("--save", "--by-model", "--no-model", "--json"))
