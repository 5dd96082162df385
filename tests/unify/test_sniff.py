"""Dialects of files, found from a bounded look."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import SourceError
from shoal.unify.dialect import delimiter_of, encoding_of, has_header, rows_of
from shoal.unify.sniff import ROWS, sniff
from shoal.unify.values import TimeForm, time_form

ORDERS = "id;name;amount\n" + "".join(f"{n};Müller {n};{n},50\n" for n in range(1, 60))


def file(folder: Path, content: bytes, name: str = "some.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("latin-1", "latin-1"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "latin-1")],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, found: str) -> None:
    sample = sniff(file(tmp_path, ORDERS.encode(encoding)))
    assert sample.dialect.encoding == found
    assert sample["name"].values[0] == "Müller 1"


def test_characters_of_windows_make_it_cp1252() -> None:
    assert encoding_of("12 € „Café“".encode("cp1252"))[0] == "cp1252"


def test_other_scripts_are_not_taken_for_western() -> None:
    name, note = encoding_of(("Привет, это список заказов нашего магазина. " * 20).encode("cp1251"))
    assert name not in ("latin-1", "cp1252", "utf-8")
    assert note is not None


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert sniff(file(tmp_path, ORDERS.encode("utf-8-sig"))).names[0] == "id"


def test_a_decimal_comma_is_found(tmp_path: Path) -> None:
    assert sniff(file(tmp_path, ORDERS.encode())).dialect.decimal == ","


@given(
    st.sampled_from([",", ";", "\t", "|"]),
    st.lists(st.tuples(st.integers(0, 99), st.from_regex(r"[a-z]{1,5}( [a-z]{1,5})?", fullmatch=True)), min_size=3),
)
def test_the_delimiter_is_the_one_that_was_used(mark: str, rows: list[tuple[int, str]]) -> None:
    lines = [mark.join(("number", "word", "price"))]
    lines += [mark.join((str(number), word, f"{number}.5")) for number, word in rows]
    assert delimiter_of("\n".join(lines)) == mark


def test_blanks_cut_columns_where_nothing_else_does() -> None:
    assert delimiter_of(" 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n") == "whitespace"


def test_commas_inside_quotes_do_not_cut() -> None:
    assert rows_of('a,"b, c"\n', ",") == [["a", "b, c"]]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["id", "date"], ["1", "2020-01-01"]], True),
        ([["4", "2020-02-01"], ["5", "2020-02-02"]], False),
        ([["customer", "city"], ["Kim", "Graz"]], True),
        ([["a@b.test", "3"], ["c@d.test", "4"]], False),
    ],
)
def test_a_first_line_of_values_is_no_header(rows: list[list[str]], header: bool) -> None:
    assert has_header(rows)[0] is header


def test_columns_without_a_name_or_with_the_same_are_told_apart(tmp_path: Path) -> None:
    sample = sniff(file(tmp_path, b",id,ID\n0,a,b\n1,c,d\n"))
    assert sample.names == ["column_1", "id", "ID_2"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04....", "export the sheet as CSV"),
        (b"\x00\x01\x02\x00\xff\x00", "binary"),
        (b"%PDF-1.4", "PDF"),
        (b"<html><body>", "web page"),
        (b"\x1f\x8bnonsense", "gzip"),
        (b"PAR1broken", "Parquet"),
    ],
)
def test_what_is_no_table_is_refused_with_a_remedy(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=f"(?s){says}.*Remedy|Remedy.*{says}"):
        sniff(file(tmp_path, content))


def test_a_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="folder"):
        sniff(tmp_path)


def test_a_header_alone_is_a_sample_of_no_rows(tmp_path: Path) -> None:
    assert sniff(file(tmp_path, b"customer_id,date\n")).rows == 0


def test_a_cell_of_a_megabyte_is_read(tmp_path: Path) -> None:
    sample = sniff(file(tmp_path, b"id,text\n1," + b"x" * 1_000_000 + b"\n2,y\n"))
    assert sample.rows == 2


def test_an_unclosed_quote_does_not_swallow_the_sample(tmp_path: Path) -> None:
    lines = [f"{n},word {n},5" for n in range(300)]
    lines[3] = '3,"never closed,5'
    sample = sniff(file(tmp_path, ("id,word,price\n" + "\n".join(lines)).encode()))
    assert sample.rows > 290
    assert any("quote" in note for note in sample.notes)


def test_lines_above_the_table_are_noticed(tmp_path: Path) -> None:
    content = "Report of March\n\nid,date,amount\n" + "".join(f"{n},2024-03-01,5\n" for n in range(50))
    sample = sniff(file(tmp_path, content.encode()))
    assert sample.names == ["id", "date", "amount"]
    assert any("not part of the table" in note for note in sample.notes)


def test_a_large_file_is_looked_at_in_its_middle_and_end(tmp_path: Path) -> None:
    content = "id,part\n" + "".join(f"{n},{'abc'[n * 3 // 400_000]}\n" for n in range(400_000))
    sample = sniff(file(tmp_path, content.encode()))
    assert set(sample["part"].values) == {"a", "b", "c"}
    assert sample.rows <= ROWS
    assert not sample.whole


def test_gzip_is_known_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    assert sniff(file(tmp_path, gzip.compress(ORDERS.encode()), "plain.csv")).names == ["id", "name", "amount"]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "at": pa.array([0, 1], pa.timestamp("us")), "ok": [True, False]}), path)
    sample = sniff(path)
    assert [column.native for column in sample] == ["number", "time", "bool"]


def test_json_objects_are_opened_and_broken_lines_counted(tmp_path: Path) -> None:
    content = b'{"a": 1, "b": {"c": {"d": "x"}}}\n{"a": 2}\nnot json\n'
    sample = sniff(file(tmp_path, content, "x.jsonl"))
    assert sample.names == ["a", "b.c.d"]
    assert "1 of 3" in sample.notes[0]


def test_an_array_of_json_objects_is_read_too(tmp_path: Path) -> None:
    assert sniff(file(tmp_path, b'[{"a": 1},\n {"a": 2}]', "x.json")).rows == 2


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["2020-01-02", "2020-12-31"], None),
        (["2020-01-02T03:04:05Z"], None),
        (["2019-10-01 00:00:00 UTC"], None),
        (["2020-01-02 10:11:12 -0500"], "%Y-%m-%d %H:%M:%S %z"),
        (["31.12.2020", "01.02.2020"], "%d.%m.%Y"),
        (["12/31/2020 8:26"], "%m/%d/%Y %H:%M"),
        (["24-02-2015 11.35"], "%d-%m-%Y %H.%M"),
        (["19970101", "19980630"], "%Y%m%d"),
        (["03-Jan-21", "14-Feb-21"], "%d-%b-%y"),
        (["Jan 5, 2021", "Feb 14, 2021"], "%b %d, %Y"),
        (["1/13/21 9:05 PM"], "%m/%d/%y %I:%M %p"),
    ],
)
def test_the_format_of_times_is_found(values: list[str], form: str | None) -> None:
    found = time_form(values)
    assert found is not None
    assert found.format == form


@pytest.mark.parametrize("values", [["12.50", "13.99"], ["hello world"], ["123456"], ["85123A"], [""]])
def test_other_values_are_no_times(values: list[str]) -> None:
    assert time_form(values) is None


def test_times_in_three_forms_give_the_share_of_the_commonest() -> None:
    values = [f"2020-01-{n:02}" for n in range(1, 25)] + ["01/02/2020", "Jan 5, 2021"]
    assert time_form(values) == TimeForm(None, share=round(24 / 26, 4))
