"""The ways of predicting purchases and revenue that compete: BTYD, boosted from it, boosted on its own, their mean."""

from __future__ import annotations

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

    def purchases_and_revenue(
        self, buyers: Buyers, features: pa.Table | None, days: float
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """What each member expects of the next `days`, by the member's name; no revenue where money is not known."""
        base = self.base
        expected, money = base.purchases(buyers, days), base.money(buyers)
        count: dict[str, Floats] = {base.name: expected}
        direct: dict[str, Floats] = {}
        if self.booster is not None:
            table = boost.inputs(base, buyers, features, self.booster.columns)
            said = self.booster.predict(base, buyers, table, days)
            _add(count, expected, said, "purchases")
            if "offset_revenue" in said:
                _add(direct, expected * money, said, "revenue")
        if base.worth is None:
            return count, {}
        return count, {**{name + TIMES: bought * money for name, bought in count.items()}, **direct}


def _add(found: dict[str, Floats], base: Floats, said: dict[str, Floats], what: str) -> None:
    found[OFFSET], found[STACKED] = said[f"offset_{what}"], said[f"stacked_{what}"]
    found[MEAN] = (base + found[OFFSET] + found[STACKED]) / 3
