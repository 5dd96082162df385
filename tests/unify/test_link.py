"""Identifiers that stand together belong to one person, unless a guard says no."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.unify.link import Links, feed, link, standardise_phones, unidentified


def clean(sql: Any, source: str, rows: list[dict[str, str]], kind: Any = "events") -> Any:
    """Leaves `clean_<source>` with the identifiers of `rows`, one event a row."""
    kinds = sorted({key for row in rows for key in row})
    data: dict[str, Any] = {
        "row": pa.array(range(1, len(rows) + 1), pa.int64()),
        "event_id": pa.array([f"{source}-{i}" for i in range(len(rows))]),
        "event": pa.array(["Page Viewed"] * len(rows)),
        "at": pa.array([i * 1_000_000 for i in range(len(rows))], pa.timestamp("us")),
        "value": pa.array([None] * len(rows), pa.float64()),
    }
    data |= {f"id_{key}": pa.array([row.get(key) for row in rows], pa.string()) for key in kinds}
    sql.register("rows_now", pa.table(data))
    sql.execute(f'CREATE OR REPLACE TEMP TABLE "clean_{source}" AS FROM rows_now')
    return feed(sql, source, kind)


def people(sql: Any, links: Links) -> set[frozenset[tuple[str, str]]]:
    rows = sql.query("SELECT kind, value, component FROM link_node").to_pylist()
    groups: dict[int, set[tuple[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["component"], set()).add((links.kinds[row["kind"]], row["value"]))
    return {frozenset(group) for group in groups.values()}


def test_people_with_several_devices_and_emails_are_one_person_each(sql: Any) -> None:
    web = clean(
        sql,
        "web",
        [
            {"anonymous_id": "phone"},
            {"anonymous_id": "phone", "email": "ann@home.org"},
            {"anonymous_id": "laptop", "email": "ann@work.org"},
            {"anonymous_id": "kiosk", "email": "bob@home.org"},
        ],
    )
    shop = clean(
        sql,
        "shop",
        [{"customer_id": "1", "email": "ann@home.org"}, {"customer_id": "1", "email": "ann@work.org"}],
        "profiles",
    )
    links = link(sql, [web, shop])
    ann = {("customer_id", "1"), ("email", "ann@home.org"), ("email", "ann@work.org")}
    ann |= {("anonymous_id", "phone"), ("anonymous_id", "laptop")}
    assert people(sql, links) == {frozenset(ann), frozenset({("anonymous_id", "kiosk"), ("email", "bob@home.org")})}
    assert (links.report.nodes, links.report.people, links.report.guarded_count) == (7, 2, 0)


def test_the_same_value_of_another_type_is_another_identifier(sql: Any) -> None:
    links = link(sql, [clean(sql, "a", [{"customer_id": "7"}]), clean(sql, "b", [{"user_id": "7"}])])
    assert links.report.people == 2


def test_a_device_with_too_many_customers_joins_nobody(sql: Any) -> None:
    rows = [{"device_id": "till", "customer_id": str(i)} for i in range(4)]
    assert link(sql, [clean(sql, "shop", rows)], max_shared=4).report.people == 1
    report = link(sql, [clean(sql, "shop", rows)], max_shared=3).report
    assert (report.people, report.guarded_count) == (4, 1)
    assert (report.guarded[0].kind, report.guarded[0].value, report.guarded[0].count) == ("device_id", "till", 4)
    assert "'till' with 4 values of customer_id" in report.notes[0]


def test_a_device_that_several_users_log_in_on_joins_nobody(sql: Any) -> None:
    rows = [{"anonymous_id": "kept", "user_id": "ann"}, {"anonymous_id": "kept", "user_id": "bob"}]
    rows += [{"anonymous_id": "own", "user_id": "ann"}, {"anonymous_id": "kept"}]
    links = link(sql, [clean(sql, "web", rows)], max_shared=10, max_users=1)
    ann = frozenset({("user_id", "ann"), ("anonymous_id", "own")})
    assert people(sql, links) == {ann, frozenset({("user_id", "bob")}), frozenset({("anonymous_id", "kept")})}
    assert "(a device or cookie: 1 users)" in links.report.notes[0]
    assert "raise `unify.max_users`" in links.report.notes[0]
    assert link(sql, [clean(sql, "web", rows)], max_shared=10, max_users=2).report.people == 1


def test_a_device_may_have_a_user_and_a_customer_and_several_addresses(sql: Any) -> None:
    rows = [{"device_id": "d", "user_id": "u"}, {"device_id": "d", "customer_id": "c"}]
    rows += [{"device_id": "d", "email": f"{i}@x.org"} for i in range(3)]
    assert link(sql, [clean(sql, "app", rows)], max_shared=10, max_users=1).report.people == 1


def test_many_cookies_do_not_guard_a_customer(sql: Any) -> None:
    rows = [{"anonymous_id": f"cookie{i}", "customer_id": "1"} for i in range(50)]
    report = link(sql, [clean(sql, "web", rows)], max_shared=3).report
    assert (report.people, report.guarded_count) == (1, 0)


def test_the_guard_counts_over_all_sources(sql: Any) -> None:
    one = clean(sql, "one", [{"email": "info@shop.org", "customer_id": str(i)} for i in range(3)])
    two = clean(sql, "two", [{"email": "info@shop.org", "customer_id": str(i)} for i in range(2, 5)])
    assert link(sql, [one, two], max_shared=4).report.guarded[0].count == 5


def test_an_account_may_have_many_users(sql: Any) -> None:
    rows = [{"account_id": "acme", "user_id": str(i)} for i in range(50)]
    report = link(sql, [clean(sql, "app", rows)], max_shared=10).report
    assert (report.people, report.guarded_count) == (1, 0)


def test_a_chain_that_passes_every_guard_is_reported_as_suspicious(sql: Any) -> None:
    rows = [{"email": f"e{i}@x.org", "customer_id": str(i)} for i in range(30)]
    rows += [{"email": f"e{i}@x.org", "customer_id": str(i + 1)} for i in range(29)]
    report = link(sql, [clean(sql, "crm", rows)], max_shared=5).report
    assert (report.people, report.guarded_count, report.suspicious) == (1, 0, 1)
    assert report.largest[0].kinds == {"customer_id": 30, "email": 30}
    assert "may be several people" in report.notes[0]


def test_one_type_everywhere_needs_no_edges(sql: Any) -> None:
    shop = clean(sql, "shop", [{"customer_id": "1"}, {"customer_id": "2"}, {"customer_id": "1"}])
    report = link(sql, [shop]).report
    assert (report.nodes, report.edges, report.people) == (2, 0, 2)


def test_no_rows_are_no_people(sql: Any) -> None:
    one = clean(sql, "one", [{"customer_id": "1", "email": "a@b.org"}])
    sql.execute("DELETE FROM clean_one")
    assert link(sql, [one]).report.people == 0


def test_phones_of_one_number_join_whatever_their_spelling(sql: Any) -> None:
    shop = clean(sql, "shop", [{"phone": "020 7946 0958", "customer_id": "1"}, {"phone": "000000", "customer_id": "2"}])
    web = clean(sql, "web", [{"phone": "+44 20 7946 0958"}, {"phone": "12"}])
    phoned = standardise_phones(sql, [shop, web], "GB")
    assert phoned.refused == {"shop": {"placeholder": 1}, "web": {"invalid": 1}}
    shop, web = phoned.sources
    links = link(sql, [shop, web])
    assert people(sql, links) == {
        frozenset({("customer_id", "1"), ("phone", "+442079460958")}),
        frozenset({("customer_id", "2")}),
    }
    assert unidentified(sql, web).to_pylist() == [
        {
            "source": "web",
            "row": 2,
            "reason": "no_identifier",
            "detail": "no column of the row says who it was",
            "raw": None,
        }
    ]
    assert unidentified(sql, shop).num_rows == 0


class UnionFind:
    """The reference: the textbook's union by path halving."""

    def __init__(self) -> None:
        self.parent: dict[tuple[str, str], tuple[str, str]] = {}

    def find(self, node: tuple[str, str]) -> tuple[str, str]:
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            node = self.parent[node]
        return node

    def groups(self) -> set[frozenset[tuple[str, str]]]:
        found: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for node in list(self.parent):
            found.setdefault(self.find(node), set()).add(node)
        return {frozenset(group) for group in found.values()}


few = st.sampled_from([str(i) for i in range(12)])
KINDS = ("customer_id", "email", "device_id", "loyalty_card")
row = st.fixed_dictionaries({}, optional=dict.fromkeys(KINDS, few)).filter(bool)


def reference(rows: list[dict[str, str]], max_shared: int, max_users: int) -> set[frozenset[tuple[str, str]]]:
    seen: dict[tuple[str, str], dict[str, set[str]]] = {}
    for one in rows:
        for node in one.items():
            others = seen.setdefault(node, {})
            for kind, value in one.items():
                if kind != node[0] and kind in ("customer_id", "email"):
                    others.setdefault(kind, set()).add(value)

    def most(kind: str, other: str) -> int:
        return max_users if (kind, other) == ("device_id", "customer_id") else max_shared

    guarded = {
        node
        for node, others in seen.items()
        if any(len(values) > most(node[0], other) for other, values in others.items())
    }
    forest = UnionFind()
    for one in rows:
        for node in one.items():
            forest.find(node)
        free = [node for node in one.items() if node not in guarded]
        for node in free[1:]:
            forest.parent[forest.find(node)] = forest.find(free[0])
    return forest.groups()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=25), max_shared=st.integers(1, 12), max_users=st.integers(1, 3))
def test_random_graphs_agree_with_union_find(
    sql: Any, rows: list[dict[str, str]], max_shared: int, max_users: int
) -> None:
    half = len(rows) // 2
    sources = [clean(sql, name, part) for name, part in (("a", rows[:half]), ("b", rows[half:])) if part]
    assert people(sql, link(sql, sources, max_shared, max_users)) == reference(rows, max_shared, max_users)


def test_a_million_edges_take_one_pass(sql: Any) -> None:
    count = 500_000
    people_of = np.random.default_rng(1).integers(0, 200_000, count)
    sql.register("million", pa.table({"person": people_of, "row": np.arange(count)}))
    sql.execute(
        "CREATE TEMP TABLE clean_big AS SELECT row, row::VARCHAR AS event_id, 'e' AS event, "
        "TIMESTAMP '2024-01-01' AS \"at\", 1.0 AS value, 'c' || person AS id_customer_id, "
        "'d' || row AS id_device_id, 'a' || row AS id_anonymous_id FROM million"
    )
    report = link(sql, [feed(sql, "big", "events")], max_shared=10).report
    assert (report.edges, report.people) == (2 * count, len(np.unique(people_of)))
