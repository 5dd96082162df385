"""The ways of predicting purchases and revenue that compete: BTYD, boosted from it, boosted on its own, their mean."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.predict.ledger import Ledger
from shoal.predict.lifetime import boost
from shoal.predict.lifetime.base import Base, Buyers, often, worth
from shoal.predict.lifetime.boost import Booster, Snaps

Floats = NDArray[np.float64]
OFFSET, STACKED, MEAN = "LightGBM from the BTYD offset", "LightGBM on stacked snapshots", "mean of the three"
TIMES = " x mean spend"
_RESTS = {OFFSET: ("offset",), STACKED: ("stacked",), MEAN: ("offset", "stacked")}
PEOPLE, REPEATERS = 500, 200  # fewer cannot carry boosters


@dataclass(frozen=True)
class Members:
    """The base and, where people are enough, the boosters, all fitted to what was known by one day."""

    base: Base
    booster: Booster | None

    @classmethod
    def fit(
        cls,
        ledger: Ledger,
        day: int,
        days: int,
        *,
        model: str,
        whole: bool,
        snaps: Snaps | None,
        seed: int,
        last: int,
    ) -> Members:
        """Fits everything to the purchases up to `day`; the boosters learn at most `days` ahead."""
        known = ledger.until(day)
        buyers = Buyers.on(known, day)
        base = Base(often(model, buyers), worth(buyers, whole), whole)
        if snaps is None or len(buyers.history) < PEOPLE or buyers.history.repeaters < REPEATERS:
            return cls(base, None)
        plan = boost.Plan.of(int(known.day.min()), day, days)
        snaps.prepare([at for at, _ in plan.far], last)
        return cls(base, boost.train(base, known, snaps, plan, seed) if plan.even else None)

    def goals(self, purchases: str, revenue: str) -> frozenset[str]:
        """The boosters that these two members, by name, rest on."""
        times = [purchases, *([revenue.removesuffix(TIMES)] if revenue.endswith(TIMES) else [])]
        bought = {f"{kind}_purchases" for name in times for kind in _RESTS.get(name, ())}
        return frozenset(bought | {f"{kind}_revenue" for kind in _RESTS.get(revenue, ())})

    def purchases_and_revenue(
        self, buyers: Buyers, features: pa.Table | None, days: float, goals: Collection[str] = boost.GOALS
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """What each member expects of the next `days`, by the member's name; no revenue where money is not known.

        Of those with boosters, only the ones that rest on `goals`.
        """
        base = self.base
        expected, money = base.purchases(buyers, days), base.money(buyers)
        count: dict[str, Floats] = {base.name: expected}
        direct: dict[str, Floats] = {}
        if self.booster is not None and goals:
            table = boost.inputs(base, buyers, features, self.booster.columns)
            said = self.booster.predict(base, buyers, table, days, goals)
            _add(count, expected, said, "purchases")
            _add(direct, expected * money, said, "revenue")
        if base.worth is None:
            return count, {}
        return count, {**{name + TIMES: bought * money for name, bought in count.items()}, **direct}


def _add(found: dict[str, Floats], base: Floats, said: dict[str, Floats], what: str) -> None:
    for name, kind in ((OFFSET, "offset"), (STACKED, "stacked")):
        if f"{kind}_{what}" in said:
            found[name] = said[f"{kind}_{what}"]
    if OFFSET in found and STACKED in found:
        found[MEAN] = (base + found[OFFSET] + found[STACKED]) / 3
