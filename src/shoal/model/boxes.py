"""Sets of people as unions of boxes: one half-open interval a feature, written as a rule's text."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from shoal.define.tree import Column
from shoal.define.types import Type
from shoal.define.words import to_text

Bounds = tuple[float, float]
Box = Mapping[str, Bounds]
EVERYTHING: Bounds = (-math.inf, math.inf)
ABOVE_ZERO = math.ulp(0.0)  # the smallest number above 0: a bound there is written `> 0` and `<= 0`
NOWHERE: Mapping[str, str] = MappingProxyType({})


def narrow(box: Box, column: str, low: float = -math.inf, high: float = math.inf) -> dict[str, Bounds]:
    """`box` with `low <= column < high` added.

    >>> narrow({"orders": (2, math.inf)}, "orders", high=5)
    {'orders': (2, 5)}
    """
    had = box.get(column, EVERYTHING)
    return {**box, column: (max(had[0], low), min(had[1], high))}


def inside(inner: Box, outer: Box) -> bool:
    """Whether every point of `inner` is in `outer`."""
    return all(
        low <= inner.get(column, EVERYTHING)[0] and inner.get(column, EVERYTHING)[1] <= high
        for column, (low, high) in outer.items()
    )


def simplify(boxes: Iterable[Box]) -> list[dict[str, Bounds]]:
    """The same union in fewer and wider boxes.

    >>> simplify([{"a": (-math.inf, 5)}, {"a": (5, math.inf), "b": (-math.inf, 3)}])
    [{'a': (-inf, 5)}, {'b': (-inf, 3)}]
    """
    now = [_open(box) for box in boxes if all(low < high for low, high in box.values())]
    while True:
        after = _join([_widen(box, now[:index] + now[index + 1 :]) for index, box in enumerate(now)])
        if after == now:
            return now
        now = after


def _open(box: Box) -> dict[str, Bounds]:
    return {column: bounds for column, bounds in box.items() if bounds != EVERYTHING}


def _widen(box: dict[str, Bounds], others: Sequence[Box]) -> dict[str, Bounds]:
    """Drops a bound where what it keeps out belongs to another box of the union anyway."""
    for column in list(box):
        low, high = box[column]
        if low > -math.inf and any(inside({**box, column: (-math.inf, low)}, other) for other in others):
            low = -math.inf
        if high < math.inf and any(inside({**box, column: (high, math.inf)}, other) for other in others):
            high = math.inf
        box = {**box, column: (low, high)}
    return _open(box)


def _join(boxes: list[dict[str, Bounds]]) -> list[dict[str, Bounds]]:
    """Drops boxes within others and joins neighbours that differ in one column."""
    kept: list[dict[str, Bounds]] = []
    for box in boxes:
        if any(inside(box, other) for other in kept):
            continue
        kept = [other for other in kept if not inside(other, box)]
        for index, other in enumerate(kept):
            joined = _neighbours(other, box)
            if joined is not None:
                kept[index] = joined
                break
        else:
            kept.append(box)
    return kept


def _neighbours(one: Box, two: Box) -> dict[str, Bounds] | None:
    columns = list(dict.fromkeys([*one, *two]))
    differ = [column for column in columns if one.get(column, EVERYTHING) != two.get(column, EVERYTHING)]
    if len(differ) != 1:
        return None
    column = differ[0]
    (a, b), (c, d) = one.get(column, EVERYTHING), two.get(column, EVERYTHING)
    if b < c or d < a:
        return None
    return _open({**one, column: (min(a, c), max(b, d))})


def rule(
    boxes: Iterable[Box],
    order: Sequence[str] = (),
    absent: Mapping[str, str] = NOWHERE,
    whole: Collection[str] = (),
    opposites: Mapping[str, str] = NOWHERE,
) -> str:
    """The rule text of a union of boxes; clauses that all boxes share are written once, columns in `order`.

    `absent` gives the columns that may be null and the side, `high` or `low`, on which null stands; `whole` the
    columns that hold whole numbers only, for which from 3 to under 4 is `= 3`. A column in `opposites` is called by a
    rule, and is 1 where it holds and 0 where its opposite does.

    >>> rule([{"orders": (3, math.inf), "aov": (50, math.inf)}, {"orders": (3, math.inf), "recency_days": (0, 9)}])
    'orders >= 3 and (aov >= 50 or (recency_days >= 0 and recency_days < 9))'
    >>> rule([{"plan = 'Pro'": (-math.inf, 0.5)}], opposites={"plan = 'Pro'": "plan <> 'Pro'"})
    "plan <> 'Pro'"
    """
    clauses = [_clauses(box, order, absent, whole, opposites) for box in simplify(boxes)]
    if not clauses:
        return "false"
    common = [clause for clause in clauses[0] if all(clause in others for others in clauses)]
    rests = [[clause for clause in own if clause not in common] for own in clauses]
    shared = " and ".join(common)
    if not all(rests):
        return shared or "true"
    either = " or ".join(rest[0] if len(rest) == 1 else f"({' and '.join(rest)})" for rest in rests)
    return f"{shared} and ({either})" if common else either


def _clauses(
    box: Box, order: Sequence[str], absent: Mapping[str, str], whole: Collection[str], opposites: Mapping[str, str]
) -> list[str]:
    rank = {column: place for place, column in enumerate(order)}
    found = []
    for column in sorted(box, key=lambda name: (rank.get(name, len(rank)), name)):
        low, high = box[column]
        if column in opposites:
            found.append(column if low > -math.inf else opposites[column])
            continue
        name = quoted(column)
        own = [_above(name, low)] if low > -math.inf else []
        own += [_below(name, high)] if high < math.inf else []
        if len(own) == 2 and column in whole and high - low == 1 and float(low).is_integer():
            own = [f"{name} = {number(low)}"]
        open_side = "high" if high == math.inf else "low"
        if len(own) == 1 and absent.get(column) == open_side:
            own = [f"({own[0]} or {name} is null)"]
        found += own
    return found


def _above(name: str, low: float) -> str:
    return f"{name} > 0" if low == ABOVE_ZERO else f"{name} >= {number(low)}"


def _below(name: str, high: float) -> str:
    return f"{name} <= 0" if high == ABOVE_ZERO else f"{name} < {number(high)}"


def quoted(column: str) -> str:
    """A column's name as the rule language writes it.

    >>> quoted("orders"), quoted("Invoice No")
    ('orders', '"Invoice No"')
    """
    return to_text(Column(column, Type.NUMBER))


def number(value: float) -> str:
    """A number as the rule language writes it: exact, without an exponent.

    >>> number(3.0), number(0.35), number(1e-7)
    ('3', '0.35', '0.0000001')
    """
    if float(value).is_integer():
        return str(int(value))
    return format(Decimal(repr(float(value))), "f")
