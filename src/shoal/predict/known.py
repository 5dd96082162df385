"""What the predict stage knows of a run: its events, features, people and their words. Read once, then plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.define.packs import Catalogue
from shoal.define.words import Label
from shoal.predict.objective import Task
from shoal.predict.past import Past, inputs, with_traits


@dataclass(frozen=True)
class Known:
    """A run as the predict stage sees it.

    `features` is everybody as of the run's instant, `before` one period earlier (None where the data are too short);
    both are sorted by person. `traits` names the columns that have no time; `past` is None without events.
    """

    as_of: int
    days: int | None
    catalogue: Catalogue
    features: pa.Table
    before: pa.Table | None
    before_at: int | None
    traits: tuple[str, ...]
    hidden: tuple[str, ...]
    derived: tuple[str, ...]
    labels: Mapping[str, Label]
    past: Past | None

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.features.num_rows)

    @property
    def inputs(self) -> list[str]:
        """The columns that any model may use: features of behaviour and traits."""
        if self.past is None:
            standing = {"person", "profile_id", "as_of", *self.hidden, *self.derived}
            return [name for name in self.features.column_names if name not in standing]
        wished = inputs(self.past.plan.features, self.hidden, self.traits)
        return [name for name in wished if name in self.features.column_names]

    def everybody(self, tasks: Sequence[Task], *, earlier: bool = False) -> pa.Table | None:
        """The features of everybody, now or one period earlier, with those by which the tasks say whom they mean."""
        table = self.before if earlier else self.features
        at = self.before_at if earlier else self.as_of
        if table is None or at is None or self.past is None:
            return table
        asked = self.past.only(tasks)
        if asked is None:
            return table
        found = asked.at([at]).sort_by("person")
        return _beside(table, found.drop_columns(["as_of"]), asked.plan.empty())


def _beside(table: pa.Table, more: pa.Table, missing: Mapping[str, Any]) -> pa.Table:
    """`table` with the columns of `more`; people without any event get what is said of nothing."""
    table = with_traits(table, more)
    silent = ~np.isin(table["person"].to_numpy(), more["person"].to_numpy())
    if not silent.any():
        return table
    for name, value in missing.items():
        if value is not None:
            place = table.column_names.index(name)
            column = table[name].combine_chunks()
            kept = pc.if_else(pa.array(silent), pa.scalar(value, column.type), column)
            table = table.set_column(place, name, kept)
    return table
