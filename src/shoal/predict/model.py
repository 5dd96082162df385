"""A model as it is deployed: encoding, fitted parts and calibration in one, from a table to scores with a band."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa

from shoal import registry
from shoal.errors import ShoalError, StorageError
from shoal.predict.blend import Blend, Part
from shoal.predict.calibrate import Calibration
from shoal.predict.choose import RFM
from shoal.predict.encoding import Columns, Encoding
from shoal.predict.learner import Array
from shoal.predict.parallel import at_once

FILE = "model.json"
CHUNK = 50_000  # rows that one thread encodes and scores at a time; everybody's inputs at once may not fit


@dataclass(frozen=True)
class Model:
    """From features to a calibrated probability."""

    encoding: Encoding
    blend: Blend
    calibration: Calibration

    @property
    def algorithm(self) -> str:
        """What it is made of, in words: 'lightgbm', or '60% lightgbm, 40% logistic' by weight."""
        if len(self.blend.parts) == 1:
            return self._called(self.blend.parts[0])
        total = sum(part.weight for part in self.blend.parts)
        ranked = sorted(self.blend.parts, key=lambda part: -part.weight)
        return "blend of " + ", ".join(f"{part.weight / total:.0%} {self._called(part)}" for part in ranked)

    def _called(self, part: Part) -> str:
        """A logit on a few inputs by its own name, so that a blend does not list the same learner twice."""
        few = part.learner == "logistic" and len(part.inputs) < len(self.encoding.names)
        if few and len(part.inputs) == 1:
            return f"logit on {self.encoding.names[part.inputs[0]]}"
        return RFM if few else part.learner

    def score(self, table: pa.Table) -> tuple[Array, Array, Array]:
        """Probability of each row with the low and high end of its calibration band; see `Calibration.band`.

        A column that is missing counts as unknown for everybody; a category never seen as unknown.
        """
        if table.num_rows <= CHUNK:
            return self._score(table)
        starts = range(0, table.num_rows, CHUNK)
        found = at_once([partial(self._score, table.slice(start, CHUNK)) for start in starts])
        scores, lows, highs = zip(*found, strict=True)
        return np.concatenate(scores), np.concatenate(lows), np.concatenate(highs)

    def log_odds(self, columns: Columns) -> Array:
        """Of each row, not calibrated yet: what `calibration` takes. All rows at once, on this thread."""
        return self.blend.log_odds(self.inputs(columns))

    def inputs(self, columns: Columns) -> Array:
        """The rows as (rows, inputs), those inputs that no part takes left out as NaN."""
        return self.encoding.encode(columns, self.places)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The inputs that a part takes: all, or the few of a plain logit."""
        return tuple(sorted({place for part in self.blend.parts for place in part.inputs}))

    @property
    def reads(self) -> frozenset[str]:
        """The names of those inputs."""
        return frozenset(self.encoding.names[place] for place in self.places)

    def chance(self, columns: Columns) -> Array:
        """Probability of each row, without its band; see `log_odds`."""
        return self.calibration.apply(self.log_odds(columns))

    def contributions(self, table: pa.Table) -> tuple[tuple[str, ...], Array]:
        """Names of the inputs, and how far each pushes each row from the average on the scale of log-odds."""
        found = self.blend.contributions(self.encoding.encode(table))
        return self.encoding.names, found * self.calibration.slope

    def to_files(self) -> dict[str, bytes]:
        """The model as files by name; `load` is the inverse."""
        files: dict[str, bytes] = {}
        parts = []
        for number, part in enumerate(self.blend.parts):
            saved = part.fitted.to_files()
            files.update({f"part{number}-{name}": data for name, data in saved.items()})
            parts.append(
                {"learner": part.learner, "inputs": list(part.inputs), "weight": part.weight, "files": sorted(saved)}
            )
        data = {
            "encoding": self.encoding.to_dict(),
            "parts": parts,
            "constant": self.blend.constant,
            "calibration": self.calibration.to_dict(),
        }
        files[FILE] = json.dumps(data, allow_nan=False).encode()
        return files

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Model:
        """The model that `to_files` gave.

        Raises StorageError when the files are no model; `vault.load` says whether they are the ones that were saved.
        """
        try:
            data: dict[str, Any] = json.loads(files[FILE])
            parts = tuple(_part(number, part, files) for number, part in enumerate(data["parts"]))
            blend = Blend(parts, float(data["constant"]))
            return cls(Encoding.from_dict(data["encoding"]), blend, Calibration.from_dict(data["calibration"]))
        except ShoalError:
            raise
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise StorageError(f"the files are no model of this version of Shoal ({error!r}). Run again.") from None

    def _score(self, table: pa.Table) -> tuple[Array, Array, Array]:
        odds = self.log_odds(Columns(table))
        return self.calibration.apply(odds), *self.calibration.band(odds)


def _part(number: int, part: Mapping[str, Any], files: Mapping[str, bytes]) -> Part:
    learner = registry.load(registry.MODELS, part["learner"])()
    fitted = learner.load({name: files[f"part{number}-{name}"] for name in part["files"]})
    return Part(part["learner"], fitted, tuple(int(place) for place in part["inputs"]), float(part["weight"]))


def bundle(models: Sequence[Model], name: str = "fold") -> dict[str, bytes]:
    """Several models as files by name; `unbundle` is the inverse."""
    saved = [one.to_files() for one in models]
    return {f"{name}{number}-{file}": data for number, one in enumerate(saved) for file, data in one.items()}


def unbundle(files: Mapping[str, bytes], name: str = "fold") -> tuple[Model, ...]:
    """The models that `bundle` gave, in order; other files are left alone.

    Raises StorageError when the files are no models.
    """
    found: dict[int, dict[str, bytes]] = {}
    for whole, data in files.items():
        place, _, file = whole.removeprefix(name).partition("-")
        if whole.startswith(name) and place.isdecimal():
            found.setdefault(int(place), {})[file] = data
    return tuple(Model.load(found[number]) for number in sorted(found))
