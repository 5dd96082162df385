"""What is asked: value, churn and growth of people in the next period, or the answer of a table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.model.levels import basis
from shoal.model.targets import Target, answers, targets
from shoal.settings import Objective

BEFORE = pa.table(
    {
        "recency_days": [3.0, 170.0, 181.0, None],
        "tenure_days": [180.0, 200.0, 400.0, 20.0],
        "orders": [4, 1, 1, 0],
        "revenue": [90.0, 50.0, 10.0, 0.0],
    }
)
AFTER = pa.table({"active": [5, 2, 0, 1], "orders": [2, 0, 0, 1], "revenue": [46.0, -3.0, 0.0, 12.0]})


def asked(before: pa.Table = BEFORE, after: pa.Table = AFTER) -> dict[str, Target]:
    return {one.name: one for one in targets(before, after, basis(before), days=90, currency="EUR")}


def test_value_is_money_never_below_nothing_and_capped() -> None:
    value = asked()["value"]
    assert value.values[1] == 0
    assert value.values[0] < 46
    assert value.currency == "EUR"


def test_churn_is_asked_of_those_who_were_there_lately() -> None:
    assert np.array_equal(asked()["churn"].values, [0.0, 1.0, np.nan, np.nan], equal_nan=True)


def test_growth_is_against_the_own_rate_of_those_who_have_one() -> None:
    found = asked()["growth"].values  # 45 a period against 46; 22.5 against nothing; new people have no rate
    assert np.array_equal(found, [1.0, 0.0, 0.0, np.nan], equal_nan=True)


def test_without_money_it_is_activity() -> None:
    before = pa.table({"recency_days": [3.0, 9.0], "tenure_days": [180.0, 200.0], "events": [4, 1]})
    found = asked(before, pa.table({"active": [5, 0]}))
    assert found["value"].verb == "are active"
    assert found["value"].currency is None
    assert found["churn"].values.tolist() == [0.0, 1.0]
    assert found["growth"].values.tolist() == [1.0, 0.0]


def test_nobody_is_asked_nothing() -> None:
    assert targets(BEFORE.slice(0, 0), AFTER.slice(0, 0), basis(BEFORE), days=90) == []


def test_labels_over_events_and_broken_ones_are_left_to_others() -> None:
    table = pa.table({"y": ["yes", None]})
    objectives = [
        Objective(name="left", kind="label", label="y = 'yes'"),
        Objective(name="odd", kind="label", label="no_such_column = 1"),
        Objective(name="worth", kind="value"),
    ]
    found = answers(objectives, table)
    assert [one.name for one in found] == ["left"]
    assert np.array_equal(found[0].values, [1.0, np.nan], equal_nan=True)
