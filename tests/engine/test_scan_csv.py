"""No line of a text file is lost in silence, whatever its bytes are."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.engine.duckdb import DuckDBEngine
from shoal.errors import SourceError
from shoal.settings import Layout

HEAD = "a,b,c\n"


def test_rows_are_numbered_from_one_and_keep_their_text(look):
    seen = look(HEAD + "1,007,x\n2,,  y \n")
    assert seen.rows == {1: ("1", "007", "x"), 2: ("2", None, "  y ")}


def test_a_line_of_the_wrong_width_is_kept_aside_and_numbers_stay_those_of_the_file(look):
    seen = look(HEAD + "1,2,3\n4,5,6,7\n8,9\n10,11,12\n")
    assert list(seen.rows) == [1, 4]
    assert seen.rejects == {2: ("columns", "4,5,6,7"), 3: ("columns", "8,9")}


@pytest.mark.parametrize("torn", ['4,"5,6', '"4,5,6', '4,5,"6', '4",x,"5', '4,5,"'])
@pytest.mark.parametrize("later", ["", '16,"seventeen",18\n', '16,"a ""b"", c",18\n', '16,x",18\n'])
def test_an_unclosed_quote_costs_only_its_own_line(look, torn, later):
    seen = look(HEAD + "1,2,3\n" + torn + "\n7,8,9\n10,11,12\n13,14,15\n" + later)
    assert seen.rejects == {2: ("unclosed_quote", torn)}
    assert list(seen.rows) == [1, 3, 4, 5, *([6] if later else [])]


def test_two_unclosed_quotes_are_not_taken_for_one_long_value(look):
    seen = look(HEAD + '1,2,3\n4,"5,6\n7,8,9\n10,"11,12\n13,14,15\n')
    assert list(seen.rows) == [1, 3, 5]
    assert {row: reason for row, (reason, _) in seen.rejects.items()} == {2: "unclosed_quote", 4: "unclosed_quote"}


def test_a_value_over_several_lines_is_one_row(look):
    seen = look(HEAD + '1,"two\n\nlines, and",3\n4,5\n6,7,8\n')
    assert seen.rows == {1: ("1", "two\n\nlines, and", "3"), 3: ("6", "7", "8")}
    assert seen.rejects == {2: ("columns", "4,5")}


def test_text_after_a_closing_quote_is_kept_aside(look):
    assert look(HEAD + '1,"2"x,3\n4,5,6\n').rejects == {1: ("quotes", '1,"2"x,3')}


def test_a_quote_inside_a_value_is_part_of_it(look):
    assert look(HEAD + '1,5" rule,3\n4,x "y" z,6\n').rows == {1: ("1", '5" rule', "3"), 2: ("4", 'x "y" z', "6")}


def test_latin_1_bytes_in_a_file_said_to_be_utf_8_are_read_and_noted(look):
    seen = look(b"a,b\n1,caf\xe9\n2,\xc3\xa9\n")
    assert seen.rows == {1: ("1", "café"), 2: ("2", "é")}
    assert "cp1252" in seen.scan.notes[0]


@pytest.mark.parametrize(("encoding", "declared"), [("latin-1", "latin-1"), ("cp1252", "cp1252"), ("utf-16", "utf-8")])
def test_an_encoding_is_read_as_declared_or_by_its_mark(look, encoding, declared):
    assert look("a,b\n1,café\n".encode(encoding), encoding=declared).rows == {1: ("1", "café")}


def test_an_unknown_encoding_is_an_error_with_a_remedy(look):
    with pytest.raises(ValueError, match=r"unknown encoding 'klingon'; utf-8, latin-1"):
        look("a\n1\n", encoding="klingon")


@pytest.mark.parametrize("header", [True, False])
def test_a_byte_order_mark_is_not_part_of_the_first_value(look, header):
    seen = look(b"\xef\xbb\xbfa,b\n1,2\n", header=header)
    assert list(seen.scan.columns) == (["a", "b"] if header else ["column_1", "column_2"])
    assert seen.rows[1] == (("1", "2") if header else ("a", "b"))


def test_nul_bytes_are_taken_out_and_noted(look):
    seen = look(b"a,b\n1,x\0y\n")
    assert seen.rows == {1: ("1", "xy")}
    assert "1 NUL" in seen.scan.notes[0]


@pytest.mark.parametrize(
    "data", [b"a,b\r\n1,2\r\n3,4\r\n", b"a,b\r1,2\r3,4\r", b"a,b\r\n1,2\n3,4\r\n", b"a,b\n1,2\n\n3,4\n\n"]
)
def test_line_ends_of_every_kind_and_blank_lines_are_read(look, data):
    assert look(data).rows == {1: ("1", "2"), 2: ("3", "4")}


@pytest.mark.parametrize(
    ("data", "note"), [(b"", "empty"), (b"\n\n", "no rows"), (b"a,b\n", "no rows"), (b"a,b", "no rows")]
)
def test_a_file_without_rows_gives_none_and_a_note(look, data, note):
    seen = look(data)
    assert (seen.scan.rows, seen.scan.rejected) == (0, 0)
    assert note in seen.scan.notes[0]


def test_a_cell_of_a_megabyte_is_read_whole(look):
    seen = look(HEAD + "1," + "x" * 1_000_000 + ',3\n4,"' + "y\n" * 1_500_000 + '",6\n')
    assert [len(row[1]) for row in seen.rows.values()] == [1_000_000, 3_000_000]


def test_ten_thousand_columns_are_read(look):
    names = [f"c{number}" for number in range(10_000)]
    seen = look(",".join(names) + "\n" + ",".join(["7"] * 10_000) + "\n")
    assert len(seen.scan.columns) == 10_000
    assert set(seen.rows[1]) == {"7"}


def test_columns_of_one_name_are_told_apart_and_nameless_ones_named(look):
    seen = look("Id,id,,_row\n1,2,3,4\n")
    assert seen.scan.columns == dict.fromkeys(["Id", "id_2", "column_3", "_row_2"], "text")


@pytest.mark.parametrize(
    ("text", "columns"), [("a;b\n1;2,5\n", 2), ("a\tb\n1\t2\n", 2), ("a|b|c\n1|2|3\n", 3), ("a\n1\n", 1)]
)
def test_the_delimiter_is_found_out(look, text, columns):
    assert len(look(text).scan.columns) == columns


def test_columns_separated_by_runs_of_blanks_are_read(look):
    seen = look(" 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n", header=False)
    assert seen.rows[2] == ("00004", "0001", "19970118", "2", "29.73")


def test_names_are_given_to_a_file_without_header(look):
    assert list(look("1,2\n", header=False, columns=["id", "n"]).scan.columns) == ["id", "n"]


def test_gzip_is_known_by_its_bytes_whatever_the_suffix(look):
    assert look(gzip.compress(b"a,b\n1,2\n"), name="x.csv").rows == {1: ("1", "2")}
    assert look(b"a,b\n1,2\n", name="x.csv.gz").rows == {1: ("1", "2")}


def test_a_gzip_file_that_breaks_off_gives_the_rows_before_it(look):
    text = "a,b\n" + "".join(f"{n},{n * n}\n" for n in range(100_000))
    seen = look(gzip.compress(text.encode())[:100_000], name="x.csv.gz")
    assert 1_000 < seen.scan.rows < 100_000
    assert "breaks off" in seen.scan.notes[0]


def test_files_of_different_columns_are_united_by_name_and_numbered_on(engine: DuckDBEngine, tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n3,4,5\n6,7\n")
    (tmp_path / "2.csv").write_text("B,c\n8,9\n")
    scan = engine.scan("v", [tmp_path / "1.csv", tmp_path / "2.csv"], Layout(), "csv")
    rows = engine.query("SELECT _row, a, b, c FROM v ORDER BY _row").to_pylist()
    assert [tuple(row.values()) for row in rows] == [(1, "1", "2", None), (3, "6", "7", None), (4, None, "8", "9")]
    assert (scan.rows, scan.rejected, scan.offsets) == (3, 1, (0, 3))


def test_a_file_that_vanished_loses_no_other(engine: DuckDBEngine, tmp_path: Path):
    (tmp_path / "1.csv").write_text("a\n1\n")
    scan = engine.scan("v", [tmp_path / "1.csv", tmp_path / "gone.csv"], Layout(), "csv")
    assert scan.rows == 1
    assert "there is no such file" in scan.errors[str(tmp_path / "gone.csv")]


def test_when_no_file_can_be_read_the_source_says_why(engine: DuckDBEngine, tmp_path: Path):
    with pytest.raises(SourceError, match=r"no such file.*looked for at"):
        engine.scan("v", [tmp_path / "gone.csv"], Layout(), "csv")
    with pytest.raises(SourceError, match="directory"):
        engine.scan("v", [tmp_path], Layout(), "csv")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.just("k"), CELLS, CELLS), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_read_back(look, rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    seen = look(out.getvalue(), delimiter=",")
    assert list(seen.rows.values()) == [tuple(cell or None for cell in row) for row in rows]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text('k",;x', min_size=1, max_size=10), min_size=1, max_size=12))
def test_every_line_of_junk_is_in_a_row_or_among_the_rejects(look, lines):
    seen = look(HEAD + "\n".join(lines) + "\n", delimiter=",")
    held = [cell or "" for row in seen.rows.values() for cell in row]
    held += [raw.rstrip("\n") for _, raw in seen.rejects.values()]
    ends = sum(text.count("\n") for text in held)
    assert len(seen.rows) + len(seen.rejects) + ends == len(lines)
    assert seen.scan.read == len(seen.rows) + len(seen.rejects)
