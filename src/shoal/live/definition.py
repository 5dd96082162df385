"""What the live side computes for every person: the features, formulas, models and rules of a run, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.kernel import Plan
from shoal.define.parse import parse
from shoal.define.tree import Call, Column, Expr, Literal, columns_of, replace_columns
from shoal.define.types import Type
from shoal.live.layout import Layout

Floats = NDArray[np.float64]


class Scoring(Protocol):
    """Models that score people."""

    @property
    def version(self) -> str:
        """Names the models: the same version, the same scores."""
        ...

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns under which rules read scores, each with its model."""
        ...

    def score(self, table: pa.Table, as_of: int, events: pa.RecordBatch | None) -> Mapping[str, Floats]:
        """The scores of each model for the people of `table`, in its order; NaN for whom it does not score.

        `table` has every feature, derived feature and trait; `events` what `needs_events` names of their events,
        sorted by person and time.
        """
        ...

    @property
    def needs_events(self) -> tuple[str, ...]:
        """The columns of events that scoring reads beside features; none where it reads no events."""
        ...


@dataclass(frozen=True)
class Rule:
    """A segment version: a person is in it or not."""

    name: str
    version: int
    kind: str
    status: str
    rule: str
    words: str = ""
    strategies: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells versions apart."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Definition:
    """Everything that decides who is in which segment.

    `run_id` is the run whose people the state begins with, `seen` the offset of the log that this run has read;
    `reading` names how messages are cleaned and people joined; `hidden` names features that serve only others; `labels`
    gives (words, unit) by column; `waiting` has the segments that cannot be evaluated yet, each with the reason.
    """

    plan: Plan
    derived: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    scoring: Scoring | None = None
    hidden: frozenset[str] = frozenset()
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    models: Sequence[Mapping[str, Any]] = ()
    refresh: int = 86_400_000_000
    run_id: str = ""
    seen: int = 0
    reading: str = ""
    waiting: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def layout(self) -> Layout:
        """How histories lie in the state."""
        return Layout.of(self.plan, self.scoring.needs_events if self.scoring is not None else ())

    @property
    def score_columns(self) -> Mapping[str, str]:
        """The columns of scores, each with its model."""
        return self.scoring.columns if self.scoring is not None else {}

    @cached_property
    def derived_exprs(self) -> dict[str, Expr]:
        """Formulas over the features, each of which may read those before it."""
        types: dict[str, Type] = {**self.plan.types, "as_of": Type.TIME}
        found = {}
        for name, text in self.derived.items():
            if name not in types:
                found[name] = parse(text, types)
                types[name] = found[name].type
        return found

    @cached_property
    def types(self) -> dict[str, Type]:
        """The columns that rules read: features, derived ones, traits, scores."""
        found = {**self.plan.types, **{name: expr.type for name, expr in self.derived_exprs.items()}}
        found |= {name: Type(kind) for name, kind in self.traits.items() if name not in found}
        found |= {name: Type.NUMBER for name in self.score_columns if name not in found}
        return {"as_of": Type.TIME, **found}

    @cached_property
    def exprs(self) -> list[Expr]:
        """The rules as trees, in their order."""
        return [parse(one.rule, self.types, expect=Type.BOOL) for one in self.rules]

    @cached_property
    def inlined(self) -> list[Expr]:
        """The rules over features of events, traits and scores alone: formulas and derived features put in."""
        formulas: dict[str, Expr] = {}
        for name, step in self.plan.steps.items():
            if step.feature.operation == "formula" and step.field is not None:
                default = step.feature.fallback
                own = step.field
                if default is not None:
                    own = Call("coalesce", (own, Literal(default, step.type)), step.type)
                formulas[name] = _put(own, formulas)
        for name, expr in self.derived_exprs.items():
            formulas[name] = _put(expr, formulas)
        return [_put(expr, formulas) for expr in self.exprs]

    @cached_property
    def read(self) -> frozenset[str]:
        """Every column that a rule reads once formulas are put in."""
        return frozenset().union(*(columns_of(expr) for expr in self.inlined))

    @cached_property
    def reads_scores(self) -> bool:
        """Whether any rule reads a score."""
        return bool(self.read & set(self.score_columns))

    @cached_property
    def computed(self) -> tuple[tuple[str, str], ...]:
        """Name and kind of what is kept of each person, in order: features, derived features, scores by model."""
        kinds = {**self.plan.types, **{name: expr.type for name, expr in self.derived_exprs.items()}}
        scores = dict.fromkeys(self.score_columns.values())
        return (
            *((name, kind.value) for name, kind in kinds.items()),
            *((f"score:{model}", "number") for model in scores),
        )

    @cached_property
    def history(self) -> str:
        """Names what the state's histories hold: while it is the same, a new definition needs no new history."""
        return fingerprint([self.run_id, self.seen, self.reading, self.layout.columns])

    @cached_property
    def version(self) -> str:
        """Names the whole definition."""
        rules = [[one.key, one.rule, one.kind, one.status] for one in self.rules]
        scoring = self.scoring.version if self.scoring is not None else ""
        said = [self.plan.version, dict(self.derived), dict(self.traits), rules, scoring, self.refresh]
        return fingerprint([self.history, *said])

    def to_dict(self) -> dict[str, Any]:
        """What readers of the state need of it, as plain data."""
        return {
            "version": self.version,
            "history": self.history,
            "run_id": self.run_id,
            "computed": [list(one) for one in self.computed],
            "hidden": sorted(self.hidden),
            "traits": dict(self.traits),
            "columns": {name: kind.value for name, kind in self.types.items()},
            "scores": dict(self.score_columns),
            "labels": {name: list(one) for name, one in self.labels.items()},
            "models": [dict(one) for one in self.models],
            "waiting": dict(self.waiting),
            "rules": [
                {
                    "name": one.name,
                    "version": one.version,
                    "kind": one.kind,
                    "status": one.status,
                    "rule": one.rule,
                    "words": one.words,
                    "strategies": list(one.strategies),
                }
                for one in self.rules
            ],
        }


def _put(expr: Expr, formulas: Mapping[str, Expr]) -> Expr:
    def by(column: Column) -> Expr:
        return formulas.get(column.name, column)

    return replace_columns(expr, by)


def fingerprint(said: Any) -> str:
    """A short name of plain data: the same data, the same name."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]
