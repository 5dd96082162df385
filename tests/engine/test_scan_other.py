"""JSON lines, Parquet and batches become raw rows as text files do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shoal.engine.duckdb import DuckDBEngine
from shoal.errors import SourceError
from shoal.settings import Layout


def test_a_malformed_json_line_is_kept_aside(look):
    seen = look('{"a": 1}\n{bad\n\n[1, 2]\n{"a": "x"}\n', name="x.json", form="json")
    assert seen.rows == {1: ("1",), 4: ("x",)}
    assert seen.rejects == {2: ("bad_json", "{bad"), 3: ("bad_json", "[1, 2]")}


def test_json_objects_inside_objects_become_dotted_columns(look):
    seen = look('{"a": 1, "b": {"c": {"d": true}, "e": null}}\n{"b": {"e": 2.5}, "f": [1, 2]}\n', form="json")
    assert dict(zip(seen.scan.columns, seen.rows[2], strict=True)) == {
        "a": None,
        "b.c.d": None,
        "b.e": "2.5",
        "f": "[1,2]",
    }


def test_a_json_array_is_read_an_element_a_row(look):
    assert look('[{"a": 1},\n {"a": 2}]', form="json").rows == {1: ("1",), 2: ("2",)}


def test_an_empty_json_file_gives_no_rows(look):
    seen = look("", form="json")
    assert (seen.scan.rows, dict(seen.scan.columns)) == (0, {})


def test_parquet_keeps_its_types_and_is_numbered_over_files(engine: DuckDBEngine, tmp_path: Path):
    pq.write_table(pa.table({"n": [1, 2], "s": ["a", "b"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": [3], "ok": [True]}), tmp_path / "2.parquet")
    scan = engine.scan("v", sorted(tmp_path.glob("*.parquet")), Layout(), "parquet")
    rows = engine.query("SELECT _row, n, s, ok FROM v ORDER BY _row").to_pylist()
    assert scan.columns == {"n": "number", "s": "text", "ok": "bool"}
    assert [tuple(row.values()) for row in rows] == [(1, 1, "a", None), (2, 2, "b", None), (3, 3, None, True)]


def test_a_parquet_file_that_is_none_says_so_and_loses_no_other(engine: DuckDBEngine, tmp_path: Path):
    pq.write_table(pa.table({"n": [1]}), tmp_path / "1.parquet")
    (tmp_path / "2.parquet").write_text("not parquet")
    scan = engine.scan("v", sorted(tmp_path.glob("*.parquet")), Layout(), "parquet")
    assert (scan.rows, len(scan.errors)) == (1, 1)
    with pytest.raises(SourceError, match="cannot be read"):
        engine.scan("v", [tmp_path / "2.parquet"], Layout(), "parquet")


def test_batches_become_numbered_rows(engine: DuckDBEngine):
    batches = [pa.record_batch({"Id": ["a"], "id": ["b"]}), pa.record_batch({"Id": ["c"], "id": [None]})]
    scan = engine.ingest("v", batches, "query")
    assert engine.query("SELECT _row, Id, id_2 FROM v ORDER BY 1").to_pylist() == [
        {"_row": 1, "Id": "a", "id_2": "b"},
        {"_row": 2, "Id": "c", "id_2": None},
    ]
    assert (scan.rows, scan.rejected) == (2, 0)


def test_no_batches_are_no_rows(engine: DuckDBEngine):
    assert engine.ingest("v", [], "query").rows == 0
