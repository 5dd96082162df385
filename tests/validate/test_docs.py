from __future__ import annotations

from pathlib import Path

from shoal.validate.verdict import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validation.md"


def test_the_page_shows_the_checks_as_they_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = text.split("test_docs.py -->\n")[1].split("\n<!-- /checks -->")[0]
    assert shown == reference()
