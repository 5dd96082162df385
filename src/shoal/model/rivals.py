"""The ways that a contest is won against: what marketers cut without a model, few segments or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.contingency import best_jaccard, cross
from shoal.model import lifecycle, rfm, tiers
from shoal.model.arena import Arena
from shoal.model.demographic import demographic
from shoal.model.distil import Distilled
from shoal.model.matrix import Array
from shoal.model.meta import FeatureMeta
from shoal.model.nest import nested
from shoal.model.rules import Cut, assign

Codes = NDArray[np.int64]
Way = tuple[str, str, Codes]  # name, kind, each person's segment
Make = Callable[[pa.Table], list[Cut]]


@dataclass(frozen=True)
class Board:
    """The people of one instant: all columns that rules read, those that discovery may use, those of behaviour."""

    table: pa.Table
    inputs: pa.Table
    behaviour: pa.Table
    meta: Mapping[str, FeatureMeta]


def traditional(
    then: Board, now: Board, arena: Arena, k: int, traits: Sequence[str], place: Codes, seed: int, rounds: int
) -> list[tuple[str, str, Codes, Codes | None, Array]]:
    """The ways that marketers cut without a model, each with its codes, those one period later, and drawn again."""
    seen = then.behaviour.take(pa.array(arena.matrix.rows))
    found: list[tuple[str, str, Codes, Codes | None, Array]] = []
    for (name, kind), make in _makers(k, then.meta).items():
        cuts = make(then.behaviour)
        if len(cuts) > 1:
            codes, later = assign(cuts, then.table), assign(cuts, now.table)[place]
            found.append((name, kind, codes, later, _again(make, seen, codes[arena.matrix.rows], seed, rounds)))
    who = demographic(then.table, then.meta, traits, k, seed)
    if who is not None:
        found.append((who[0], "demographic", who[1], None, np.empty((0, 0))))
    return found


def _makers(k: int, meta: Mapping[str, FeatureMeta]) -> dict[tuple[str, str], Make]:
    """The traditional ways by name and kind."""
    return {
        ("RFM segments", "rfm"): lambda table: rfm.grouped(table, k, meta),
        ("Value tiers", "value"): lambda table: tiers.split(table, k, meta),
        ("Lifecycle stages", "lifecycle"): lambda table: lifecycle.lifecycle(table, meta),
    }


def rivals(then: Board, k: int) -> list[Way]:
    """The traditional ways with as many segments as the discovered ones have in the end."""
    made = {names: make(then.behaviour) for names, make in _makers(k, then.meta).items()}
    return [(name, kind, assign(cuts, then.table)) for (name, kind), cuts in made.items() if len(cuts) > 1]


def _again(make: Make, seen: pa.Table, codes: Codes, seed: int, rounds: int) -> Array:
    """A traditional cut with its cut-offs found anew on people drawn with replacement."""
    found = []
    for turn in range(rounds):
        drawn = np.random.default_rng([seed, turn]).integers(0, seen.num_rows, seen.num_rows)
        cuts = make(seen.take(pa.array(drawn)))
        found.append(best_jaccard(cross(codes, assign(cuts, seen), int(codes.max()) + 1)))
    return np.array(found)


def many(then: Board, arena: Arena, macro: Distilled, most: int) -> list[Way]:
    """Many small segments: ours inside the macro segments, and the cells and tiers that marketers would take."""
    if most <= 0:
        return []
    parts = nested(arena.matrix, macro, most)
    ways: list[Way] = []
    if len(parts) > 1:
        cuts = [Cut(str(at), "micro", part.rule) for at, part in enumerate(parts)]
        alone = sorted(set(macro.groups) - {part.group for part in parts})
        rules = dict(zip(macro.groups, macro.rules, strict=True))
        cuts += [Cut(f"{group}", "micro", rules[group]) for group in alone]
        ways.append(("Micro-segments", "micro", assign(cuts, then.table)))
    cells = rfm.cells(then.behaviour, then.meta)
    if cells is not None:
        ways.append(("RFM cells", "rfm", cells))
    fine = tiers.split(then.behaviour, max(most, 2), then.meta)
    if len(fine) > 1:
        ways.append(("Value tiers, fine", "value", assign(fine, then.table)))
    return ways
