"""What one model leaves behind: its card, its scores, its files, and its place in the register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import tables
from shoal.predict.learner import Array
from shoal.predict.register import Entry
from shoal.predict.use import Use
from shoal.summary import Backtest, ModelCard


@dataclass(frozen=True)
class Scores:
    """One model's output for some people: arrays of one entry a person."""

    model: str
    person: NDArray[np.int64]
    score: Array
    low: Array
    high: Array
    version: str
    reasons: pa.Array | None = None

    def table(self, as_of: int) -> pa.Table:
        """The rows of the table `scores`."""
        count = len(self.person)
        reasons = self.reasons if self.reasons is not None else pa.nulls(count, pa.list_(tables.REASON))
        return pa.table(
            [
                tables.profile_ids(self.person),
                pa.array(np.full(count, as_of), pa.timestamp("us", "UTC")).cast(tables.INSTANT),
                pa.repeat(self.model, count),
                pa.array(self.score),
                pa.array(self.low, from_pandas=True),
                pa.array(self.high, from_pandas=True),
                pa.repeat(self.version, count),
                pa.array(self.person),
                reasons,
            ],
            schema=SCHEMA,
        )


UNSEEN = pa.schema([("person", pa.int64()), ("model", pa.string()), ("part", pa.int8())])
SCHEMA = tables.SCORES.append(pa.field("person", pa.int64())).append(pa.field("reasons", pa.list_(tables.REASON)))


@dataclass(frozen=True)
class Found:
    """One objective's outcome. `files` are the versions on record, by version; `entry` the one in use, `use` says how.

    `unseen` has the columns of `UNSEEN`: which people a part of the model stands for that has not seen them.
    """

    card: ModelCard
    scores: tuple[Scores, ...] = ()
    before: tuple[Scores, ...] = ()
    files: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    entry: Entry | None = None
    affinities: pa.Table | None = None
    use: Use | None = None
    unseen: pa.Table | None = None

    def with_limits(self, more: list[str]) -> Found:
        """The same with more limits on its card."""
        return replace(self, card=self.card.model_copy(update={"limits": [*self.card.limits, *more]}))

    def with_backtests(self, found: list[Backtest]) -> Found:
        """The same with what became of earlier predictions on its card."""
        return replace(self, card=self.card.model_copy(update={"backtests": found}))
