"""The engine's promises about results, files and faults."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shoal.engine.duckdb import DuckDBEngine
from shoal.errors import DataError, StorageError


def test_instants_come_back_in_utc(engine: DuckDBEngine):
    table = engine.query("SELECT TIMESTAMPTZ '2020-06-01 12:00:00+02' AS t")
    assert table.schema.field("t").type == pa.timestamp("us", "UTC")
    assert table["t"][0].as_py().isoformat() == "2020-06-01T10:00:00+00:00"


def test_batches_stream_in_the_size_asked_for(engine: DuckDBEngine):
    sizes = [batch.num_rows for batch in engine.batches("SELECT * FROM range(10000)", 4096)]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 4096


def test_a_registered_table_is_seen_by_sql_until_dropped(engine: DuckDBEngine):
    engine.register("t", pa.table({"n": [1, 2]}))
    assert engine.query("SELECT sum(n) AS s FROM t")["s"][0].as_py() == 3
    engine.register("t", pa.table({"n": [5]}))
    assert engine.query("SELECT sum(n) AS s FROM t")["s"][0].as_py() == 5
    engine.drop("t")
    engine.execute("CREATE TEMP TABLE t AS SELECT 1 AS n")
    engine.drop("t")
    engine.execute("CREATE TEMP VIEW t AS SELECT 1 AS n")
    engine.drop("t")
    engine.drop("t")


def test_a_file_is_written_whole(engine: DuckDBEngine, tmp_path: Path):
    assert engine.write("SELECT * FROM range(7)", tmp_path / "new" / "x.parquet") == 7
    assert pq.read_table(tmp_path / "new" / "x.parquet").num_rows == 7
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.parquet"]


def test_a_file_that_fails_midway_leaves_the_old_one(engine: DuckDBEngine, tmp_path: Path):
    engine.write("SELECT 1 AS n", tmp_path / "x.parquet")
    with pytest.raises(DataError):
        engine.write("SELECT CAST(x AS INTEGER) AS n FROM (VALUES ('1'), ('no')) t(x)", tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet")["n"].to_pylist() == [1]
    assert [path.name for path in tmp_path.glob("*.part")] + [path.name for path in tmp_path.glob(".*.part")] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_storage_error_with_a_remedy(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="rights"):
        DuckDBEngine("1GB", 1, tmp_path / "scratch")


def test_a_folder_that_is_a_file_is_a_storage_error_with_a_remedy(engine: DuckDBEngine, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="rights"):
        DuckDBEngine("1GB", 1, tmp_path / "file" / "scratch")
    with pytest.raises(StorageError, match="rights"):
        engine.write("SELECT 1", tmp_path / "file" / "x.parquet")


def test_too_little_memory_is_a_storage_error_that_names_the_setting(tmp_path: Path):
    with DuckDBEngine("20MB", 1, tmp_path / "scratch") as engine, pytest.raises(StorageError, match="`memory`"):
        engine.query("SELECT list(i) FROM range(50000000) t(i)")


def test_scratch_files_go_when_the_engine_ends(tmp_path: Path):
    engine = DuckDBEngine("1GB", 1, tmp_path / "scratch")
    engine.execute("CREATE TEMP TABLE t AS SELECT * FROM range(10)")
    engine.close()
    assert not (tmp_path / "scratch").exists()
