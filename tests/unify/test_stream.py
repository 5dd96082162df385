"""The log is one more source of a run: its events join with the files', what is bad is quarantined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from live.sent import RECEIVED, RUDDER_NODE, Kept, entry
from shoal import settings
from shoal.engine.duckdb import DuckDBEngine
from shoal.errors import SettingsError
from shoal.pipeline import _replays
from shoal.store.runs import Run, Runs
from shoal.unify.run import unify

ORDERS = """customer,when,amount,Size,order_id
7,2026-11-01T10:00:00Z,20.5,5,o1
8,2026-11-02T10:00:00Z,10,XL,o2
"""
SHOP = """
sources:
  orders:
    path: orders.csv
    event: Order Completed
    at: when
    value: amount
    identifiers: {customer_id: customer}
    properties: {Size: Size, order_id: order_id}
"""


def message(number: int, **parts: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Viewed", "messageId": f"m{number}", **parts}


def run(folder: Path, text: str, *bodies: Any, as_of: int | None = None) -> Run:
    """The unify stage over the files in `folder` and a log of the bodies."""
    (folder / "shoal.yaml").write_text(text, encoding="utf-8")
    told = settings.load(folder)
    runs = Runs(folder)
    before = runs.last()
    with runs.begin(3) as draft, DuckDBEngine("500MB", 1, draft.folder / "scratch") as engine:
        log = _replays(told, [Kept([entry(body) for body in bodies])])
        unify(folder, told, engine, draft, before, as_of, lambda *_: None, log)
    return runs.current()


def rows(run: Run, name: str) -> list[dict[str, Any]]:
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in run.files(name)]).to_pylist()


def live(run: Run) -> dict[str, Any]:
    return next(one for one in run.read_part("unify")["quality"] if one["source"] == "live")


def test_a_workspace_may_have_nothing_but_its_log(tmp_path: Path) -> None:
    done = run(tmp_path, "name: app\n", RUDDER_NODE, message(1, userId="u1", anonymousId="a1"))
    assert done.read_part("unify")["rows"] == {"events": 2, "profiles": 1, "identifiers": 2, "quarantine": 0}
    assert done.read_part("unify")["live"] == {"offset": 2, "offsets": [2], "events": 2, "traits": ["age", "plan"]}
    assert [(row["plan"], row["age"]) for row in rows(done, "profiles")] == [("pro", 30.0)]
    assert {row["source"] for row in rows(done, "events")} == {"live"}


def test_without_a_log_there_must_be_a_source(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="names no source"):
        run(tmp_path, "name: app\n")


def test_a_source_may_not_be_called_like_the_log(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the name of what arrives over HTTP"):
        run(tmp_path, SHOP.replace("orders:", "Live:", 1), message(1, userId="7"))


def test_a_user_is_the_customer_where_files_know_customers_only(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    done = run(tmp_path, SHOP, message(1, userId="7", anonymousId="a", properties={"Size": 5, "orderId": "o9"}))
    events = {row["event_id"]: row for row in rows(done, "events")}
    assert len(events) == 3
    assert done.read_part("unify")["rows"]["profiles"] == 2
    seven = {row["profile_id"] for row in rows(done, "identifiers") if row["value"] in ("7", "a")}
    assert len(seven) == 1
    viewed = next(row for row in events.values() if row["source"] == "live")
    assert viewed["properties"] == {"Size": "5", "order_id": "o9"}


def test_traits_come_from_messages_that_tell_them_and_no_others(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "name: app\n",
        {"type": "identify", "userId": "u", "messageId": "i", "traits": {"plan": "pro"}},
        message(1, userId="u", properties={"plan": "seen"}, timestamp="2026-11-22T09:18:59Z"),
        message(2, userId="u", properties={"plan": "later"}, timestamp="2026-11-22T11:00:00Z"),
    )
    assert [row["plan"] for row in rows(done, "profiles")] == ["pro"]
    assert [row["properties"]["plan"] for row in rows(done, "events")] == ["seen", "pro", "later"]


def test_of_a_message_received_twice_the_first_counts(tmp_path: Path) -> None:
    first, again = message(1, userId="u", properties={"n": 1}), message(1, userId="u", properties={"n": 2})
    done = run(tmp_path, "name: app\n", {"batch": [first, message(2, userId="u"), again]}, first)
    assert sorted(row["properties"]["n"] or 0 for row in rows(done, "events")) == [0, 1]
    refused = rows(done, "quarantine")
    assert [(row["row"], row["reason"], row["source"]) for row in refused] == [
        (3, "duplicate", "live"),
        (4, "duplicate", "live"),
    ]
    assert "repeats row 1" in refused[0]["detail"]
    told = live(done)
    assert (told["read"], told["loaded"], told["quarantined"], told["duplicates"]) == (4, 2, 2, 2)


def test_what_breaks_a_rule_is_in_the_quarantine_with_its_place_in_the_log(tmp_path: Path) -> None:
    done = run(tmp_path, "name: app\n", message(1, userId="u"), {"batch": [message(2, userId="u"), {"type": "x"}]})
    (refused,) = rows(done, "quarantine")
    assert (refused["row"], refused["reason"]) == (3, "bad_type")
    assert refused["detail"].endswith("offset 2 of the log, message 2")
    assert json.loads(refused["raw"]) == {"type": "x"}
    assert live(done)["reasons"] == {"bad_type": 1}


def test_a_run_again_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    bodies = [message(n, userId=str(n % 3), anonymousId=f"a{n}", properties={"n": n}) for n in range(1, 30)]
    first, second = (run(tmp_path, SHOP, *bodies) for _ in range(2))
    for name in ("events", "profiles", "identifiers", "quarantine", "guarded"):
        assert rows(first, name) == rows(second, name)


def test_later_than_the_instant_asked_for_is_not_used(tmp_path: Path) -> None:
    late = message(2, userId="u", timestamp="2026-11-22T12:00:00Z")
    done = run(tmp_path, "name: app\n", message(1, userId="u"), late, as_of=RECEIVED)
    assert (len(rows(done, "events")), live(done)["later"], live(done)["loaded"]) == (1, 1, 1)


def test_who_joins_nobody_is_listed_for_the_live_side(tmp_path: Path) -> None:
    shared = [message(n, userId=who, anonymousId="tablet") for n, who in enumerate(("ann", "bob"))]
    done = run(tmp_path, "name: app\n", *shared, message(9, anonymousId="tablet"))
    assert rows(done, "guarded") == [{"type": "anonymous_id", "value": "tablet"}]
    met = [(row["value"], row["other_type"], row["other_value"]) for row in rows(done, "met")]
    assert met == [("tablet", "user_id", "ann"), ("tablet", "user_id", "bob")]
    assert done.read_part("unify")["rows"]["profiles"] == 3


def test_a_log_with_nothing_good_costs_the_other_sources_nothing(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    done = run(tmp_path, SHOP, {"type": "track"})
    assert done.read_part("unify")["rows"] == {"events": 2, "profiles": 2, "identifiers": 2, "quarantine": 1}
    assert done.read_part("unify")["live"] == {"offset": 1, "offsets": [1], "events": 0, "traits": []}


def test_the_report_shows_the_logs_columns_without_personal_values(tmp_path: Path) -> None:
    done = run(tmp_path, "name: app\n", message(1, userId="u", properties={"n": 1}, traits={"email": "ann@x.org"}))
    columns = {one["column"]: one for one in live(done)["columns"]}
    assert columns["email"]["examples"] == ["a**@x.***"]
    assert (columns["n"]["completeness"], columns["n"]["role"], columns["user_id"]["role"]) == (1.0, "", "user_id")
