"""The one meaning of a feature: a plan, as plain data, that runs over a stream of events sorted by person and time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from shoal.define import stream
from shoal.define.clock import DAY
from shoal.define.evaluate import ARROW, Frame, Vector
from shoal.define.feature import Feature, features_from_yaml
from shoal.define.passes import Array, Block, Bools, Cut, Rows
from shoal.define.plan import Compiler, Step, event_columns, windows_of
from shoal.define.textual import objects
from shoal.define.types import Columns, Type
from shoal.errors import DataError

# Raised when the same definition would give other numbers; it is part of every plan's version.
MEANING = 1
ROWS = 500_000

Found = tuple[Array, Bools]


def compile_plan(
    features: Sequence[Feature], columns: Columns, *, time_zone: str = "UTC", file: str = "shoal.yaml"
) -> Plan:
    """A plan that computes these features over events with these columns.

    Args:
        features: in the order of the output's columns; formulas may read any of them.
        columns: the event stream's columns besides `person`; `at` and `event` are always there.
        time_zone: the zone of hours, weekdays and days.
        file: the name that faults are reported under.

    Raises SettingsError with every fault of every feature.

    >>> plan = compile_plan(features_from_yaml({"orders": {"count": "events", "of": "Order Completed"}}), {})
    >>> plan.names, plan.event_columns, plan.empty()
    (('orders',), ('at', 'event', 'person'), {'orders': 0})
    """
    known = {"at": Type.TIME, "event": Type.TEXT, **columns}
    known.pop("person", None)
    steps = Compiler(known, file).compile(features)
    reads = set(event_columns([step for step in steps.values() if step.feature.operation != "formula"]))
    held = tuple(sorted((name, kind.value) for name, kind in known.items() if name in reads))
    return Plan(tuple(features), held, time_zone)


@dataclass(frozen=True)
class Plan:
    """Features compiled for a stream of events: frozen, hashable, serialisable; its version names its meaning."""

    features: tuple[Feature, ...]
    columns: tuple[tuple[str, str], ...]
    time_zone: str

    @cached_property
    def steps(self) -> dict[str, Step]:
        """A step for each feature, in an order in which they can be computed."""
        return Compiler({name: Type(kind) for name, kind in self.columns}, "plan").compile(self.features)

    @cached_property
    def _over_events(self) -> list[Step]:
        return [step for step in self.steps.values() if step.feature.operation != "formula"]

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in the order of the output's columns."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def types(self) -> dict[str, Type]:
        """The type of each feature."""
        return {name: self.steps[name].type for name in self.names}

    @cached_property
    def schema(self) -> pa.Schema:
        """The output's schema: person, as_of and a column for each feature."""
        whole = {name for name, step in self.steps.items() if step.whole}
        kinds = [(name, pa.int64() if name in whole else ARROW[kind]) for name, kind in self.types.items()]
        return pa.schema([("person", pa.int64()), ("as_of", pa.timestamp("us", "UTC")), *kinds])

    @cached_property
    def event_columns(self) -> tuple[str, ...]:
        """Columns that the plan reads of the event stream."""
        return event_columns(self._over_events)

    @cached_property
    def version(self) -> str:
        """A short hash of the whole definition: the same plan, the same numbers."""
        said = json.dumps([MEANING, self.to_dict()], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data for JSON; `from_dict` is the inverse."""
        features = [[feature.name, feature.to_yaml()] for feature in self.features]
        return {"time_zone": self.time_zone, "columns": dict(self.columns), "features": features}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """A plan from what `to_dict` gave."""
        columns = {name: Type(kind) for name, kind in data["columns"].items()}
        return compile_plan(features_from_yaml(dict(data["features"])), columns, time_zone=data["time_zone"])

    def run(
        self, batches: Iterable[pa.RecordBatch], as_of: Sequence[int], *, rows: int = ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Features of every person with an event at or before an instant, for each instant.

        Args:
            batches: events sorted by (person, at, event_id), cut anywhere.
            as_of: instants in microseconds UTC; each sees events at or before it only.
            rows: about how many events to hold at once; one person's events are always held together.

        Raises DataError when the events are not sorted, or a column is missing or of another type.
        """
        for table in stream.whole_people(batches, self.event_columns, rows):
            yield from self._chunk(table, as_of)

    def empty(self) -> dict[str, Any]:
        """The features of a person without events."""
        missing = {step.feature.name: _vector(np.zeros(1), np.zeros(1, bool), step) for step in self._over_events}
        found = self.apply_formulas(missing, 1)
        return {name: self._arrow(name, found[name]).to_pylist()[0] for name in self.names}

    def apply_formulas(self, values: Mapping[str, Vector], rows: int) -> dict[str, Vector]:
        """Puts in defaults and adds the formulas' values."""
        found: dict[str, Vector] = {}
        for name, step in self.steps.items():
            if step.feature.operation == "formula" and step.field is not None:
                vector = Frame(found, rows, self.time_zone).full(step.field)
            else:
                vector = values[name]
            found[name] = _defaulted(vector, step)
        return found

    def _arrow(self, name: str, vector: Vector) -> pa.Array:
        array = vector.arrow(self.types[name])
        return array.cast(self.schema.field(name).type)

    def _chunk(self, table: pa.Table, as_of: Sequence[int]) -> Iterator[pa.RecordBatch]:
        block = self.block(table)
        for instant in as_of:
            yield self.at(Cut(block, int(instant)))

    def block(self, table: pa.Table) -> Block:
        """Whole people's events, sorted by (person, at, event_id), as what cuts are made of.

        Raises DataError when the events are not sorted.
        """
        person = np.asarray(table["person"].combine_chunks().cast(pa.int64()))
        at = stream.instants(table["at"])
        stream.check_order(person, at)
        return self.over(Frame(table, table.num_rows, self.time_zone), person, at)

    def over(self, frame: Frame, person: Array, at: Array) -> Block:
        """The same of columns that are decoded already: the caller has sorted them."""
        return Block(frame, person, at, windows_of(self._over_events))

    def values(self, cut: Cut) -> dict[str, Vector]:
        """Every feature of every person of the block as of the cut's instant, in the order of `steps`."""
        values = {step.feature.name: _compute(cut, step) for step in self._over_events}
        return self.apply_formulas(values, cut.block.people)

    def at(self, cut: Cut) -> pa.RecordBatch:
        """The features of the people of a block who have an event at or before the cut's instant."""
        return self._output(cut, self.values(cut))

    def _output(self, cut: Cut, found: Mapping[str, Vector]) -> pa.RecordBatch:
        persons = pa.array(cut.block.persons)
        instants = pa.array(np.full(len(persons), cut.as_of), pa.timestamp("us", "UTC"))
        arrays = [persons, instants, *(self._arrow(name, found[name]) for name in self.names)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        return batch if cut.present.all() else batch.filter(pa.array(cut.present))


def _vector(values: Array, valid: Bools, step: Step, words: Array | None = None) -> Vector:
    if step.type is Type.TEXT:
        return Vector(values.astype(np.int32), valid, words if words is not None else objects([""]))
    if step.type is Type.BOOL:
        return Vector(values.astype(bool), valid)
    return Vector(values.astype(np.int64) if step.type is Type.TIME else values, valid)


def _defaulted(vector: Vector, step: Step) -> Vector:
    default = step.feature.fallback
    if default is None or bool(vector.valid.all()):
        return vector
    valid = np.ones(len(vector.valid), bool)
    if vector.dictionary is not None:
        codes = np.where(vector.valid, vector.values, len(vector.words)).astype(np.int32)
        return Vector(codes, valid, objects([*vector.words, str(default)]))
    return Vector(np.where(vector.valid, vector.values, default).astype(vector.values.dtype), valid)


def _compute(cut: Cut, step: Step) -> Vector:
    """The values of one step for every person of the block, null where there is nothing to compute."""
    cut = cut.over(step.select.over)
    if step.operation in ("first", "last"):
        return _chosen(cut, step)
    values, valid = _RUN[step.operation](cut, step)
    return _vector(values, valid, step)


def _rows(cut: Cut, step: Step) -> tuple[Rows, Array]:
    if step.field is None:
        return cut.block.rows(step.select), np.zeros(0)
    return cut.block.field(step.select, step.field)


def _count(cut: Cut, step: Step) -> Found:
    count = cut.count(cut.block.rows(step.select), step.window)
    return count, count > 0


def _sum(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    return cut.sum(rows, values, step.window, _name(step)), cut.count(rows, step.window) > 0


def _mean(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    count = cut.count(rows, step.window)
    return cut.sum(rows, values, step.window, _name(step)) / np.maximum(count, 1), count > 0


def _extreme(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    found = cut.extreme(rows, values, step.window, step.operation, _name(step))
    return found, cut.count(rows, step.window) > 0


def _depth(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    return cut.extreme(rows, values, step.window, "max", _name(step)), cut.count(rows, step.window) > 0


def _std(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    return cut.deviation(rows, values, step.window)


def _distinct(cut: Cut, step: Step) -> Found:
    if step.field is None:
        raise TypeError("distinct without a field")
    count = cut.distinct(cut.block.pairs(step.select, step.field), step.window)
    return count, count > 0


def _days_since(cut: Cut, step: Step) -> Found:
    rows = cut.block.rows(step.select)
    some = cut.count(rows, step.window) > 0
    if not some.any():
        return np.zeros(rows.people), some
    at = rows.at[cut.place(rows, step.window, step.feature.argument)]
    return (cut.as_of - at) / DAY, some


def _share(cut: Cut, step: Step) -> Found:
    if step.part is None:
        raise TypeError("share without a predicate")
    if step.field is None:
        part = cut.count(cut.block.rows(step.part), step.window).astype(np.float64)
        whole = cut.count(cut.block.rows(step.select), step.window).astype(np.float64)
    else:
        block = cut.block
        part = cut.sum(*block.field(step.part, step.field), step.window, step.field)
        whole = cut.sum(*block.field(step.select, step.field), step.window, step.field)
    return part / np.where(whole == 0, 1.0, whole), whole != 0


def _gap(cut: Cut, step: Step) -> Found:
    return cut.gap(cut.block.rows(step.select), step.window, step.feature.argument)


def _trend(cut: Cut, step: Step) -> Found:
    rows, values = _rows(cut, step)
    windows = (step.window, step.window.previous())
    if step.field is None:
        now, then = (cut.count(rows, window).astype(np.float64) for window in windows)
    else:
        now, then = (cut.sum(rows, values, window, _name(step)) for window in windows)
    return now / np.where(then == 0, 1.0, then), then != 0


def _chosen(cut: Cut, step: Step) -> Vector:
    """The value at each person's first or last row that has one."""
    rows, values = _rows(cut, step)
    some = cut.count(rows, step.window) > 0
    words = cut.block.frame.full(_name(step)).dictionary
    if not some.any():
        return _vector(np.zeros(rows.people), some, step, words)
    return _vector(values[cut.place(rows, step.window, step.operation)], some, step, words)


def _name(step: Step) -> Any:
    if step.field is None:
        raise DataError(f"feature '{step.feature.name}' has no field")
    return step.field


_RUN: dict[str, Callable[[Cut, Step], Found]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "min": _extreme,
    "max": _extreme,
    "depth": _depth,
    "std": _std,
    "distinct": _distinct,
    "days_since": _days_since,
    "share": _share,
    "gap": _gap,
    "trend": _trend,
}
