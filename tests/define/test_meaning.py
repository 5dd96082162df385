"""One meaning, three renderings: NumPy, SQL and text must agree on random trees."""

from __future__ import annotations

import math
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.define.trees import COLUMNS, tables, trees

from shoal.define.evaluate import evaluate, mask
from shoal.define.parse import parse
from shoal.define.tree import Expr
from shoal.define.types import Type
from shoal.define.words import to_sql, to_text, to_words

ZONES = ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"]
MANY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


def _same(ours: object, theirs: object) -> bool:
    if isinstance(ours, float) and isinstance(theirs, int | float) and not isinstance(theirs, bool):
        return ours == theirs or math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-300)
    return ours == theirs


def _in_sql(duck: duckdb.DuckDBPyConnection, expr: Expr, table: pa.Table, zone: str) -> list[object]:
    duck.register("rows", table)
    found = duck.execute(f"SELECT {to_sql(expr, time_zone=zone)} AS x FROM rows").to_arrow_table()["x"]
    if pa.types.is_timestamp(found.type):
        found = found.cast(pa.timestamp("us", "UTC"))
    return found.to_pylist()


@MANY
@given(expr=trees(), table=tables(), zone=st.sampled_from(ZONES))
def test_numpy_and_duckdb_give_the_same_values(
    duck: duckdb.DuckDBPyConnection, expr: Expr, table: pa.Table, zone: str
) -> None:
    ours = evaluate(expr, table, time_zone=zone).arrow(expr.type).to_pylist()
    theirs = _in_sql(duck, expr, table, zone)
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        assert _same(own, other), (to_text(expr), to_sql(expr, time_zone=zone), ours, theirs)


@MANY
@given(expr=trees())
def test_canonical_text_parses_back_to_the_same_tree(expr: Expr) -> None:
    assert parse(to_text(expr), COLUMNS, expect=expr.type) == expr


@MANY
@given(expr=trees())
def test_every_tree_can_be_said_in_words(expr: Expr) -> None:
    assert to_words(expr)


@given(expr=trees(Type.BOOL), table=tables())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mask_selects_just_the_rows_that_are_true(expr: Expr, table: pa.Table) -> None:
    assert mask(expr, table).tolist() == [found is True for found in evaluate(expr, table).arrow(Type.BOOL).to_pylist()]


@pytest.mark.parametrize("texts", [[], ["a", None, ""], ["", ""]])
def test_a_list_may_hold_a_value_that_is_null_for_some_rows(texts: list[str | None]) -> None:
    rule = parse("s in ('', nullif('', s))", {"s": Type.TEXT})
    found = evaluate(rule, pa.table({"s": pa.array(texts, pa.string())})).arrow(Type.BOOL).to_pylist()
    assert found == [None if text is None else text == "" for text in texts]
