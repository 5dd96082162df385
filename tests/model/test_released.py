"""What was approved stays as it is; what is found beside it is a draft."""

from __future__ import annotations

import pyarrow as pa

from shoal.model.released import hold, versions
from shoal.model.rules import Cut
from shoal.model.stays import memberships
from shoal.releases import Standing, standing
from shoal.summary import Brief, Release, Segment
from shoal.tables import INSTANT, MEMBERSHIPS

PEOPLE = pa.table({"profile_id": ["a", "b", "c"], "orders": [1, 5, 9]})


def decided(*records: tuple[str, int, str, str]) -> list[Release]:
    return [
        Release(
            segment=name, version=version, kind="discovered", rule=rule, size=1, decision=decision, at="", by="ada"  # type: ignore[arg-type]
        )
        for name, version, rule, decision in records
    ]  # fmt: skip


def approved(name: str, version: int, rule: str) -> Standing:
    return standing(decided((name, version, rule, "approved")))


def cut(name: str, rule: str, status: str = "draft") -> Cut:
    return Cut(name, "discovered", rule, status)


def drawn(name: str, rule: str, version: int = 1, status: str = "draft") -> Segment:
    return Segment(
        name=name, version=version, kind="discovered", status=status, rule=rule, words="", size=1, share=1.0,
        brief=Brief(headline=""),
    )  # fmt: skip


def test_a_cut_with_the_released_rule_is_the_released_segment_even_where_it_is_a_niche_today() -> None:
    held = hold([cut("Loyal", "orders > 3", "niche")], approved("Loyal", 2, "orders > 3"), PEOPLE)
    assert [(one.status, one.facts["version"]) for one in held.cuts] == [("released", 2)]


def test_another_rule_of_the_same_name_stands_beside_the_released_one_as_a_draft() -> None:
    held = hold([cut("Loyal", "orders > 4")], approved("Loyal", 2, "orders > 3"), PEOPLE)
    assert [(one.status, one.rule, one.facts.get("carried", False)) for one in held.cuts] == [
        ("draft", "orders > 4", False),
        ("released", "orders > 3", True),
    ]


def test_a_released_segment_that_was_not_found_again_stands_all_the_same() -> None:
    held = hold([], approved("Loyal", 1, "orders > 100"), PEOPLE)
    assert [(one.name, one.status, one.kind) for one in held.cuts] == [("Loyal", "released", "discovered")]


def test_a_released_rule_that_cannot_be_read_waits() -> None:
    held = hold([], approved("Loyal", 1, "churn > 0.3"), PEOPLE)
    assert held.cuts == ()
    assert held.stay == {("Loyal", 1)}
    assert "unknown column 'churn'" in held.notes[0]


def test_a_retired_rule_found_anew_stays_retired_and_another_one_is_a_draft() -> None:
    gone = standing(decided(("Loyal", 1, "orders > 3", "approved"), ("Loyal", 1, "orders > 3", "retired")))
    assert [one.status for one in hold([cut("Loyal", "orders > 3")], gone, PEOPLE).cuts] == ["retired"]
    assert [one.status for one in hold([cut("Loyal", "orders > 4")], gone, PEOPLE).cuts] == ["draft"]


def test_a_version_is_a_rule_and_a_number_is_never_given_twice() -> None:
    before = [{"name": "Loyal", "rule": "orders > 3", "version": 3}]
    records = decided(("Loyal", 1, "orders > 1", "approved"))
    stays = pa.table([["Loyal"], [7], ["a"], [0], [None]], schema=MEMBERSHIPS)
    found = versions(
        [drawn("Loyal", rule) for rule in ("orders > 3", "orders > 1", "orders > 2")], before, records, stays
    )
    assert [one.version for one in found] == [3, 1, 8]


def test_a_new_name_begins_with_version_one() -> None:
    assert [one.version for one in versions([drawn("Loyal", "orders > 3")], [])] == [1]


def test_what_was_decided_on_keeps_its_version() -> None:
    assert versions([drawn("Loyal", "orders > 3", 4, "released")], [])[0].version == 4


def stays(*rows: tuple[str, int, str, int, int | None]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    types = [field.type for field in MEMBERSHIPS]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], schema=MEMBERSHIPS)


def rows(table: pa.Table) -> list[tuple[str, int, str, int, int | None]]:
    plain = table.set_column(3, "entered_at", table["entered_at"].cast(pa.int64()))
    plain = plain.set_column(4, "left_at", plain["left_at"].cast(pa.int64()))
    return [tuple(row.values()) for row in plain.to_pylist()]


def test_nobody_is_in_a_retired_segment() -> None:
    earlier = stays(("Loyal", 1, "b", 10, None))
    found = memberships(
        PEOPLE["profile_id"],
        [drawn("Loyal", "orders > 3", 1, "retired")],
        [PEOPLE["orders"].to_numpy() > 3],
        50,
        earlier,
    )
    assert rows(found) == [("Loyal", 1, "b", 10, 50)]


def test_versions_of_one_name_have_members_of_their_own() -> None:
    earlier = stays(("Loyal", 1, "b", 10, None), ("Loyal", 1, "c", 20, None))
    both = [drawn("Loyal", "orders > 3", 1, "released"), drawn("Loyal", "orders > 6", 2)]
    orders = PEOPLE["orders"].to_numpy()
    found = memberships(PEOPLE["profile_id"], both, [orders > 3, orders > 6], 50, earlier)
    assert rows(found) == [
        ("Loyal", 1, "b", 10, None),
        ("Loyal", 1, "c", 20, None),
        ("Loyal", 2, "c", 50, None),
    ]


def test_stays_that_wait_go_on_and_closed_ones_stay_closed() -> None:
    earlier = stays(("Loyal", 1, "b", 10, None), ("Loyal", 1, "c", 20, 30), ("Lost", 1, "a", 10, None))
    found = memberships(PEOPLE["profile_id"], [], [], 50, earlier, [("Loyal", 1)])
    assert rows(found) == [("Lost", 1, "a", 10, 50), ("Loyal", 1, "b", 10, None), ("Loyal", 1, "c", 20, 30)]
    assert found["left_at"].type == INSTANT
