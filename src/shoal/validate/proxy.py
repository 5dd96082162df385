"""Clauses that stand in for a protected trait: a rule that never reads it may tell it all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import Frame
from shoal.define.select import read
from shoal.define.tree import Call, Expr
from shoal.define.words import Label, to_text, to_words
from shoal.intervals import interval
from shoal.summary import Interval, Proxy, Verdict
from shoal.validate.groups import Groups
from shoal.validate.intervals import Rates, critical, difference
from shoal.validate.verdict import CHECKS, judge

CHANCE = 0.5


@dataclass(frozen=True)
class Told:
    """The clause of a segment's rule that tells a protected group best; None where none could be held against any."""

    segment: str
    best: Proxy | None
    people: int = 0


def clauses(expr: Expr) -> Iterator[Expr]:
    """The conditions that a rule joins, each once.

    >>> from shoal.define.types import Type
    >>> from shoal.define.parse import parse
    >>> rule = parse("(a < 2 or a is null) and not (b = 1 and a < 2)", {"a": Type.NUMBER, "b": Type.NUMBER})
    >>> [to_text(clause) for clause in clauses(rule)]
    ['a < 2', 'a is null', 'b = 1']
    """
    yield from dict.fromkeys(_clauses(expr))


def _clauses(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Call) and expr.function in ("and", "or", "not"):
        for arg in expr.args:
            yield from _clauses(arg)
    else:
        yield expr


def proxies(
    rules: Sequence[tuple[str, str]], people: pa.Table, traits: Sequence[Groups], labels: Mapping[str, Label]
) -> tuple[list[Proxy], list[Told]]:
    """The clauses flagged as standing in for a protected group, and each segment's best clause, flagged or not.

    A clause holds or not, so its ROC has one point, and the area under it is (1 + p - q) / 2 with p the share of the
    group for whom it holds and q that of the rest; a clause that holds less often in the group tells it as well.
    Intervals are Newcombe's of p - q, for all clauses and groups at once.

    Args:
        rules: name and rule of each segment.
        people: one row a person, with the columns that rules read.
        traits: the groups of the same people.
        labels: how rules speak of columns.
    """
    frame = Frame(people, people.num_rows)
    parts = {name: list(clauses(read(rule, people))) for name, rule in rules}
    distinct = list(dict.fromkeys(clause for found in parts.values() for clause in found))
    z = critical(len(distinct) * sum(len(_groups(trait)) for trait in traits))
    known = {clause: _telling(clause, frame.mask(clause), traits, labels, z) for clause in distinct}
    flagged: list[Proxy] = []
    told: list[Told] = []
    for name, found in parts.items():
        mine = [(one.model_copy(update={"segment": name}), n) for clause in found for one, n in known[clause]]
        flagged += [one for one, _ in mine if (one.auc.low or 0) >= CHECKS["proxy"].passes]
        best = max(mine, key=lambda one: (one[0].auc.low or 0, one[0].auc.value or 0), default=None)
        told.append(Told(name, *best) if best else Told(name, None))
    return flagged, told


def proxy_verdicts(told: Sequence[Told]) -> list[Verdict]:
    """The verdict on each segment's best clause."""
    nobody = f"it takes a group of {CHECKS['proxy'].least} people, and as many others"
    return [
        judge("proxy", one.segment, None, note=nobody)
        if one.best is None
        else judge("proxy", one.segment, *_ends(one.best.auc), one.people, one.best.words)
        for one in told
    ]


def _telling(
    clause: Expr, holds: NDArray[np.bool_], traits: Sequence[Groups], labels: Mapping[str, Label], z: float
) -> list[tuple[Proxy, int]]:
    """How well one clause tells each group, with the people of the smaller side."""
    found = []
    for trait in traits:
        sizes = trait.sizes
        mine = trait.codes[holds]
        hits = np.bincount(mine[mine >= 0], minlength=len(trait.names))
        for place in _groups(trait):
            group, rest = sizes[place], sizes.sum() - sizes[place]
            inside, outside = Rates.of([hits[place]], [group], z), Rates.of([hits.sum() - hits[place]], [rest], z)
            words = (
                f"{to_words(clause, labels)}: of {float(inside.value[0]):.0%} of those with {trait.words} "
                f"`{trait.names[place]}`, and of {float(outside.value[0]):.0%} of the others"
            )
            one = Proxy(
                segment="",
                clause=to_text(clause),
                trait=trait.trait,
                group=trait.names[place],
                auc=_auc(difference(inside, outside)),
                words=words,
            )
            found.append((one, int(min(group, rest))))
    return found


def _auc(apart: Rates) -> Interval:
    """A difference of rates as an AUC of at least one half, whichever way it points."""
    value, low, high = (float(part[0]) for part in (apart.value, apart.low, apart.high))
    if value < 0:
        value, low, high = -value, -high, -low
    return interval(CHANCE + value / 2, CHANCE + max(low, 0.0) / 2, CHANCE + max(high, -low) / 2)


def _groups(trait: Groups) -> list[int]:
    """The groups that are held against the rest; of two, one says it all."""
    least = CHECKS["proxy"].least
    sizes = trait.sizes
    found = [place for place, size in enumerate(sizes) if size >= least and sizes.sum() - size >= least]
    return found[-1:] if len(sizes) == 2 else found


def _ends(found: Interval) -> tuple[float | None, float | None, float | None]:
    return found.value, found.low, found.high
