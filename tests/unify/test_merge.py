"""The golden record has the latest value of every trait, and every identifier its profile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from shoal.tables import IDENTIFIERS, PROFILES, conform, profile_id
from shoal.unify.events import write_events
from shoal.unify.link import Feed, feed, link
from shoal.unify.merge import Merged, merge
from shoal.unify.resolve import number, resolve


def clean(sql: Any, source: str, rows: list[dict[str, Any]], kind: Any = "events") -> Feed:
    count = len(rows)
    data: dict[str, Any] = {
        "row": pa.array(range(1, count + 1), pa.int64()),
        "event_id": pa.array([f"{source}{i:03d}" for i in range(count)], pa.string()),
        "event": pa.array(["Page Viewed"] * count, pa.string()),
        "at": pa.array([row.get("at") for row in rows], pa.timestamp("us")),
        "value": pa.array([None] * count, pa.float64()),
    }
    further = dict.fromkeys(key for row in rows for key in row if key not in data)
    data |= {
        key: pa.array([row.get(key) for row in rows], pa.string() if key[:3] == "id_" else None) for key in further
    }
    sql.register("rows_now", pa.table(data))
    sql.execute(f'CREATE OR REPLACE TEMP TABLE "clean_{source}" AS FROM rows_now')
    return feed(sql, source, kind)


def tables(sql: Any, sources: list[Feed], folder: Path, max_shared: int = 10) -> tuple[pa.Table, pa.Table, Merged]:
    links = link(sql, sources, max_shared)
    resolve(sql, links.kinds)
    events = write_events(sql, sources, links.kinds, folder / "events")
    merged = merge(sql, sources, links.kinds, events, folder / "profiles.parquet", folder / "identifiers.parquet")
    profiles, identifiers = (parquet.read_table(folder / f"{table}.parquet") for table in ("profiles", "identifiers"))
    assert (profiles.num_rows, identifiers.num_rows) == (merged.profiles, merged.identifiers)
    return profiles, identifiers, merged


def traits(profiles: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(profiles[one].to_pylist() for one in names), strict=True))


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


SECOND = 1_000_000


def test_the_tables_keep_their_contracts(sql: Any, tmp_path: Path) -> None:
    rows = [
        {"at": 2 * SECOND, "id_user_id": "u", "t_plan": "pro"},
        {"at": 7 * SECOND, "id_user_id": "u", "id_email": "a@b.org"},
    ]
    profiles, identifiers, _ = tables(sql, [clean(sql, "app", rows)], tmp_path)
    person = number("user_id:u")
    assert conform(profiles, PROFILES).column_names == [*PROFILES.names, "plan", "person"]
    assert profiles.to_pylist() == [
        {
            "profile_id": profile_id(person),
            "first_seen": moment(2),
            "last_seen": moment(7),
            "plan": "pro",
            "person": person,
        }
    ]
    assert conform(identifiers, IDENTIFIERS).column_names == [*IDENTIFIERS.names, "person"]
    shown = [{key: row[key] for key in ("profile_id", "type", "value", "source")} for row in identifiers.to_pylist()]
    assert shown == [
        {"profile_id": profile_id(person), "type": "user_id", "value": "u", "source": "app"},
        {"profile_id": profile_id(person), "type": "email", "value": "a@b.org", "source": "app"},
    ]
    assert identifiers["first_seen"].to_pylist() == [moment(2), moment(7)]


def test_the_latest_value_that_is_not_null_wins(sql: Any, tmp_path: Path) -> None:
    rows = [
        {"at": 3 * SECOND, "id_user_id": "u", "t_plan": "pro", "t_city": "Ulm"},
        {"at": 1 * SECOND, "id_user_id": "u", "t_plan": "free", "t_city": "Bonn"},
        {"at": 5 * SECOND, "id_user_id": "u", "t_plan": None, "t_city": "Kiel"},
    ]
    profiles, _, _ = tables(sql, [clean(sql, "app", rows)], tmp_path)
    assert traits(profiles, "plan", "city") == [("pro", "Kiel")]


def test_of_two_values_at_one_instant_the_later_event_id_wins(sql: Any, tmp_path: Path) -> None:
    rows = [{"at": SECOND, "id_user_id": "u", "t_plan": plan} for plan in ("c", "a", "b")]
    profiles, _, _ = tables(sql, [clean(sql, "app", rows)], tmp_path)
    assert traits(profiles, "plan") == [("b",)]


def test_a_value_with_a_time_beats_one_without(sql: Any, tmp_path: Path) -> None:
    app = clean(sql, "app", [{"at": SECOND, "id_user_id": "u", "t_plan": "pro", "t_city": None}])
    crm = clean(sql, "crm", [{"at": None, "id_user_id": "u", "t_plan": "free", "t_city": "Ulm"}], "profiles")
    profiles, _, _ = tables(sql, [crm, app], tmp_path)
    assert traits(profiles, "plan", "city") == [("pro", "Ulm")]


@pytest.mark.parametrize(("told", "plan"), [(5, "crm"), (2, "app")])
def test_profile_rows_with_a_time_compete_by_it(sql: Any, tmp_path: Path, told: int, plan: str) -> None:
    app = clean(sql, "app", [{"at": 3 * SECOND, "id_user_id": "u", "t_plan": "app"}])
    crm = clean(sql, "crm", [{"at": told * SECOND, "id_user_id": "u", "t_plan": "crm"}], "profiles")
    profiles, _, _ = tables(sql, [app, crm], tmp_path)
    assert traits(profiles, "plan") == [(plan,)]


def test_without_times_the_source_named_first_wins(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"id_user_id": "u", "t_plan": "a"}, {"id_user_id": "u", "t_plan": "b"}], "profiles")
    two = clean(sql, "two", [{"id_user_id": "u", "t_plan": "c", "t_city": "Ulm"}], "profiles")
    profiles, _, _ = tables(sql, [one, two], tmp_path)
    assert traits(profiles, "plan", "city", "first_seen") == [("b", "Ulm", None)]


def test_a_trait_of_two_types_is_text(sql: Any, tmp_path: Path) -> None:
    one = clean(sql, "one", [{"id_user_id": "u", "t_size": 4}, {"id_user_id": "w", "t_size": None}], "profiles")
    two = clean(sql, "two", [{"at": SECOND, "id_user_id": "w", "t_size": "XL"}])
    profiles, _, _ = tables(sql, [one, two], tmp_path)
    assert set(traits(profiles, "size")) == {("4",), ("XL",)}


def test_a_property_of_the_same_name_is_not_taken_for_the_trait(sql: Any, tmp_path: Path) -> None:
    app = clean(sql, "app", [{"at": SECOND, "id_user_id": "u", "t_country": "DE"}])
    web = clean(sql, "web", [{"at": 9 * SECOND, "id_user_id": "u", "p_country": "FR"}])
    profiles, _, _ = tables(sql, [app, web], tmp_path)
    assert traits(profiles, "country") == [("DE",)]


def test_people_of_any_source_have_a_profile(sql: Any, tmp_path: Path) -> None:
    app = clean(sql, "app", [{"at": SECOND, "id_user_id": "u"}])
    crm = clean(sql, "crm", [{"id_user_id": "w", "t_plan": "a"}], "profiles")
    profiles, _, merged = tables(sql, [app, crm], tmp_path)
    assert sorted(profiles["person"].to_pylist()) == sorted([number("user_id:u"), number("user_id:w")])
    assert merged.shared["app"] == 0


def test_a_guarded_identifier_is_nobodys_unless_rows_fall_to_it(sql: Any, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"at": SECOND, "id_device_id": "till", "id_user_id": str(i)} for i in range(4)]
    profiles, identifiers, _ = tables(sql, [clean(sql, "shop", rows)], tmp_path, max_shared=3)
    assert (profiles.num_rows, identifiers.num_rows) == (4, 4)
    rows.append({"at": 9 * SECOND, "id_device_id": "till"})
    profiles, identifiers, _ = tables(sql, [clean(sql, "shop", rows)], tmp_path, max_shared=3)
    assert (profiles.num_rows, identifiers.num_rows) == (5, 5)


def test_shared_counts_profiles_that_another_source_knows(sql: Any, tmp_path: Path) -> None:
    app = clean(sql, "app", [{"at": SECOND, "id_user_id": user} for user in ("u", "u", "v", "w")])
    crm = clean(sql, "crm", [{"id_user_id": "u"}], "profiles")
    _, _, merged = tables(sql, [app, crm], tmp_path)
    assert merged.shared == {"app": pytest.approx(1 / 3), "crm": 1}


def test_a_second_run_reads_the_first_ones_identifiers(sql: Any, tmp_path: Path) -> None:
    tables(sql, [clean(sql, "app", [{"at": SECOND, "id_email": "a@b.org"}])], tmp_path)
    now = clean(sql, "app", [{"at": SECOND, "id_email": "a@b.org", "id_user_id": "u"}])
    links = link(sql, [now])
    resolution = resolve(sql, links.kinds, tmp_path / "identifiers.parquet")
    assert (resolution.kept, resolution.new) == (1, 0)
    assert set(sql.query("SELECT person FROM link_identity")["person"].to_pylist()) == {number("email:a@b.org")}
