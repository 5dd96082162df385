"""From numbers to places: pure geometry that the templates draw as SVG and HTML.

Places along one axis are percentages, so that a drawing fits any width; plane drawings are in CSS pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from shoal.report.numbers import decimal, known, percent
from shoal.summary import Interval

LETTER = 7.2  # mean width of a letter at the label size, in pixels
LINE = 16.0


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round places (1, 2 or 5 times a power of ten) that cover `low` to `high`.

    >>> ticks(0, 0.58), ticks(0, 842, about=3), ticks(-0.3, 0.9)
    ([0.0, 0.2, 0.4, 0.6], [0.0, 500.0, 1000.0], [-0.5, 0.0, 0.5, 1.0])
    """
    least = 1e-9 * max(1.0, abs(low), abs(high))
    if high - low < least:
        high = low + max(1.0, 1e3 * least)
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Whisker:
    """One estimate on an axis: places in percent of its width; None where there is no number."""

    label: str
    number: int
    interval: Interval
    at: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Whiskers:
    rows: list[Whisker]
    ticks: list[Tick]


def whiskers(
    rows: Sequence[tuple[str, int, Interval]],
    text: Callable[[float], str] = decimal,
    ends: tuple[float, ...] = (0.0,),
) -> Whiskers:
    """Dots with their intervals on one shared axis that takes in every number, and the `ends` in any case."""
    numbers = [n for _, _, i in rows for n in (i.value, i.low, i.high) if n is not None and known(n)]
    places = ticks(min([*ends, *numbers]), max([*ends, *numbers]), about=5)
    low, span = places[0], places[-1] - places[0]

    def place(number: float | None) -> float | None:
        if number is None or not known(number):
            return None
        return round((number - low) / span * 100, 2)

    return Whiskers(
        rows=[Whisker(label, n, i, place(i.value), place(i.low), place(i.high)) for label, n, i in rows],
        ticks=[Tick(round((at - low) / span * 100, 2), text(at)) for at in places],
    )


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True)
class Dot:
    """A numbered place on a plane; its label is left out where it would lie on another."""

    number: int
    name: str
    words: str
    x: float
    y: float
    label: str = ""
    box: Box | None = None

    @property
    def anchor(self) -> tuple[float, str]:
        """Where its label is held: on the side of the dot, so that any font keeps the distance."""
        if self.box is None:
            return self.x, "middle"
        if self.box.left > self.x:
            return round(self.box.left + 2, 1), "start"
        if self.box.right < self.x:
            return round(self.box.right - 2, 1), "end"
        return round((self.box.left + self.box.right) / 2, 1), "middle"


@dataclass(frozen=True)
class Plane:
    """A scatter of shares against shares with the line where both are equal."""

    width: float
    height: float
    frame: Box
    dots: list[Dot]
    across: list[Tick]
    up: list[Tick]
    parity: tuple[float, float]


RADIUS = 11.0


def plane(points: Sequence[tuple[int, str, float, float]], width: float = 900, height: float = 440) -> Plane:
    """Places `(number, name, share of people, share of value)` on a plane, larger shares labelled first."""
    frame = Box(46, 14, width - 12, height - 44)
    across = ticks(0, max([0.05, *(x for _, _, x, _ in points)]))
    up = ticks(0, max([0.05, *(y for _, _, _, y in points)]))

    def put_x(value: float) -> float:
        return round(frame.left + value / across[-1] * (frame.right - frame.left), 1)

    def put_y(value: float) -> float:
        return round(frame.bottom - value / up[-1] * (frame.bottom - frame.top), 1)

    dots = [
        Dot(number, name, f"{percent(x)} of people, {percent(y)} of value", put_x(x), put_y(y))
        for number, name, x, y in points
    ]
    edge = min(across[-1], up[-1])
    return Plane(
        width=width,
        height=height,
        frame=frame,
        dots=label(dots, frame),
        across=[Tick(put_x(at), percent(at)) for at in across],
        up=[Tick(put_y(at), percent(at)) for at in up],
        parity=(put_x(edge), put_y(edge)),
    )


def label(dots: Sequence[Dot], frame: Box) -> list[Dot]:
    """Gives every dot the first free place for its name beside it; none where all are taken."""
    taken = [_around(dot) for dot in dots]
    labelled: list[Dot] = []
    for dot in dots:
        places = ((text, box) for text in _lengths(dot.name) for box in _beside(dot, text) if box.within(frame))
        text, free = next(((text, box) for text, box in places if not any(map(box.meets, taken))), ("", None))
        if free is not None:
            taken.append(free)
            dot = Dot(dot.number, dot.name, dot.words, dot.x, dot.y, text, free)
        labelled.append(dot)
    return labelled


def _lengths(name: str) -> list[str]:
    """The whole name where there is room, else its beginning."""
    return list(dict.fromkeys(shorten(name, letters) for letters in (64, 40, 26)))


def _around(dot: Dot) -> Box:
    return Box(dot.x - RADIUS, dot.y - RADIUS, dot.x + RADIUS, dot.y + RADIUS)


def _beside(dot: Dot, text: str) -> Iterator[Box]:
    wide, far = len(text) * LETTER + 6, RADIUS + 4
    for left in (dot.x + far, dot.x - far - wide):
        yield Box(left, dot.y - LINE / 2, left + wide, dot.y + LINE / 2)
    for top in (dot.y - far - LINE, dot.y + far):
        for left in (dot.x - wide / 2, dot.x - RADIUS, dot.x + RADIUS - wide):
            yield Box(left, top, left + wide, top + LINE)


def shorten(text: str, letters: int) -> str:
    """The text itself, or its beginning and an ellipsis.

    >>> shorten("Frequent big baskets", 10)
    'Frequent…'
    """
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


@dataclass(frozen=True)
class Curve:
    """One line through `(x, y)`, with the chosen place."""

    name: str
    path: str
    dots: list[tuple[float, float, bool]]
    end: tuple[float, float]


@dataclass(frozen=True)
class Curves:
    width: float
    height: float
    frame: Box
    curves: list[Curve]
    across: list[Tick]
    up: list[Tick]
    chosen: float | None
    limits: list[float] = field(default_factory=list)


def curves(
    xs: Sequence[int],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    chosen: int | None,
    width: float = 520,
    *,
    top: float = 1.0,
    names: float = 110,
    limits: Sequence[float] = (),
    text: Callable[[float], str] = decimal,
) -> Curves:
    """Lines over whole numbers on a scale from 0 (lower where a number is) to at least `top`.

    Args:
        xs: places across, rising.
        lines: each a name and a number per place.
        chosen: the place to mark.
        width: of the drawing, in pixels; `names` of it are kept for the lines' names.
        limits: heights to draw across and to name, in place of round ones too near to them.
        text: how a height is written.
    """
    height = 240.0
    frame = Box(40, 12, width - names, height - 40)
    numbers = [y for _, ys in lines for y in ys if y is not None and known(y)]
    places = ticks(min([0.0, *numbers]), max([top, *numbers]), about=5)
    span = max(xs) - min(xs) or 1

    def put(x: float, y: float) -> tuple[float, float]:
        up = (y - places[0]) / (places[-1] - places[0])
        return (
            round(frame.left + 10 + (x - min(xs)) / span * (frame.right - frame.left - 20), 1),
            round(frame.bottom - up * (frame.bottom - frame.top), 1),
        )

    named = [at for at in places if all(abs(put(xs[0], at)[1] - put(xs[0], limit)[1]) >= LINE for limit in limits)]
    drawn = []
    for name, ys in lines:
        known_points = [(x, *put(x, y)) for x, y in zip(xs, ys, strict=True) if y is not None and known(y)]
        if known_points:
            path = "M" + " L".join(f"{across} {up}" for _, across, up in known_points)
            dots = [(across, up, x == chosen) for x, across, up in known_points]
            drawn.append(Curve(name, path, dots, dots[-1][:2]))
    return Curves(
        width=width,
        height=height,
        frame=frame,
        curves=_apart(drawn, frame),
        across=[Tick(put(x, 0)[0], str(x)) for x in xs],
        up=[Tick(put(xs[0], at)[1], text(at)) for at in (*named, *limits)],
        chosen=None if chosen is None else put(chosen, 0)[0],
        limits=[put(xs[0], at)[1] for at in limits],
    )


def _apart(drawn: Sequence[Curve], frame: Box) -> list[Curve]:
    """Moves the names at the lines' ends apart, downwards, and back up where they leave the frame."""
    placed: list[Curve] = []
    floor = frame.top - LINE
    for curve in sorted(drawn, key=lambda curve: curve.end[1]):
        floor = max(curve.end[1], floor + LINE)
        placed.append(Curve(curve.name, curve.path, curve.dots, (curve.end[0], floor)))
    over = max(0.0, floor - frame.bottom)
    return [Curve(c.name, c.path, c.dots, (c.end[0], c.end[1] - over)) for c in placed]
