"""Several fitted models as one: a weighted sum of their log-odds, with weights chosen on rows that none of them saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.predict.calibrate import log_odds, platt, sigmoid
from shoal.predict.learner import Array, Fitted
from shoal.predict.skill import log_loss_of

STEPS = 5


@dataclass(frozen=True)
class Part:
    """A fitted model in a blend: the learner that can load it, the inputs it takes (places), its weight."""

    learner: str
    fitted: Fitted
    inputs: tuple[int, ...]
    weight: float


@dataclass(frozen=True)
class Blend:
    """Log-odds = constant + the sum of each part's weight times its own log-odds."""

    parts: tuple[Part, ...]
    constant: float = 0.0

    def log_odds(self, x: Array) -> Array:
        """The log-odds of each row of `x` (rows, inputs)."""
        return self.of(len(x), [log_odds(part.fitted.predict(_inputs(x, part))) for part in self.parts])

    def of(self, rows: int, odds: Sequence[Array]) -> Array:
        """The blend (rows,) of the log-odds that each part gave."""
        total = np.full(rows, self.constant)
        for part, one in zip(self.parts, odds, strict=True):
            total += part.weight * one
        return total

    def contributions(self, x: Array) -> Array:
        """The weighted sum of the parts' contributions, (rows, inputs).

        A forest's do not add up to its log-odds and cost ten times the others': beside others it is left out.
        """
        parts = [part for part in self.parts if getattr(part.fitted, "additive", True)] or self.parts
        whole = sum(part.weight for part in self.parts) / sum(part.weight for part in parts)
        total = np.zeros_like(x)
        for part in parts:
            total[:, list(part.inputs)] += whole * part.weight * part.fitted.contributions(_inputs(x, part))
        return total


@dataclass(frozen=True)
class Weights:
    """How to blend candidates (places) given their log-odds: constant + sum of weights * log-odds."""

    places: tuple[int, ...]
    weights: tuple[float, ...]
    constant: float

    def of(self, odds: Sequence[Array]) -> Array:
        """The blend of the candidates' log-odds, each (rows,)."""
        total = np.full(len(odds[0]), self.constant)
        for place, weight in zip(self.places, self.weights, strict=True):
            total += weight * odds[place]
        return total


def single(place: int) -> Weights:
    """One candidate, as it is."""
    return Weights((place,), (1.0,), 0.0)


def together(odds: Sequence[Array], y: Array, places: Sequence[int]) -> Weights:
    """Equal weights for the candidates at `places`, each first put on one scale by a Platt curve.

    >>> y = np.array([0.0, 1.0] * 50)
    >>> [round(weight, 2) for weight in together([4 * y - 2 + 0.5, 8 * y - 4], y, [0, 1]).weights][0] > 0
    True
    """
    curves = [platt(odds[place], y) for place in places]
    share = 1 / len(curves)
    weights = tuple(float(share * slope) for slope, _ in curves)
    return Weights(tuple(places), weights, float(share * sum(shift for _, shift in curves)))


def blend(odds: Sequence[Array], y: Array) -> Weights:
    """Weights, fifths at the finest, that lower the log loss most, by forward selection with replacement.

    Ensemble selection (Caruana et al. 2004, ICML, sec. 2.1) on the log-odds (rows,) that each candidate gave to rows
    it never saw; each is first put on one scale by a Platt curve, so that a timid model does not water down the others.

    >>> y = np.array([0.0, 1.0] * 50)
    >>> blend([np.zeros(100), 4 * y - 2], y).places
    (1,)
    """
    curves = [platt(one, y) for one in odds]
    scaled = np.stack([slope * one + shift for one, (slope, shift) in zip(odds, curves, strict=True)])
    count, total = np.zeros(len(odds)), np.zeros(len(y))
    best, kept = np.inf, count
    for step in range(1, STEPS + 1):
        losses = [float(log_loss_of(y, sigmoid((total + one) / step)).mean()) for one in scaled]
        chosen = int(np.argmin(losses))
        count = count + (np.arange(len(odds)) == chosen)
        total = total + scaled[chosen]
        if losses[chosen] < best - 1e-12:
            best, kept = losses[chosen], count / step
    places = tuple(int(place) for place in np.flatnonzero(kept))
    weights = tuple(float(kept[place] * curves[place][0]) for place in places)
    return Weights(places, weights, float(sum(kept[place] * curves[place][1] for place in places)))


def _inputs(x: Array, part: Part) -> Array:
    return x if len(part.inputs) == x.shape[1] else np.ascontiguousarray(x[:, list(part.inputs)])
