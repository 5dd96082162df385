"""How many segments: the largest number that is stable, by the same bootstrap that judges the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from shoal.summary import KChoice
from shoal.validate.quality import separation
from shoal.validate.stability import Refit, bootstrap
from shoal.validate.verdict import CHECKS


def candidate(
    k: int, matrix: npt.ArrayLike, codes: npt.ArrayLike, refit: Refit, *, rounds: int = 10, seed: int = 0
) -> KChoice:
    """One number of segments with its stability, silhouette and share of the inputs' variance.

    Args:
        k: the number asked for.
        matrix: people x inputs, scaled.
        codes: the segments found, 0..k-1.
        refit: finds them anew, see `stability.Refit`.
    """
    stable = bootstrap(codes, refit, k=k, rounds=rounds, seed=seed)
    apart = separation(matrix, codes, k=k, seed=seed)
    return KChoice(
        k=k,
        jaccard_mean=stable.mean or 0.0,
        jaccard_min=stable.least or 0.0,
        silhouette=apart.silhouette.value,
        explained=apart.explained,
    )


def choose(candidates: Sequence[KChoice]) -> list[KChoice]:
    """Marks the largest k whose mean Jaccard is stable (0.75) and whose least is not untrustworthy (0.6).

    Where none is, the k with the largest least Jaccard, the smaller k of equals. Silhouette is shown, not used: on
    customers it always says 2.

    >>> tried = [KChoice(k=k, jaccard_mean=m, jaccard_min=l, silhouette=None) for k, m, l in [(3, .9, .9), (4, .8, .7)]]
    >>> [choice.chosen for choice in choose(tried)]
    [False, True]
    """
    if not candidates:
        return []
    rule = CHECKS["stability"]
    stable = [one for one in candidates if one.jaccard_mean >= rule.passes and one.jaccard_min >= rule.warns]
    best = max(stable, key=lambda one: one.k) if stable else max(candidates, key=lambda one: (one.jaccard_min, -one.k))
    return [one.model_copy(update={"chosen": one is best}) for one in candidates]
