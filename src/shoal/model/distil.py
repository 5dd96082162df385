"""From clusters to rules: a shallow tree on the features as measured, and its leaves as boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shoal.model import boxes, readable
from shoal.model.matrix import Array, Matrix, sample
from shoal.model.node import Labels, Node
from shoal.model.recipe import NOISE, Grouping, Recipe, grouping
from shoal.summary import TreeNode

DEPTHS = (3, 4)
GROWN = 20_000
HOLDOUT_FROM = 200
LEAF_COST = 0.01
NICHE_WORTH = 2.0
FIDELITY = 0.8
OVERLAP = 0.5


@dataclass(frozen=True)
class Distilled:
    """The tree, and per segment its group number, its rule, overlap with its cluster and whether it is a niche.

    `labels` are -1 for people for whom no rule holds: there are such where the recipe left people out.
    """

    tree: Node
    groups: tuple[int, ...]
    rules: tuple[str, ...]
    jaccards: tuple[float, ...]
    niche: tuple[bool, ...]
    fidelity: float
    held_out: bool
    labels: Labels
    lost: int = 0
    notes: tuple[str, ...] = ()

    @property
    def sayable(self) -> bool:
        """Whether rules say what the clusters are: none lost, none overlapping by less than half, at least 80 %."""
        return not self.lost and self.fidelity >= FIDELITY and min(self.jaccards, default=0.0) >= OVERLAP


def distil(
    matrix: Matrix, grouping: Grouping, *, floor: float = 0.02, worth: Array | None = None, seed: int = 0
) -> Distilled:
    """The segments that a tree of depth 3 or 4 makes of the clusters, or that the recipe's own tree gives.

    Where a recipe left people out, the tree learns them as one more class that gives no rule and that nothing is
    merged into: people in its leaves fall into no segment.
    `floor` is the smallest share of the people; a smaller segment joins its nearest neighbour unless its share of
    `worth` (per person) is at least twice its share of people, then it stays as a niche.
    Fidelity is the agreement with the clusters on a half of the people that the tree has not seen, among those whom
    a cluster or a rule holds; it is 1 where the recipe's groups are rules already.
    """
    tree, fidelity, held_out = (grouping.tree, 1.0, True) if grouping.tree else _fit(matrix, grouping, seed)
    labels = tree.route(matrix.raw)
    notes = [
        f"cluster {group + 1} ({np.mean(grouping.labels == group):.1%} of people) has no rule of its own;"
        " its people are with their neighbours"
        for group in range(grouping.k)
        if not (labels == group).any()
    ]
    lost = len(notes)
    niche: list[int] = []
    while True:
        small = _smallest(labels, floor, niche)
        if small is None:
            break
        alone = not ((labels >= 0) & (labels != small)).any()
        if alone or (worth is not None and _rich(labels == small, worth)):
            niche.append(small)
            continue
        target = _nearest(small, labels, grouping)
        notes.append(f"a segment of {np.mean(labels == small):.1%} of people was merged into its nearest neighbour")
        tree = _prune(_relabel(tree, small, target))
        labels = tree.route(matrix.raw)
    if (labels < 0).any():
        notes.append(f"{np.mean(labels < 0):.1%} of people are in no segment: they are near no cluster")
    groups = tuple(int(group) for group in np.unique(labels[labels >= 0]))
    return Distilled(
        tree=tree,
        groups=groups,
        rules=tuple(_rule(tree, matrix, group) for group in groups),
        jaccards=tuple(_jaccard(labels == group, grouping.labels == group) for group in groups),
        niche=tuple(group in niche for group in groups),
        fidelity=fidelity,
        held_out=held_out,
        labels=labels,
        lost=lost,
        notes=tuple(notes),
    )


def _rule(tree: Node, matrix: Matrix, group: int) -> str:
    return boxes.rule(_boxes(tree, matrix.names, group), matrix.names, matrix.absent, matrix.whole, matrix.opposites)


@dataclass(frozen=True)
class Distilling:
    """A recipe whose groups are what its rules say: the clusters of `recipe`, put into words by `distil`.

    Stability is judged on this, since it is the rules that become segments.
    """

    recipe: Recipe
    floor: float = 0.02
    name: str = "rules"

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        """The groups that the rules make of the recipe's clusters; fewer when some cannot be said."""
        said = distil(matrix, self.recipe.fit(matrix, k, seed), floor=self.floor, seed=seed)
        return grouping(said.labels, matrix.values)


def drawing(distilled: Distilled, matrix: Matrix, names: Sequence[str]) -> TreeNode:
    """The tree for drawing, with `names` for the segments in the order of `distilled.groups`; noise has none."""
    known = dict(zip(distilled.groups, names, strict=True))

    def draw(node: Node, clause: str) -> TreeNode:
        if node.low is None or node.high is None:
            segment = known[node.group] if node.group >= 0 else None
            return TreeNode(rule=clause, share=node.share, segment=segment)
        column = matrix.names[node.feature]
        low, high = (
            boxes.rule([box], absent=matrix.absent, opposites=matrix.opposites)
            for box in _sides(column, node.threshold)
        )
        return TreeNode(rule=clause, share=node.share, branches=[draw(node.low, low), draw(node.high, high)])

    return draw(_shares(distilled.tree, matrix.raw), "true")


def _fit(matrix: Matrix, grouping: Grouping, seed: int) -> tuple[Node, float, bool]:
    """The smallest tree that is nearly the best on the half it has not seen."""
    rows = sample(len(matrix.rows), GROWN, seed)
    held_out = len(rows) >= HOLDOUT_FROM
    shuffled = np.random.default_rng(seed).permutation(rows)
    fit, check = (shuffled[::2], shuffled[1::2]) if held_out else (shuffled, shuffled)
    best: list[tuple[float, float, Node]] = []
    classes = grouping.k + bool((grouping.labels < 0).any())
    for depth in DEPTHS:
        for tree in _grow(matrix, grouping.labels, fit, depth, range(classes, min(2 * classes, 2**depth) + 1)):
            score, agreement = _score(tree.route(matrix.raw[check]), grouping.labels[check], grouping.k)
            best.append((score, agreement, tree))
    if not best:  # more groups than a tree of this depth has leaves
        tree = _grow(matrix, grouping.labels, fit, max(DEPTHS), [2 ** max(DEPTHS)])[0]
        return tree, _score(tree.route(matrix.raw[check]), grouping.labels[check], grouping.k)[1], held_out
    _, agreement, tree = max(best, key=lambda item: item[0] - LEAF_COST * item[2].leaves())
    return tree, agreement, held_out


def _score(found: Labels, true: Labels, k: int) -> tuple[float, float]:
    """Agreement averaged with the mean overlap per group, so that small groups count; and the agreement.

    To leave out whom the cluster leaves out is right but easy, and earns nothing.
    """
    inside = (found >= 0) | (true >= 0)
    if not inside.any():
        return 0.0, 0.0
    agreement = float(np.mean(found[inside] == true[inside]))
    overlap = [_jaccard(found == group, true == group) for group in range(k)]
    return (agreement + float(np.mean(overlap))) / 2, agreement


def _grow(matrix: Matrix, labels: Labels, rows: Labels, depth: int, leaves: Sequence[int]) -> list[Node]:
    """A tree for each number of leaves, all from one fit: a tree that grows best split first holds the smaller ones."""
    if not leaves:
        return []
    from sklearn.tree import DecisionTreeClassifier

    grown = (
        DecisionTreeClassifier(
            max_depth=depth,
            max_leaf_nodes=max(2, *leaves),
            min_samples_leaf=max(5, len(rows) // 200),
            random_state=0,
        )
        .fit(matrix.raw[rows], labels[rows])
        .tree_
    )
    # The n-th split makes the nodes 2n - 1 and 2n, so a tree of n leaves has the nodes up to 2n - 2.
    return [_prune(_convert(grown, 0, matrix, labels, rows, len(rows), 2 * max(2, some) - 2)) for some in leaves]


def _convert(tree: object, node: int, matrix: Matrix, labels: Labels, rows: Labels, total: int, last: int) -> Node:
    """scikit-learn's nodes up to `last` as ours, with readable thresholds and the majority of the people routed."""
    group = _majority(labels[rows])
    share = len(rows) / total
    left, right = int(tree.children_left[node]), int(tree.children_right[node])  # type: ignore[attr-defined]
    if left < 0 or left > last:
        return Node(share, group)
    feature, exact = int(tree.feature[node]), float(tree.threshold[node])  # type: ignore[attr-defined]
    values = matrix.raw[rows, feature]
    cut = readable.threshold(values, exact, matrix.meta[feature].unit)
    under = values < cut
    if under.all() or not under.any():
        return Node(share, group)
    low = _convert(tree, left, matrix, labels, rows[under], total, last)
    high = _convert(tree, right, matrix, labels, rows[~under], total, last)
    return Node(share, group, feature, cut, low, high)


def _majority(labels: Labels) -> int:
    """The largest group, unless more people are in none."""
    none, *counts = np.bincount(labels - NOISE, minlength=2).tolist()
    group = counts.index(max(counts))
    return group if counts[group] >= none else NOISE


def _prune(node: Node) -> Node:
    """Splits whose two sides are the same segment are no splits."""
    if node.low is None or node.high is None:
        return node
    low, high = _prune(node.low), _prune(node.high)
    if low.low is None and high.low is None and low.group == high.group:
        return Node(node.share, low.group)
    return replace(node, low=low, high=high)


def _relabel(node: Node, old: int, new: int) -> Node:
    group = new if node.group == old else node.group
    if node.low is None or node.high is None:
        return replace(node, group=group)
    return replace(node, group=group, low=_relabel(node.low, old, new), high=_relabel(node.high, old, new))


def _shares(node: Node, raw: Array, total: int | None = None) -> Node:
    """The tree with the shares of all people of the sample, not of the half it was grown on."""
    total = len(raw) if total is None else total
    share = len(raw) / max(total, 1)
    if node.low is None or node.high is None:
        return replace(node, share=share)
    under = raw[:, node.feature] < node.threshold
    low, high = _shares(node.low, raw[under], total), _shares(node.high, raw[~under], total)
    return replace(node, share=share, low=low, high=high)


def _sides(column: str, cut: float) -> tuple[boxes.Box, boxes.Box]:
    return boxes.narrow({}, column, high=cut), boxes.narrow({}, column, low=cut)


def _boxes(
    node: Node, names: Sequence[str], group: int, path: Mapping[str, boxes.Bounds] | None = None
) -> list[boxes.Box]:
    path = path or {}
    if node.low is None or node.high is None:
        return [path] if node.group == group else []
    column = names[node.feature]
    low = boxes.narrow(path, column, high=node.threshold)
    high = boxes.narrow(path, column, low=node.threshold)
    return [*_boxes(node.low, names, group, low), *_boxes(node.high, names, group, high)]


def _smallest(labels: Labels, floor: float, niche: Sequence[int]) -> int | None:
    groups, counts = np.unique(labels, return_counts=True)
    if len(groups) < 2:
        return None
    below = [
        (int(count), int(group))
        for group, count in zip(groups, counts, strict=True)
        if group >= 0 and count < floor * len(labels) and group not in niche
    ]
    return min(below)[1] if below else None


def _rich(inside: NDArray[np.bool_], worth: Array) -> bool:
    total = float(np.nansum(worth))
    return total > 0 and float(np.nansum(worth[inside])) / total >= NICHE_WORTH * float(inside.mean())


def _nearest(group: int, labels: Labels, grouping: Grouping) -> int:
    others = [int(other) for other in np.unique(labels) if other >= 0 and other != group]
    gaps = [float(((grouping.centres[other] - grouping.centres[group]) ** 2).sum()) for other in others]
    return others[int(np.argmin(gaps))]


def _jaccard(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(one | two)
    return float(np.count_nonzero(one & two) / either) if either else 0.0
