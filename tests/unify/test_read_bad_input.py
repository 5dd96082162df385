"""Every kind of bad input ends as a quarantined row or a clear error; no row is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unify.reading import ORDERS, read

from shoal.engine.duckdb import DuckDBEngine

HEAD = "who,at,amount\n"
GOOD = "a,2024-01-01,1\n"


def test_an_empty_file_is_a_source_without_rows_and_a_note(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, "", ORDERS)
    assert (found.quality.read, found.quality.error) == (0, "")
    assert "empty" in found.quality.notes[0]


def test_a_header_alone_is_a_source_without_rows_and_a_note(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD, ORDERS)
    assert (found.quality.read, found.quality.error) == (0, "")
    assert "no rows" in found.quality.notes[0]
    assert [column.completeness for column in found.quality.columns] == [0.0, 0.0, 0.0]


def test_one_row_is_enough(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD, ORDERS)
    assert found.quality.loaded == 1
    assert found.quality.first == found.quality.last == "2024-01-01T00:00:00Z"


def test_identical_rows_are_one_row_and_counted_duplicates(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD * 5, ORDERS)
    assert found.quality.loaded == 1
    assert found.quality.duplicates == 4
    assert set(found.refused.values()) == {"duplicate"}
    assert found.details[3] == "repeats row 1"


def test_identical_rows_can_be_kept_each_with_an_id_of_its_own(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD * 3, {**ORDERS, "duplicates": "keep"})
    assert found.quality.duplicates == 2
    assert len(set(found.column("event_id"))) == 3


def test_rows_of_one_id_are_duplicates_whatever_else_they_say(sql: DuckDBEngine, tmp_path: Path):
    text = "id,who,at\n1,a,2024-01-01\n1,a,2024-01-02\n,a,2024-01-03\n,a,2024-01-04\n"
    found = read(sql, tmp_path, text, {"id": "id", "at": "at", "identifiers": {"customer_id": "who"}})
    assert found.refused == {2: "duplicate"}
    assert found.column("event_id")[0] == "1"
    assert len(set(found.column("event_id"))) == 3


def test_ids_made_of_a_row_are_the_same_in_every_run(sql: DuckDBEngine, tmp_path: Path):
    first = read(sql, tmp_path, HEAD + GOOD + "b,2024-01-02,2\n", ORDERS).column("event_id")
    again = read(sql, tmp_path, HEAD + "b,2024-01-02,2\n" + GOOD, ORDERS).column("event_id")
    assert first == again[::-1]
    assert all(len(made) == 16 for made in first)


def test_a_future_date_and_an_ancient_one_are_refused(sql: DuckDBEngine, tmp_path: Path):
    text = HEAD + "a,2024-12-31,1\na,2999-01-01,1\na,1812-01-01,1\na,2025-01-01 12:00,1\n"
    found = read(sql, tmp_path, text, ORDERS)
    assert found.refused == {2: "future_time", 3: "bad_time"}
    assert "2999" in found.details[2]


def test_a_time_that_is_none_is_refused_with_its_text(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD + "a,soon,1\na,,1\na,2024-02-30,1\n", ORDERS)
    assert set(found.refused.values()) == {"bad_time"}
    assert found.details[2] == "at 'soon'"
    assert found.details[3] == "at blank"
    assert next(column for column in found.quality.columns if column.column == "at").invalid == 2


def test_not_a_number_and_infinities_are_no_values(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + "a,2024-01-01,nan\na,2024-01-02,inf\na,2024-01-03,-Infinity\n", ORDERS)
    assert found.column("value") == [None]
    assert found.refused == {2: "bad_value", 3: "bad_value"}


def test_a_value_that_is_no_number_is_refused_and_a_blank_one_is_not(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + "a,2024-01-01,ten\na,2024-01-02,\n", ORDERS)
    assert found.refused == {1: "bad_value"}
    assert found.details[1] == "amount 'ten'"
    assert found.raw[1] == '{"who":"a","at":"2024-01-01","amount":"ten"}'


def test_a_negative_value_is_refused_unless_it_is_a_return(sql: DuckDBEngine, tmp_path: Path):
    text = HEAD + "a,2024-01-01,-5\na,2024-01-02,7\n"
    assert read(sql, tmp_path, text, ORDERS).refused == {1: "negative_value"}
    found = read(sql, tmp_path, text, {**ORDERS, "returns": {"when": "amount < 0"}})
    assert found.column("event") == ["Order Refunded", "Order Completed"]
    assert found.column("value") == [5.0, 7.0]


def test_a_row_without_anybody_is_refused(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD + ",2024-01-01,1\nUnknown,2024-01-01,1\n N/A ,2024-01-01,1\n", ORDERS)
    assert found.refused == dict.fromkeys([2, 3, 4], "no_identifier")
    assert found.quality.match_rate == 0.25
    assert found.details[3] == "customer_id 'Unknown'"


def test_rows_that_where_leaves_out_are_refused_as_excluded(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD + "b,2024-01-01,0\nc,2024-01-01,\n", {**ORDERS, "where": "amount > 0"})
    assert found.refused == {2: "excluded", 3: "excluded"}


def test_ten_thousand_columns_and_a_megabyte_cell_are_read(tmp_path: Path):
    names = ["who", "at", "amount", *(f"c{number}" for number in range(9_997))]
    cells = ["a", "2024-01-01", "1", *["x"] * 9_996, "y" * 1_000_000]
    with DuckDBEngine("3GB", 2, tmp_path / "scratch") as engine:
        source = {**ORDERS, "properties": {"last": "c9996"}}
        found = read(engine, tmp_path, ",".join(names) + "\n" + ",".join(cells) + "\n", source)
    assert len(found.column("p_last")[0]) == 1_000_000


def test_torn_short_and_latin_1_lines_cost_only_themselves(sql: DuckDBEngine, tmp_path: Path):
    text = HEAD.encode() + GOOD.encode() + b'b,"2024-01-02,1\nc,2024-01-03\nJos\xe9,2024-01-04,1\n'
    found = read(sql, tmp_path, text, ORDERS)
    assert found.refused == {2: "unclosed_quote", 3: "columns"}
    assert found.column("id_customer_id") == ["a", "José"]
    assert found.column("row") == [1, 4]


def test_a_file_that_vanished_is_an_error_of_its_source_alone(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, None, ORDERS)
    assert "there is no such file" in found.quality.error
    assert found.found.clean is None


def test_a_glob_that_finds_nothing_says_where_it_looked(sql: DuckDBEngine, tmp_path: Path):
    assert "no file matches" in read(sql, tmp_path, None, {**ORDERS, "path": "none-*.csv"}).quality.error


def test_one_vanished_file_of_several_is_noted_and_the_others_are_read(sql: DuckDBEngine, tmp_path: Path):
    (tmp_path / "s-1.csv").write_text(HEAD + GOOD)
    (tmp_path / "s-2.csv").symlink_to(tmp_path / "gone.csv")
    (tmp_path / "s-3.csv").write_text(HEAD + "b,2024-01-02,2\nc,never,3\n")
    found = read(sql, tmp_path, None, {**ORDERS, "path": "s-[13].csv"})
    assert found.column("row") == [1, 2]
    assert found.details[3] == "at 'never'; s-3.csv row 2"


def test_a_mapping_that_names_no_column_is_an_error_with_the_nearest_name(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD, {**ORDERS, "value": "amuont * 2"})
    assert found.quality.error.startswith("sources.s.value ")
    assert "'amount'" in found.quality.error


def test_a_property_that_cannot_be_read_is_left_out_with_a_note(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, HEAD + GOOD, {**ORDERS, "properties": {"colour": "color", "n": "amount"}})
    assert found.column("p_n") == [1.0]
    assert "properties.colour" in found.quality.notes[0]


@pytest.mark.parametrize("text", ['{"x": 1\n', "[1]\n2\n"])
def test_a_file_of_bad_json_lines_is_all_quarantine(sql: DuckDBEngine, tmp_path: Path, text: str):
    found = read(sql, tmp_path, text, ORDERS, file="s.json")
    assert set(found.refused.values()) <= {"bad_json"}
    assert found.quality.read == len(found.refused)


def test_a_query_is_read_like_a_file(sql: DuckDBEngine, tmp_path: Path):
    import pyarrow as pa

    def rows(url: str, query: str):
        assert (url, query) == ("sqlite://", "SELECT 1")
        yield pa.record_batch({"who": ["a", None], "at": ["2024-01-01", "2024-01-02"], "amount": ["1.5", "2"]})

    found = read(sql, tmp_path, None, {**ORDERS, "sql": "SELECT 1", "url": "sqlite://"}, rows=rows)
    assert found.column("value") == [1.5]
    assert found.refused == {2: "no_identifier"}
