"""Predictions kept until their horizon has passed, then held against what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.predict.learner import Array
from shoal.predict.objective import Task
from shoal.summary import Backtest, Interval
from shoal.tables import iso

PENDING = pa.schema(
    [
        ("person", pa.int64()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("key", pa.string()),
        ("made_at", pa.int64()),
        ("until", pa.int64()),
        ("score", pa.float64()),
    ]
)
MOST = 200_000  # people kept a model and instant
SPACING = 4  # sets kept a horizon
Measure = Callable[[Array, Array], dict[str, Interval]]


def note(
    pending: pa.Table, task: Task, person: NDArray[np.int64], score: Array, *, version: str, as_of: int, seed: int = 0
) -> pa.Table:
    """`pending` with what was predicted at `as_of`, unless a set not much older waits already."""
    mine = _of(pending, task)
    if len(mine) and pc.max(mine["made_at"]).as_py() > as_of - task.horizon // SPACING:
        return pending
    if len(person) > MOST:
        kept = np.sort(np.random.default_rng(seed).choice(len(person), MOST, replace=False))
        person, score = person[kept], score[kept]
    rows = {
        "person": person,
        "model": [task.name] * len(person),
        "version": [version] * len(person),
        "key": [task.key] * len(person),
        "made_at": np.full(len(person), as_of),
        "until": np.full(len(person), as_of + task.horizon),
        "score": score,
    }
    return pa.concat_tables([pending, pa.table(rows, schema=PENDING)])


def due(pending: pa.Table, task: Task, as_of: int) -> list[int]:
    """The instants of the predictions of a task whose outcome is known by `as_of`."""
    mine = _of(pending, task)
    ripe = mine.filter(pc.less_equal(mine["until"], as_of))
    return sorted(pc.unique(ripe["made_at"]).to_pylist())


def judge(
    pending: pa.Table, task: Task, made_at: int, person: NDArray[np.int64], outcome: Array, measure: Measure
) -> Backtest | None:
    """One matured set against the outcomes of the same people; None when nobody of them is left."""
    mine = _of(pending, task)
    mine = mine.filter(pc.equal(mine["made_at"], made_at))
    common, left, right = np.intersect1d(mine["person"].to_numpy(), person, return_indices=True)
    if not len(common):
        return None
    score, happened = mine["score"].to_numpy()[left], outcome[right]
    return Backtest(
        made_at=iso(made_at),
        until=iso(made_at + task.horizon),
        version=mine["version"][0].as_py(),
        people=len(common),
        predicted=float(score.mean()),
        observed=float(happened.mean()),
        metrics=measure(happened, score),
    )


def waiting(pending: pa.Table, as_of: int) -> pa.Table:
    """What is still to mature; predictions of a later instant than this run's are of no use to it."""
    later = pc.and_(pc.greater(pending["until"], as_of), pc.less_equal(pending["made_at"], as_of))
    return pending.filter(later)


def merge(earlier: Iterable[Backtest], fresh: Iterable[Backtest]) -> list[Backtest]:
    """Every back-test on record, each instant once, the latest first."""
    found = {one.made_at: one for one in [*earlier, *fresh]}
    return [found[made_at] for made_at in sorted(found, reverse=True)]


def _of(pending: pa.Table, task: Task) -> pa.Table:
    return pending.filter(pc.and_(pc.equal(pending["model"], task.name), pc.equal(pending["key"], task.key)))
