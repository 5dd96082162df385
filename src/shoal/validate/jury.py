"""The jury of the contest: what each way of cutting the people one period ago explains of the period since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shoal import summary
from shoal.contingency import Codes
from shoal.summary import Interval, Verdict
from shoal.validate.compare import compare, difference_verdicts
from shoal.validate.explained import Scores, explained
from shoal.validate.outcome import Cut, Outcome
from shoal.validate.persistence import migration

Way = tuple[str, str, Codes]  # name, kind, each person's segment


@dataclass(frozen=True)
class Jury:
    """What people did in the period since, and which period that was.

    One half of the people, drawn with the seed, serves to choose among recipes; the other half to say whether the
    chosen one is ahead of the traditional ways, so that having been chosen does not flatter it.
    """

    outcomes: tuple[Outcome, ...]
    as_of: str
    until: str
    horizon_days: float
    seed: int = 1

    def scores(self, ways: Sequence[Way]) -> Scores:
        """What each way explains, on everybody."""
        return explained([Cut(*way) for way in ways], self.outcomes, seed=self.seed)

    def preferred(self, ways: Sequence[Way]) -> list[float]:
        """The deciding score of each way on the half that serves to choose; NaN where it is not defined."""
        scores = self._half(ways, 0, auc=False)
        return [float(scores.table[scores.primary][place, 0]) for place in range(len(ways))]

    def decided(self, ways: Sequence[Way]) -> tuple[summary.Comparison, list[Verdict]]:
        """Who is ahead on the half that served no choice, in words, with the verdicts on each way."""
        scores = self._half(ways, 1)
        found = compare(scores, as_of=self.as_of, until=self.until, horizon_days=self.horizon_days)
        return found, difference_verdicts(scores)

    def compared(self, ways: Sequence[Way]) -> list[summary.Contender]:
        """Every way with its scores on everybody, and the plain baseline last."""
        found = compare(self.scores(ways), as_of=self.as_of, until=self.until, horizon_days=self.horizon_days)
        return found.contenders

    def persistence(self, before: Codes, after: Codes) -> Interval:
        """How far the same people are in the same segments one period later: adjusted Rand."""
        return migration(before, after, seed=self.seed).adjusted_rand

    def _half(self, ways: Sequence[Way], side: int, *, auc: bool = True) -> Scores:
        people = len(ways[0][2])
        half = np.random.default_rng([self.seed, 7]).permutation(people) % 2 == side
        cuts = [Cut(name, kind, codes[half]) for name, kind, codes in ways]
        outcomes = [replace(one, values=one.values[half]) for one in self.outcomes]
        return explained(cuts, outcomes, seed=self.seed, auc=auc)
