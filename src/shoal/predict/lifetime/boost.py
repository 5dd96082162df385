"""LightGBM on stacked snapshots: from the BTYD offset, and on its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.clock import to_instant
from shoal.errors import DataError
from shoal.predict.ledger import Ledger
from shoal.predict.lifetime.base import Base, Buyers
from shoal.predict.parallel import at_once

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Snapshots = Callable[[Sequence[int]], pa.Table]
CUTOFFS = 12  # snapshots to learn from, at most, for each length of time
ROWS = 200_000  # rows to learn from, at most; beyond, people are drawn
WARM = 0.25  # share of the time before the first snapshot, so that people have a history
ROUNDS = 150
FURTHEST = 3.0  # of a boosted logarithm: a customer's forecast is moved by a factor of at most 20
OWN = ("x", "t_x", "T", "idle", "mean", "first", "expected_30", "alive", "money", "worth_30")
SETTINGS: Mapping[str, Any] = {
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "lambda_l2": 10.0,
    "path_smooth": 50.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
}
GOALS: Mapping[str, Mapping[str, Any]] = {
    "offset_purchases": {"objective": "poisson"},
    "offset_revenue": {"objective": "tweedie", "tweedie_variance_power": 1.5},
    "stacked_purchases": {"objective": "tweedie", "tweedie_variance_power": 1.2},
    "stacked_revenue": {"objective": "tweedie", "tweedie_variance_power": 1.5},
}


@dataclass(frozen=True)
class Booster:
    """The fitted boosters: LightGBM models as text by goal, the inputs' names, the days they were trained ahead."""

    texts: Mapping[str, str]
    columns: tuple[str, ...]
    days: int

    @cached_property
    def _read(self) -> dict[str, Any]:
        """LightGBM's own, by goal; the texts are read once."""
        import lightgbm

        return {goal: lightgbm.Booster(model_str=text) for goal, text in self.texts.items()}

    def predict(
        self, base: Base, buyers: Buyers, table: Floats, days: float, goals: Collection[str] = GOALS
    ) -> dict[str, Floats]:
        """What the models of these goals say of the next `days`; `table` is as `inputs` gives it."""
        expected, money = base.purchases(buyers, days), base.money(buyers)
        longer = expected / np.maximum(base.purchases(buyers, self.days), 1e-12)
        found = {}
        for goal, read in self._read.items():
            if goal not in goals:
                continue
            raw = np.asarray(read.predict(table, raw_score=True, num_threads=1), np.float64)
            if goal.startswith("offset"):
                start = expected if goal == "offset_purchases" else expected * money
                found[goal] = np.exp(np.clip(raw, -FURTHEST, FURTHEST)) * start
            else:
                found[goal] = np.exp(raw) * longer
        return found


def end_of(day: int, time_zone: str) -> int:
    """The last microsecond of a local day, as an instant."""
    return to_instant(datetime(1970, 1, 1) + timedelta(days=day + 1), time_zone) - 1  # noqa: DTZ001  a wall clock


def cutoffs(first: int, last: int, days: int) -> list[int]:
    """Days to learn from: evenly spread, the last `days` before `last`, the first after a quarter of the time.

    >>> cutoffs(0, 100, 30)
    [25, 32, 40, 47, 55, 62, 70]
    """
    end, begin = last - days, first + max(int((last - first) * WARM), 14)
    if end < begin:
        return []
    return [int(day) for day in np.unique(np.linspace(end, begin, min(CUTOFFS, (end - begin) // 7 + 1)).astype(int))]


def inputs(base: Base, buyers: Buyers, features: pa.Table | None, columns: Sequence[str]) -> Floats:
    """The boosters' inputs (people, columns and our own): the features of that moment, and what the base knows."""
    known = buyers.history
    thirty, alive = base.purchases(buyers, 30.0), buyers.alive(base.often)[buyers.places]
    mean = buyers.spend(True)[1]
    money = base.money(buyers)
    own = [known.x, known.t_x, known.T, known.T - known.t_x, mean, known.first, thirty, alive, money, thirty * money]
    found = np.full((len(known), len(columns) + len(own)), np.nan)
    for place, column in enumerate(own):
        found[:, len(columns) + place] = column
    if features is None or not len(known):
        return found
    here, rows = _matched(known.person, features["person"].to_numpy())
    for place, name in enumerate(columns):
        column = features[name]
        known = column if column.type == pa.float64() else column.cast(pa.float64())
        found[here, place] = known.to_numpy()[rows]
    return found


def _matched(wanted: Ints, held: Ints) -> tuple[Ints, Ints]:
    """Places in `wanted` (sorted) that `held` has, and the rows where it has them."""
    places = np.searchsorted(wanted, held)
    good = np.flatnonzero(wanted[np.minimum(places, len(wanted) - 1)] == held)
    return places[good], good


def numeric(table: pa.Table) -> tuple[str, ...]:
    """The features that the boosters take: numbers and yes-or-no."""
    return tuple(
        field.name
        for field in table.schema
        if field.name not in ("person", "as_of")
        and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_boolean(field.type))
    )


@dataclass(frozen=True)
class Plan:
    """Which snapshots to learn from, as (day, days looked ahead); `even` has one length of time, `days`."""

    far: list[tuple[int, int]]
    even: list[tuple[int, int]]
    days: int

    @classmethod
    def of(cls, first: int, last: int, horizon: int) -> Plan:
        """For a history of the days `first` to `last`."""
        span = last - first
        days = max(min(horizon, span // 3), 1)
        far = cutoffs(first, last, max(min(horizon, span // 6), 7))
        even = [(day, days) for day in far if day + days <= last]
        return cls([(day, min(horizon, last - day)) for day in far], even, days)


class Snaps:
    """Features by day, each day asked for once."""

    def __init__(self, ask: Snapshots, time_zone: str) -> None:
        self._ask, self._zone = ask, time_zone
        self._held: dict[int, pa.Table] = {}

    def prepare(self, days: Sequence[int], last: int) -> None:
        """Asks for several days in one pass; `last` is the instant of looking, nothing later is ever asked for."""
        missing = sorted({day for day in days if day not in self._held})
        if not missing:
            return
        instants = [min(end_of(day, self._zone), last) for day in missing]
        table = self._ask(instants)
        for name in ("person", "as_of"):
            if name not in table.column_names:
                raise DataError(f"the snapshots have no column '{name}'")
        at = table["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        for day, instant in zip(missing, instants, strict=True):
            self._held[day] = table.filter(pa.array(at == instant)).combine_chunks()

    def __getitem__(self, day: int) -> pa.Table:
        return self._held[day]


def train(base: Base, ledger: Ledger, snaps: Snaps, plan: Plan, seed: int) -> Booster | None:
    """Boosters learned from snapshots, each with the purchases after it. None where there is nothing to learn.

    From the offset, each snapshot looks as far ahead as the history goes, at most the horizon: the offset carries the
    time. The offset of a snapshot is scaled to what its people did in all: the season of a snapshot is no news about
    who buys more than whom, and would be carried into another season. On its own, LightGBM needs one length of time.
    """
    jobs: dict[str, Callable[[], str]] = {}
    columns = numeric(snaps[plan.far[-1][0]]) if plan.far else ()
    for kind, pairs in (("offset", plan.far), ("stacked", plan.even)):
        drawn = _draw(ledger, [day for day, _ in pairs], seed)
        found = [one for day, days in pairs if (one := _examples(base, ledger, snaps[day], day, days, columns, drawn))]
        if not found:
            return None
        x, count, spent, start, worth = (np.concatenate(rows) for rows in zip(*found, strict=True))
        for what, y, offset in (("purchases", count, start), ("revenue", spent, worth)):
            goal = f"{kind}_{what}"
            if what == "revenue" and (base.worth is None or spent.sum() <= 0):
                continue
            begin = np.log(offset) if kind == "offset" else None
            jobs[goal] = partial(_boosted, goal, x, y, begin, seed)
    return Booster(dict(zip(jobs, at_once(list(jobs.values())), strict=True)), columns, plan.days)


def _boosted(goal: str, x: Floats, y: Floats, begin: Floats | None, seed: int) -> str:
    """One booster as LightGBM's text."""
    import lightgbm

    data = lightgbm.Dataset(x, y, init_score=begin, params={"verbose": -1, "num_threads": 1})
    return str(lightgbm.train({**SETTINGS, **GOALS[goal], "seed": seed}, data, ROUNDS).model_to_string())


def _draw(ledger: Ledger, at: Sequence[int], seed: int) -> Ints:
    """The people to learn from: all, or so many that about ROWS rows come of them."""
    people, first = np.unique(ledger.person, return_index=True)
    rows = sum(int(np.count_nonzero(ledger.day[first] <= day)) for day in at)
    if rows <= ROWS:
        return people
    return np.asarray(people[np.random.default_rng(seed).random(len(people)) < ROWS / rows])


def _examples(
    base: Base, ledger: Ledger, features: pa.Table, day: int, days: int, columns: Sequence[str], drawn: Ints
) -> tuple[Floats, Floats, Floats, Floats, Floats] | None:
    """Of one snapshot: inputs, purchases, revenue, and the offsets of both; None where nobody bought after.

    People of `drawn` whom the snapshot knows count; the offsets are scaled by everybody.
    """
    buyers = Buyers.on(ledger, day)
    happened = ledger.future(day, days)
    bought, spent = float(happened.purchases.sum()), np.maximum(happened.revenue, 0.0)
    if bought <= 0:
        return None
    start = np.maximum(base.purchases(buyers, days), 1e-6)
    worth = np.maximum(np.nan_to_num(start * base.money(buyers)), 1e-6)
    worth = worth * (max(float(spent.sum()), 1e-6) / worth.sum())
    start = start * (bought / start.sum())
    use = np.isin(buyers.history.person, drawn) & np.isin(buyers.history.person, features["person"].to_numpy())
    if not use.any():
        return None
    x = inputs(base, buyers.take(use), features, columns)
    return x, happened.purchases[use], spent[use], start[use], worth[use]
