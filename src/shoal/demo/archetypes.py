"""The five kinds of shopper that the simulated shop plants, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CATEGORIES = ("grocery", "household", "fashion", "outlet", "electronics", "design", "books", "gifts")


@dataclass(frozen=True)
class Archetype:
    """How one kind of shopper behaves. Rates are per 30 days while active; shares and chances lie in [0, 1]."""

    name: str
    share: float
    orders: float
    regularity: float  # shape of the gaps between orders: 1 as chance falls, larger as a clock
    lines: float
    tier: float  # where in a category's price range: 0 cheapest, 1 dearest
    visits: float
    views: float
    carts: float
    compares: float
    pricing: float
    signs_in: float
    hour: float
    hour_spread: float
    weekend: float
    coupon: float
    returns: float
    opens: float
    clicks: float
    tickets: float
    uplift: float  # what the campaign adds to the order rate for 30 days: 0.5 is half as much again
    lifetime: float  # mean days until the person goes quiet; infinite for those who stay
    affinity: tuple[float, ...]  # weight of each of CATEGORIES


ARCHETYPES = (
    Archetype(
        name="regular", share=0.24, orders=2.2, regularity=6.0, lines=2.0, tier=0.25, visits=0.5, views=1.2,
        carts=0.15, compares=0.02, pricing=0.02, signs_in=0.8, hour=9.5, hour_spread=2.5, weekend=0.2, coupon=0.1,
        returns=0.015, opens=0.5, clicks=0.2, tickets=0.03, uplift=0.05, lifetime=np.inf,
        affinity=(6.0, 4.0, 0.7, 0.5, 0.3, 0.4, 0.7, 0.4),
    ),
    Archetype(
        name="premium", share=0.14, orders=1.0, regularity=1.5, lines=0.6, tier=0.85, visits=1.6, views=2.0,
        carts=0.2, compares=0.3, pricing=0.05, signs_in=0.7, hour=17.5, hour_spread=3.0, weekend=0.35, coupon=0.03,
        returns=0.05, opens=0.3, clicks=0.1, tickets=0.06, uplift=0.1, lifetime=np.inf,
        affinity=(0.4, 0.8, 0.8, 0.2, 4.5, 4.5, 0.7, 0.6),
    ),
    Archetype(
        name="bargain", share=0.22, orders=1.1, regularity=1.0, lines=1.6, tier=0.2, visits=1.3, views=2.2,
        carts=0.3, compares=0.1, pricing=0.1, signs_in=0.6, hour=13.5, hour_spread=3.0, weekend=0.6, coupon=0.75,
        returns=0.16, opens=0.75, clicks=0.45, tickets=0.08, uplift=0.6, lifetime=np.inf,
        affinity=(0.8, 0.9, 4.5, 5.0, 0.5, 0.3, 0.5, 0.7),
    ),
    Archetype(
        name="browser", share=0.22, orders=0.25, regularity=1.0, lines=0.3, tier=0.3, visits=2.2, views=2.4,
        carts=0.4, compares=0.25, pricing=0.25, signs_in=0.3, hour=21.5, hour_spread=2.0, weekend=0.4, coupon=0.2,
        returns=0.05, opens=0.3, clicks=0.12, tickets=0.02, uplift=0.4, lifetime=np.inf,
        affinity=(0.3, 0.5, 2.5, 0.8, 2.5, 0.7, 4.0, 0.8),
    ),
    Archetype(
        name="fading", share=0.18, orders=1.4, regularity=1.0, lines=0.8, tier=0.45, visits=1.5, views=2.0,
        carts=0.2, compares=0.08, pricing=0.05, signs_in=0.5, hour=15.5, hour_spread=4.0, weekend=0.35, coupon=0.3,
        returns=0.07, opens=0.2, clicks=0.08, tickets=0.12, uplift=0.2, lifetime=70.0,
        affinity=(0.4, 0.8, 1.2, 0.8, 0.6, 0.7, 2.5, 5.0),
    ),
)  # fmt: skip

NAMES = tuple(kind.name for kind in ARCHETYPES)

# Who turns into whom on the drift day, and what share of them.
DRIFTS = (("regular", "fading", 0.10), ("bargain", "regular", 0.05), ("browser", "premium", 0.05))


def column(field: str) -> NDArray[np.float64]:
    """One number of every archetype, in the order of ARCHETYPES.

    >>> column("share").sum().round(6).item()
    1.0
    """
    return np.array([getattr(kind, field) for kind in ARCHETYPES], dtype=np.float64)
