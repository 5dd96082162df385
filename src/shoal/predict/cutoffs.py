"""At which instants a model learns and is judged, so that no outcome is known before its time."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400_000_000
WEEK = 7 * DAY
MOST = 26  # cut-offs learned from
ROWS = 300_000  # rows learned from, about
PEOPLE = 60_000  # people learned from, at least, where there are as many
FEWEST = 6  # cut-offs kept before people are sampled


@dataclass(frozen=True)
class Cutoffs:
    """Instants in microseconds: learned from, judged at, and the share of the people that is looked at.

    Every outcome of `train` is known by `test`, and those of `test` by the run's instant. With no `train`, there is
    one labelled cut-off only: the model is judged on people it has not seen, not on a later time.
    """

    train: tuple[int, ...]
    test: int
    share: float

    @property
    def all(self) -> tuple[int, ...]:
        """Every labelled cut-off, in order."""
        return (*self.train, self.test)


def plan(first: int, as_of: int, horizon: int, people: int) -> Cutoffs | str:
    """The cut-offs for a horizon over data from `first` to `as_of` (microseconds), or what would be needed.

    The test is one horizon before the end; the last cut-off learned from one horizon before the test, so that its
    outcome is over by then; earlier ones follow weekly (daily to weekly for short horizons) down to where half a
    horizon of history is left, all stacked: on a grocery panel that gained 0.01 to 0.03 AUC over the last one alone.

    >>> day = DAY
    >>> found = plan(0, 365 * day, 90 * day, 1000)
    >>> found.test // day, found.train[-1] // day, found.train[0] // day, len(found.train)
    (275, 185, 45, 21)
    >>> plan(0, 100 * day, 90 * day, 1000)
    'a horizon of 90 days needs at least 135 days of history, and there are 100'
    """
    least = max(horizon // 2, DAY)
    test = as_of - horizon
    if test < first + least:
        need, have = -(-(horizon + least) // DAY), (as_of - first) // DAY
        return f"a horizon of {_days(horizon)} needs at least {need} days of history, and there are {have}"
    latest = test - horizon
    if latest < first + least:
        return Cutoffs((), test, _share(people, 1))
    step = max(DAY, min(WEEK, horizon // 4))
    room = 1 + (latest - first - least) // step
    count = int(min(room, MOST, max(FEWEST, ROWS // max(people, 1))))
    if count < room and count < MOST:  # a few cut-offs of many people: spread over the past
        step = (latest - first - least) // count if count else step
        step = min(step, 4 * WEEK)
    train = tuple(latest - step * place for place in reversed(range(count)))
    return Cutoffs(train, test, _share(people, count + 1))


def _share(people: int, cutoffs: int) -> float:
    """The share of the people that keeps the rows within bounds."""
    wished = max(ROWS // cutoffs, min(PEOPLE, people))
    return min(1.0, wished / max(people, 1))


def _days(span: int) -> str:
    return f"{span // DAY} days" if span % DAY == 0 else f"{span / DAY:.1f} days"
