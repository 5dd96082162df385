"""Which way of predicting to use: judged on the last stretch of the history, which none of them has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd import MODELS, fit
from shoal.predict.ledger import Future, Ledger
from shoal.predict.lifetime.base import FEWEST, Base, Buyers, often, past_rate, worth
from shoal.predict.lifetime.boost import Snaps
from shoal.predict.lifetime.judge import Judge, named
from shoal.predict.lifetime.members import Members
from shoal.summary import Interval, Skill

Floats = NDArray[np.float64]
DEFAULT = "MBG/NBD"
BASELINE = "past rate"
SHORTEST = 28  # days of history that can be parted into a past and a test
LEVELS = 4  # stretches on which the level of the totals is checked


@dataclass(frozen=True)
class Choice:
    """What the test of the history's last `days` decided, and how good everything was on it."""

    model: str = DEFAULT
    whole: bool = False
    purchases: str = DEFAULT
    revenue: str = ""
    day: int | None = None
    days: int = 0
    people: int = 0
    skills: list[Skill] = field(default_factory=list)
    gain: dict[str, Interval] = field(default_factory=dict)
    level: float = 0.0
    notes: list[str] = field(default_factory=list)


def stretch(first: int, last: int, days: float) -> int:
    """Days to hold out: the horizon, a third of the history where that is shorter; 0 where there is too little."""
    span = last - first
    return int(min(days, span // 3)) if span >= SHORTEST else 0


def choose(ledger: Ledger, day: int, days: float, snaps: Snaps | None, seed: int, last: int) -> Choice:
    """Fits every member to the history before its last stretch, and judges them on it.

    The model of how often and the purchases' champion are those of the least mean absolute error; the revenue's is of
    the least root mean squared error, which big customers dominate as they dominate the revenue.
    """
    held = stretch(int(ledger.day.min()), day, days)
    cut = day - held
    known = ledger.until(cut)
    buyers = Buyers.on(known, cut) if held else None
    if buyers is None or buyers.history.repeaters < FEWEST:
        return Choice(notes=[_short(ledger, day)])
    happened = ledger.future(cut, held)
    if happened.purchases.sum() <= 0:
        return Choice(notes=[f"nobody bought in the last {held} days: the members could not be compared"])
    model = _best_model(buyers, happened, held)
    whole = _whole_better(buyers, happened)
    members = Members.fit(known, cut, held, model=model, whole=whole, snaps=snaps, seed=seed, last=last)
    if snaps is not None and members.booster is not None:
        snaps.prepare([cut], last)
    features = snaps[cut] if snaps is not None and members.booster is not None else None
    count, spent = members.purchases_and_revenue(buyers, features, held)
    return _judged(buyers, happened, held, cut, count, spent, model, whole, members.base, ledger, seed)


def _judged(
    buyers: Buyers,
    happened: Future,
    held: int,
    cut: int,
    count: Mapping[str, Floats],
    spent: Mapping[str, Floats],
    model: str,
    whole: bool,
    base: Base,
    ledger: Ledger,
    seed: int,
) -> Choice:
    plain, plain_spent = past_rate(buyers, held)
    purchases, revenue = Judge(happened.purchases, seed), Judge(happened.revenue, seed)
    said = {name: purchases.metrics(one) for name, one in count.items()}
    money = {name: named(revenue.metrics(one), "revenue_") for name, one in spent.items()}
    best = min(said, key=lambda name: _value(said[name]["mae"]))
    gain = {"purchases": purchases.better(count[best], plain, "mae")}
    best_money = min(money, key=lambda name: _value(money[name]["revenue_rmse"])) if money else ""
    if money:
        gain["revenue"] = revenue.better(spent[best_money], plain_spent, "rmse")
    order = [best, best_money, *said, *money]
    skills = [
        Skill(name=name, kind="model", metrics={**said.get(name, {}), **money.get(name, {})})
        for name in dict.fromkeys(order)
        if name
    ]
    judged = {**purchases.metrics(plain), **(named(revenue.metrics(plain_spent), "revenue_") if money else {})}
    skills.append(Skill(name=BASELINE, kind="baseline", metrics=judged))
    level = _level(ledger, base, cut, held, said[best]["total"])
    return Choice(model, whole, best, best_money, cut, held, len(buyers.history), skills, gain, level)


def _best_model(buyers: Buyers, happened: Future, days: int) -> str:
    """The BTYD model of the least mean absolute error; a fit takes milliseconds."""
    errors = {}
    for name, model in MODELS.items():
        expected = fit(model, buyers.crowd).expected(buyers.crowd, days)[buyers.places]
        errors[name] = float(np.abs(expected - happened.purchases).mean())
    least = min(errors.values())
    return DEFAULT if errors[DEFAULT] <= least * (1 + 1e-6) else min(errors, key=lambda name: errors[name])


def _whole_better(buyers: Buyers, happened: Future) -> bool:
    """Whether the first day's money says more of what a purchase will be worth than it misleads.

    Judged on those who bought, with the number of purchases that they made, so that only the money is guessed.
    """
    bought = happened.purchases > 0
    errors = []
    for whole in (False, True):
        model = worth(buyers, whole)
        if model is None:
            return False
        guess = happened.purchases * model.expected(*buyers.spend(whole))
        errors.append(float(np.abs(guess - happened.revenue)[bought].mean()))
    return errors[1] < errors[0]


def _level(ledger: Ledger, base: Base, cut: int, held: int, total: Interval) -> float:
    """Standard deviation of log (predicted / actual) of all purchases: the champion's on the test, the base's before.

    One stretch says little of how far the level can be off: the base is fitted again at earlier ones.
    """
    logs = [float(np.log1p(total.value))] if total.value is not None and total.value > -1 else []
    first = int(ledger.day.min())
    for back in range(1, LEVELS):
        day = cut - back * held
        if day - first < max(held, SHORTEST):
            break
        known = ledger.until(day)
        buyers = Buyers.on(known, day)
        if buyers.history.repeaters < FEWEST:
            break
        expected = float(often(base.name, buyers).expected(buyers.crowd, held) @ buyers.crowd.n)
        happened = float(ledger.future(day, held).purchases.sum())
        if expected > 0 and happened > 0:
            logs.append(float(np.log(expected / happened)))
    chance = 0.0
    if total.low is not None and total.high is not None and total.low > -1:
        chance = float(np.log1p(total.high) - np.log1p(total.low)) / (2 * 1.96)
    return float(np.sqrt(np.mean(np.square(logs)) + chance**2)) if logs else 0.5


def _short(ledger: Ledger, day: int) -> str:
    span = day - int(ledger.day.min())
    return (
        f"the members could not be compared out of time: that needs {SHORTEST} days of history and {FEWEST} repeat "
        f"customers before its last third; there are {span} days"
    )


def _value(one: Interval) -> float:
    return np.inf if one.value is None else one.value
