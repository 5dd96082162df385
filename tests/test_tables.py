"""Scores as columns beside the features: right people, right names, nothing overwritten."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal import tables


def people(count: int) -> pa.Table:
    return pa.table({"profile_id": tables.profile_ids(np.arange(count)), "orders": np.arange(count)})


def rows(model: str, ids: list[int], scores: list[float | None]) -> pa.Table:
    names = tables.profile_ids(np.array(ids, dtype=np.int64))
    return pa.table({"profile_id": names, "model": [model] * len(ids), "score": pa.array(scores, pa.float64())})


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 0]])
def test_every_score_finds_its_person(order: list[int]) -> None:
    found = tables.with_scores(people(4), rows("churn", order, [one / 10 for one in order]))
    expected = [one / 10 if one in order else None for one in range(4)]
    assert found["churn"].to_pylist() == expected


def test_the_rows_of_models_may_be_mixed() -> None:
    long = pa.concat_tables([rows("a", [0, 1], [0.0, 0.1]), rows("b", [0, 1], [5.0, 6.0])])
    mixed = long.take(pa.array([2, 0, 3, 1]))
    for table in (long, mixed, mixed.set_column(1, "model", mixed["model"].dictionary_encode())):
        found = tables.with_scores(people(2), table)
        assert found["a"].to_pylist() == [0.0, 0.1]
        assert found["b"].to_pylist() == [5.0, 6.0]


def test_what_is_no_number_is_unknown() -> None:
    found = tables.with_scores(people(3), rows("churn", [0, 1, 2], [float("nan"), float("inf"), None]))
    assert found["churn"].null_count == 3


def test_a_feature_keeps_its_name_and_its_values() -> None:
    found = tables.with_scores(people(2), rows("orders", [0, 1], [0.5, 0.6]))
    assert found.drop_columns("orders_score").equals(people(2))
    assert found["orders_score"].to_pylist() == [0.5, 0.6]


def test_odd_characters_become_low_lines_and_lifetime_value_has_a_short_name() -> None:
    models = ["value.clv_12m", "other.clv_12m", "cross.Home & Garden"]
    assert tables.score_columns(models, {"clv_3m"}) == {
        "value_clv_12m": "value.clv_12m",
        "other_clv_12m": "other.clv_12m",
        "cross_Home___Garden": "cross.Home & Garden",
        "clv_12m": "value.clv_12m",
    }


def test_a_model_without_rows_is_a_column_of_nulls() -> None:
    found = tables.with_scores(people(2), tables.SCORES.empty_table(), {"churn": "churn"})
    assert found["churn"].null_count == 2
    assert tables.with_scores(people(0), tables.SCORES.empty_table(), {"churn": "churn"}).num_rows == 0
