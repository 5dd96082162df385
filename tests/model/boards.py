"""People then and now with what they did in between, and recipes that behave as they are told, for contests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.pasts import META, table_of
from shoal.model.arena import Arena
from shoal.model.contest import Contest, contest
from shoal.model.matrix import Array, Matrix
from shoal.model.recipe import Grouping, Recipe, grouping
from shoal.model.rivals import Board, Way
from shoal.summary import Contender
from shoal.validate.jury import Jury
from shoal.validate.outcome import value_outcomes


class Cutting:
    """Cuts the people at even shares of one input, or, where `fickle`, at shares that depend on the seed."""

    def __init__(self, column: str, *, fickle: bool = False) -> None:
        self.name = f"cut by {column}" + (" anyhow" if fickle else "")
        self.column = column
        self.fickle = fickle
        self.asked: list[int] = []

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        self.asked.append(k)
        values = matrix.raw[:, matrix.names.index(self.column)]
        shares = np.arange(1, k) / k
        if self.fickle:
            shares = np.sort(np.random.default_rng(seed).uniform(0.05, 0.95, k - 1))
        return grouping(np.searchsorted(np.quantile(values, shares), values, side="right"), matrix.values)


class Listening(Jury):
    """A jury that remembers the ways it was asked about."""

    heard: list[tuple[str, list[Way]]]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        object.__setattr__(self, "heard", [])

    def preferred(self, ways: Sequence[Way]) -> list[float]:
        self.heard.append(("preferred", list(ways)))
        return super().preferred(ways)

    def compared(self, ways: Sequence[Way]) -> list[Contender]:
        self.heard.append(("compared", list(ways)))
        return super().compared(ways)


def shoppers(people: int = 400, seed: int = 0, *, scored: bool = False) -> dict[str, Array]:
    """What people did so far; evenings and money have nothing to do with each other. RFM takes part where `scored`."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.poisson(4, people).astype(np.float64)
    return {
        "orders" if scored else "breadth": orders,
        "recency_days": rng.uniform(1, 200, people),
        "revenue": orders * rng.lognormal(3, 1, people),
        "evening_share": rng.random(people),
    }


def board(columns: Mapping[str, Array]) -> Board:
    table = table_of(dict(columns))
    return Board(table, table, table, META)


def jury(revenue: Array) -> Listening:
    return Listening(tuple(value_outcomes(revenue, revenue > 0)[:3]), "2024-01-01", "2024-03-31", 90.0)


def by_money(columns: Mapping[str, Array], seed: int = 0) -> Array:
    """A next period in which people spend as they did before."""
    return columns["revenue"] * np.random.default_rng(seed).lognormal(0, 0.1, len(columns["revenue"]))


def by_evening(columns: Mapping[str, Array], seed: int = 0) -> Array:
    """A next period in which those of the evening spend, whatever they spent before."""
    late = columns["evening_share"]
    return (10.0 + 400.0 * late**2) * np.random.default_rng(seed).lognormal(0, 0.1, len(late))


def fight(
    columns: Mapping[str, Array],
    judge: Jury,
    recipes: Mapping[str, Recipe],
    *,
    later: Mapping[str, Array] | None = None,
    budget: int = 5,
    micro: int = 0,
) -> Contest | None:
    then, now = board(columns), board(columns if later is None else later)
    arena, today = (Arena.of(one.inputs, META, None, floor=0.02, seed=1) for one in (then, now))
    return contest(then, now, arena, today, recipes, judge, budget=budget, micro=micro, traits=[], seed=1)


def named(found: Contest) -> dict[str, Contender]:
    return {one.name: one for one in found.comparison.contenders}
