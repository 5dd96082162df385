"""Lifetime value: the members compete on the last stretch of the history, the champions forecast from now.

The story is `forecast`: choose, fit to everything, score.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.clock import days as local_days
from shoal.define.clock import to_local
from shoal.errors import DataError
from shoal.predict.btyd import Fit, Spend
from shoal.predict.ledger import Ledger
from shoal.predict.lifetime import season
from shoal.predict.lifetime.base import FEWEST, Base, Buyers, PooledRate, base_from
from shoal.predict.lifetime.boost import GOALS, Booster, Snaps, Snapshots
from shoal.predict.lifetime.choose import Choice, choose
from shoal.predict.lifetime.members import TIMES, Members
from shoal.predict.lifetime.value import MONTHS, Estimate, discounted
from shoal.summary import Interval, Skill

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DISCOUNT = 0.10  # a year
FORMAT = 1
STATE = "lifetime.json"


@dataclass(frozen=True)
class Card:
    """What one must know of a forecast: which members were chosen, how good they were, what it rests on.

    `skills` has the purchases' champion first; `gain` is the champion's error below the past rate's, mean absolute for
    purchases and root mean squared for revenue. `total` is the interval of predicted over actual of all purchases (and
    revenue) together. `tested` says on what it was judged: the day of the cut, the days after it, the people.
    """

    status: str
    chosen: dict[str, str]
    skills: list[Skill] = field(default_factory=list)
    gain: dict[str, Interval] = field(default_factory=dict)
    total: dict[str, Interval] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    calendar: float | None = None
    tested: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Forecast:
    """Every buyer's future, one entry a person; `revenue` and `clv` are None and empty where money is not known.

    The intervals are of the expectation, not of the outcome: 95 % of what the uncertainty of the parameters, the
    disagreement of the members and the error of the level on the test allow. One person's purchases vary more.
    """

    person: Ints
    purchases: Estimate
    revenue: Estimate | None
    alive: Estimate
    clv: dict[str, Estimate]
    card: Card

    @property
    def parts(self) -> dict[str, Estimate]:
        """Its estimates by the last part of their scores' names."""
        money = {} if self.revenue is None else {"revenue": self.revenue}
        return {"purchases": self.purchases, **money, "alive": self.alive, **self.clv}


@dataclass(frozen=True)
class Forecaster:
    """Fitted members with the choice among them: scores any ledger, and is stored as plain files."""

    members: Members
    purchases: str
    revenue: str
    days: float
    time_zone: str
    discount: float
    level: float
    card: Card

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the estimates that it gives, as `Forecast.parts` has them."""
        known = self.members.base.worth is not None
        return ("purchases", *(("revenue",) if known else ()), "alive", *(MONTHS if known else ()))

    def score(self, ledger: Ledger, as_of: int, snapshots: Snapshots | None = None, *, bands: bool = True) -> Forecast:
        """Forecasts from an instant (microseconds) for everybody who has bought by then.

        Without `bands` the ends of the intervals are NaN: they cost more than the rest.
        Raises DataError when the forecaster has boosters and there are no snapshots to feed them.
        """
        day = _day(as_of, self.time_zone)
        buyers = Buyers.on(ledger, day)
        goals = GOALS if bands else self.members.goals(self.purchases, self.revenue)
        features: pa.Table | None = None
        if self.members.booster is not None and goals:
            if snapshots is None:
                raise DataError("this forecaster was fitted with features; give `snapshots` to score with it too")
            snaps = Snaps(snapshots, self.time_zone)
            snaps.prepare([day], as_of)
            features = snaps[day]
        return self._forecast(buyers, features, goals, bands)

    def _forecast(self, buyers: Buyers, features: pa.Table | None, goals: Collection[str], bands: bool) -> Forecast:
        base, factor = self.members.base, self.card.calendar or 1.0
        count, spent = self.members.purchases_and_revenue(buyers, features, self.days, goals)
        bought = count[self.purchases]
        expected = base.purchases(buyers, self.days)
        often, much = base.spread(buyers, self.days) if bands else (None, None)
        purchases = Estimate.around(bought * factor, self._doubt(often, None, count))
        alive = _alive(base, buyers, bands)
        revenue, clv = None, {}
        if spent:
            earned = spent[self.revenue]
            money_doubt = self._doubt(often, much, spent)
            revenue = Estimate.around(earned * factor, money_doubt)
            # The champion's revenue over the base's is carried to every other horizon.
            worth = earned / np.maximum(expected, 1e-12)
            for name, value in discounted(base.often, buyers, MONTHS, self.discount).items():
                clv[name] = Estimate.around(value * worth, money_doubt)
        return Forecast(buyers.history.person, purchases, revenue, alive, clv, self.card)

    def _doubt(self, often: Floats | None, much: Floats | None, said: Mapping[str, Floats]) -> Floats | None:
        """Standard error of the log of a forecast; None where nobody asks."""
        if often is None:
            return None
        money = 0.0 if much is None else much**2
        return np.asarray(np.sqrt(often**2 + money + self.level**2 + _disagreement(said) ** 2))

    def to_files(self) -> dict[str, bytes]:
        """Plain files by name: JSON, and LightGBM's own text; `load` is the inverse."""
        booster = self.members.booster
        state = {
            "format": FORMAT,
            "base": self.members.base.to_dict(),
            "purchases": self.purchases,
            "revenue": self.revenue,
            "days": self.days,
            "time_zone": self.time_zone,
            "discount": self.discount,
            "level": self.level,
            "booster": {"columns": list(booster.columns), "days": booster.days, "goals": sorted(booster.texts)}
            if booster
            else None,
            "card": _card_to_dict(self.card),
        }
        files = {STATE: json.dumps(state, indent=1, sort_keys=True).encode()}
        if booster is not None:
            files |= {f"{goal}.txt": text.encode() for goal, text in booster.texts.items()}
        return files


def load(files: Mapping[str, bytes]) -> Forecaster:
    """The forecaster that `Forecaster.to_files` gave.

    Raises DataError when a file is missing or of another format.
    """
    try:
        state = json.loads(files[STATE])
        if state["format"] != FORMAT:
            raise DataError(
                f"the lifetime model has format {state['format']}, this version reads {FORMAT}; fit it anew"
            )
        held = state["booster"]
        booster = (
            Booster(
                {goal: files[f"{goal}.txt"].decode() for goal in held["goals"]}, tuple(held["columns"]), held["days"]
            )
            if held
            else None
        )
        members = Members(base_from(state["base"]), booster)
        card = _card_from_dict(state["card"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the lifetime model's files are not whole: {error}") from error
    names = ("purchases", "revenue", "days", "time_zone", "discount", "level")
    return Forecaster(members, **{name: state[name] for name in names}, card=card)


def fit_forecaster(
    ledger: Ledger,
    as_of: int,
    horizon_days: float,
    *,
    snapshots: Snapshots | None = None,
    time_zone: str = "UTC",
    seed: int = 1,
    discount: float = DISCOUNT,
) -> Forecaster:
    """Chooses the champions on the last stretch of the history and fits them to all of it; arguments as `forecast`."""
    if not 1 <= horizon_days < 36_525:
        raise DataError(f"a lifetime forecast looks 1 day to 100 years ahead, not {horizon_days} days")
    day = _day(as_of, time_zone)
    known = ledger.until(day)
    if not len(known):
        raise DataError("nobody has bought yet: lifetime value needs purchases, among them 30 repeat customers")
    snaps = Snaps(snapshots, time_zone) if snapshots is not None else None
    choice = choose(known, day, horizon_days, snaps, seed, as_of)
    members = Members.fit(
        known,
        day,
        int(horizon_days),
        model=choice.model,
        whole=choice.whole,
        snaps=snaps if choice.day is not None else None,
        seed=seed,
        last=as_of,
    )
    return _crowned(members, choice, known, day, horizon_days, time_zone, discount)


def forecast(
    ledger: Ledger,
    as_of: int,
    horizon_days: float,
    *,
    snapshots: Snapshots | None = None,
    time_zone: str = "UTC",
    seed: int = 1,
    discount: float = DISCOUNT,
) -> Forecast:
    """What every buyer will buy and spend, and is worth.

    Args:
        ledger: purchases on day grain; what is later than `as_of` is not used.
        as_of: instant in microseconds.
        horizon_days: how far ahead purchases and revenue are told.
        snapshots: features of everybody known at any of several instants (microseconds), as a table with person,
            as_of and a column a feature; without it only BTYD models compete.
        time_zone: the zone of the ledger's days.
        seed: of everything drawn.
        discount: share by which money a year later is worth less.

    People who never bought are left out: purchases say nothing of when, or whether, they will begin.
    Raises DataError when nobody has bought by then, or the horizon is under a day.
    """
    fitted = fit_forecaster(
        ledger, as_of, horizon_days, snapshots=snapshots, time_zone=time_zone, seed=seed, discount=discount
    )
    return fitted.score(ledger, as_of, snapshots)


def _crowned(
    members: Members, choice: Choice, known: Ledger, day: int, days: float, time_zone: str, discount: float
) -> Forecaster:
    base = members.base
    pooled = isinstance(base.often, PooledRate)
    purchases = choice.purchases if choice.day is not None and not pooled else base.name
    revenue = choice.revenue if choice.day is not None and not pooled else base.name + TIMES
    notes = list(choice.notes)
    if pooled:
        repeaters = Buyers.on(known, day).history.repeaters
        notes.insert(0, f"not enough data: {repeaters} repeat customers, {FEWEST} are needed; rates are drawn together")
    calendar = None
    if choice.day is not None and not pooled:
        total = next((one.metrics["total"].value for one in choice.skills if "total" in one.metrics), None)
        if season.helps(known, choice.day, choice.days, choice.model, total):
            calendar = season.factor(known, day, days, choice.model)
    parameters, more = _parameters(base)
    card = Card(
        "not enough data" if pooled else "used",
        {"purchases": purchases, "revenue": revenue if base.worth is not None else ""},
        choice.skills,
        choice.gain,
        _bands(choice),
        parameters,
        calendar,
        {"day": choice.day, "days": choice.days, "people": choice.people} if choice.day is not None else {},
        [*notes, *more],
    )
    return Forecaster(members, purchases, revenue, days, time_zone, discount, choice.level, card)


def _bands(choice: Choice) -> dict[str, Interval]:
    """Where predicted over actual of everybody together may lie, judging by how far it was off in the tests.

    The level of purchases was checked on several stretches; the revenue's own error on the longest test adds to it.
    """
    if choice.day is None:
        return {}
    wide = {"purchases": choice.level}
    found = next((one.metrics["revenue_total"] for one in choice.skills if one.name == choice.revenue), None)
    if found is not None and found.value is not None and found.value > -1:
        wide["revenue"] = max(choice.level, abs(float(np.log1p(found.value))))
    return {
        name: Interval(value=1.0, low=float(np.exp(-1.96 * one)), high=float(np.exp(1.96 * one)))
        for name, one in wide.items()
    }


def _parameters(base: Base) -> tuple[dict[str, Any], list[str]]:
    """The parameters as the card tells them (times in weeks), and notes on what vanished."""
    told: dict[str, Any] = {}
    notes = []
    if isinstance(base.often, Fit):
        told[base.often.model.name] = {
            "values": base.often.values,
            "errors": {name: _finite(one) for name, one in base.often.errors.items()},
            "log_likelihood": base.often.log_likelihood,
            "unit_days": base.often.unit,
            "degenerate": base.often.degenerate,
        }
        notes += [f"{base.often.model.name}: {base.often.degenerate}"] if base.often.degenerate else []
    if isinstance(base.worth, Spend):
        told["Gamma-Gamma"] = {
            "values": base.worth.values,
            "errors": {name: _finite(one) for name, one in base.worth.errors.items()},
            "log_likelihood": base.worth.log_likelihood,
            "first_day_counts": base.whole,
            "degenerate": base.worth.degenerate,
        }
        notes += [f"Gamma-Gamma: {base.worth.degenerate}"] if base.worth.degenerate else []
    return told, notes


def _alive(base: Base, buyers: Buyers, bands: bool) -> Estimate:
    """The probability to be a customer still, its interval by the delta method on the log-odds."""
    value = buyers.alive(base.often)
    if not bands:
        return Estimate.around(value[buyers.places], None)
    doubt = base.often.alive_spread(buyers.crowd) if isinstance(base.often, Fit) else np.full(len(value), np.nan)
    with np.errstate(divide="ignore", over="ignore"):
        odds = np.log(value) - np.log1p(-value)
        low, high = (1 / (1 + np.exp(-(odds + way * 1.96 * doubt))) for way in (-1, 1))
    places = buyers.places
    return Estimate(value[places], np.minimum(low, value)[places], np.maximum(high, value)[places])


def _disagreement(said: Mapping[str, Floats]) -> Floats:
    """Standard deviation of the logs of what the members say of each person."""
    logs = np.log(np.maximum(np.stack(list(said.values())), 1e-6))
    return np.asarray(logs.std(axis=0))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _day(as_of: int, time_zone: str) -> int:
    return int(local_days(to_local(np.array([as_of], np.int64), time_zone))[0])


def _card_to_dict(card: Card) -> dict[str, Any]:
    told = dict(vars(card))
    told["skills"] = [one.model_dump() for one in card.skills]
    told["gain"] = {name: one.model_dump() for name, one in card.gain.items()}
    told["total"] = {name: one.model_dump() for name, one in card.total.items()}
    return told


def _card_from_dict(data: Mapping[str, Any]) -> Card:
    told = dict(data)
    told["skills"] = [Skill(**one) for one in told["skills"]]
    told["gain"] = {name: Interval(**one) for name, one in told["gain"].items()}
    told["total"] = {name: Interval(**one) for name, one in told["total"].items()}
    return Card(**told)
