"""The port to ways of predicting: a learner fits numbers to outcomes, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Rows with a known outcome: a person at a cut-off.

    `table` has one column a feature (numbers, booleans, texts; null where there is none) and no other; `y` is 0 or 1,
    or an amount; `person` says which rows are of one person, `cutoff` (microseconds; 0 without time) which of one
    instant. All have one entry a row.
    """

    table: pa.Table
    y: Array
    person: NDArray[np.int64]
    cutoff: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Examples:
        """Some of the rows, by position or mask."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Examples(self.table.take(pa.array(places)), self.y[places], self.person[places], self.cutoff[places])


class Fitted(Protocol):
    """A fitted model: arrays in, arrays out, and files that are data, never code."""

    def predict(self, x: Array) -> Array:
        """The probability (or amount) of each row of `x` (rows, inputs), not calibrated."""
        ...

    def contributions(self, x: Array) -> Array:
        """How far each input pushes each row's score from the average, (rows, inputs), on the scale of log-odds."""
        ...

    def to_files(self) -> Mapping[str, bytes]:
        """The model as files by name; `Learner.load` is the inverse. No pickle-family format."""
        ...


class Learner(Protocol):
    """Fits a yes-or-no outcome; the same seed gives the same model to the bit, on one thread.

    Learners are found by entry point in the group `shoal.models`, ours included.
    """

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def fit(self, x: Array, y: Array, *, categories: NDArray[np.bool_], seed: int, repeats: float = 1.0) -> Fitted:
        """Fits `y` (rows; 0 or 1) on `x` (rows, inputs; NaN is missing).

        Where `categories` (inputs) holds, an input is a code 0, 1, 2 ... without order. `repeats` is how many rows a
        person has on average: stacked cut-offs of one person are alike, so that there is less to learn than rows say.
        """
        ...

    def load(self, files: Mapping[str, bytes]) -> Fitted:
        """The model that `Fitted.to_files` gave."""
        ...
