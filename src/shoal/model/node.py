"""A decision tree over the inputs as measured: what rules are written from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Node:
    """A split (`low` holds where the feature is under the threshold) or a leaf (`group`, -1 for those in none)."""

    share: float
    group: int
    feature: int = -1
    threshold: float = 0.0
    low: Node | None = None
    high: Node | None = None

    def route(self, raw: NDArray[np.float64]) -> Labels:
        """The group of each row of `raw` (people, inputs); -1 where no rule holds."""
        if self.low is None or self.high is None:
            return np.full(len(raw), self.group, dtype=np.int64)
        under = raw[:, self.feature] < self.threshold
        found = np.empty(len(raw), dtype=np.int64)
        found[under] = self.low.route(raw[under])
        found[~under] = self.high.route(raw[~under])
        return found

    def leaves(self) -> int:
        return 1 if self.low is None or self.high is None else self.low.leaves() + self.high.leaves()
