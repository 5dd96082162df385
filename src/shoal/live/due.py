"""When time alone changes what a rule says: the instant at which a comparison of something that ages turns over.

Between the instants at which events enter or leave windows (`define/change.py`), only ages move: `days_since` features,
and what is computed of them, all growing by one a day. A comparison of sums of ages with constants turns over where the
difference of its sides is zero, which two evaluations a day apart give exactly. What is not such a sum is looked at
again every hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shoal.define.clock import DAY, HOUR
from shoal.define.evaluate import Frame, Vector
from shoal.define.tree import Call, Column, Expr, Literal, columns_of, walk
from shoal.define.types import Type

Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
ORDERED = frozenset({"=", "<>", "<", "<=", ">", ">="})
BENT = 2  # degree of what is neither constant nor straight


class Ageing:
    """The comparisons of some rules that turn over by time alone."""

    def __init__(self, rules: Sequence[Expr], ages: frozenset[str]) -> None:
        self.ages = ages
        found = dict.fromkeys(pair for rule in rules for pair in _pairs(rule) if columns_of_both(pair) & ages)
        degrees = {pair: max(degree(side, ages) for side in pair) for pair in found}
        self.bent = [pair for pair, bend in degrees.items() if bend >= BENT]
        straight = [pair for pair, bend in degrees.items() if bend < BENT]
        self.limits = _limits(straight, ages)
        self.straight = [pair for pair in straight if _limit(pair, ages) is None]

    def next(self, table: Mapping[str, Vector], people: int, as_of: int) -> Ints:
        """For each person the next instant (microseconds) at which one of the comparisons may turn over."""
        soonest = np.full(people, NEVER)
        if self.bent:
            soonest[:] = as_of + HOUR
        for name, limits in self.limits.items():
            np.minimum(soonest, _reached(table[name], limits, as_of), out=soonest)
        if not self.straight:
            return soonest
        now, later = Frame(table, people), Frame(_aged(table, self.ages), people)
        for left, right in self.straight:
            here, there = _gap(now, left, right), _gap(later, left, right)
            slope = there - here
            with np.errstate(all="ignore"):
                days = -here / slope
            turns = np.isfinite(days) & (days > -1 / DAY) & (slope != 0)
            ahead = np.maximum(np.floor(np.where(turns, np.minimum(days, 1e6), 1e6) * DAY), 1).astype(np.int64)
            soonest = np.where(turns, np.minimum(soonest, as_of + ahead), soonest)
        return soonest


def _limit(pair: tuple[Expr, Expr], ages: frozenset[str]) -> tuple[str, float] | None:
    """The age and the number that it is compared with, where a comparison is as plain as that."""
    for one, other in (pair, pair[::-1]):
        if not isinstance(one, Column) or one.name not in ages or one.type is not Type.NUMBER:
            continue
        if isinstance(other, Literal) and isinstance(other.value, float):
            return one.name, other.value
    return None


def _limits(pairs: Sequence[tuple[Expr, Expr]], ages: frozenset[str]) -> dict[str, NDArray[np.float64]]:
    """By age: the numbers that it is compared with, in order."""
    found: dict[str, set[float]] = {}
    for pair in pairs:
        if (limit := _limit(pair, ages)) is not None:
            found.setdefault(limit[0], set()).add(limit[1])
    return {name: np.array(sorted(limits)) for name, limits in found.items()}


def _reached(age: Vector, limits: NDArray[np.float64], as_of: int) -> Ints:
    """When each age reaches the next of its limits; an age that is just there passes it in the next microsecond."""
    place = np.searchsorted(limits, age.values, side="left")
    ahead = limits[np.minimum(place, len(limits) - 1)] - age.values
    comes = age.valid & (place < len(limits))
    wait = np.maximum(np.floor(np.where(comes, np.minimum(ahead, 1e6), 1.0) * DAY), 1).astype(np.int64)
    return np.where(comes, as_of + wait, NEVER)


def columns_of_both(pair: tuple[Expr, Expr]) -> frozenset[str]:
    """The columns that a comparison reads."""
    return columns_of(pair[0]) | columns_of(pair[1])


def _pairs(rule: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The sides of every comparison of numbers or times in a rule."""
    for node in walk(rule):
        if not isinstance(node, Call):
            continue
        if node.function in ORDERED:
            yield node.args[0], node.args[1]
        elif node.function == "between" or node.function == "in":
            yield from ((node.args[0], other) for other in node.args[1:])


def degree(expr: Expr, ages: frozenset[str]) -> int:
    """0 for what does not age, 1 for what ages along a straight line, 2 for the rest.

    >>> age, day = Column("age", Type.NUMBER), Column("gap", Type.NUMBER)
    >>> double = Call("*", (age, day), Type.NUMBER)
    >>> degree(double, frozenset({"age"})), degree(Call("*", (age, age), Type.NUMBER), frozenset({"age"}))
    (1, 2)
    """
    if isinstance(expr, Column):
        return 1 if expr.name in ages else 0
    if not isinstance(expr, Call) or not columns_of(expr) & ages:
        return 0
    parts = [degree(arg, ages) for arg in expr.args]
    if expr.function in ("+", "-", "neg", "coalesce", "days_between"):
        return max(parts)
    if expr.function == "*":
        return min(sum(parts), BENT)
    if expr.function == "/":
        return parts[0] if parts[1] == 0 else BENT
    if expr.function == "case":
        return max([*(degree(arg, ages) for arg in expr.args[1:-1:2]), parts[-1]])
    if expr.type is Type.BOOL:
        return 0  # a truth turns over with the comparisons in it, which are looked at by themselves
    return BENT


def _aged(table: Mapping[str, Vector], ages: frozenset[str]) -> dict[str, Vector]:
    """The same a day later, were there no windows."""
    found = dict(table)
    for name in ages:
        if (vector := table.get(name)) is not None:
            step = DAY if vector.values.dtype == np.int64 else 1.0
            found[name] = Vector(vector.values + step, vector.valid)
    return found


def _gap(frame: Frame, left: Expr, right: Expr) -> NDArray[np.float64]:
    """How far the left side is above the right; NaN where one of them is unknown."""
    if left.type not in (Type.NUMBER, Type.TIME):
        return np.full(frame.rows, np.nan)
    one, two = frame.full(left), frame.full(right)
    apart: NDArray[np.float64] = (one.values - two.values).astype(np.float64)
    return np.where(one.valid & two.valid, apart, np.nan)
