"""Customers drawn from the very models that are fitted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.predict.ledger import Ledger

DAY = 86_400_000_000


def beta_geometric(
    people: int, span: int, seed: int, *, extra: bool = False, leaves: tuple[float, float] = (0.8, 2.5)
) -> Ledger:
    """Purchases over `span` days: rates Gamma(0.7, 0.05 a day), a Beta(`leaves`) chance to leave after each purchase.

    With `extra` one may leave after the first one too (MBG/NBD). First purchases fall in the first third.
    """
    random = np.random.default_rng(seed)
    person, day, value = [], [], []
    for one in range(people):
        begin = random.uniform(0, span / 3)
        rate, leave = random.gamma(0.7) * 0.05, random.beta(*leaves) if leaves[0] else 0.0
        mean = random.gamma(4.0) * 10
        times = [begin]
        alive = not extra or random.random() > leave
        while alive and rate > 1e-9:
            following = times[-1] + random.exponential(1 / rate)
            if following > span:
                break
            times.append(following)
            alive = random.random() > leave
        for moment in times:
            person.append(one)
            day.append(int(moment))
            value.append(random.gamma(6.0) * mean / 6)
    return Ledger.of(person, day, value)


def snapshots(ledger: Ledger):
    """Features as the stage would give them, from a ledger: purchases of the last 30 days, days since the last one."""

    def ask(instants):
        parts = []
        for instant in instants:
            day = (instant + 1) // DAY - 1
            known, recent = ledger.history(day), ledger.history(day - 30)
            before = dict(zip(recent.person.tolist(), (recent.x + 1).tolist(), strict=True))
            bought = [
                x + 1 - before.get(one, 0) for one, x in zip(known.person.tolist(), known.x.tolist(), strict=True)
            ]
            parts.append(
                pa.table(
                    {
                        "person": known.person,
                        "as_of": pa.array([instant] * len(known), pa.timestamp("us", "UTC")),
                        "orders_30d": bought,
                        "recency_days": (known.T - known.t_x).astype(float),
                        "country": ["NO"] * len(known),
                    }
                )
            )
        return pa.concat_tables(parts)

    return ask


def end_of(day: int) -> int:
    """The last microsecond of a day."""
    return (day + 1) * DAY - 1
