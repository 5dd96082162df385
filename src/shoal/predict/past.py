"""The past as training sets: features at cut-offs and what happened one horizon later, in one pass over the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import mask
from shoal.define.feature import Feature, features_from_yaml
from shoal.define.kernel import Plan, compile_plan
from shoal.define.parse import parse
from shoal.define.stream import drawn
from shoal.define.types import Type, types_of
from shoal.errors import ExpressionError, Fault, SettingsError
from shoal.predict.learner import Examples
from shoal.predict.objective import Task
from shoal.predict.ratios import LABELS, with_ratios
from shoal.settings import FILE

THREADS = 2
ENOUGH_BUCKETS = 4  # from which a share of the people is a share of the buckets
Read = Callable[..., Iterator[pa.RecordBatch]]
STANDING = ("person", "as_of")


@dataclass(frozen=True)
class Past:
    """The events of a run, and the features that are computed over them.

    `read(files, columns)` streams them sorted by person and time; `traits` is a table of what is known of people
    without a time (column `person`, sorted), or None.
    """

    files: tuple[Path, ...]
    read: Read
    plan: Plan
    columns: Mapping[str, Type]
    traits: pa.Table | None = None

    def only(self, tasks: Sequence[Task]) -> Past | None:
        """The events with just the features by which the tasks say whom they mean; None where they need none."""
        more: dict[str, Any] = {}
        for task in tasks:
            more.update(task.now)
        if not more:
            return None
        plan = compile_plan(features_from_yaml(more), self.columns, time_zone=self.plan.time_zone)
        return Past(self.files, self.read, plan, self.columns)

    def extended(self, tasks: Sequence[Task]) -> Past:
        """The same with the features by which the tasks say whom they mean."""
        more: dict[str, Any] = {}
        for task in tasks:
            more.update(task.now)
        taken = set(self.plan.names)
        features = [*self.plan.features, *features_from_yaml({k: v for k, v in more.items() if k not in taken})]
        plan = compile_plan(features, self.columns, time_zone=self.plan.time_zone)
        return Past(self.files, self.read, plan, self.columns, self.traits)

    def at(self, instants: Sequence[int], share: float = 1.0) -> pa.Table:
        """Features of everybody who had done something by each instant, instant by instant within a bucket of people.

        `share` takes that much of the people, at random: whole buckets where there are enough of them.
        """
        return self.labelled({0: tuple(instants)}, {}, share)[0]

    def labelled(
        self, cutoffs: Mapping[int, Sequence[int]], tasks: Mapping[int, Sequence[Task]], share: float = 1.0
    ) -> dict[int, pa.Table]:
        """For each horizon (microseconds): the features at its cut-offs, with the `then` features one horizon later."""
        instants = sorted({cutoff for found in cutoffs.values() for cutoff in found})
        after = {horizon: self._after([task for task in tasks.get(horizon, ()) if task.then]) for horizon in cutoffs}
        needed = {*self.plan.event_columns, *(name for plan in after.values() if plan for name in plan.event_columns)}
        columns = sorted(needed)

        files, kept = self._sample(share)

        def bucket(file: Path) -> dict[int, pa.Table]:
            batches = [batch for batch in (drawn(batch, kept) for batch in self.read([file], columns)) if len(batch)]
            now = pa.Table.from_batches(self.plan.run(batches, instants), schema=self.plan.schema)
            found = {}
            for horizon, wished in cutoffs.items():
                rows = now.filter(pa.array(np.isin(_instants(now), np.asarray(wished, np.int64))))
                plan = after[horizon]
                found[horizon] = rows if plan is None else _joined(rows, plan, batches, wished, horizon)
            return found

        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(bucket, files))
        return {horizon: self._with_traits(pa.concat_tables([part[horizon] for part in parts])) for horizon in cutoffs}

    def _after(self, tasks: Sequence[Task]) -> Plan | None:
        definitions: dict[str, Any] = {}
        for task in tasks:
            definitions.update(task.then)
        if not definitions:
            return None
        return compile_plan(features_from_yaml(definitions), self.columns, time_zone=self.plan.time_zone)

    def _sample(self, share: float) -> tuple[tuple[Path, ...], float]:
        """The buckets to read, and the share of their people to keep."""
        count = round(share * len(self.files))
        if count < ENOUGH_BUCKETS:
            return self.files, share
        places = np.linspace(0, len(self.files) - 1, count).round().astype(int)
        return tuple(self.files[place] for place in sorted(set(places.tolist()))), 1.0

    def _with_traits(self, table: pa.Table) -> pa.Table:
        return with_ratios(table if self.traits is None else with_traits(table, self.traits))


def with_traits(table: pa.Table, traits: pa.Table) -> pa.Table:
    """The table with the traits of its people; null for those who have none. `traits` is sorted by person."""
    whose = traits["person"].to_numpy()
    person = table["person"].to_numpy()
    place = np.searchsorted(whose, person).clip(0, max(len(whose) - 1, 0))
    known = whose[place] == person if len(whose) else np.zeros(len(person), bool)
    rows = pa.array(place, mask=~known)
    for name in traits.column_names:
        if name not in table.column_names:
            table = table.append_column(name, traits[name].take(rows))
    return table


def examples(task: Task, table: pa.Table, inputs: Sequence[str]) -> Examples:
    """The rows of the people whom a task means, with their outcome and the features that a model may use.

    Raises SettingsError when a rule of the task cannot be read.
    """
    return examples_of(task, table.filter(pa.array(meant(task, table))), inputs)


def examples_of(task: Task, people: pa.Table, inputs: Sequence[str]) -> Examples:
    """`examples` of rows that are of the people meant."""
    happened = _holds(task, "label", task.outcome, _later(task, people))
    return Examples(
        people.select([name for name in inputs if name in people.column_names]),
        happened.astype(np.float64),
        people["person"].to_numpy(),
        _instants(people),
    )


def meant(task: Task, table: pa.Table) -> NDArray[np.bool_]:
    """Whom of a table of features a task means."""
    return _holds(task, "among", task.among, table)


def _later(task: Task, table: pa.Table) -> pa.Table:
    """The table in which a label reads its names: those of `then` stand for what they say of the time after."""
    columns = {name: table[name] for name in table.column_names if not name.startswith(LATER)}
    columns |= {name: table[_later_name(name)] for name in task.then if _later_name(name) in table.column_names}
    return pa.table(columns)


LATER = "after:"


def _later_name(name: str) -> str:
    return f"{LATER}{name}"


def _holds(task: Task, place: str, rule: str, table: pa.Table) -> NDArray[np.bool_]:
    if rule == "true":
        return np.ones(table.num_rows, bool)
    try:
        expr = parse(rule, types_of(table.schema), expect=Type.BOOL)
    except ExpressionError as error:
        where = f"objectives.{task.objective.name}.{'among' if place == 'among' else 'label'}"
        raise SettingsError([Fault(FILE, None, where, str(error), "see docs/predictions.md")]) from None
    found: NDArray[np.bool_] = np.asarray(mask(expr, table), dtype=bool)
    return found


def _joined(
    rows: pa.Table, plan: Plan, batches: Sequence[pa.RecordBatch], wished: Sequence[int], horizon: int
) -> pa.Table:
    """The rows with what `plan` gives for the same people one horizon later; they all are there then."""
    later = pa.Table.from_batches(plan.run(batches, [cutoff + horizon for cutoff in wished]), schema=plan.schema)
    people = np.unique(rows["person"].to_numpy())
    later = later.filter(pa.array(np.isin(later["person"].to_numpy(), people)))
    cutoffs = np.sort(np.asarray(wished, np.int64))

    def cell(person: NDArray[np.int64], instant: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.searchsorted(people, person) * len(cutoffs) + np.searchsorted(cutoffs, instant)
        return found

    place = np.zeros(len(people) * len(cutoffs), np.int64)
    place[cell(later["person"].to_numpy(), _instants(later) - horizon)] = np.arange(later.num_rows)
    taken = later.take(pa.array(place[cell(rows["person"].to_numpy(), _instants(rows))]))
    for name in plan.names:
        rows = rows.append_column(_later_name(name), taken[name])
    return rows


def _instants(table: pa.Table) -> NDArray[np.int64]:
    found: NDArray[np.int64] = table["as_of"].cast(pa.int64()).to_numpy()
    return found


def inputs(features: Sequence[Feature], hidden: Sequence[str], traits: Sequence[str]) -> list[str]:
    """The columns that a model may use: features, their ratios and traits, not the parts that only others read."""
    return [*(feature.name for feature in features if feature.name not in set(hidden)), *LABELS, *traits]
