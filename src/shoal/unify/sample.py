"""A bounded sample of a file: what one look at it brings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shoal.unify.values import Column

Format = Literal["csv", "json", "parquet"]


@dataclass(frozen=True)
class Dialect:
    """How the lines of a text file are cut into cells."""

    delimiter: str = ","
    encoding: str = "utf-8"
    quote: str = '"'
    header: bool = True
    decimal: str = "."


@dataclass(frozen=True)
class Sample:
    """A file as far as it was looked at: up to some 20,000 rows from its head, middle and end."""

    path: Path
    format: Format
    dialect: Dialect
    columns: tuple[Column, ...]
    rows: int
    whole: bool
    head: int
    notes: tuple[str, ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)
