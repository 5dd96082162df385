"""RFM, value tiers, lifecycle and intent: disjoint, exhaustive, and robust where most people are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.model import intent, levels, lifecycle, rfm, tiers
from shoal.model.rules import Cut, assign, select

FAMILIES: dict[str, Callable[[pa.Table], list[Cut]]] = {
    "rfm": rfm.rfm,
    "rfm groups": lambda table: rfm.grouped(table, 5),
    "tiers": tiers.tiers,
    "equal tiers": lambda table: tiers.split(table, 5),
    "lifecycle": lifecycle.lifecycle,
    "intent": intent.intent,
}


def partition(cuts: Sequence[Cut], table: pa.Table) -> bool:
    return bool((np.sum([select(cut.rule, table) for cut in cuts], axis=0) == 1).all())


def maybe(values: st.SearchStrategy[float], people: int) -> st.SearchStrategy[list[float | None]]:
    return st.lists(st.none() | values, min_size=people, max_size=people)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_everybody_is_in_exactly_one_segment(family: str, data: st.DataObject) -> None:
    people = data.draw(st.integers(1, 40))
    days = st.floats(0, 900).map(lambda value: round(value, 1))
    counts = st.sampled_from([0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 12.0])
    columns = {
        "recency_days": data.draw(maybe(days, people)),
        "orders": data.draw(maybe(counts, people)),
        "revenue": data.draw(maybe(st.floats(-5, 1e5), people)),
        "tenure_days": data.draw(st.lists(days, min_size=people, max_size=people)),
        "carts_30d": data.draw(st.lists(counts, min_size=people, max_size=people)),
        "views_30d": data.draw(maybe(counts, people)),
    }
    table = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    cuts = FAMILIES[family](table)
    assert not cuts or partition(cuts, table)
    assert len({cut.name for cut in cuts}) == len(cuts)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("people", [0, 1, 3])
def test_few_people_never_crash(shop_table: pa.Table, family: str, people: int) -> None:
    table = shop_table.slice(0, people)
    cuts = FAMILIES[family](table)
    assert not cuts or partition(cuts, table)


@pytest.mark.parametrize("family", FAMILIES)
def test_people_who_are_all_alike_are_in_one_segment(family: str) -> None:
    table = pa.table(
        {"recency_days": [5.0] * 50, "orders": [1] * 50, "revenue": [20.0] * 50, "tenure_days": [5.0] * 50}
    )
    cuts = FAMILIES[family](table)
    assert len(np.unique(assign(cuts, table))) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_table_without_the_columns_gives_no_segments(family: str) -> None:
    assert FAMILIES[family](pa.table({"person": [1, 2], "weekend_share": [0.1, 0.9]})) == []


def test_when_most_people_ordered_once_the_cut_offs_are_distinct() -> None:
    orders = np.array([1.0] * 70 + [2.0] * 15 + [3.0] * 8 + [4.0] * 4 + [9.0] * 3)
    cuts = levels.cut_offs(orders, 5, "count")
    assert cuts == sorted(set(cuts))
    assert cuts[0] == 2.0


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 7.5, 100.0]), max_size=60), st.integers(2, 8))
def test_every_level_has_somebody(values: list[float], count: int) -> None:
    array = np.array(values)
    cuts = levels.cut_offs(array, count)
    found = set(levels.level_of(array, cuts).tolist())
    assert len(cuts) < count
    assert not values or found == set(range(len(cuts) + 1))


def test_champions_are_recent_frequent_and_big(shop_table: pa.Table) -> None:
    champions = next(cut for cut in rfm.rfm(shop_table) if cut.name == "Champions")
    inside = select(champions.rule, shop_table)
    for column, sign in (("recency_days", -1), ("orders", 1), ("revenue", 1)):
        values = np.asarray(shop_table[column])
        assert sign * np.median(values[inside]) > sign * np.median(values[~inside])


def test_the_named_cells_are_a_partition_of_all_scores() -> None:
    seen = [
        cell
        for cells in rfm.NAMED.values()
        for spans in cells
        for cell in np.ndindex(5, 5, 5)
        if all(low <= score + 1 <= high for score, (low, high) in zip(cell, spans, strict=True))
    ]
    assert len(seen) == len(set(seen)) == 125


def test_people_without_orders_are_a_segment_of_their_own() -> None:
    table = pa.table(
        {
            "recency_days": pa.array([None, 1.0, 9.0, 30.0], pa.float64()),
            "orders": [0, 1, 2, 5],
            "revenue": [0.0, 10.0, 30.0, 200.0],
        }
    )
    cuts = rfm.rfm(table)
    assert cuts[-1].name == "No purchase yet"
    assert select(cuts[-1].rule, table).tolist() == [True, False, False, False]


def test_without_revenue_activity_takes_its_place() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "recency_days": rng.uniform(0, 90, 80),
            "active_days": rng.integers(1, 30, 80),
            "events": rng.integers(1, 500, 80),
        }
    )
    assert "Loyal users" in {cut.name for cut in rfm.rfm(table)}
    assert any("events" in cut.rule for cut in tiers.tiers(table))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_comparison_sets_have_as_many_segments_as_asked(shop_table: pa.Table, count: int) -> None:
    assert len(rfm.grouped(shop_table, count)) == count
    assert len(tiers.split(shop_table, count)) == count


def test_tiers_say_their_share_of_revenue(planted: Callable) -> None:
    table = planted(3000)[0]
    cuts = tiers.tiers(table)
    assert sum(cut.facts["value_share"] for cut in cuts) == pytest.approx(1)
    assert cuts[0].facts["people_share"] == pytest.approx(0.01, abs=0.005)
    assert cuts[0].facts["headline"].startswith("the 1.")


def test_stages_follow_the_rhythm_of_the_data(shop_table: pa.Table) -> None:
    slow = {
        name: np.asarray(shop_table[name], dtype=float) * 10
        for name in ("recency_days", "tenure_days", "gap_days_mean")
    }
    scaled = pa.table({**{name: shop_table[name] for name in shop_table.column_names}, **slow})
    one, ten = lifecycle.rhythm(shop_table), lifecycle.rhythm(scaled)
    assert one is not None
    assert ten is not None
    assert ten.lapsed / one.lapsed == pytest.approx(10, rel=0.2)


def test_a_cart_is_high_intent_and_a_view_is_medium() -> None:
    table = pa.table({"carts_30d": [2, 0, 0], "views_30d": [0, 5, 0]})
    assert [intent.intent(table)[place].name for place in assign(intent.intent(table), table)] == [
        "High intent",
        "Medium intent",
        "Low intent",
    ]


def test_an_intent_score_is_cut_at_its_upper_fifth() -> None:
    table = pa.table({"intent_score": [0.0] * 10 + list(np.arange(1.0, 11.0))})
    cuts = intent.intent(table)
    assert [int(select(cut.rule, table).sum()) for cut in cuts] == [2, 8, 10]


def test_cells_are_finer_than_the_named_segments_and_within_their_scores(planted: Callable) -> None:
    table = planted(2000)[0]
    found = rfm.cells(table)
    assert found is not None
    assert set(found) == set(range(found.max() + 1))
    assert len(rfm.rfm(table)) < found.max() + 1 <= 125
    for column in ("recency_days", "orders", "revenue"):
        scores = next(one for one in rfm.scale(table).scores if one.column == column)  # type: ignore[union-attr]
        level = np.searchsorted(scores.cuts, np.asarray(table[column], dtype=float), side="right")
        assert all(len(set(level[found == cell])) == 1 for cell in np.unique(found))


def test_people_without_orders_or_values_are_in_no_cell() -> None:
    table = pa.table(
        {
            "recency_days": pa.array([None, 1.0, 9.0, float("nan"), 30.0], pa.float64()),
            "orders": pa.array([0, 1, 2, 3, None], pa.int64()),
            "revenue": [0.0, 10.0, 30.0, 40.0, 200.0],
        }
    )
    assert (rfm.cells(table) >= 0).tolist() == [False, True, True, False, False]  # type: ignore[operator]


def test_without_scores_there_are_no_cells(shop_table: pa.Table) -> None:
    assert rfm.cells(shop_table.select(["person", "evening_share"])) is None
    assert rfm.cells(shop_table.slice(0, 0)) is None
