"""Values come out in one way of writing: instants, numbers, texts, money, countries."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unify.reading import ORDERS, read

from shoal.engine.duckdb import DuckDBEngine
from shoal.unify.countries import country_code
from shoal.unify.times import form_of, guard

VISITS = {"at": "at", "identifiers": {"customer_id": "who"}}


def times(sql: DuckDBEngine, folder: Path, *written: str, **source: object):
    text = "who;at\n" + "".join(f"a{n};{value}\n" for n, value in enumerate(written))
    return read(sql, folder, text, {**VISITS, "csv": {"delimiter": ";"}, **source})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2010-12-01 08:26:00", "2010-12-01 08:26:00"),
        ("2010-12-01T08:26:00.250Z", "2010-12-01 08:26:00"),
        ("2010-12-01T08:26:00+02:00", "2010-12-01 06:26:00"),
        ("2010-12-01 08:26:00 -0800", "2010-12-01 16:26:00"),
        ("2010/12/1 8:26", "2010-12-01 08:26:00"),
        ("19970101", "1997-01-01 00:00:00"),
        ("19-03-2013 23:14", "2013-03-19 23:14:00"),
        ("13/12/2010 8:26", "2010-12-13 08:26:00"),
        ("12/13/2010 8:26", "2010-12-13 08:26:00"),
        ("12/13/10 8:26 PM", "2010-12-13 20:26:00"),
        ("1.12.2010", "2010-12-01 00:00:00"),
        ("24 Feb 2015", "2015-02-24 00:00:00"),
        ("February 24, 2015", "2015-02-24 00:00:00"),
        ("Tue Feb 24 11:55:35 -0800 2015", "2015-02-24 19:55:35"),
        ("24/Feb/2015:11:55:35 +0000", "2015-02-24 11:55:35"),
        ("1363734892", "2013-03-19 23:14:52"),
        ("1363734892123", "2013-03-19 23:14:52"),
        ("1363734892123456", "2013-03-19 23:14:52"),
        ("20101201082600", "2010-12-01 08:26:00"),
    ],
)
def test_a_way_of_writing_instants_is_recognised(sql: DuckDBEngine, tmp_path: Path, written: str, meant: str):
    assert times(sql, tmp_path, written).instants() == [meant]


def test_three_ways_in_one_column_are_all_read_and_noted(sql: DuckDBEngine, tmp_path: Path):
    found = times(sql, tmp_path, "2010-12-01", "25.12.2010", "1363734892", "hm")
    assert found.instants() == ["2010-12-01 00:00:00", "2010-12-25 00:00:00", "2013-03-19 23:14:52"]
    assert found.refused == {4: "bad_time"}
    assert "3 ways" in found.quality.notes[0]


def test_one_value_decides_for_the_column_whether_the_day_comes_first(sql: DuckDBEngine, tmp_path: Path):
    assert times(sql, tmp_path, "01/02/2010", "13/02/2010").instants()[0] == "2010-02-01 00:00:00"
    assert times(sql, tmp_path, "01/02/2010", "02/13/2010").instants()[0] == "2010-01-02 00:00:00"


def test_a_column_that_does_not_say_is_read_day_first_with_a_note(sql: DuckDBEngine, tmp_path: Path):
    found = times(sql, tmp_path, "01/02/2010")
    assert found.instants() == ["2010-02-01 00:00:00"]
    assert "does not say" in found.quality.notes[0]


def test_a_given_format_wins(sql: DuckDBEngine, tmp_path: Path):
    assert times(sql, tmp_path, "13/02/2010", "01/02/2010", at_format="%m/%d/%Y").refused == {1: "bad_time"}
    assert times(sql, tmp_path, "1363734892", at_format="unix_ms").instants() == ["1970-01-16 18:48:54"]


def test_local_times_are_read_in_the_zone_of_the_source(sql: DuckDBEngine, tmp_path: Path):
    found = times(sql, tmp_path, "2010-07-01 12:00", "2010-12-01 12:00", "2010-12-01T12:00Z", time_zone="Europe/Berlin")
    assert found.instants() == ["2010-07-01 10:00:00", "2010-12-01 11:00:00", "2010-12-01 12:00:00"]


def test_a_time_can_be_an_expression(sql: DuckDBEngine, tmp_path: Path):
    text = "who,year,month,day\na,2008,4,1\nb,2008,13,1\n"
    found = read(sql, tmp_path, text, {**VISITS, "at": "date(year, month, day)"})
    assert found.instants() == ["2008-04-01 00:00:00"]
    assert found.refused == {2: "bad_time"}


def test_a_time_can_be_put_together_from_texts(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, "who,d,t\na,13/04/2008,10:30\n", {**VISITS, "at": "concat(d, ' ', t)"})
    assert found.instants() == ["2008-04-13 10:30:00"]


@given(
    st.datetimes(),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y %I:%M %p", "%d/%m/%y"]),
)
def test_the_form_of_a_written_instant_is_found_and_guards_it(moment, form):
    import re

    if moment.year < 1000:
        return
    written = moment.strftime(form)
    found = form_of(written.translate(str.maketrans("123456789", "0" * 9)))
    assert found is not None
    assert re.fullmatch(guard(found.name), written)
    if found.name != "iso":
        assert found.name.replace("%B", "%b") == form.replace("%B", "%b")


@pytest.mark.parametrize(
    ("decimal", "written", "meant"),
    [
        (".", "1234.5", 1234.5), (".", "1,234.50", 1234.5), (".", "$ 12", 12.0), (".", "EUR 3.5", 3.5),
        (".", "1 234.5", 1234.5), (".", "1e3", 1000.0), (".", "(12.50)", None), (".", "12,50", None),
        (",", "1.234,50", 1234.5), (",", "12,5", 12.5), (",", "1.234.567", 1234567.0), (",", "€ 12,50", 12.5),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(
    sql: DuckDBEngine, tmp_path: Path, decimal: str, written: str, meant: float | None
):
    source = {**ORDERS, "csv": {"delimiter": ";", "decimal": decimal}}
    found = read(sql, tmp_path, f"who;at;amount\na;2024-01-01;{written}\n", source)
    assert found.column("value") == ([] if meant is None else [meant])
    if meant is None:
        assert found.refused[1] in ("bad_value", "negative_value")


def test_texts_are_trimmed_composed_and_blank_words_are_nothing(sql: DuckDBEngine, tmp_path: Path):
    words = [" x ", "e\u0301", "NULL", "n/a", "None", "nan", "-", "null and void", "\u00a0y\u00a0"]
    text = "who,at,w\n" + "".join(f'a,2024-01-0{n},"{word}"\n' for n, word in enumerate(words, 1))
    found = read(sql, tmp_path, text, {**VISITS, "properties": {"word": "w"}})
    assert found.column("p_word") == ["x", "é", None, None, None, None, "-", "null and void", "y"]


def test_properties_take_the_type_of_their_values_and_names_stay_text(sql: DuckDBEngine, tmp_path: Path):
    text = "who,at,n,order,zip,ok,day,mixed,zeros\n"
    text += "a,2024-01-01,1,536365.0,01234,true,2024-01-05,5,007\nb,2024-01-02,2.5,536366.0,5,false,2024-02-05,x,8\n"
    names = {"n": "n", "order_id": "order", "zip": "zip", "ok": "ok", "day": "day", "mixed": "mixed", "zeros": "zeros"}
    found = read(sql, tmp_path, text, {**VISITS, "properties": names})
    assert found.column("p_n") == [1.0, 2.5]
    assert found.column("p_order_id") == ["536365", "536366"]
    assert found.column("p_zip") == ["01234", "5"]
    assert found.column("p_ok") == [True, False]
    assert [day.day for day in found.column("p_day")] == [5, 5]
    assert found.column("p_mixed") == ["5", "x"]
    assert found.column("p_zeros") == ["007", "8"]


def test_a_number_written_as_a_decimal_is_an_identifier_without_it(sql: DuckDBEngine, tmp_path: Path):
    found = read(sql, tmp_path, "who,at\n17850.0,2024-01-01\n00123,2024-01-02\n", VISITS)
    assert found.column("id_customer_id") == ["17850", "00123"]


def test_large_numbers_of_parquet_are_identifiers_to_the_last_digit(sql: DuckDBEngine, tmp_path: Path):
    big = 2**62 + 1
    pq.write_table(pa.table({"who": [big], "at": pa.array([0], pa.timestamp("ms"))}), tmp_path / "s.parquet")
    assert read(sql, tmp_path, None, VISITS, file="s.parquet").column("id_customer_id") == [str(big)]


def test_typed_columns_of_parquet_are_taken_as_they_are(sql: DuckDBEngine, tmp_path: Path):
    table = pa.table(
        {
            "who": ["a", "b", None],
            "at": pa.array([0, 3_600_000_000, 0], pa.timestamp("us")),
            "amount": [1.5, float("nan"), 2.0],
            "n": pa.array([1, None, 3], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "s.parquet")
    source = {**ORDERS, "properties": {"n": "n"}, "time_zone": "Europe/Berlin"}
    found = read(sql, tmp_path, None, source, file="s.parquet")
    assert found.instants() == ["1969-12-31 23:00:00", "1970-01-01 00:00:00"]
    assert found.column("value") == [1.5, None]
    assert found.column("p_n") == [1.0, None]
    assert next(column for column in found.quality.columns if column.column == "amount").invalid == 1


def test_an_identifier_of_json_may_lie_deep(sql: DuckDBEngine, tmp_path: Path):
    line = '{"user": {"id": 7, "plan": null}, "at": "2024-01-01T00:00:00Z", "items": [1]}\n'
    source = {"at": "at", "identifiers": {"user_id": '"user.id"'}, "traits": {"plan": "user.plan"}}
    found = read(sql, tmp_path, line, source, file="s.jsonl")
    assert found.column("id_user_id") == ["7"]
    assert found.column("t_plan") == [None]


def test_money_is_converted_by_the_rates_and_unknown_currencies_are_refused(sql: DuckDBEngine, tmp_path: Path):
    text = "who,at,amount,cur\na,2024-01-01,10,eur\nb,2024-01-01,10,USD\nc,2024-01-01,10,XXX\nd,2024-01-01,,XXX\n"
    settings = {"currency": "EUR", "rates": {"USD": 0.9}}
    found = read(sql, tmp_path, text, {**ORDERS, "currency": "cur"}, settings=settings)
    assert found.column("value") == [10.0, 9.0, None]
    assert found.refused == {3: "unknown_currency"}
    constant = read(sql, tmp_path, text, {**ORDERS, "currency": "USD"}, settings=settings)
    assert constant.column("value")[0] == 9.0


def test_countries_become_codes_where_they_are_known(sql: DuckDBEngine, tmp_path: Path):
    words = ["united kingdom", "EIRE", "DEU", "us", "NA", "Channel Islands"]
    text = "who,at,land\n" + "".join(f"a{n},2024-01-01,{word}\n" for n, word in enumerate(words))
    found = read(sql, tmp_path, text, {**VISITS, "traits": {"country": "land"}})
    assert found.column("t_country") == ["GB", "IE", "DE", "US", "NA", "Channel Islands"]
    assert found.column("p_country") == found.column("t_country")


def test_every_country_code_stands_for_itself():
    assert [country_code(code) for code in ("FR", "FRA", "France", "nowhere")] == ["FR", "FR", "FR", None]


def test_event_names_are_read_from_a_column_and_renamed(sql: DuckDBEngine, tmp_path: Path):
    text = "who,at,what\na,2024-01-01,purchase\nb,2024-01-01,home\nc,2024-01-01,\n"
    source = {**VISITS, "event": {"column": "what", "names": {"purchase": "Order Completed"}}}
    found = read(sql, tmp_path, text, source)
    assert found.column("event") == ["Order Completed", "home"]
    assert found.refused == {3: "no_event"}


def test_profiles_need_no_time_and_keep_their_row_when_it_is_bad(sql: DuckDBEngine, tmp_path: Path):
    text = "who,joined,plan\na,2024-01-05,pro\nb,soon,free\nc,2999-01-01,free\n"
    source = {"kind": "profiles", "identifiers": {"user_id": "who"}, "traits": {"plan": "plan"}}
    assert read(sql, tmp_path, text, source).column("event") == [None, None, None]
    dated = read(sql, tmp_path, text, {**source, "at": "joined"})
    assert dated.column("event") == ["Signed Up", None, None]
    assert dated.column("t_plan") == ["pro", "free", "free"]
    assert "p_plan" not in dated.rows[0]
