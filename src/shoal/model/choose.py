"""How many segments: the most that come back when the people are drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shoal.contingency import best_jaccard, cross
from shoal.model.matrix import Array, Matrix, sample
from shoal.model.recipe import Grouping, Recipe
from shoal.summary import KChoice

STABLE_MEAN = 0.75
STABLE_MIN = 0.60
RESAMPLES = 12
SAMPLE = 5_000
SILHOUETTE = 3_000
APART = 0.05
RULE = (
    f"the most segments with mean Jaccard >= {STABLE_MEAN} and minimum >= {STABLE_MIN} whose silhouette is at most"
    f" {APART} below the best of them, else the best mean"
)


def candidates(budget: int, people: int) -> list[int]:
    """Numbers of segments to try: 4 up to the budget (at most 8 of them), fewer where people are few.

    >>> candidates(6, 1000), candidates(3, 1000), candidates(40, 1000)
    ([4, 5, 6], [2, 3], [4, 9, 14, 19, 25, 30, 35, 40])
    """
    most = max(2, min(budget, people // 10))
    least = 4 if most >= 4 else 2
    return sorted({int(k) for k in np.linspace(least, most, num=min(8, most - least + 1)).round()})


def stable(choice: KChoice) -> bool:
    """Whether the groups come back when the people are drawn again."""
    return choice.jaccard_mean >= STABLE_MEAN and choice.jaccard_min >= STABLE_MIN


def choose_k(recipe: Recipe, matrix: Matrix, ks: Sequence[int], seed: int = 0) -> list[KChoice]:
    """One record per candidate, one of them chosen by `RULE`.

    Stability is the mean over resamples of each group's best Jaccard overlap (Hennig 2007, clusterwise bootstrap).
    """
    small = matrix.take(sample(len(matrix.rows), SAMPLE, seed))
    found = [_judge(recipe, small, k, seed) for k in ks]
    good = _apart([choice for choice in found if stable(choice)])
    best = max(good, key=lambda c: c.k) if good else max(found, key=lambda c: (round(c.jaccard_mean, 6), c.k))
    return [choice.model_copy(update={"chosen": choice is best}) for choice in found]


def _apart(choices: Sequence[KChoice]) -> list[KChoice]:
    """Without those that cut through groups which fewer segments keep clearly apart."""
    best = max((choice.silhouette or 0.0 for choice in choices), default=0.0)
    return [choice for choice in choices if (choice.silhouette or 0.0) >= best - APART]


def _judge(recipe: Recipe, matrix: Matrix, k: int, seed: int) -> KChoice:
    group = recipe.fit(matrix, k, seed)
    overlap = jaccards(recipe, matrix, group, seed)
    return KChoice(
        k=k,
        jaccard_mean=float(overlap.mean()) if group.k else 0.0,
        jaccard_min=float(overlap.min()) if group.k else 0.0,
        silhouette=silhouette(matrix.values, group.labels, seed),
        explained=explained(matrix.values, group),
    )


def jaccards(recipe: Recipe, matrix: Matrix, group: Grouping, seed: int, resamples: int = RESAMPLES) -> Array:
    """Per group, the mean best Jaccard overlap with the groups found on people drawn with replacement."""
    rng = np.random.default_rng(seed)
    people = len(matrix.rows)
    best = np.zeros((resamples, group.k))
    for turn in range(resamples if group.k else 0):
        drawn = rng.integers(0, people, people)
        again = recipe.fit(matrix.take(drawn), group.k, seed + 1 + turn)
        once, place = np.unique(drawn, return_index=True)
        both = cross(group.labels[once], again.labels[place], group.k, again.k)
        best[turn] = np.nan_to_num(best_jaccard(both))
    mean: Array = best.mean(axis=0)
    return mean


def silhouette(values: Array, labels: NDArray[np.int64], seed: int) -> float | None:
    """Mean silhouette width (Rousseeuw 1987) of those in a group, on at most 3,000 people; None where undefined."""
    from sklearn.metrics import silhouette_score
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = sample(len(labels), SILHOUETTE, seed)
    rows = rows[labels[rows] >= 0]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return None
    with threadpool_limits(1):
        return float(silhouette_score(values[rows], labels[rows]))


def explained(values: Array, group: Grouping) -> float | None:
    """Share of the weighted inputs' variance that lies between the groups, among those who are in one."""
    if not group.k:
        return None
    inside = group.labels >= 0
    values, labels = values[inside], group.labels[inside]
    total = float(((values - values.mean(axis=0)) ** 2).sum())
    within = float(((values - group.centres[labels]) ** 2).sum())
    return None if total == 0 else 1 - within / total
