"""Scores of a few people at a time by the models that a run saved: the very numbers that the run would give them.

`Scorer.score` is a pure function of the features, the purchases and the instant; the live side calls it for the people
whom an event touched, and the models are read and their rules parsed once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from shoal.define.feature import Feature, features_from_yaml
from shoal.define.kernel import Plan, compile_plan
from shoal.define.types import Columns as Types
from shoal.define.types import Type
from shoal.errors import DataError, UsageError
from shoal.predict.found import SCHEMA, Scores
from shoal.predict.ledger import COLUMNS
from shoal.predict.ratios import LABELS, with_ratios
from shoal.predict.use import Use
from shoal.predict.ways import People, Scored, Unseen, Way, way_of

Files = Callable[[Use], Mapping[str, bytes]]


@dataclass(frozen=True)
class Scorer:
    """Every model in use of a run.

    `columns` are the columns under which rules read scores, each with its model; `stale` names the models whose output
    is known only as of the run, as it is not made anew for a few people. `plan` computes the run's features and those
    that scoring needs beside them (`extra`) over events.
    """

    ways: tuple[Way, ...]
    plan: Plan
    extra: tuple[Feature, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    ratios: bool = True
    needs: frozenset[str] = frozenset()

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The names under which scores stand in the table `scores`."""
        return tuple(name for way in self.ways for name in way.models)

    @cached_property
    def needs_events(self) -> tuple[str, ...]:
        """The columns of the events that `score` needs beside the features; none where it needs none."""
        return COLUMNS if self.purchases else ()

    @cached_property
    def purchases(self) -> frozenset[str]:
        """The names of the events that are needed; others may be left out."""
        return frozenset(name for way in self.ways for name in way.use.events)

    @cached_property
    def version(self) -> str:
        """Changes when any score may: a short hash of all models in it and of how they are applied."""
        said = json.dumps([way.use.to_dict() for way in self.ways], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def score(
        self,
        features: pa.Table,
        as_of: int,
        *,
        events: Iterable[pa.RecordBatch] | None = None,
        bands: bool = True,
    ) -> tuple[Scored, ...]:
        """The scores of the people of `features` at an instant, model by model; whom a model does not mean has none.

        Args:
            features: one row a person: `person`, and the columns of `plan`, the derived ones and the traits, as in the
                run's table `features`.
            as_of: instant in microseconds, the one that the features are of.
            events: all purchases of these people up to then, with the columns `needs_events`, sorted by person and
                time; events of others are left alone.
            bands: whether `low` and `high` are wanted; without, they are NaN.

        Raises DataError when a column is missing, UsageError when `events` are needed and there are none.
        """
        missing = self.needs.difference(features.column_names)
        if missing:
            raise DataError(f"scoring needs the columns {', '.join(sorted(missing))}, which the features lack")
        if events is None and self.needs_events:
            names = ", ".join(way.use.name for way in self.ways if way.use.events)
            raise UsageError(f"{names}: is told by people's purchases; give `events` with {', '.join(COLUMNS)}")
        if not features.num_rows or not self.ways:
            return ()
        people = People(with_ratios(features) if self.ratios else features, as_of, tuple(events or ()))
        return tuple(one for way in self.ways for one in way.score(people, bands=bands))

    def table(self, scored: Sequence[Scored], features: pa.Table, as_of: int) -> pa.Table:
        """What `score` gave as rows of the table `scores`, without reasons."""
        person = features["person"].to_numpy()
        parts = [Scores(one.model, person[one.rows], one.score, one.low, one.high, one.version) for one in scored]
        return pa.concat_tables([SCHEMA.empty_table(), *(one.table(as_of) for one in parts)])

    def beside(self, features: pa.Table, scored: Sequence[Scored]) -> pa.Table:
        """The features with a column for each score as rules read them; null for whom a model does not mean."""
        found = {one.model: one for one in scored}
        made: dict[str, pa.Array] = {}
        for column, model in self.columns.items():
            if model not in made:
                made[model] = _column(found.get(model), features.num_rows)
            features = features.append_column(column, made[model])
        return features


def _column(one: Scored | None, rows: int) -> pa.Array:
    values = np.full(rows, np.nan)
    if one is not None:
        values[one.rows] = one.score
    return pa.array(values, mask=~np.isfinite(values))


def assemble(
    uses: Sequence[Use],
    files: Files,
    unseen: pa.Table,
    *,
    plan: Plan,
    events: Types,
    features: Types,
    columns: Mapping[str, str],
    stale: Sequence[str] = (),
) -> Scorer:
    """A scorer from a run's record.

    Args:
        uses: the models in use, and how.
        files: gives the files of one's version.
        unseen: the columns of `found.UNSEEN`.
        plan: the run's features over events.
        events: the types of the events' columns; empty where there are no events.
        features: the types of the columns of the run's table `features`.
        columns: as `Scorer.columns`.
        stale: as `Scorer.stale`.

    Raises StorageError when a model's files are not what was saved, or do not fit the run's features.
    """
    taken = {*features, *plan.names}
    more = {name: one for use in uses for name, one in use.now.items() if name not in taken}
    whole = _with(plan, features_from_yaml(more), events)
    given = {**features, **{name: whole.types[name] for name in more}}
    known = {**dict.fromkeys(LABELS, Type.NUMBER), **given} if events else given
    ways = tuple(way_of(use, files(use), known, Unseen.of(unseen, use.name)) for use in uses)
    read = {"person", *(name for way in ways for name in way.reads)}
    extra = tuple(one for one in whole.features if one.name in more and one.name in read)
    needs = frozenset(read & {"person", *given})
    return Scorer(ways, _with(plan, extra, events), extra, columns, tuple(stale), bool(events), needs)


def _with(plan: Plan, extra: Sequence[Feature], events: Types) -> Plan:
    """The plan with further features over the same events."""
    return compile_plan([*plan.features, *extra], events, time_zone=plan.time_zone) if extra else plan
