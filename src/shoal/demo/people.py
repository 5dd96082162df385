"""Who shops: people, their archetypes, when they are active, and who drifts from one archetype to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from shoal.demo.archetypes import DRIFTS, NAMES, column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY = 86_400


@dataclass(frozen=True)
class Horizon:
    """The simulated time: `days` whole days, the last of them the day before `end` (UTC)."""

    end: date
    days: int

    @property
    def start(self) -> date:
        return self.end - timedelta(days=self.days)

    @property
    def origin(self) -> int:
        """Second 0 of the simulation, in seconds since 1970."""
        return (self.start - date(1970, 1, 1)).days * DAY

    @property
    def drift_day(self) -> int:
        """From this day on, those who drift behave as their later archetype."""
        return int(self.days * 0.5)

    @property
    def campaign_day(self) -> int:
        """The day the campaign goes out; it works for 30 days, as far as the horizon reaches."""
        return int(self.days * 0.75)


@dataclass(frozen=True)
class People:
    """One array entry a person. `before` and `now` index ARCHETYPES; days count from the horizon's start."""

    number: Ints
    before: Ints
    now: Ints
    start: Floats
    quiet: Floats  # the day they stop; infinite for those who stay
    treated: NDArray[np.bool_]
    pace: Floats  # each person's own factor on all rates
    taste: Floats  # each person's own shift in price tier
    keen: Floats  # each person's own shift in e-mail engagement, in logits
    devices: Ints
    emails: Ints

    def __len__(self) -> int:
        return len(self.number)

    @property
    def drifts(self) -> NDArray[np.bool_]:
        return np.asarray(self.before != self.now)


@dataclass(frozen=True)
class Stints:
    """A person's time as one archetype: [start, end) in days. Who drifts has two."""

    person: Ints  # position in People
    kind: Ints
    start: Floats
    end: Floats

    def of(self, field: str) -> Floats:
        """The archetype's number `field`, one a stint."""
        return column(field)[self.kind]


def draw(first: int, count: int, horizon: Horizon, rng: np.random.Generator) -> People:
    """Draws people `first` to `first + count - 1`."""
    kinds = rng.choice(len(NAMES), count, p=column("share")).astype(np.int64)
    later = kinds.copy()
    for source, target, share in DRIFTS:
        later[(kinds == NAMES.index(source)) & (rng.random(count) < share)] = NAMES.index(target)
    fades = np.isfinite(column("lifetime"))
    newcomer = rng.random(count) < 0.35
    start = np.where(newcomer, rng.random(count) * 0.45 * horizon.days, 0.0)
    start = np.where(fades[kinds], rng.random(count) * 0.6 * horizon.days, start)
    start = np.where(kinds != later, 0.0, start)
    begins = np.where(kinds != later, float(horizon.drift_day), start)
    lifetime = column("lifetime")[later] * rng.gamma(8.0, 1 / 8.0, count)
    return People(
        number=np.arange(first, first + count, dtype=np.int64),
        before=kinds,
        now=later,
        start=np.floor(start),
        quiet=np.where(fades[later], begins + np.where(kinds != later, 0.2, 1.0) * np.minimum(lifetime, 1e6), np.inf),
        treated=rng.random(count) < 0.5,
        pace=np.exp(rng.normal(0.0, 0.3, count)),
        taste=rng.normal(0.0, 0.08, count),
        keen=rng.normal(0.0, 0.5, count),
        devices=1 + rng.choice(3, count, p=[0.5, 0.35, 0.15]).astype(np.int64),
        emails=1 + (rng.random(count) < 0.2).astype(np.int64),
    )


def stints(people: People, horizon: Horizon) -> Stints:
    """Cuts each person's time into stints of one archetype, ended where they go quiet."""
    moved = np.flatnonzero(people.drifts)
    turn = np.where(people.drifts, float(horizon.drift_day), float(horizon.days))
    first_end = np.where(people.drifts, turn, np.minimum(people.quiet, horizon.days))
    return Stints(
        person=np.concatenate([np.arange(len(people)), moved]),
        kind=np.concatenate([people.before, people.now[moved]]),
        start=np.concatenate([people.start, turn[moved]]),
        end=np.concatenate([first_end, np.minimum(people.quiet[moved], horizon.days)]),
    )
