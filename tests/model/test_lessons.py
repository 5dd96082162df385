"""What can be learned of earlier instants: nothing later than asked, and gaps that teach nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from model.pasts import PERIOD, learned, past
from shoal.model.features import DAY
from shoal.model.lessons import FEWEST, instants, joined, lessons


def without(table: pa.Table, *names: str) -> pa.Table:
    return table.drop_columns(list(names))


def constant(table: pa.Table, *names: str) -> pa.Table:
    for name in names:
        table = table.set_column(table.column_names.index(name), name, pa.array(np.ones(table.num_rows)))
    return table


def test_cut_offs_leave_a_period_after_and_half_a_period_before() -> None:
    for first, as_of, days in ((0, 365, 90), (10, 61, 12), (3, 700, 1)):
        found = instants(first * DAY, as_of * DAY, days)
        assert found == sorted(found, reverse=True)
        assert max(found) + days * DAY <= as_of * DAY
        assert min(found) - first * DAY >= max(days * DAY // 2, DAY)


def test_without_room_for_history_and_a_period_there_is_no_cut_off() -> None:
    assert instants(0, 100 * DAY, 90) == []


def test_only_cut_offs_up_to_the_instant_teach() -> None:
    table = past(people=400, cutoffs=3)
    early = learned(table, until=100 * DAY)
    assert len(early.x) == 400
    np.testing.assert_array_equal(early.y, learned(table.slice(0, 400)).y)
    assert len(learned(table, until=115 * DAY).x) == 800


def test_what_happened_after_the_instant_changes_nothing() -> None:
    table = past(people=400, cutoffs=3)
    late = np.arange(table.num_rows) >= 400
    revenue = np.where(late, 1e9, table["next.revenue"].to_numpy())
    changed = table.set_column(table.column_names.index("next.revenue"), "next.revenue", pa.array(revenue))
    one, two = learned(table, until=100 * DAY), learned(changed, until=100 * DAY)
    np.testing.assert_array_equal(one.y, two.y)
    assert not np.array_equal(learned(table).y, learned(changed).y)


def test_too_few_rows_teach_nothing() -> None:
    table = past(people=FEWEST - 1, cutoffs=1)
    assert lessons(table, {}, until=1_000 * DAY, inputs=["orders"]) is None
    assert lessons(past(people=FEWEST, cutoffs=1), {}, until=1_000 * DAY, inputs=["orders"]) is not None


def test_outcomes_in_which_nobody_differs_teach_nothing() -> None:
    table = constant(past(), "next.active", "next.revenue", "next.basket")
    assert lessons(table, {}, until=1_000 * DAY, inputs=["orders"]) is None


def test_an_outcome_in_which_nobody_differs_is_left_out() -> None:
    table = constant(past(), "next.basket")
    assert "basket" in learned(past()).outcomes
    assert "basket" not in learned(table).outcomes


def test_inputs_that_are_no_numbers_or_not_there_are_left_out() -> None:
    table = past().append_column("plan", pa.array(["a"] * past().num_rows))
    found = lessons(table, {}, until=1_000 * DAY, inputs=["orders", "plan", "as_of", "gone"])
    assert found is not None
    assert found.inputs == ("orders",)
    assert lessons(table, {}, until=1_000 * DAY, inputs=["plan"]) is None


def test_inputs_in_which_nobody_differs_are_left_out() -> None:
    table = past().append_column("views", pa.array(np.full(past().num_rows, 3.0)))
    found = lessons(table, {}, until=1_000 * DAY, inputs=["orders", "views"])
    assert found is not None
    assert found.inputs == ("orders",)
    assert lessons(table, {}, until=1_000 * DAY, inputs=["views"]) is None


def test_value_and_behaviour_weigh_one_half_each() -> None:
    found = learned()
    weights = dict(zip(found.outcomes, found.y.var(axis=0), strict=True))
    assert sum(weights[name] for name in ("capped", "log", "retained")) == pytest.approx(0.5)
    assert weights["basket"] <= 0.5  # less where not known, which counts as the mean


def test_behaviour_of_those_who_did_nothing_is_not_known() -> None:
    table, found = past(), learned()
    idle = table["next.active"].to_numpy() == 0
    assert idle.any()
    assert (found.y[idle, found.outcomes.index("basket")] == 0).all()


def test_without_money_activity_takes_its_place() -> None:
    table = past()
    active = pa.array(np.random.default_rng(0).poisson(3, table.num_rows))
    table = without(table, "next.revenue", "next.active").append_column("next.active", active)
    assert {"capped", "log", "retained"} <= set(learned(table).outcomes)


def test_one_whale_does_not_decide() -> None:
    table = past()
    revenue = table["next.revenue"].to_numpy().copy()
    revenue[0] = 1e12
    table = table.set_column(table.column_names.index("next.revenue"), "next.revenue", pa.array(revenue))
    capped = learned(table).y[:, learned(table).outcomes.index("capped")]
    assert capped.max() < 5 * capped.std()


def test_people_without_a_value_stand_beyond_all_days_and_below_all_counts() -> None:
    found = learned()
    days = found.inputs.index("recency_days")
    assert np.isfinite(found.x).all()
    assert found.fills[days] > 199
    assert found.fills[found.inputs.index("orders")] < 1
    points = found.points(pa.table({"orders": pa.array([None], pa.float64()), "recency_days": [float("nan")]}))
    np.testing.assert_array_equal(points, [found.fills])


def test_rows_count_as_often_as_their_person_is_drawn() -> None:
    found = learned(past(people=300, cutoffs=2))
    counts = found.counts(np.array([5, 5, 7]))
    assert counts.sum() == 2 * 3
    assert set(counts[found.person == 5]) == {2.0}
    assert found.counts(np.array([10**9])).sum() == 0


def test_features_meet_the_outcomes_of_the_same_person_one_period_later() -> None:
    at = 100 * DAY
    now = pa.table({"person": [2, 1], "as_of": [at, at], "orders": [20, 10]})
    happened = pa.table(
        {"person": [1, 2, 3, 1], "as_of": [at + PERIOD] * 3 + [at], "active": [11, 22, 33, 99]},
    )
    found = joined(now, happened, [at], PERIOD)
    assert found.to_pylist() == [
        {"person": 1, "as_of": at, "orders": 10, "next.active": 11},
        {"person": 2, "as_of": at, "orders": 20, "next.active": 22},
    ]
