"""A fitted lookalike: scores anybody as the run that made it did, and is stored as plain files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.errors import StorageError
from shoal.predict.blend import Blend
from shoal.predict.calibrate import Calibration
from shoal.predict.encoding import Columns, Encoding
from shoal.predict.learner import Array
from shoal.predict.model import Model, bundle, unbundle
from shoal.predict.similar import fold_of

MEMBERS = "members.npy"


@dataclass(frozen=True)
class Likeness:
    """A model for each fold of people, which has seen nobody of it; and the seed's own scores, in order."""

    folds: tuple[Model, ...]
    members: Array

    @classmethod
    def of(cls, encoding: Encoding, folds: tuple[Blend, ...], members: Array) -> Likeness:
        """From the blends of the folds over the encoding's inputs, and the scores of the seed's people."""
        return cls(tuple(Model(encoding, one, Calibration("identity")) for one in folds), np.sort(members))

    def score(self, columns: Columns, person: NDArray[np.int64]) -> Array:
        """How alike each row is: the share of the seed's people whose score is no higher. `person` says who they are.

        Each is scored by the models of their fold, so nobody by one that has seen them.
        """
        fold, x = fold_of(person), self.folds[0].inputs(columns)
        found = np.zeros(len(person))
        for number, model in enumerate(self.folds):
            rows = np.flatnonzero(fold == number)
            if len(rows):
                found[rows] = model.blend.log_odds(x[rows])
        return np.asarray(np.searchsorted(self.members, found, side="right") / len(self.members))

    def to_files(self) -> dict[str, bytes]:
        """The models and the scores as files by name; `load` is the inverse."""
        held = io.BytesIO()
        np.save(held, self.members, allow_pickle=False)
        return {**bundle(self.folds), MEMBERS: held.getvalue()}

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Likeness:
        """The lookalike that `to_files` gave.

        Raises StorageError when the files are none.
        """
        try:
            members = np.load(io.BytesIO(files[MEMBERS]), allow_pickle=False)
        except (KeyError, ValueError, EOFError) as error:
            raise StorageError(f"the files are no lookalike of this version of Shoal ({error!r}). Run again.") from None
        return cls(unbundle(files), members)
