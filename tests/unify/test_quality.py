"""A source's report says what is there, what is wrong and where it went."""

from __future__ import annotations

from pathlib import Path

from tests.unify.reading import ORDERS, read

from shoal.engine.duckdb import DuckDBEngine
from shoal.unify.reasons import REASONS

ROOT = Path(__file__).resolve().parents[2]
TEXT = "who,at,amount,mail\na,2024-01-01,1,ann@example.org\na,2024-01-02,x,\nb,2024-01-03,2,\n,2024-01-04,3,\n"


def test_columns_tell_completeness_distinct_values_and_what_could_not_be_read(sql: DuckDBEngine, tmp_path: Path):
    source = {**ORDERS, "identifiers": {"customer_id": "who", "email": "mail"}}
    columns = {column.column: column for column in read(sql, tmp_path, TEXT, source).quality.columns}
    assert (columns["who"].completeness, columns["who"].distinct, columns["who"].role) == (0.75, 2, "customer_id")
    assert (columns["amount"].invalid, columns["amount"].examples) == (1, ["1", "x", "2"])
    assert columns["mail"].completeness == 0.25


def test_personal_values_are_not_shown(sql: DuckDBEngine, tmp_path: Path):
    source = {**ORDERS, "identifiers": {"customer_id": "who", "email": "mail"}}
    found = read(sql, tmp_path, TEXT, source)
    examples = next(column.examples for column in found.quality.columns if column.column == "mail")
    assert examples == ["a**@e******.***"]


def test_placeholders_count_as_invalid(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, "who,at,amount\na,2024-01-01,1\nunknown,2024-01-01,1\n", ORDERS)
    assert next(column.invalid for column in found.quality.columns if column.column == "who") == 1


def test_every_reason_code_is_documented():
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert [code for code in REASONS if f"| `{code}` |" not in page] == []


def test_every_reason_code_that_sql_can_give_is_known(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, TEXT, ORDERS)
    assert set(found.refused.values()) == {"bad_value", "no_identifier"}
    assert set(found.refused.values()) <= set(REASONS)
