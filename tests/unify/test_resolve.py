"""People keep their numbers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.tables import profile_id
from shoal.unify.link import feed, link
from shoal.unify.resolve import Resolution, number, resolve

Row = dict[str, str]
Numbers = dict[tuple[str, str], int]
KINDS = ("customer_id", "email", "device_id")


def run(sql: Any, rows: list[Row], previous: pa.Table | None = None, max_shared: int = 3) -> tuple[Numbers, Resolution]:
    data: dict[str, Any] = {
        "row": pa.array(range(len(rows)), pa.int64()),
        "at": pa.array([0] * len(rows), pa.timestamp("us")),
    }
    data |= {f"id_{kind}": pa.array([row.get(kind) for row in rows], pa.string()) for kind in KINDS}
    sql.register("rows_now", pa.table(data))
    sql.execute("CREATE OR REPLACE TEMP TABLE clean_all AS FROM rows_now")
    links = link(sql, [feed(sql, "all", "events")], max_shared)
    resolution = resolve(sql, links.kinds, previous)
    found = sql.query("SELECT type, value, person FROM link_identity").to_pylist()
    return {(one["type"], one["value"]): one["person"] for one in found}, resolution


def memory(numbers: Numbers, seen: dict[tuple[str, str], int] | None = None) -> pa.Table:
    """The identifiers table that an earlier run left; `seen` gives first_seen in microseconds."""
    seen = seen or {}
    return pa.table(
        {
            "profile_id": [profile_id(person) for person in numbers.values()],
            "type": [kind for kind, _ in numbers],
            "value": [value for _, value in numbers],
            "first_seen": pa.array([seen.get(node, 0) for node in numbers], pa.timestamp("us", "UTC")),
        },
        schema=pa.schema(
            [
                ("profile_id", pa.string()),
                ("type", pa.string()),
                ("value", pa.string()),
                ("first_seen", pa.timestamp("us", "UTC")),
            ]
        ),
    )


def test_a_person_is_named_after_its_smallest_identifier(sql: Any) -> None:
    numbers, _ = run(
        sql, [{"email": "a@b.org", "device_id": "d", "customer_id": "9"}, {"email": "a@b.org", "customer_id": "10"}]
    )
    assert set(numbers.values()) == {number("customer_id:10")}


def test_engine_and_python_agree_on_numbers_of_both_signs(sql: Any) -> None:
    numbers, _ = run(sql, [{"customer_id": str(i)} for i in range(50)])
    assert numbers == {("customer_id", str(i)): number(f"customer_id:{i}") for i in range(50)}
    assert {person < 0 for person in numbers.values()} == {True, False}


def test_a_better_identifier_that_comes_later_does_not_rename(sql: Any) -> None:
    before, _ = run(sql, [{"device_id": "d"}])
    after, resolution = run(sql, [{"device_id": "d", "customer_id": "1"}], memory(before))
    assert set(after.values()) == set(before.values())
    assert resolution == Resolution(people=1, kept=1, new=0, merged=0, split=0)


def test_a_merge_keeps_the_larger_profile(sql: Any) -> None:
    before, _ = run(sql, [{"customer_id": "1"}, {"customer_id": "2", "device_id": "d"}])
    after, resolution = run(
        sql, [{"customer_id": "2", "device_id": "d"}, {"customer_id": "1", "device_id": "d"}], memory(before)
    )
    assert set(after.values()) == {before["customer_id", "2"]}
    assert (resolution.kept, resolution.merged) == (1, 1)


def test_a_merge_of_equals_keeps_the_older_profile(sql: Any) -> None:
    before, _ = run(sql, [{"customer_id": "1"}, {"customer_id": "2"}])
    joined = [{"customer_id": "1", "device_id": "d"}, {"customer_id": "2", "device_id": "d"}]
    for older in ("1", "2"):
        seen = {("customer_id", value): int(value != older) for value in ("1", "2")}
        after, _ = run(sql, joined, memory(before, seen))
        assert set(after.values()) == {before["customer_id", older]}


def test_a_split_leaves_the_number_with_the_larger_part(sql: Any) -> None:
    before, _ = run(
        sql,
        [
            {"customer_id": "1", "device_id": "d"},
            {"customer_id": "2", "device_id": "d"},
            {"customer_id": "2", "email": "e@x.org"},
        ],
    )
    after, resolution = run(
        sql, [{"customer_id": "1"}, {"customer_id": "2", "device_id": "d", "email": "e@x.org"}], memory(before)
    )
    assert after["customer_id", "2"] == before["customer_id", "2"] == number("customer_id:1")
    assert after["customer_id", "1"] == number("customer_id:1#1")
    assert (resolution.kept, resolution.new, resolution.split) == (1, 1, 1)
    again, _ = run(
        sql, [{"customer_id": "1"}, {"customer_id": "2", "device_id": "d", "email": "e@x.org"}], memory(after)
    )
    assert again == after


def test_an_identifier_that_becomes_guarded_leaves_the_number_to_the_person(sql: Any) -> None:
    before, _ = run(sql, [{"customer_id": "1", "device_id": "till"}])
    rows = [{"customer_id": str(i), "device_id": "till"} for i in range(1, 6)]
    after, _ = run(sql, rows, memory(before))
    assert after["customer_id", "1"] == before["customer_id", "1"]
    assert len(set(after.values())) == 6
    again, resolution = run(sql, rows, memory(after))
    assert again == after
    assert resolution.new == 0


few = st.sampled_from([str(i) for i in range(8)])
row = st.fixed_dictionaries({}, optional=dict.fromkeys(KINDS, few)).filter(bool)
rows = st.lists(row, min_size=1, max_size=15)
many = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(before=rows, now=rows, data=st.data())
def test_the_order_of_rows_does_not_matter(sql: Any, before: list[Row], now: list[Row], data: Any) -> None:
    earlier, _ = run(sql, before)
    assert run(sql, data.draw(st.permutations(before))) == (earlier, run(sql, before)[1])
    assert run(sql, data.draw(st.permutations(now)), memory(earlier)) == run(sql, now, memory(earlier))


@many
@given(before=rows, now=rows)
def test_two_people_never_share_a_number(sql: Any, before: list[Row], now: list[Row]) -> None:
    earlier, _ = run(sql, before)
    after, resolution = run(sql, now, memory(earlier))
    assert len(set(after.values())) == resolution.people == resolution.kept + resolution.new
    components = sql.query("SELECT type, value, component FROM link_identity JOIN link_node USING (kind, value)")
    together: dict[int, set[int]] = {}
    for one in components.to_pylist():
        together.setdefault(one["component"], set()).add(after[one["type"], one["value"]])
    assert all(len(persons) == 1 for persons in together.values())


@many
@given(before=rows, more=rows)
def test_new_rows_never_rename_who_they_do_not_touch(sql: Any, before: list[Row], more: list[Row]) -> None:
    earlier, _ = run(sql, before)
    after, _ = run(sql, before + more, memory(earlier))
    touched = {earlier[node] for one in more for node in one.items() if node in earlier}
    for node, person in earlier.items():
        if person not in touched:
            assert after[node] == person


@many
@given(before=rows)
def test_joining_two_people_keeps_one_of_their_numbers(sql: Any, before: list[Row]) -> None:
    earlier, _ = run(sql, before, max_shared=100)
    customers = sorted(node for node in earlier if node[0] == "customer_id")[:2]
    joined = before + [{"customer_id": value, "email": "new@x.org"} for _, value in customers]
    after, _ = run(sql, joined, memory(earlier), max_shared=100)
    persons = {earlier[node] for node in customers}
    assert {after[node] for node in customers} <= persons
    assert all(after[node] == person for node, person in earlier.items() if person not in persons)
