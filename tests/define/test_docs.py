from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from shoal.define.feature import features_from_yaml
from shoal.define.functions import FUNCTIONS
from shoal.define.kernel import compile_plan
from shoal.define.parse import parse
from shoal.define.reference import functions_table, keys_table, operations_table
from shoal.define.types import Type

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLUMNS = {"a": Type.NUMBER, "b": Type.NUMBER, "s": Type.TEXT, "u": Type.TEXT, "t": Type.TIME}


@pytest.mark.parametrize(
    ("page", "table"),
    [("rules.md", functions_table()), ("features.md", operations_table()), ("features.md", keys_table())],
)
def test_the_tables_of_the_pages_are_those_of_the_program(page: str, table: str) -> None:
    assert table in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_functions_example_is_read(name: str) -> None:
    assert parse(FUNCTIONS[name].example, COLUMNS).type is not Type.NULL


def test_the_features_of_the_page_compile() -> None:
    page = (DOCS / "features.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    columns = {"value": Type.NUMBER, **dict.fromkeys(("order_id", "country", "item_id", "page"), Type.TEXT)}
    plans = [compile_plan(features_from_yaml(yaml.safe_load(block)["features"]), columns) for block in blocks]
    assert [len(plan.names) for plan in plans] == [8, 6, 6]


def test_the_patterns_of_the_page_compile() -> None:
    page = (DOCS / "features.md").read_text(encoding="utf-8")
    patterns = re.findall(r"\| `(\{.*?\})` \|", page.partition("## Useful patterns")[2])
    made = {f"f{index}": yaml.safe_load(pattern) for index, pattern in enumerate(patterns)}
    made.update({name: {"count": "events", "within": "7d"} for name in ("recent", "earlier")})
    columns = {"value": Type.NUMBER, "order_id": Type.TEXT, "category": Type.TEXT}
    assert len(compile_plan(features_from_yaml(made), columns).names) == 8 + 2
