"""Micro-segments inside the segments: each macro segment's own tree on what is expected of its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.model import boxes
from shoal.model.distil import Distilled, boxes_of
from shoal.model.matrix import Array, Matrix
from shoal.model.outcome_tree import Grid, grown

FEWEST = 50  # people in a micro-segment, as the check on size asks
LEAST = 0.02  # of the segment's people


@dataclass(frozen=True)
class Micro:
    """A micro-segment: its rule, the condition that it adds to its segment's, and which segment that is."""

    group: int
    rule: str
    own: str


def nested(matrix: Matrix, macro: Distilled, most: int) -> list[Micro]:
    """At most `most` micro-segments in all, more where people's outlook differs more; none in a segment of one kind.

    Together those of one segment are exactly its people. Where nothing is known of the next period, they are of the
    features instead.
    """
    targets = matrix.values if matrix.outlook is None else matrix.outlook.values
    found: list[Micro] = []
    for group, leaves in zip(macro.groups, shares(targets, macro, most), strict=True):
        rows = np.flatnonzero(macro.labels == group)
        inside = matrix.take(rows)
        if leaves < 2 or len(rows) < 2 * FEWEST:
            continue
        made = grown(Grid.of(inside, fine=True), inside, targets[rows], leaves, max(LEAST, FEWEST / len(rows)))
        if made.tree is None or made.k < 2:
            continue
        outer = boxes_of(macro.tree, matrix.names, group)
        for part in range(made.k):
            own = boxes_of(made.tree, matrix.names, part)
            found.append(Micro(group, _rule(matrix, _both(outer, own)), _rule(matrix, own)))
    return found


def shares(targets: Array, macro: Distilled, most: int) -> list[int]:
    """How many micro-segments each segment gets: by its people's spread around their mean, at least one.

    >>> spread = Distilled(None, (0, 1), (), (), (), 1.0, True, np.array([0, 0, 1, 1]))  # type: ignore[arg-type]
    >>> shares(np.array([[0.0], [0.0], [0.0], [9.0]]), spread, 5)
    [1, 4]
    """
    spreads = []
    for group in macro.groups:
        own = targets[macro.labels == group]
        spreads.append(float(((own - own.mean(axis=0)) ** 2).sum()) if len(own) else 0.0)
    total = sum(spreads)
    free = max(most - len(spreads), 0)
    return [1 + (int(free * spread / total) if total else 0) for spread in spreads]


def _both(outer: Sequence[boxes.Box], inner: Sequence[boxes.Box]) -> list[boxes.Box]:
    """The boxes of people who are in both unions."""
    found: list[boxes.Box] = []
    for one in outer:
        for two in inner:
            box = dict(one)
            for column, (low, high) in two.items():
                box = boxes.narrow(box, column, low, high)
            if all(low < high for low, high in box.values()):
                found.append(box)
    return found


def _rule(matrix: Matrix, union: Sequence[boxes.Box]) -> str:
    return boxes.rule(union, matrix.names, matrix.absent, matrix.whole, matrix.opposites)
