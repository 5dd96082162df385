"""Which way of predicting to use: judged on the last stretches of the history, which none of them has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shoal.predict.btyd import MODELS
from shoal.predict.ledger import Future, Ledger
from shoal.predict.lifetime.base import FEWEST, Base, Buyers, often, past_rate, worth
from shoal.predict.lifetime.boost import Snaps
from shoal.predict.lifetime.judge import Judge, named
from shoal.predict.lifetime.members import TIMES, Members
from shoal.predict.parallel import at_once
from shoal.summary import Interval, Skill

Floats = NDArray[np.float64]
DEFAULT = "Pareto/NBD"
BASELINE = "past rate"
SHORTEST = 28  # days of history that can be parted into a past and a test
BRIEFEST = 14  # days of a second test
JUDGED = 100_000  # people to judge by, drawn where there are more
SURE = 0.025  # share of the draws of people in which what is surely better may be worse
LEVELS = 4  # stretches on which the level of the totals is checked
UNKNOWN = 0.5  # standard deviation of the level's logarithm where nothing could be tested


@dataclass(frozen=True)
class Choice:
    """What the tests decided, and how good everything was on the longest of them: `days` after `day`."""

    model: str = DEFAULT
    whole: bool = False
    purchases: str = DEFAULT
    revenue: str = ""
    day: int | None = None
    days: int = 0
    people: int = 0
    skills: list[Skill] = field(default_factory=list)
    gain: dict[str, Interval] = field(default_factory=dict)
    level: float = UNKNOWN
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Test:
    """The people known at a cut and what they did in the days after it."""

    day: int
    days: int
    known: Ledger
    buyers: Buyers
    happened: Future
    seed: int

    @classmethod
    def of(cls, ledger: Ledger, cut: int, days: int, seed: int) -> Test | None:
        """None where fewer than 30 people had bought again, or nobody bought in the test."""
        known = ledger.until(cut)
        buyers, happened = Buyers.on(known, cut), ledger.future(cut, days)
        if buyers.history.repeaters < FEWEST or happened.purchases.sum() <= 0:
            return None
        return cls(cut, days, known, buyers, happened, seed)

    @property
    def purchases(self) -> Judge:
        """Judges forecasts of purchases."""
        return Judge(self.happened.purchases, self.seed)

    @property
    def revenue(self) -> Judge:
        """Judges forecasts of revenue."""
        return Judge(self.happened.revenue, self.seed)


@dataclass(frozen=True)
class Trial:
    """What the members, fitted to what was known at a test's cut, said of its days."""

    test: Test
    base: Base
    count: dict[str, Floats]
    spent: dict[str, Floats]


def stretches(first: int, last: int, days: float) -> list[int]:
    """Days to hold out: the horizon, or a third of the history where that is shorter; and half of that.

    >>> stretches(0, 365, 90), stretches(0, 365, 365), stretches(0, 20, 10)
    ([90, 45], [121, 60], [])
    """
    if last - first < SHORTEST:
        return []
    longest = max(int(min(days, (last - first) // 3)), 1)
    return [longest, longest // 2] if longest // 2 >= BRIEFEST else [longest]


def choose(ledger: Ledger, day: int, days: float, snaps: Snaps | None, seed: int, last: int) -> Choice:
    """Fits every member to the history before each test, judges them on it, and chooses.

    The error of purchases is the geometric mean of mean absolute and root mean squared error: the first alone favours
    zeros where most people do not buy, the second alone a handful of eager ones. The champion is the BTYD model, unless
    a booster or the mean is better in every test and in 97.5 % of the draws of people over all of them. The revenue is
    the champion's purchases times mean spend. A member that predicts revenue directly (by root mean squared error), or
    another BTYD model than the Pareto/NBD, takes over only where 97.5 % of the draws of each test say so: a few big
    customers make a noisy judge, and BTYD models differ in how they age, which one test cannot tell.
    """
    known = ledger.until(day).drawn(JUDGED, seed)
    held = stretches(int(known.day.min()), day, days)
    tests = [test for one in held if (test := Test.of(known, day - one, one, seed)) is not None]
    if not tests or tests[0].days != held[0]:
        return Choice(notes=[_short(known, day)])
    model, whole = _best_model(tests), _whole_better(tests)
    trials = at_once([partial(_try, test, model, whole, days, snaps, last) for test in tests])
    best = _champion(trials)
    best_money = _revenue_champion(best, trials)
    first = trials[0]
    plain, plain_spent = past_rate(first.test.buyers, first.test.days)
    gain = {"purchases": first.test.purchases.better(first.count[best], plain, "mae")}
    if best_money:
        gain["revenue"] = first.test.revenue.better(first.spent[best_money], plain_spent, "rmse")
    skills = _skills(first, best, best_money, plain, plain_spent)
    level = _level(known, first, skills[0].metrics["total"])
    people = len(first.test.buyers.history)
    return Choice(model, whole, best, best_money, first.test.day, first.test.days, people, skills, gain, level)


def _try(test: Test, model: str, whole: bool, days: float, snaps: Snaps | None, last: int) -> Trial:
    members = Members.fit(
        test.known, test.day, int(days), model=model, whole=whole, snaps=snaps, seed=test.seed, last=last
    )
    features = None
    if snaps is not None and members.booster is not None:
        snaps.prepare([test.day], last)
        features = snaps[test.day]
    return Trial(test, members.base, *members.purchases_and_revenue(test.buyers, features, test.days))


def _champion(trials: Sequence[Trial]) -> str:
    """The base, or the best of the members that are better in every test and surely so over all of them."""
    base = trials[0].base.name
    found = {base: 0.0}
    for name in trials[0].count:
        if name == base or any(name not in trial.count for trial in trials):
            continue
        gains = [trial.test.purchases.log_gain(trial.count[name], trial.count[base]) for trial in trials]
        draws = np.sum([drawn for _, drawn in gains], axis=0)
        if all(value > 0 for value, _ in gains) and float(np.quantile(draws, SURE)) > 0:
            found[name] = sum(value for value, _ in gains)
    return max(found, key=lambda name: found[name])


def _revenue_champion(best: str, trials: Sequence[Trial]) -> str:
    """The purchases' champion times mean spend, unless a direct member is surely better; '' without money."""
    usual = best + TIMES
    if any(usual not in trial.spent for trial in trials):
        return ""
    sure = {}
    for name in trials[0].spent:
        if name.endswith(TIMES) or any(name not in trial.spent for trial in trials):
            continue
        gains = [trial.test.revenue.better(trial.spent[name], trial.spent[usual], "rmse") for trial in trials]
        if all((gain.low or 0) > 0 for gain in gains):
            sure[name] = gains[0].value or 0.0
    return max(sure, key=lambda name: sure[name]) if sure else usual


def _best_model(tests: Sequence[Test]) -> str:
    """The Pareto/NBD, unless another is surely better in every test. A fit takes milliseconds."""
    gains: dict[str, list[Interval]] = {name: [] for name in MODELS if name != DEFAULT}
    for test in tests:
        expected = {
            name: often(name, test.buyers).expected(test.buyers.crowd, test.days)[test.buyers.places] for name in MODELS
        }
        for name, found in gains.items():
            found.append(test.purchases.better(expected[name], expected[DEFAULT], "both"))
    sure = {name: found[0].value or 0.0 for name, found in gains.items() if all((one.low or 0) > 0 for one in found)}
    return max(sure, key=lambda name: sure[name]) if sure else DEFAULT


def _whole_better(tests: Sequence[Test]) -> bool:
    """Whether the first day's money says more of what a purchase will be worth than it misleads.

    Judged on those who bought, with the number of purchases that they made, so that only the money is guessed.
    """
    gain = 0.0
    for test in tests:
        bought = test.happened.purchases
        errors = []
        for whole in (False, True):
            model = worth(test.buyers, whole)
            if model is None:
                return False
            guess = bought * model.expected(*test.buyers.spend(whole))
            errors.append(float(np.abs(guess - test.happened.revenue)[bought > 0].mean()))
        gain += float(np.log(max(errors[0], 1e-9)) - np.log(max(errors[1], 1e-9)))
    return gain > 0


def _skills(trial: Trial, best: str, best_money: str, plain: Floats, plain_spent: Floats) -> list[Skill]:
    """Every member, the champions first, and the plain baseline."""
    purchases, revenue = trial.test.purchases, trial.test.revenue
    said = {name: purchases.metrics(one) for name, one in trial.count.items()}
    money = {name: named(revenue.metrics(one), "revenue_") for name, one in trial.spent.items()}
    order = dict.fromkeys(name for name in (best, best_money, *said, *money) if name)
    found = [Skill(name=name, kind="model", metrics={**said.get(name, {}), **money.get(name, {})}) for name in order]
    judged = {**purchases.metrics(plain), **(named(revenue.metrics(plain_spent), "revenue_") if money else {})}
    return [*found, Skill(name=BASELINE, kind="baseline", metrics=judged)]


def _level(ledger: Ledger, trial: Trial, total: Interval) -> float:
    """Standard deviation of log (predicted / actual) of all purchases: the champion's on the test, the base's before.

    One stretch says little of how far the level can be off: the base is fitted again at earlier ones.
    """
    held, first = trial.test.days, int(ledger.day.min())
    logs = [float(np.log1p(total.value))] if total.value is not None and total.value > -1 else []
    for back in range(1, LEVELS):
        day = trial.test.day - back * held
        test = Test.of(ledger, day, held, 0) if day - first >= max(held, SHORTEST) else None
        if test is None:
            break
        expected = float(often(trial.base.name, test.buyers).expected(test.buyers.crowd, held) @ test.buyers.crowd.n)
        if expected > 0:
            logs.append(float(np.log(expected / test.happened.purchases.sum())))
    chance = 0.0
    if total.low is not None and total.high is not None and total.low > -1:
        chance = float(np.log1p(total.high) - np.log1p(total.low)) / (2 * 1.96)
    return float(np.sqrt(np.mean(np.square(logs)) + chance**2)) if logs else UNKNOWN


def _short(ledger: Ledger, day: int) -> str:
    return (
        f"the members could not be compared out of time: that needs {SHORTEST} days of history, {FEWEST} repeat "
        f"customers before its last third and a purchase in it; there are {day - int(ledger.day.min())} days"
    )
