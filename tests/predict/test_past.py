"""Training sets: what a cut-off sees, and what is read after it, against a naive reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue
from shoal.define.types import Type
from shoal.errors import SettingsError
from shoal.predict import objective
from shoal.predict.objective import DAY
from shoal.predict.past import Past, examples, inputs, meant, with_traits
from shoal.settings import Objective

COLUMNS = {"at": Type.TIME, "event": Type.TEXT, "value": Type.NUMBER}
FEATURES = {"orders": {"count": "events", "of": "Order Completed"}, "recency_days": {"days_since": "last"}}
Row = tuple[int, int, str, float]


def past(rows: list[Row], buckets: int = 1, **more: Any) -> Past:
    """`rows` are (person, day, event, value); each bucket holds a range of people."""
    rows = sorted(rows)
    people = sorted({row[0] for row in rows})
    held = {person: place * buckets // len(people) for place, person in enumerate(people)}

    def read(files: list[Path], columns: list[str]) -> Any:
        mine = [row for row in rows if held[row[0]] == int(files[0].name)]
        table = pa.table(
            {
                "person": pa.array([row[0] for row in mine], pa.int64()),
                "at": pa.array([row[1] * DAY for row in mine], pa.timestamp("us", "UTC")),
                "event": pa.array([row[2] for row in mine]).dictionary_encode(),
                "value": pa.array([row[3] for row in mine], pa.float64()),
            }
        )
        return iter(table.select(columns).to_batches())

    plan = compile_plan(features_from_yaml(FEATURES), COLUMNS)
    return Past(tuple(Path(str(place)) for place in range(buckets)), read, plan, COLUMNS, **more)


SHOP = Catalogue({"Order Completed": 1, "Product Viewed": 1}, has_value=True)


def question(**said: Any) -> objective.Task:
    return objective.tasks(Objective.model_validate({"name": "q", **said}), SHOP, 30, [])[0]


rows = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(0, 120),
        st.sampled_from(["Order Completed", "Product Viewed"]),
        st.floats(0, 100),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(1, 3))
def test_churn_is_what_a_loop_over_the_orders_says(events: list[Row], buckets: int) -> None:
    task = question(kind="churn", horizon="30d", active_within="45d")
    source = past(events, buckets).extended([task])
    table = source.labelled({task.horizon: (50, 80)} | {task.horizon: (50 * DAY, 80 * DAY)}, {task.horizon: [task]})
    found = examples(task, table[task.horizon], ["orders"])
    told = {
        (int(who), int(cutoff) // DAY): bool(y)
        for who, cutoff, y in zip(found.person, found.cutoff, found.y, strict=True)
    }
    orders = [(row[0], row[1]) for row in events if row[2] == "Order Completed"]
    naive = {
        (who, day): not any(one == who and day < at <= day + 30 for one, at in orders)
        for day in (50, 80)
        for who in {one for one, at in orders if day - 45 < at <= day}
    }
    assert told == naive


def test_features_at_a_cut_off_know_nothing_of_later() -> None:
    early: list[Row] = [(1, 10, "Order Completed", 5.0), (2, 20, "Order Completed", 5.0)]
    late: list[Row] = [(1, 41, "Order Completed", 9.0), (3, 60, "Order Completed", 9.0)]
    task = question(kind="purchase", horizon="30d")
    seen, all_of_it = (
        past(rows).extended([task]).labelled({task.horizon: [40 * DAY]}, {task.horizon: [task]})[task.horizon]
        for rows in (early, early + late)
    )
    kept = ["person", "as_of", "orders", "recency_days"]
    assert seen.select(kept).equals(all_of_it.select(kept))
    assert examples(task, seen, []).y.tolist() == [0.0, 0.0]
    assert examples(task, all_of_it, []).y.tolist() == [1.0, 0.0]


def test_growth_compares_the_next_period_with_the_last() -> None:
    events: list[Row] = [
        (1, 20, "Order Completed", 10.0),
        (1, 50, "Order Completed", 13.0),
        (2, 20, "Order Completed", 10.0),
        (2, 50, "Order Completed", 11.0),
        (3, 5, "Order Completed", 10.0),
    ]
    task = question(kind="upsell", horizon="30d")
    table = past(events).extended([task]).labelled({task.horizon: [40 * DAY]}, {task.horizon: [task]})[task.horizon]
    found = examples(task, table, [])
    assert dict(zip(found.person.tolist(), found.y.tolist(), strict=True)) == {1: 1.0, 2: 0.0}


def test_a_rule_over_unknown_features_names_the_objective() -> None:
    task = question(kind="purchase", horizon="30d", among="ordrs > 1")
    table = past([(1, 1, "Order Completed", 1.0)]).extended([task]).at([5 * DAY])
    with pytest.raises(SettingsError, match=r"objectives\.q\.among.*ordrs"):
        meant(task, table)


def test_traits_stand_beside_the_people_who_have_them() -> None:
    traits = pa.table({"person": pa.array([2, 9], pa.int64()), "plan": ["pro", "free"]})
    table = pa.table({"person": pa.array([1, 2, 2], pa.int64())})
    assert with_traits(table, traits)["plan"].to_pylist() == [None, "pro", "pro"]


def test_a_share_of_the_people_is_whole_buckets_where_there_are_enough() -> None:
    events: list[Row] = [(who, 1, "Order Completed", 1.0) for who in range(1, 21)]
    some = past(events, buckets=10).at([5 * DAY], share=0.5)
    assert some.num_rows == 10
    assert len(np.unique(some["person"].to_numpy())) == 10


def test_a_share_of_few_buckets_is_the_same_people_at_every_instant() -> None:
    events: list[Row] = [(who, 1, "Order Completed", 1.0) for who in range(1, 401)]
    source = past(events, buckets=2)
    one, other = (set(source.at([day * DAY], share=0.25)["person"].to_pylist()) for day in (5, 9))
    assert one == other
    assert 50 < len(one) < 150


def test_parts_of_other_features_are_no_inputs() -> None:
    features = features_from_yaml(FEATURES)
    found = inputs(features, ["orders"], ["plan"])
    assert found[0] == "recency_days"
    assert found[-1] == "plan"
    assert "orders" not in found
