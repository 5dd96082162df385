"""Segments on two sides: whom a rule selects now, and whom it selected then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.select import read, reads
from shoal.errors import ExpressionError
from shoal.model.portrait import Crowd
from shoal.model.rules import select

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """A segment: what it is called, how it was found, its rule."""

    name: str
    kind: str
    rule: str


@dataclass(frozen=True)
class Side:
    """Everybody at one instant: the table that rules read, and the same people measured."""

    table: pa.Table
    crowd: Crowd


@dataclass(frozen=True)
class Sided:
    """Segments with their people now and then; those whose rule cannot be read now are left out.

    `then` is None where that is not known; `fresh` says that the rule reads a column that there was not.
    """

    parts: Sequence[Part]
    now: Sequence[Mask]
    then: Sequence[Mask | None]
    fresh: Sequence[bool]

    @classmethod
    def of(cls, parts: Sequence[Part], now: Side, before: Side) -> Sided:
        kept = [part for part in parts if _readable(part.rule, now.table)]
        return cls(
            kept,
            [select(one.rule, now.table) for one in kept],
            [_then(one.rule, before.table) for one in kept],
            [bool(reads(one.rule, now.table) - set(before.table.column_names)) for one in kept],
        )

    @cached_property
    def sizes(self) -> list[int]:
        return [int(mask.sum()) for mask in self.now]

    @cached_property
    def sizes_then(self) -> list[int | None]:
        return [None if mask is None else int(mask.sum()) for mask in self.then]


def _then(rule: str, table: pa.Table) -> Mask | None:
    """Whom a rule selected; None where it reads what was not there, or what nobody had: a later model's score."""
    if not _readable(rule, table) or any(table[name].null_count == len(table[name]) for name in reads(rule, table)):
        return None
    return select(rule, table)


def _readable(rule: str, table: pa.Table) -> bool:
    try:
        read(rule, table)
    except ExpressionError:
        return False
    return True
