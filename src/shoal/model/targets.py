"""What the search for subgroups asks about: value, churn, growth, or the answer of a labelled table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from shoal.define.evaluate import evaluate
from shoal.define.parse import parse
from shoal.define.types import Type, types_of
from shoal.define.words import to_words
from shoal.errors import ExpressionError
from shoal.model.levels import Basis
from shoal.model.matrix import Array, numbers
from shoal.settings import Objective

CAP = 0.99  # amounts beyond this quantile count as it
WITHIN = 2  # periods: who did nothing for longer is gone already
Kind = Literal["amount", "rate"]


@dataclass(frozen=True)
class Target:
    """One number a person, NaN where it is not known or not asked.

    `kind` is amount (0 or more, effects are told in percent) or rate (0 or 1, effects in points). `verb` is what
    people do of whom it is high: "are worth", "stop buying"; empty where only `words` say it. `over` is when:
    " in the next 90 days".
    """

    name: str
    words: str
    values: Array
    kind: Kind
    verb: str = ""
    over: str = ""
    currency: str | None = None


def targets(
    before: pa.Table, outcomes: pa.Table, basis: Basis, *, days: int, currency: str | None = None
) -> list[Target]:
    """Value, churn and growth, as far as the tables tell them.

    Args:
        before: features of people as of a period's beginning.
        outcomes: what they did in the `days` since, rows aligned.
        basis: which columns of `before` play recency, frequency and monetary value.
        currency: of revenue, for the words.

    >>> before = pa.table({"recency_days": [3.0, 400.0], "tenure_days": [200.0, 500.0], "orders": [2, 1],
    ...                    "revenue": [80.0, 5.0]})
    >>> after = pa.table({"active": [4, 0], "orders": [1, 0], "revenue": [30.0, 0.0]})
    >>> from shoal.model.levels import basis
    >>> [(one.name, one.values.tolist()) for one in targets(before, after, basis(before), days=90)]
    [('value', [29.7, 0.0]), ('churn', [0.0, nan]), ('growth', [0.0, 0.0])]
    """
    if not outcomes.num_rows:
        return []
    money = basis.money and "revenue" in outcomes.column_names
    after = np.maximum(_known(outcomes, "revenue" if money else "active"), 0.0)
    return [
        _value(after, f" in the next {days} days", money, currency),
        *_churn(before, outcomes, basis, days),
        *_growth(before, after, basis, days, money),
    ]


def answers(objectives: Sequence[Objective], table: pa.Table) -> list[Target]:
    """The 0/1 answer of each labelled objective that reads columns of `table`, NaN where it is unknown.

    >>> found = answers([Objective(name="left", kind="label", label="y = 'yes'")], pa.table({"y": ["yes", "no", None]}))
    >>> found[0].words, found[0].values.tolist()
    ('y is yes', [1.0, 0.0, nan])
    """
    found = []
    for one in objectives:
        if one.kind != "label" or not one.label:
            continue
        try:
            read = parse(one.label, types_of(table.schema), expect=Type.BOOL)
            told = evaluate(read, table)
        except ExpressionError:  # a sentence about events, or a fault that the predict stage tells
            continue
        found.append(Target(one.name, to_words(read), np.where(told.valid, told.values.astype(float), np.nan), "rate"))
    return found


def _known(table: pa.Table, name: str) -> Array:
    values = numbers(table, name)
    return np.where(np.isfinite(values), values, 0.0)


def _value(after: Array, over: str, money: bool, currency: str | None) -> Target:
    cap = float(np.quantile(after, CAP))
    what, verb = ("revenue", "are worth") if money else ("actions", "are active")
    words = f"{what}{over}, what is above {cap:,.0f} (1 % of people) counted as that"
    return Target("value", words, np.minimum(after, cap), "amount", verb, over, currency if money else None)


def _churn(before: pa.Table, outcomes: pa.Table, basis: Basis, days: int) -> list[Target]:
    """Whether those who were there lately do nothing in the period."""
    if basis.recency is None:
        return []
    buys = basis.frequency == "orders" and "orders" in outcomes.column_names
    gone = _known(outcomes, "orders" if buys else "active") <= 0
    there = numbers(before, basis.recency) < WITHIN * days
    what = "stop buying" if buys else "stop coming"
    words = f"{what}: nothing in the next {days} days, of people last seen in the {WITHIN * days} days before"
    return [
        Target("churn", words, np.where(there, gone.astype(float), np.nan), "rate", what, f" in the next {days} days")
    ]


def _growth(before: pa.Table, after: Array, basis: Basis, days: int, money: bool) -> list[Target]:
    """Whether the period brings more than the own past rate, of those who have been there for a period."""
    if basis.monetary is None or "tenure_days" not in before.column_names:
        return []
    tenure, past = numbers(before, "tenure_days"), numbers(before, basis.monetary)
    asked = (tenure >= days) & (past > 0)
    usual = np.divide(past * days, tenure, out=np.zeros(len(past)), where=asked)
    verb = "spend more than their own past rate" if money else "do more than their own past rate"
    words = f"{verb} in the next {days} days, of people first seen at least {days} days before"
    values = np.where(asked, (after > usual).astype(float), np.nan)
    return [Target("growth", words, values, "rate", verb, f" in the next {days} days")]
