"""Which of today's segments is which of before: by overlap of people, so that names stay with what they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.select import read
from shoal.errors import ExpressionError
from shoal.model.name import apart
from shoal.model.portrait import Crowd, Portrait, portrait
from shoal.model.rules import Cut, select
from shoal.summary import TreeNode

SAME = 0.5  # Jaccard overlap from which two segments are the same one
CHUNK = 1 << 17
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Past:
    """A segment of before: its rule, and its members then as a mask over today's people where they are known."""

    name: str
    kind: str
    rule: str
    members: Mask | None = None


def keep(
    cuts: Sequence[Cut],
    past: Sequence[Past],
    table: pa.Table,
    everybody: Crowd,
    *,
    known: Mask | None = None,
    taken: Sequence[str] = (),
) -> dict[str, str]:
    """What each of today's cuts is to be called, by the name that it was given: that of the same segment of before.

    A segment that is none of before keeps its given name; where that name went to another one today, it is told apart
    by a word that says in what they differ.

    Args:
        cuts: today's discovered segments (and micro-segments), with the names that their behaviour suggests.
        past: those of before; only such of the same kind are matched.
        table: everybody today, with the columns that rules read.
        everybody: the same people, measured, for words that tell two segments apart.
        known: who of them was there before, for `Past.members`; nobody when left out.
        taken: further names that nobody may get, such as those of traditional segments.
    """
    members = [select(cut.rule, table) for cut in cuts]
    reserved = {name.casefold() for name in taken}
    past = [one for one in past if one.name.casefold() not in reserved]
    found: dict[int, str] = {}
    for kind in dict.fromkeys(cut.kind for cut in cuts):
        ours = [place for place, cut in enumerate(cuts) if cut.kind == kind]
        theirs = [one for one in past if one.kind == kind]
        overlap = overlaps([members[place] for place in ours], theirs, table, known)
        names = list(dict.fromkeys(one.name for one in theirs))
        for own, then in match(_by_name(overlap, theirs, names)):
            found[ours[own]] = names[then]
    portraits = {place: portrait(everybody, members[place]) for place in range(len(cuts))}
    return _named(cuts, found, portraits, taken)


def overlaps(members: Sequence[Mask], past: Sequence[Past], table: pa.Table, known: Mask | None) -> Floats:
    """Jaccard overlap of today's members with each segment of before, (today, before).

    The larger of two, over the people who were there before: with those who were in it then, and with those for whom
    its rule holds today, since people move between segments without the segments becoming others. People who came
    since do not count: they may be a new segment where an old rule happens to hold too.
    """
    there = known if known is not None and known.any() else np.ones(table.num_rows, dtype=bool)
    ours = [mask[there] for mask in members]
    found = np.zeros((len(members), len(past)))
    ruled = {place: mask[there] for place, one in enumerate(past) if (mask := _rule(one.rule, table)) is not None}
    found[:, list(ruled)] = jaccard(ours, list(ruled.values()))
    were = {place: one.members[there] for place, one in enumerate(past) if one.members is not None}
    found[:, list(were)] = np.maximum(found[:, list(were)], jaccard(ours, list(were.values())))
    return found


def jaccard(left: Sequence[Mask], right: Sequence[Mask]) -> Floats:
    """Jaccard overlap of every pair of masks over the same people, 0 where both are empty.

    >>> jaccard([np.array([True, True, False])], [np.array([False, True, True])]).round(2).tolist()
    [[0.33]]
    """
    both = together(left, right)
    rows = np.array([[float(mask.sum())] for mask in left]).reshape(len(left), 1)
    columns = np.array([float(mask.sum()) for mask in right])
    union = rows + columns - both
    similar: Floats = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    return similar


def together(left: Sequence[Mask], right: Sequence[Mask]) -> Floats:
    """How many people every pair of masks has in common, (left, right)."""
    both = np.zeros((len(left), len(right)))
    if not (left and right):
        return both
    for start in range(0, len(left[0]), CHUNK):
        part = slice(start, start + CHUNK)
        ones = [np.stack([mask[part] for mask in masks]).astype(np.float32) for masks in (left, right)]
        both += ones[0] @ ones[1].T
    return both


def match(overlap: Floats, least: float = SAME) -> list[tuple[int, int]]:
    """The one-to-one pairs (today, before) with the largest sum of overlaps, those that overlap by half or more.

    Pairs below count nothing, so that a faint likeness never takes a name from a clear one (Kuhn 1955).

    >>> match(np.array([[0.9, 0.6], [0.8, 0.1]]))
    [(0, 1), (1, 0)]
    """
    from scipy.optimize import linear_sum_assignment

    worth = np.where(overlap >= least, overlap, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0]


def rename(cuts: Sequence[Cut], names: Mapping[str, str]) -> list[Cut]:
    """The cuts by their new names."""
    return [replace(cut, name=names.get(cut.name, cut.name)) for cut in cuts]


def retitled(node: TreeNode, names: Mapping[str, str]) -> TreeNode:
    """The tree with its segments by their new names."""
    return node.model_copy(
        update={
            "segment": names.get(node.segment, node.segment) if node.segment else node.segment,
            "branches": [retitled(branch, names) for branch in node.branches],
        }
    )


def members_then(stays: pa.Table, people: pa.ChunkedArray, keys: Sequence[tuple[str, int]]) -> list[Mask]:
    """Who of `people` was in each segment (name and version) at the end of `stays`, a table of memberships."""
    names = pa.array([name for name, _ in keys], pa.string())
    mine = stays.filter(pc.and_(pc.is_null(stays["left_at"]), pc.is_in(stays["segment"], value_set=names)))
    rows = pc.index_in(mine["profile_id"], value_set=people.combine_chunks())
    place = pc.fill_null(rows, -1).combine_chunks().to_numpy()
    code = pc.index_in(mine["segment"], value_set=names).combine_chunks().to_numpy()
    version = mine["version"].combine_chunks().to_numpy()
    first = [next(spot for spot, (other, _) in enumerate(keys) if other == name) for name, _ in keys]
    found = []
    for spot, (_, wanted) in enumerate(keys):
        mask = np.zeros(len(people), dtype=bool)
        mask[place[(code == first[spot]) & (version == wanted) & (place >= 0)]] = True
        found.append(mask)
    return found


def _named(
    cuts: Sequence[Cut], found: Mapping[int, str], portraits: Mapping[int, Portrait], taken: Sequence[str]
) -> dict[str, str]:
    used = {name.casefold() for name in (*taken, *found.values())}
    holders = {name.casefold(): place for place, name in found.items()}
    names = {}
    for place, cut in enumerate(cuts):
        name = found.get(place, cut.name)
        if place not in found and name.casefold() in used:
            holder = holders.get(name.casefold())
            other = portraits[holder] if holder is not None else None
            name = apart(name, portraits[place], other, used)
        used.add(name.casefold())
        holders.setdefault(name.casefold(), place)
        names[cut.name] = name
    return names


def _by_name(overlap: Floats, past: Sequence[Past], names: Sequence[str]) -> Floats:
    """A name of before may have two versions: what is like either of them is like the name."""
    if not names:
        return np.zeros((len(overlap), 0))
    columns = [[place for place, one in enumerate(past) if one.name == name] for name in names]
    return np.stack([overlap[:, places].max(axis=1) for places in columns], axis=1)


def _rule(rule: str, table: pa.Table) -> Mask | None:
    """Whom a rule selects today; None where it reads what is no longer there."""
    try:
        read(rule, table)
    except ExpressionError:
        return None
    return select(rule, table)
