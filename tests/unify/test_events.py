"""Events come out complete, sorted by person and time, under the person they belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from shoal.errors import DataError, SettingsError
from shoal.tables import EVENTS, INSTANT, conform, profile_id
from shoal.unify.events import batches, event_files, united, write_events
from shoal.unify.link import Feed, feed, link, standardise_phones
from shoal.unify.resolve import number, resolve


def clean(sql: Any, source: str, rows: list[dict[str, Any]], kind: Any = "events") -> Feed:
    """Leaves `clean_<source>`; a row without `at` and `event_id` gets its position for both."""
    count = len(rows)
    data: dict[str, Any] = {
        "row": pa.array(range(1, count + 1), pa.int64()),
        "event_id": pa.array([row.get("event_id", f"{source}{i}") for i, row in enumerate(rows)], pa.string()),
        "event": pa.array([row.get("event", "Page Viewed") for row in rows], pa.string()),
        "at": pa.array([row.get("at", i * 1_000_000) for i, row in enumerate(rows)], pa.timestamp("us")),
        "value": pa.array([row.get("value") for row in rows], pa.float64()),
    }
    further = dict.fromkeys(key for row in rows for key in row if key not in data)
    data |= {
        key: pa.array([row.get(key) for row in rows], pa.string() if key[:3] == "id_" else None) for key in further
    }
    sql.register("rows_now", pa.table(data))
    sql.execute(f'CREATE OR REPLACE TEMP TABLE "clean_{source}" AS FROM rows_now')
    return feed(sql, source, kind)


def write(sql: Any, sources: list[Feed], folder: Path, **options: Any) -> pa.Table:
    links = link(sql, sources, options.pop("max_shared", 10))
    resolve(sql, links.kinds)
    written = write_events(sql, sources, links.kinds, folder, **options)
    table = pa.concat_tables([parquet.read_table(file, partitioning=None) for file in written.files])
    assert table.num_rows == written.rows
    return table


def many(sql: Any, count: int = 3000) -> Feed:
    random = np.random.default_rng(4)
    rows = [
        {
            "event_id": f"e{i:05d}",
            "at": int(random.integers(0, 40)),
            "id_customer_id": str(random.integers(0, 200)),
            "value": float(i),
            "p_item_id": f"i{random.integers(0, 9)}",
        }
        for i in range(count)
    ]
    return clean(sql, "shop", rows)


def test_the_table_keeps_its_contract(sql: Any, tmp_path: Path) -> None:
    rows = [
        {"event": "Order Completed", "at": 5, "value": 2.5, "id_customer_id": "1", "p_item_id": "a", "t_country": "GB"}
    ]
    table = write(sql, [clean(sql, "shop", rows)], tmp_path / "events")
    assert conform(table, EVENTS).column_names == EVENTS.names
    person = number("customer_id:1")
    assert table.to_pylist() == [
        {
            "event_id": "shop0",
            "profile_id": profile_id(person),
            "at": datetime(1970, 1, 1, microsecond=5, tzinfo=UTC),
            "event": "Order Completed",
            "source": "shop",
            "value": 2.5,
            "properties": {"item_id": "a", "country": "GB"},
            "person": person,
        }
    ]
    assert table["at"].type == INSTANT


@pytest.mark.parametrize("bucket_rows", [10_000, 1_000, 100])
def test_every_event_comes_out_once_and_sorted(sql: Any, tmp_path: Path, bucket_rows: int) -> None:
    table = write(sql, [many(sql)], tmp_path / "events", bucket_rows=bucket_rows)
    files = event_files(tmp_path / "events")
    assert len(files) == {10_000: 1, 1_000: 4, 100: 32}[bucket_rows]
    keys = list(zip(*(table[key].to_pylist() for key in ("person", "at", "event_id")), strict=True))
    assert keys == sorted(keys)
    assert sorted(table["value"].to_pylist()) == [float(i) for i in range(3000)]
    assert [file.name for file in sorted((tmp_path / "events").iterdir())] == [file.name for file in files]


def test_a_bucket_holds_all_events_of_its_people(sql: Any, tmp_path: Path) -> None:
    write(sql, [many(sql)], tmp_path / "events", bucket_rows=1_000)
    people = [
        set(parquet.read_table(file, partitioning=None)["person"].to_pylist())
        for file in event_files(tmp_path / "events")
    ]
    assert sum(map(len, people)) == len(set().union(*people)) == 200


def test_sources_are_united_and_their_conflicting_types_become_text(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"id_customer_id": "1", "p_size": 4, "p_price": 1, "p_new": True}])
    two = clean(sql, "two", [{"id_customer_id": "1", "p_size": "XL", "p_price": 2.5}])
    table = write(sql, [one, two], tmp_path / "events")
    assert table["properties"].to_pylist() == [
        {"size": "4", "price": 1.0, "new": True},
        {"size": "XL", "price": 2.5, "new": None},
    ]


def test_events_of_one_person_meet_through_different_identifiers(sql: Any, tmp_path: Path) -> None:
    web = clean(sql, "web", [{"id_anonymous_id": "c"}, {"id_anonymous_id": "c", "id_email": "a@b.org"}])
    shop = clean(sql, "shop", [{"id_customer_id": "1", "id_email": "a@b.org"}, {"id_customer_id": "1"}])
    table = write(sql, [web, shop], tmp_path / "events")
    assert table["person"].to_pylist() == [number("customer_id:1")] * 4


def test_a_shared_device_leaves_rows_with_their_people_and_lone_rows_with_itself(sql: Any, tmp_path: Path) -> None:
    rows = [{"id_device_id": "till", "id_customer_id": str(i)} for i in range(5)] + [{"id_device_id": "till"}]
    table = write(sql, [clean(sql, "shop", rows)], tmp_path / "events", max_shared=3)
    owner = dict(zip(table["event_id"].to_pylist(), table["person"].to_pylist(), strict=True))
    assert owner["shop5"] == number("device_id:till")
    assert [owner[f"shop{i}"] for i in range(5)] == [number(f"customer_id:{i}") for i in range(5)]


def test_rows_without_an_identifier_are_left_out(sql: Any, tmp_path: Path) -> None:
    table = write(sql, [clean(sql, "shop", [{"id_customer_id": "1"}, {"id_customer_id": None}])], tmp_path / "events")
    assert table["event_id"].to_pylist() == ["shop0"]


def test_event_ids_that_two_sources_share_are_told_apart(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"event_id": "1", "id_user_id": "u"}, {"event_id": "2", "id_user_id": "u"}])
    two = clean(sql, "two", [{"event_id": "2", "id_user_id": "u"}, {"event_id": "3", "id_user_id": "u"}])
    table = write(sql, [one, two], tmp_path / "events")
    assert sorted(table["event_id"].to_pylist()) == ["1", "2", "3", "two:2"]


def test_a_profile_row_is_an_event_only_with_a_name_and_a_time(sql: Any, tmp_path: Path) -> None:
    shop = clean(sql, "shop", [{"id_customer_id": "1"}])
    rows: list[dict[str, Any]] = [
        {"id_customer_id": "1", "event": None, "at": None, "t_age": 3},
        {"id_customer_id": "2", "event": "Signed Up", "at": 5, "t_age": 4},
    ]
    table = write(sql, [shop, clean(sql, "crm", rows, "profiles")], tmp_path / "events")
    assert sorted(table["event"].to_pylist()) == ["Page Viewed", "Signed Up"]
    assert table["properties"].type.get_field_index("age") == -1


def test_names_of_standing_columns_are_refused_all_at_once(sql: Any, tmp_path: Path) -> None:
    shop = clean(sql, "shop", [{"id_customer_id": "1", "p_person": "x", "t_first_seen": "y"}])
    with pytest.raises(SettingsError) as caught:
        write(sql, [shop], tmp_path / "events")
    assert [fault.where for fault in caught.value.faults] == [
        "sources.shop.properties.person",
        "sources.shop.traits.first_seen",
    ]


def test_a_failed_write_leaves_the_last_good_events(sql: Any, tmp_path: Path) -> None:
    shop = clean(sql, "shop", [{"id_customer_id": "1", "p_size": "4"}])
    write(sql, [shop], tmp_path / "events")
    sql.execute(
        "CREATE TEMP VIEW clean_bad AS "
        "SELECT * REPLACE (CASE WHEN row > 0 THEN error('bad') END AS p_size) FROM clean_shop"
    )
    with pytest.raises(DataError, match="bad"):
        write_events(sql, [replace(shop, relation="clean_bad")], ("customer_id",), tmp_path / "events")
    assert [path.name for path in tmp_path.iterdir() if path.name != "scratch"] == ["events"]
    assert parquet.read_table(event_files(tmp_path / "events")[0], partitioning=None).num_rows == 1


@pytest.mark.parametrize("rows", [97, 1_000_000])
def test_batches_are_flat_and_in_order_with_text_as_dictionaries(
    sql: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("shoal.unify.events.GROUP_ROWS", 2048)
    many(sql, 9_000)
    table = write(sql, [feed(sql, "shop", "events")], tmp_path / "events", bucket_rows=4_500)
    columns = ["person", "at", "event", "value", "item_id", "colour"]
    parts = list(batches(tmp_path / "events", columns, rows=rows))
    assert all(part.num_rows <= rows for part in parts)
    assert {part.schema.names == columns for part in parts} == {True}
    assert pa.types.is_dictionary(parts[0]["event"].type)
    assert pa.types.is_dictionary(parts[0]["item_id"].type)
    for column in ("person", "at", "value", "event"):
        assert [value for part in parts for value in part[column].to_pylist()] == table[column].to_pylist()
    items = [value for part in parts for value in part["item_id"].to_pylist()]
    assert items == [row["item_id"] for row in table["properties"].to_pylist()]
    assert {value for part in parts for value in part["colour"].to_pylist()} == {None}


def test_batches_of_some_files_are_those_people(sql: Any, tmp_path: Path) -> None:
    write(sql, [many(sql)], tmp_path / "events", bucket_rows=1_000)
    files = event_files(tmp_path / "events")
    whole = [value for part in batches(tmp_path / "events", ["person"]) for value in part["person"].to_pylist()]
    halves = [batches(files[:2], ["person"]), batches(files[2:], ["person"])]
    assert [value for half in halves for part in half for value in part["person"].to_pylist()] == whole


def test_names_that_differ_in_case_only_are_refused(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"id_customer_id": "1", "p_size": "x"}])
    two = clean(sql, "two", [{"id_customer_id": "1", "p_Size": "y"}])
    with pytest.raises(SettingsError, match="'Size' and 'size' differ in case only"):
        write(sql, [one, two], tmp_path / "events")


def test_without_events_there_is_one_empty_file(sql: Any, tmp_path: Path) -> None:
    crm = clean(sql, "crm", [{"id_customer_id": "1", "event": None, "at": None, "t_age": 3}], "profiles")
    table = write(sql, [crm], tmp_path / "events")
    assert (table.num_rows, table.schema.names) == (0, EVENTS.names)


def test_mixed_numbers_are_floats_and_anything_else_text() -> None:
    found = united([{"a": pa.int32(), "b": pa.bool_()}, {"a": pa.float32(), "b": pa.timestamp("ms")}])
    assert found == {"a": pa.float64(), "b": pa.string()}


def test_ids_that_clean_made_are_not_compared(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"event_id": "1", "id_user_id": "u"}])
    two = clean(sql, "two", [{"event_id": "1", "id_user_id": "u"}])
    assert write(sql, [one, two], tmp_path / "events", own_ids={"one"})["event_id"].to_pylist() == ["1", "1"]


def test_events_with_phones_of_two_spellings_are_one_persons(sql: Any, tmp_path: Path) -> None:
    shop = clean(sql, "shop", [{"id_phone": "020 7946 0958"}, {"id_phone": "+442079460958"}, {"id_phone": "12"}])
    table = write(sql, list(standardise_phones(sql, [shop], "GB").sources), tmp_path / "events")
    assert table["person"].to_pylist() == [number("phone:+442079460958")] * 2
