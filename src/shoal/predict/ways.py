"""How each kind of model scores a few people: a yes-or-no question, a label over traits, value, likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.evaluate import Frame
from shoal.define.parse import parse
from shoal.define.tree import Expr, columns_of
from shoal.define.types import Columns as Types
from shoal.define.types import Type
from shoal.errors import DataError, ExpressionError, StorageError
from shoal.predict import lifetime
from shoal.predict.encoding import Columns
from shoal.predict.learner import Array
from shoal.predict.ledger import Ledger
from shoal.predict.lifetime import Forecaster
from shoal.predict.likeness import Likeness
from shoal.predict.model import Model
from shoal.predict.tabular import TableModel
from shoal.predict.use import Use

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """One model's output for some people: `rows` are their places in the features, the rest has one entry a row."""

    model: str
    rows: Rows
    score: Array
    low: Array
    high: Array
    version: str


class People:
    """The people to score: their features with ratios, and their purchases; what several models read is made once."""

    def __init__(self, features: pa.Table, as_of: int, events: Sequence[pa.RecordBatch]) -> None:
        self.features, self.as_of, self.events = features, as_of, events
        self.columns = Columns(features)
        self.person: Rows = features["person"].to_numpy()
        self._frame = Frame(features, features.num_rows)

    @cached_property
    def everybody(self) -> Rows:
        """All places."""
        return np.arange(len(self.person), dtype=np.int64)

    def rows(self, rule: Expr | None, *, holds: bool = True) -> Rows:
        """The places of those for whom a rule holds, or of the others."""
        if rule is None:
            return self.everybody
        return np.flatnonzero(self._frame.mask(rule) == holds)

    def places(self, person: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        """The places of people, and which of them are here."""
        order = np.argsort(self.person, kind="stable")
        place = np.searchsorted(self.person, person, sorter=order).clip(0, len(order) - 1)
        found = order[place]
        return found, self.person[found] == person


class Way(Protocol):
    """A model in use that can score people."""

    @property
    def use(self) -> Use:
        """What it is."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The names of its scores."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """The columns that it reads."""
        ...

    def score(self, people: People, *, bands: bool) -> list[Scored]:
        """Its scores of these people."""
        ...


@dataclass(frozen=True)
class Question:
    """A yes-or-no question over events, of the people for whom `meant` holds."""

    use: Use
    model: Model
    meant: Expr | None

    @property
    def models(self) -> tuple[str, ...]:
        """One score."""
        return (self.use.name,)

    @property
    def reads(self) -> frozenset[str]:
        """The model's inputs and what the rule reads."""
        return self.model.reads | (columns_of(self.meant) if self.meant else frozenset())

    def score(self, people: People, *, bands: bool) -> list[Scored]:
        """Calibrated probabilities."""
        rows = people.rows(self.meant)
        if not len(rows):
            return []
        x = self.model.inputs(people.columns)
        odds = self.model.blend.log_odds(x if len(rows) == len(x) else x[rows])
        curve = self.model.calibration
        low, high = curve.band(odds) if bands else _nothing(len(rows))
        return [Scored(self.use.name, rows, curve.apply(odds), low, high, self.use.version)]


@dataclass(frozen=True)
class Unseen:
    """People whom a part of a model stands for: sorted, with the number of the part."""

    person: Rows
    part: Rows

    @classmethod
    def of(cls, table: pa.Table, model: str) -> Unseen:
        """Those of one model."""
        mine = table.filter(pc.equal(table["model"], model)).sort_by("person")
        return cls(mine["person"].to_numpy(), mine["part"].to_numpy().astype(np.int64))

    def parts(self, person: Rows) -> Rows:
        """The part of each person, -1 for those whom the model has not seen."""
        if not len(self.person):
            return np.full(len(person), -1, np.int64)
        place = np.searchsorted(self.person, person).clip(0, len(self.person) - 1)
        return np.where(self.person[place] == person, self.part[place], -1)


@dataclass(frozen=True)
class Labels:
    """A label over traits, of everybody; those with a label by the models that have not seen theirs."""

    use: Use
    model: TableModel
    unseen: Unseen

    @property
    def models(self) -> tuple[str, ...]:
        """One score."""
        return (self.use.name,)

    @property
    def reads(self) -> frozenset[str]:
        """The model's inputs."""
        return self.model.model.reads.union(*(one.reads for one in self.model.others))

    def score(self, people: People, *, bands: bool) -> list[Scored]:
        """Calibrated probabilities."""
        score, low, high = self.model.score(people.features, self.unseen.parts(people.person))
        if not bands:
            low, high = _nothing(len(score))
        return [Scored(self.use.name, people.everybody, score, low, high, self.use.version)]


@dataclass(frozen=True)
class Value:
    """Lifetime value of those with a purchase."""

    use: Use
    forecaster: Forecaster

    @property
    def models(self) -> tuple[str, ...]:
        """A score for each estimate."""
        return tuple(f"{self.use.name}.{part}" for part in self.forecaster.parts)

    @property
    def reads(self) -> frozenset[str]:
        """What its boosters read, if it has any."""
        booster = self.forecaster.members.booster
        return frozenset(booster.columns if booster is not None else ())

    def score(self, people: People, *, bands: bool) -> list[Scored]:
        """Expected purchases and revenue, the chance to be a customer still, discounted value."""
        use, as_of = self.use, people.as_of
        ledger = Ledger.read(people.events, use.events, time_zone=use.time_zone, until=as_of)
        ledger = ledger.of_people(people.person)
        if not len(ledger):
            return []
        here = pa.array(np.full(len(people.person), as_of), pa.timestamp("us", "UTC"))
        features = people.features.select(["person", *sorted(self.reads)]).append_column("as_of", here)
        told = self.forecaster.score(ledger, as_of, lambda _: features, bands=bands)
        rows, _ = people.places(told.person)
        return [
            Scored(f"{use.name}.{part}", rows, one.value, one.low, one.high, use.version)
            for part, one in told.parts.items()
        ]


@dataclass(frozen=True)
class Alike:
    """Likeness to a seed, of those for whom its rule does not hold."""

    use: Use
    likeness: Likeness
    seed: Expr

    @property
    def models(self) -> tuple[str, ...]:
        """One score."""
        return (self.use.name,)

    @property
    def reads(self) -> frozenset[str]:
        """The models' inputs and what the seed's rule reads."""
        return self.likeness.folds[0].reads | columns_of(self.seed)

    def score(self, people: People, *, bands: bool) -> list[Scored]:
        """The share of the seed's people who are no more alike; it has no band."""
        del bands
        rows = people.rows(self.seed, holds=False)
        if not len(rows):
            return []
        found = self.likeness.score(people.columns, people.person)[rows]
        return [Scored(self.use.name, rows, found, *_nothing(len(rows)), self.use.version)]


def way_of(use: Use, files: Mapping[str, bytes], known: Types, unseen: Unseen) -> Way:
    """A model in use, read from its files; its rules are over columns of the types `known`.

    Raises StorageError when the files are no such model, or a rule cannot be read over these columns.
    """
    if use.way == "question":
        return Question(use, Model.load(files), None if use.rule == "true" else _rule(use, known))
    if use.way == "table":
        return Labels(use, TableModel.load(files), unseen)
    if use.way == "lookalike":
        return Alike(use, Likeness.load(files), _rule(use, known))
    try:
        found = Value(use, lifetime.load(files))
    except DataError as error:
        raise StorageError(f"model '{use.name}' cannot be read: {error}. Remedy: run again") from None
    if lacking := sorted(found.reads.difference(known)):
        raise _unfit(use, f"no column is called {lacking[0]}")
    return found


def _rule(use: Use, known: Types) -> Expr:
    try:
        return parse(use.rule, known, expect=Type.BOOL)
    except ExpressionError as error:
        raise _unfit(use, str(error)) from None


def _unfit(use: Use, what: str) -> StorageError:
    return StorageError(
        f"model '{use.name}' does not fit the features of this run: {what}. "
        "Remedy: `shoal run --only predict`, so that it does again"
    )


def _nothing(rows: int) -> tuple[Array, Array]:
    return np.full(rows, np.nan), np.full(rows, np.nan)
