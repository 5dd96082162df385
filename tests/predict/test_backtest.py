"""Predictions are kept until they can be judged, then judged once."""

from __future__ import annotations

import numpy as np

from shoal.predict import backtest
from shoal.predict.learner import Array
from shoal.predict.objective import DAY, Task
from shoal.settings import Objective
from shoal.summary import Interval

TASK = Task("churn", Objective(name="churn", kind="churn"), 40 * DAY, "true", "true", "", "")
PEOPLE = np.arange(5, dtype=np.int64)


def measure(y: Array, score: Array) -> dict[str, Interval]:
    return {"error": Interval(value=float(np.abs(y - score).mean()))}


def made(*days: int) -> backtest.pa.Table:
    pending = backtest.PENDING.empty_table()
    for day in days:
        pending = backtest.note(pending, TASK, PEOPLE, PEOPLE / 10, version="v", as_of=day * DAY)
    return pending


def test_a_set_comes_due_when_its_horizon_has_passed() -> None:
    pending = made(10)
    assert backtest.due(pending, TASK, 49 * DAY) == []
    assert backtest.due(pending, TASK, 50 * DAY) == [10 * DAY]


def test_daily_runs_keep_a_few_sets_a_horizon() -> None:
    assert len(set(made(*range(1, 41))["made_at"].to_pylist())) == 4


def test_a_matured_set_is_held_against_what_happened_to_the_same_people() -> None:
    found = backtest.judge(made(10), TASK, 10 * DAY, np.array([1, 2, 99]), np.array([0.0, 1.0, 1.0]), measure)
    assert found is not None
    assert (found.people, found.observed, round(found.predicted, 6)) == (2, 0.5, 0.15)
    assert round(found.metrics["error"].value or 0, 6) == 0.45


def test_nobody_left_is_no_result() -> None:
    assert backtest.judge(made(10), TASK, 10 * DAY, np.array([77]), np.array([1.0]), measure) is None


def test_what_is_judged_waits_no_longer() -> None:
    pending = made(10, 30)
    assert set(backtest.waiting(pending, 55 * DAY)["made_at"].to_pylist()) == {30 * DAY}


def test_another_question_of_the_same_name_is_not_judged_by_it() -> None:
    other = Task("churn", TASK.objective, 41 * DAY, "true", "true", "", "")
    assert backtest.due(made(10), other, 99 * DAY) == []
