"""Principal components: fewer, uncorrelated coordinates for recipes that many or redundant inputs mislead."""

from __future__ import annotations

import numpy as np

from shoal.model.matrix import Array

SHARE = 0.9
NOTHING = 1e-9  # of the whole variance: what rounding leaves where inputs repeat each other


def components(values: Array, most: int, share: float = SHARE) -> Array:
    """The principal components (people, d) that hold `share` of the variance, at most `most` of them (Pearson 1901).

    They are scaled so that all variance together is 1, and each points to where its strongest input is high. Where
    people do not differ there are none.

    >>> components(np.array([[0.0, 5.0], [2.0, 5.0]]), most=3).tolist()
    [[-1.0], [1.0]]
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    varied = values[:, np.ptp(values, axis=0) > 0] if len(values) else values[:, :0]
    if not varied.shape[1]:
        return np.empty((len(values), 0))
    centred = varied - varied.mean(axis=0)
    with threadpool_limits(1):  # sums keep their order
        variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
        variances, axes = variances[::-1], axes[:, ::-1]
        total = float(variances.sum())
        enough = int(np.searchsorted(np.cumsum(variances), share * total)) + 1
        kept = min(most, enough, int((variances > NOTHING * total).sum()))
        axes = axes[:, :kept]
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
        found: Array = centred @ (axes * signs) / np.sqrt(total)
    return found
