"""A segment as a rule: who it selects, and clause by clause why one person is in or out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import evaluate, mask
from shoal.define.select import first_of, read
from shoal.define.tree import Call, Expr, columns_of
from shoal.define.words import Label, to_text, to_words


@dataclass(frozen=True)
class Cut:
    """One segment as a rule over feature columns.

    `kind` is discovered, predictive, rfm, value, lifecycle, intent or rule; `status` is draft or niche; `facts` are
    known from how it was made; `phrases` are the words for comparisons that were a rank (`define.relative`).
    """

    name: str
    kind: str
    rule: str
    status: str = "draft"
    facts: Mapping[str, Any] = field(default_factory=dict)
    phrases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clause:
    """One condition of a rule on one person: `holds` is None where a value is unknown; `actual` what was read."""

    words: str
    rule: str
    holds: bool | None
    actual: Mapping[str, Any]
    parts: tuple[Clause, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "words": self.words,
            "rule": self.rule,
            "holds": self.holds,
            "actual": dict(self.actual),
            "parts": [part.to_dict() for part in self.parts],
        }


def select(rule: str, table: pa.Table) -> NDArray[np.bool_]:
    """The people (rows) whom a rule selects; unknown is not selected.

    >>> select("orders >= 3", pa.table({"orders": [1, 3, None]})).tolist()
    [False, True, False]
    """
    found: NDArray[np.bool_] = np.asarray(mask(read(rule, table), table), dtype=bool)
    return found


def assign(cuts: Sequence[Cut], table: pa.Table) -> NDArray[np.int64]:
    """The position of the first cut whose rule holds for each person; -1 where none does.

    >>> cuts = [Cut("many", "rule", "orders >= 3"), Cut("few", "rule", "orders < 3")]
    >>> assign(cuts, pa.table({"orders": [1, 3, None]})).tolist()
    [1, 0, -1]
    """
    return first_of([cut.rule for cut in cuts], table)


def words(
    rule: str,
    table: pa.Table,
    labels: Mapping[str, Label] | None = None,
    phrases: Mapping[str, str] | None = None,
) -> str:
    """The rule in plain words.

    >>> words("orders >= 3", pa.table({"orders": [1]}))
    'orders is at least 3'
    """
    expr = read(rule, table)
    return "everybody" if rule == "true" else "nobody" if rule == "false" else to_words(expr, labels, phrases)


def explain(
    rule: str,
    row: pa.Table,
    labels: Mapping[str, Label] | None = None,
    phrases: Mapping[str, str] | None = None,
    unknown: Mapping[str, str] | None = None,
) -> list[Clause]:
    """Why one person (a table of one row) is or is not selected: each clause with its truth and the values read.

    `unknown` names columns whose value cannot be known, and why: a condition that reads one is neither true nor false.

    >>> person = pa.table({"orders": [5], "recency_days": [40.0]})
    >>> [(clause.words, clause.holds) for clause in explain("orders >= 3 and recency_days < 30", person)]
    [('orders is at least 3', True), ('recency days is less than 30', False)]
    """
    expr = read(rule, row)
    clauses = expr.args if isinstance(expr, Call) and expr.function == "and" else (expr,)
    teller = _Teller(row, labels or {}, phrases or {}, unknown or {})
    return [teller.clause(clause) for clause in clauses]


@dataclass(frozen=True)
class _Teller:
    row: pa.Table
    labels: Mapping[str, Label]
    phrases: Mapping[str, str]
    unknown: Mapping[str, str]

    def clause(self, expr: Expr) -> Clause:
        names = sorted(columns_of(expr))
        parts: tuple[Clause, ...] = ()
        if isinstance(expr, Call) and expr.function in ("and", "or"):
            parts = tuple(self.clause(part) for part in expr.args)
            holds = _joined(expr.function, [part.holds for part in parts])
            why = None
        else:
            found = evaluate(expr, self.row)
            why = next((self.unknown[name] for name in names if name in self.unknown), None)
            holds = bool(found.values[0]) if found.valid[0] and why is None else None
        said = to_words(expr, self.labels, self.phrases)
        return Clause(
            words=f"{said} ({why})" if why else said,
            rule=to_text(expr),
            holds=holds,
            actual={name: self.row[name][0].as_py() for name in names},
            parts=parts,
        )


def _joined(function: str, holds: Sequence[bool | None]) -> bool | None:
    """`and` or `or` of truths of which some are not known, as SQL has it."""
    deciding = function == "or"
    return deciding if deciding in holds else None if None in holds else not deciding
