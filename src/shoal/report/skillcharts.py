"""The drawings of a model card: what was predicted against what came true, and the curves of its ranking.

Pure geometry, like `charts.py`; places are in CSS pixels on a square that fits a phone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shoal.report import card as told
from shoal.report import skills
from shoal.report.charts import Box, Tick, ticks
from shoal.report.numbers import compact, known, money, percent
from shoal.summary import Bin, Interval, ModelCard

WIDTH, HEIGHT = 300.0, 286.0
FRAME = Box(46, 10, WIDTH - 20, HEIGHT - 40)
SKEWED = 30.0  # from this ratio on, amounts lie on a logarithmic axis
DECADES = 1e5  # an amount this many times smaller than the largest lies at the axis's end
NEAR = 1.5  # places of a curve nearer than this look like one


@dataclass(frozen=True)
class Scale:
    """An axis: numbers to shares of its length."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a number lies, from 0 to 1; beyond the ends at the end.

        >>> Scale(0, 4).place(1), Scale(1, 100, logarithmic=True).place(10), Scale(0, 4).place(9)
        (0.25, 0.5, 1.0)
        """
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    @property
    def ticks(self) -> list[float]:
        """Round places along it."""
        if not self.logarithmic:
            edge = 1e-9 * (self.high - self.low)  # round places may go beyond the ends
            return [at for at in ticks(self.low, self.high) if self.low - edge <= at <= self.high + edge]
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        step = max(1, math.ceil((last - first) / 4))
        return [10.0**power for power in range(first, last + 1, step)]


def scale(values: Iterable[float], *, amounts: bool = False) -> Scale:
    """An axis that takes in the values from 0 on; logarithmic where they are amounts of very different sizes.

    >>> scale([0.02, 0.37]), scale([3.0, 4800.0], amounts=True)
    (Scale(low=0.0, high=0.4, logarithmic=False), Scale(low=1.0, high=10000.0, logarithmic=True))
    """
    found = [value for value in values if known(value)]
    most = max(found, default=0.0)
    least = min((value for value in found if value > most / DECADES), default=0.0)
    if amounts and most > 1e-6 and most / least >= SKEWED:
        return Scale(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(most)), True)
    places = ticks(min([0.0, *found]), max([0.0, *found]))
    return Scale(places[0], places[-1])


@dataclass(frozen=True)
class Line:
    """A line of a plot; a guide is what it is held against."""

    kind: str
    path: str


@dataclass(frozen=True)
class Point:
    """What came true of people with scores alike, with its interval upright."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    words: str


@dataclass(frozen=True)
class Plot:
    title: str
    says: str
    x: str
    y: str
    across: list[Tick]
    up: list[Tick]
    lines: list[Line] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    about: str = ""
    frame: Box = FRAME
    width: float = WIDTH
    height: float = HEIGHT


def plots(card: ModelCard, currency: str | None = None) -> list[Plot]:
    """The drawings that a card has the numbers for."""
    found = [_calibration(card, currency), _roc(card), _precision_recall(card), _reach(card)]
    return [plot for plot in found if plot is not None]


def axis(card: ModelCard) -> Scale:
    """The axis on which a card's predictions and what came true both lie."""
    return scale(
        (value for one in card.calibration for value in (one.predicted, one.observed, one.high)),
        amounts=told.unit(card) != "share",
    )


def sound(bins: Sequence[Bin]) -> list[Bin]:
    """The bins all of whose numbers are known."""
    return [one for one in bins if all(map(known, (one.predicted, one.observed, one.low, one.high)))]


def tallest(card: ModelCard) -> float:
    """The largest mean of a card's tenths, predicted or come true."""
    return max((value for one in card.deciles for value in (one.predicted, one.observed) if known(value)), default=0.0)


def share(value: float | None, top: float) -> str:
    """A length in percent of the longest.

    >>> share(1.0, 4.0), share(None, 4.0), share(1.0, 0.0)
    ('25.0', '0', '0')
    """
    return f"{min(max(value / top, 0), 1) * 100:.1f}" if value is not None and known(value) and top > 0 else "0"


def _x(share: float) -> float:
    return round(FRAME.left + share * (FRAME.right - FRAME.left), 1)


def _y(share: float) -> float:
    return round(FRAME.bottom - share * (FRAME.bottom - FRAME.top), 1)


def _calibration(card: ModelCard, currency: str | None) -> Plot | None:
    bins, along = sound(card.calibration), axis(card)
    if not bins:
        return None
    text: Callable[[float], str] = percent
    if told.unit(card) != "share":
        text = partial(money, currency=currency, short=True) if told.unit(card) == "money" else compact
    most = max(1, *(one.people for one in bins))
    return Plot(
        title="Predicted, and what came true",
        says="Each dot is people with scores alike. On the line, as many came true as predicted.",
        about="; ".join(told.bin_words(card, one, currency) for one in bins),
        x="predicted",
        y="came true",
        across=[Tick(_x(along.place(at)), text(at)) for at in along.ticks],
        up=[Tick(_y(along.place(at)), text(at)) for at in along.ticks],
        lines=[Line("guide", f"M{_x(0)} {_y(0)} L{_x(1)} {_y(1)}")],
        points=[
            Point(
                *(_x(along.place(one.predicted)), _y(along.place(one.observed))),
                *(_y(along.place(one.low)), _y(along.place(one.high))),
                round(2.5 + 2 * math.sqrt(max(one.people, 0) / most), 1),
                told.bin_words(card, one, currency),
            )
            for one in bins
        ],
    )


def _roc(card: ModelCard) -> Plot | None:
    path = _curve(card.roc)
    if not path:
        return None
    return Plot(
        title="How well it ranks (ROC)",
        says="How many of those to find are found, for how many others are taken with them. The dotted line is chance.",
        about=f"AUC {skills.estimate('auc', _measured(card, 'auc'))}",
        x="others taken",
        y="found",
        across=_shares(_x),
        up=_shares(_y),
        lines=[Line("guide", f"M{_x(0)} {_y(0)} L{_x(1)} {_y(1)}"), Line("model", path)],
    )


def _precision_recall(card: ModelCard) -> Plot | None:
    path = _curve(card.precision_recall)
    if not path:
        return None
    rows, positives = card.rows.get("test"), card.rows.get("test_positives")
    rate = positives / rows if rows and positives is not None else None
    guide = [] if rate is None else [Line("guide", f"M{_x(0)} {_y(min(rate, 1))} L{_x(1)} {_y(min(rate, 1))}")]
    chance = "" if rate is None else f" The dotted line is chance, {percent(rate)}."
    return Plot(
        title="Precision and recall",
        says=f"How many of those chosen are right, the more of those to find are chosen.{chance}",
        about=f"average precision {skills.estimate('ap', _measured(card, 'ap'))}",
        x="found (recall)",
        y="right (precision)",
        across=_shares(_x),
        up=_shares(_y),
        lines=[*guide, Line("model", path)],
    )


def _reach(card: ModelCard) -> Plot | None:
    rows = [row for row in told.reach(card) if row["size"] > 0]
    if len(rows) < 2:
        return None
    along = scale((row["size"] for row in rows), amounts=True)
    paths = {
        kind: _path([(_x(along.place(row["size"])), _y(min(max(row[name], 0), 1))) for row in rows if name in row])
        for kind, name in (("model", "recall"), ("second", "similarity"))
    }
    return Plot(
        title="Similarity and reach",
        says="The larger the audience, the more of the held-out seed is in it (line), and the less alike its last "
        "member is (dashes).",
        about="; ".join(f"{row['size']:,.0f} people find {percent(row.get('recall'))} of the seed" for row in rows),
        x="people",
        y="share",
        across=[Tick(_x(along.place(at)), compact(at)) for at in along.ticks],
        up=_shares(_y),
        lines=[Line(kind, paths[kind]) for kind in ("second", "model") if paths[kind]],
    )


def _measured(card: ModelCard, name: str) -> Interval | None:
    skill = skills.chosen(card)
    return skill.metrics.get(name) if skill else None


def _shares(put: Callable[[float], float]) -> list[Tick]:
    return [Tick(put(at), percent(at)) for at in ticks(0, 1, about=5)]


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A curve in the unit square, without the places that nobody could tell apart."""
    sound = [(_x(min(max(x, 0), 1)), _y(min(max(y, 0), 1))) for x, y in points if known(x) and known(y)]
    kept: list[tuple[float, float]] = []
    for place in sound:
        if not kept or math.dist(place, kept[-1]) >= NEAR:
            kept.append(place)
    if sound and kept[-1] != sound[-1]:
        kept.append(sound[-1])
    return _path(kept)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in places) if len(places) > 1 else ""
