"""What is told of changes: planted ones are, chance is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.change import changes
from shoal.model.discover import discover
from shoal.model.meta import describe
from shoal.model.portrait import crowd
from shoal.model.sides import Part, Side
from shoal.summary import Change

SINCE = "2024-05-01T00:00:00+00:00"
ORDERS = (1, 5, 20)


def table(counts: tuple[int, ...] = (400, 300, 300), *, seed: int = 0, first: int = 0, aov: float = 0.0) -> pa.Table:
    """People of three kinds, by orders; the third spends `aov` more an order."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(len(counts)), counts)
    orders = np.array([*ORDERS, 60])[kind]
    return pa.table(
        {
            "person": np.arange(first, first + len(kind)),
            "recency_days": np.where(orders == 1, 200.0, 20.0) + 10 * rng.random(len(kind)),
            "orders": orders,
            "aov": rng.lognormal(3, 0.5, len(kind)) + aov * (kind == 2),
            "evening_share": rng.random(len(kind)),
        }
    )


def side(people: pa.Table) -> Side:
    return Side(people, crowd(people, {name: describe(name) for name in people.column_names}))


def part(name: str, rule: str, kind: str = "discovered") -> Part:
    return Part(name, kind, rule)


ONE, SOME, MANY = part("One", "orders < 3"), part("Some", "orders >= 3 and orders < 10"), part("Many", "orders >= 10")


def told(today: list[Part], then: list[Part], now: pa.Table, before: pa.Table, floor: float = 0.02) -> list[Change]:
    return changes(today, then, side(now), side(before), floor=floor, since=SINCE)


def kinds(found: list[Change]) -> dict[str, str]:
    return {one.segment: one.kind for one in found}


def test_nothing_is_told_of_the_same_people() -> None:
    assert told([ONE, SOME, MANY], [ONE, SOME, MANY], table(), table()) == []


def test_a_different_cut_of_the_same_people_is_no_news() -> None:
    halves = [part("A", "orders < 3 and aov < 20"), part("B", "orders < 3 and aov >= 20"), part("C", "orders >= 3")]
    assert told(halves, [ONE, SOME, MANY], table(), table()) == []


def test_a_segment_that_was_not_there_emerges() -> None:
    now = pa.concat_tables([table(), table((0, 0, 0, 120), first=5000)])
    most = part("Most", "orders >= 50")
    found = told([ONE, SOME, part("Many", "orders >= 10 and orders < 50"), most], [ONE, SOME, MANY], now, table())
    change = next(one for one in found if one.segment == "Most")
    assert (change.kind, change.size, change.size_before, change.since) == ("emerging", 120, 0, SINCE)
    assert "10.7 % of all, against 0 % then" in change.words
    assert kinds(found)["Many"] == "growing"


def test_an_emerging_segment_is_as_large_as_the_floor_asks() -> None:
    now = pa.concat_tables([table(), table((0, 0, 0, 90), first=5000)])
    most = part("Most", "orders >= 50")
    assert "Most" not in kinds(told([most], [ONE, SOME, MANY], now, table(), floor=0.2))


def test_what_reads_a_feature_that_there_was_not_is_new_and_says_so() -> None:
    now = table().append_column("share_d", pa.array([1.0] * 150 + [0.0] * 850))
    found = told([part("D", "share_d > 0.5")], [ONE, SOME, MANY], now, table())
    assert kinds(found)["D"] == "emerging"
    assert "reads what was not known then" in found[0].words


def test_what_reads_a_score_that_nobody_had_then_is_not_called_new() -> None:
    now = table().append_column("churn", pa.array([1.0] * 200 + [0.0] * 800))
    then = table().append_column("churn", pa.nulls(1000, pa.float64()))
    assert told([part("D", "churn > 0.5")], [ONE, SOME, MANY], now, then) == []


def test_a_segment_whose_people_divide_splits() -> None:
    now, before = table(), table()
    spent = np.where(np.arange(1000) % 2 == 0, 500.0, 5.0)
    orders = now["orders"].to_numpy()
    now = now.set_column(3, "aov", pa.array(np.where(orders == 1, spent, now["aov"].to_numpy())))
    halves = [part("Small", "orders < 3 and aov < 100"), part("Large", "orders < 3 and aov >= 100")]
    found = told([*halves, SOME, MANY], [ONE, SOME, MANY], now, before)
    change = next(one for one in found if one.kind == "splitting")
    assert change.segment == "One"
    assert "Small (50% against 100% then of it) and Large (50% against 0% then of it)" in change.words


def test_segments_that_become_one_merge() -> None:
    now, before = table(), table((400, 500, 100))
    found = told([ONE, part("Often", "orders >= 3")], [ONE, SOME, MANY], now, before)
    change = next(one for one in found if one.kind == "merging")
    assert change.segment == "Often"
    assert change.words.startswith("Some (50% against 83% then of it) and Many")


def test_a_segment_without_people_vanishes() -> None:
    found = told([ONE, SOME], [ONE, SOME, MANY], table((500, 400, 0)), table())
    assert kinds(found)["Many"] == "vanishing"
    assert "no segment found today overlaps it" in next(one for one in found if one.segment == "Many").words


def test_growing_and_shrinking_are_told_with_an_interval() -> None:
    found = told([ONE, SOME, MANY], [ONE, SOME, MANY], table((200, 300, 500)), table())
    assert (kinds(found)["One"], kinds(found)["Many"]) == ("shrinking", "growing")
    assert next(one for one in found if one.segment == "Many").words.startswith(
        "Many grows: 500 people, 50 % of all, against 30 % then (+20.0 points, +1"
    )


def test_a_small_share_more_is_not_growing() -> None:
    assert "Many" not in kinds(told([ONE, SOME, MANY], [ONE, SOME, MANY], table((400, 270, 330)), table()))


def test_a_few_people_are_no_change() -> None:
    few = part("Few", "orders >= 50")
    now = pa.concat_tables([table((4000, 300, 300)), table((0, 0, 0, 45), first=9000)])
    before = pa.concat_tables([table((4000, 300, 300)), table((0, 0, 0, 4), first=9000)])
    assert told([ONE, SOME, few], [ONE, SOME, few], now, before, floor=0.0) == []


def test_a_profile_that_shifted_is_told_with_what_moved() -> None:
    found = told([ONE, SOME, MANY], [ONE, SOME, MANY], table(aov=20.0), table())
    assert kinds(found) == {"Many": "moved"}
    assert [trait.feature for trait in found[0].traits] == ["aov"]
    assert found[0].traits[0].inside == pytest.approx(20 + (found[0].traits[0].outside or 0), rel=0.1)
    assert "average order value" in found[0].words


def test_what_moved_for_everybody_is_no_segments_own() -> None:
    before = table()
    now = before.set_column(3, "aov", pa.array(before["aov"].to_numpy() + 20))
    assert told([ONE, SOME, MANY], [ONE, SOME, MANY], now, before) == []


def test_people_who_went_elsewhere_are_told() -> None:
    before = table()
    orders = before["orders"].to_numpy().copy()
    orders[:300], orders[400:700] = 5, 1  # as many come as go
    now = before.set_column(2, "orders", pa.array(orders))
    change = next(one for one in told([ONE, SOME, MANY], [ONE, SOME, MANY], now, before) if one.segment == "One")
    assert change.kind == "moved"
    assert (
        "only 25% of its 400 people of then are in it still; most of the others are in Some now (100%)" in change.words
    )


def test_a_rule_that_cannot_be_read_today_is_left_out() -> None:
    gone = part("Gone", "share_x > 0.5")
    assert told([ONE, SOME, MANY], [ONE, SOME, MANY, gone], table(), table()) == []


def test_kinds_are_compared_among_themselves() -> None:
    micro = part("Micro", "orders >= 10", "micro")
    assert told([ONE, SOME, MANY, micro], [ONE, SOME, MANY], table(), table()) == []


def test_one_person_is_no_crash() -> None:
    assert told([ONE], [ONE], table((1,)), table((1,))) == []
    assert told([ONE], [ONE], table((1,)).slice(0, 0), table((1,))) == []


def _halves(people: pa.Table, draw: int, size: int) -> list[pa.Table]:
    """Two samples of one population, of different people."""
    rng = np.random.default_rng(draw)
    drawn = [people.take(pa.array(rng.integers(0, people.num_rows, size))) for _ in range(2)]
    place = people.column_names.index("person")
    return [
        one.set_column(place, "person", pa.array(np.arange(size) + half * 1_000_000)) for half, one in enumerate(drawn)
    ]


def alarms(people: pa.Table, k: int, size: int, draws: int) -> Counter[str]:
    meta = {name: describe(name) for name in people.column_names}
    found: Counter[str] = Counter()
    for draw in range(draws):
        before, now = _halves(people, draw, size)
        cuts = [[part(cut.name, cut.rule) for cut in discover(one, meta, k=k, seed=1).cuts] for one in (now, before)]
        news = told(*cuts, now, before)
        found["draws with news"] += bool(news)
        found.update(one.kind for one in news)
    return found


def continuum(people: int = 4000) -> pa.Table:
    """People without any groups: the cut is never the same twice."""
    rng = np.random.default_rng(0)
    orders = 1 + rng.poisson(rng.gamma(1, 4, people))
    recency = rng.gamma(1.2, 60, people)
    return pa.table(
        {
            "person": np.arange(people),
            "recency_days": recency,
            "orders": orders,
            "revenue": orders * rng.lognormal(3.5, 0.6, people),
            "tenure_days": recency + rng.gamma(2, 100, people),
            "evening_share": rng.beta(2, 2, people),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("k", [4, 6])
def test_chance_alarms_in_one_draw_of_twenty_at_most(
    planted: Callable[..., tuple[pa.Table, np.ndarray]], k: int
) -> None:
    people = planted(4000, 3)[0] if k == 4 else continuum()
    assert alarms(people, k, 1000, 100)["draws with news"] <= 5


def test_two_samples_of_one_population_differ_by_chance_only() -> None:
    assert alarms(continuum(2000), 5, 500, 4)["draws with news"] == 0
