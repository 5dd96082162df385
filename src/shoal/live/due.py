"""When time alone changes what a rule says: the instant at which a comparison of something that ages turns over.

Between the instants at which events enter or leave windows (`define/change.py`), only ages move: `days_since` features,
and what is computed of them, all growing by one a day. A comparison of sums of ages with constants turns over where the
difference of its sides is zero, which two evaluations a day apart give exactly. What is bent (a ratio of ages, the hour
of the day) is looked at every hour, an hour ahead: where it says something else by then, the instant is found by
halving.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shoal.define.clock import DAY, HOUR
from shoal.define.evaluate import Frame, Vector
from shoal.define.tree import Call, Column, Expr, Literal, columns_of, walk
from shoal.define.types import Type

Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
FOREVER = 1 << 62  # microseconds, of waiting
EPSILON = float(np.finfo(np.float64).eps)
COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">=", "between", "in"})
BENT = 2  # degree of what is neither constant nor straight


class Ageing:
    """The predicates of some rules that turn over by time alone."""

    def __init__(self, rules: Sequence[Expr], ages: frozenset[str]) -> None:
        self.ages = ages
        straight: dict[tuple[Expr, Expr], None] = {}
        bent: dict[Expr, None] = {}
        for node in (node for rule in rules for node in walk(rule)):
            if isinstance(node, Call) and node.type is Type.BOOL and columns_of(node) & ages:
                bend = max((degree(arg, ages) for arg in node.args if arg.type is not Type.BOOL), default=0)
                if bend >= BENT:
                    bent[node] = None
                elif bend and node.function in COMPARED:
                    straight |= dict.fromkeys(pair for pair in _pairs(node) if columns_of_both(pair) & ages)
        self.limits = _limits(straight, ages)
        self.straight = [pair for pair in straight if _limit(pair, ages) is None]
        self.bent = list(bent)
        self._read = frozenset[str]().union(*map(columns_of, bent))

    def next(
        self, table: Mapping[str, Vector], people: int, as_of: int, held: Mapping[str, NDArray[np.bool_]] | None = None
    ) -> Ints:
        """For each person the next instant (microseconds) at which one of the predicates may turn over.

        `held` says of an age for whom it is none but its default, which does not grow.
        """
        held = held or {}
        soonest = np.full(people, NEVER)
        for name, limits in self.limits.items():
            wait = _reached(table[name], limits, held.get(name))
            np.minimum(soonest, np.where(wait < FOREVER, as_of + wait, NEVER), out=soonest)
        if self.straight:
            now, later = Frame(table, people), Frame(_aged(table, self.ages, DAY, held), people)
            for left, right in self.straight:
                wait = _turn(now, later, left, right)
                np.minimum(soonest, np.where(wait < FOREVER, as_of + wait, NEVER), out=soonest)
        if self.bent:
            np.minimum(soonest, as_of + self._bend(table, people, held), out=soonest)
        return soonest

    def _bend(self, table: Mapping[str, Vector], people: int, held: Mapping[str, NDArray[np.bool_]]) -> Ints:
        """How long until a bent predicate turns over, found by halving; an hour where none does within it."""
        wait = np.full(people, HOUR)
        some = np.flatnonzero(self._turned(table, wait, held))
        if not len(some):
            return wait
        few = {name: _taken(table[name], some, people) for name in self._read if name in table}
        still = {name: one[some] for name, one in held.items()}
        low, high = np.zeros(len(some), np.int64), wait[some]
        while (high - low > 1).any():
            middle = (low + high) // 2
            turned = self._turned(few, middle, still)
            low, high = np.where(turned, low, middle), np.where(turned, middle, high)
        wait[some] = np.maximum(high, 1)
        return wait

    def _turned(
        self, table: Mapping[str, Vector], by: Ints, held: Mapping[str, NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Whose bent predicates say something else so much later."""
        now, then = Frame(table, len(by)), Frame(_aged(table, self.ages & self._read, by, held), len(by))
        found = np.zeros(len(by), bool)
        for node in self.bent:
            one, two = now.full(node), then.full(node)
            found |= (one.valid != two.valid) | (one.valid & two.valid & (one.values != two.values))
        return found


def _turn(now: Frame, later: Frame, left: Expr, right: Expr) -> Ints:
    """How long until a straight comparison may turn over, FOREVER where it does not; `later` is a day after `now`."""
    here, size = _gap(now, left, right)
    slope = _gap(later, left, right)[0] - here
    with np.errstate(all="ignore"):
        days, doubt = -here / slope, 4 * EPSILON * size / np.abs(slope) * DAY
    turns = np.isfinite(days) & (days > -1 / DAY) & (slope != 0)
    wait = np.where(turns, np.minimum(days, 1e6), 1e6) * DAY
    # What is rounded by less than a thousandth of a microsecond is meant; a larger doubt is waited for.
    wait = wait + 1e-3 - np.where(doubt > 0.5, doubt, 0.0)
    return np.where(turns, np.maximum(np.floor(wait), 1).astype(np.int64), FOREVER)


def _limit(pair: tuple[Expr, Expr], ages: frozenset[str]) -> tuple[str, float] | None:
    """The age and the number that it is compared with, where a comparison is as plain as that."""
    for one, other in (pair, pair[::-1]):
        if not isinstance(one, Column) or one.name not in ages or one.type is not Type.NUMBER:
            continue
        if isinstance(other, Literal) and isinstance(other.value, float):
            return one.name, other.value
    return None


def _limits(pairs: Iterable[tuple[Expr, Expr]], ages: frozenset[str]) -> dict[str, NDArray[np.float64]]:
    """By age: the numbers that it is compared with, in order. One search finds the next of them."""
    found: dict[str, set[float]] = {}
    for pair in pairs:
        if (limit := _limit(pair, ages)) is not None:
            found.setdefault(limit[0], set()).add(limit[1])
    return {name: np.array(sorted(limits)) for name, limits in found.items()}


def _reached(age: Vector, limits: NDArray[np.float64], held: NDArray[np.bool_] | None) -> Ints:
    """How long until each age reaches the next of its limits; one that is just there passes it a microsecond later."""
    place = np.searchsorted(limits, age.values, side="left")
    ahead = np.minimum(limits[np.minimum(place, len(limits) - 1)] - age.values, 1e6)
    comes = age.valid & (place < len(limits))
    if held is not None:
        comes = comes & ~held
    wait = np.maximum(np.floor(np.where(comes, ahead, 0.0) * DAY + 1e-3), 1).astype(np.int64)
    return np.where(comes, wait, FOREVER)


def columns_of_both(pair: tuple[Expr, Expr]) -> frozenset[str]:
    """The columns that a comparison reads."""
    return columns_of(pair[0]) | columns_of(pair[1])


def _pairs(node: Call) -> Iterator[tuple[Expr, Expr]]:
    """What a comparison compares."""
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
        ways = max([*parts[1:-1:2], parts[-1]])
        switches = any(columns_of(arg) & ages for arg in expr.args[:-1:2])
        return BENT if ways and switches else ways
    if expr.type is Type.BOOL:
        return 0  # a truth turns over with the comparisons in it, which are looked at by themselves
    return BENT


def _aged(
    table: Mapping[str, Vector], ages: frozenset[str], by: int | Ints, held: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Vector]:
    """The same so many microseconds later, were there no windows."""
    found = dict(table)
    for name in ages:
        if (vector := table.get(name)) is None:
            continue
        days = vector.values.dtype != np.int64  # counted as the kernel does, so equal to the bit
        values = (np.rint(vector.values * DAY) + by) / DAY if days else vector.values + by
        if (still := held.get(name)) is not None:
            values = np.where(still, vector.values, values)
        found[name] = Vector(values, vector.valid)
    return found


def _taken(vector: Vector, rows: Ints, people: int) -> Vector:
    """Some rows of a vector."""
    values, valid = (np.broadcast_to(one, (people,))[rows] for one in (vector.values, vector.valid))
    return Vector(values, valid, vector.dictionary)


def _gap(frame: Frame, left: Expr, right: Expr) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the left side is above the right, NaN where one of them is unknown; and how large both are."""
    if left.type not in (Type.NUMBER, Type.TIME):
        return np.full(frame.rows, np.nan), np.zeros(frame.rows)
    one, two = frame.full(left), frame.full(right)
    apart: NDArray[np.float64] = (one.values - two.values).astype(np.float64)
    size = np.abs(one.values).astype(np.float64) + np.abs(two.values)
    return np.where(one.valid & two.valid, apart, np.nan), size
