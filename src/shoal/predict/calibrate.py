"""From a model's score to a probability that comes true as often as it says, with a band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shoal.intervals import Z
from shoal.predict.folds import folds
from shoal.predict.learner import Array
from shoal.predict.resample import People, quantile_bins
from shoal.predict.skill import log_loss_of

Kind = Literal["identity", "platt", "isotonic"]
Cutoffs = NDArray[np.int64]
MANY = 1000  # of the rarer outcome, from which a free curve is tried
BINS = 100
LEAST = 20  # of either outcome, for a part that recalibration is judged on
FLATTEST = 0.01  # slope: a calibration never turns the order of people around
STEPS = 50
BEYOND = 3.0  # log-odds past the scores seen, up to where the band is drawn
FARTHEST = 30.0
FEWEST_CUTOFFS = 4  # from which their movement is measured


@dataclass(frozen=True)
class Calibration:
    """A rising curve from log-odds to probability, and the band around it; plain numbers.

    identity and platt: sigmoid(slope * z + shift); isotonic: straight lines between (knots, values). The band is
    straight lines between (grid, low) and (grid, high).
    """

    kind: Kind
    slope: float = 1.0
    shift: float = 0.0
    knots: Array = field(default_factory=lambda: np.zeros(1))
    values: Array = field(default_factory=lambda: np.zeros(1))
    grid: Array = field(default_factory=lambda: np.zeros(1))
    low: Array = field(default_factory=lambda: np.zeros(1))
    high: Array = field(default_factory=lambda: np.ones(1))
    note: str = ""

    def apply(self, z: Array) -> Array:
        """Probabilities of log-odds (rows,)."""
        if self.kind == "isotonic":
            risen: Array = np.interp(z, self.knots, self.values)
            return risen
        return sigmoid(self.slope * z + self.shift)

    def band(self, z: Array) -> tuple[Array, Array]:
        """The 95 % band of the calibration curve at log-odds (rows,): low and high, with the score between.

        It says between what rates people with this score may truly lie, given that the model was judged on these
        people and not on others; it is no interval for one person, who either will or will not. Where two scores
        differ, so do the bands in the same sense; it is never narrower than a rate of that size can be known from
        all people judged. Where there are several cut-offs it also covers how the rate moved between them.
        """
        p = self.apply(z)
        return np.minimum(np.interp(z, self.grid, self.low), p), np.maximum(np.interp(z, self.grid, self.high), p)

    def band_of(self, p: Array) -> tuple[Array, Array]:
        """The band at probabilities (rows,) that another model gave: as wide as this one's is there.

        >>> curve = Calibration("platt", 2.0, grid=np.array([-9.0, 9.0]), low=np.zeros(2), high=np.array([0.0, 1.0]))
        >>> [one.round(3).tolist() for one in curve.band_of(curve.apply(np.array([0.0, 4.5])))]
        [[0.0, 0.0], [0.5, 1.0]]
        """
        rising = self.kind == "isotonic"
        z = np.interp(p, self.values, self.knots) if rising else (log_odds(p) - self.shift) / self.slope
        return np.minimum(np.interp(z, self.grid, self.low), p), np.maximum(np.interp(z, self.grid, self.high), p)

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain data; `from_dict` is the inverse."""
        arrays = {name: getattr(self, name).tolist() for name in ("knots", "values", "grid", "low", "high")}
        return {"kind": self.kind, "slope": self.slope, "shift": self.shift, "note": self.note, **arrays}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """The calibration that `to_dict` gave."""
        arrays = {name: np.array(data[name], dtype=np.float64) for name in ("knots", "values", "grid", "low", "high")}
        return cls(kind=data["kind"], slope=data["slope"], shift=data["shift"], note=data["note"], **arrays)


def calibrate(z: Array, y: Array, person: Cutoffs, cutoff: Cutoffs, *, seed: int) -> Calibration:
    """The calibration for log-odds `z` that the model gave to rows it never saw, with outcomes `y` (0 or 1).

    Recalibration must show that it helps: fitted on the earlier cut-offs it must lower the log loss at the last by
    more than the loss's own standard error over people; where there is one cut-off only, on people left out.
    """
    rare = float(min(y.sum(), len(y) - y.sum()))
    kinds: list[Kind] = ["platt", "isotonic"] if rare >= MANY else ["platt"]
    tested = cutoff == cutoff.max(initial=0)
    later = _enough(y[tested]) and _enough(y[~tested])
    where = "at a later cut-off" if later else "on people left out"
    best, note = Calibration("identity"), f"as the model gave them: recalibration did not help {where}"
    top = 0.0
    for kind in kinds if rare >= LEAST else []:
        left = _on_later(kind, z, y, tested) if later else _crossed(kind, z, y, person, seed)
        gain = log_loss_of(y, sigmoid(z)) - log_loss_of(y, left)
        counted = tested if later else np.ones(len(y), dtype=bool)
        mean, error = _mean_and_error(gain[counted], person[counted])
        if mean > max(error, top):
            top, best, note = mean, _fit(kind, z, y), f"{kind}: it lowered the log loss by {mean:.2g} {where}"
    grid, low, high = _band(best, "isotonic" if rare >= MANY else "platt", z, y, person, cutoff, seed)
    return replace(best, grid=grid, low=low, high=high, note=note)


def platt(z: Array, y: Array, *, rising: bool = True) -> tuple[float, float]:
    """Slope and shift of sigmoid(slope * z + shift) (Platt 1999, Advances in Large Margin Classifiers, sec. 2).

    A curve that is not `rising` may turn the order around.
    """
    slope, shift = _platt(z, y[None, :], 1 - y[None, :], rising)
    return float(slope[0]), float(shift[0])


def sigmoid(z: Array) -> Array:
    """Probabilities of log-odds."""
    chances: Array = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500)))
    return chances


def log_odds(p: Array) -> Array:
    """Log-odds of probabilities, within +-30.

    >>> log_odds(np.array([0.5, 0.0])).tolist()
    [0.0, -30.0]
    """
    with np.errstate(divide="ignore"):
        odds: Array = np.log(p) - np.log1p(-p)
    return np.clip(odds, -FARTHEST, FARTHEST)


def _enough(y: Array) -> bool:
    return bool(min(y.sum(), len(y) - y.sum()) >= LEAST)


def _fit(kind: Kind, z: Array, y: Array) -> Calibration:
    if kind == "platt":
        slope, shift = platt(z, y)
        return Calibration(kind, slope, shift)
    place = quantile_bins(z, BINS)
    counts = np.bincount(place).astype(np.float64)
    centres = np.bincount(place, weights=z) / counts
    ones = np.bincount(place, weights=y).astype(np.float64)
    rates = _isotonic(ones, counts)
    # One knot a block of equal rates, at its centre: between blocks the order of scores is kept.
    _, block = np.unique(rates, return_inverse=True)
    mass = np.bincount(block, weights=counts)
    knots = np.bincount(block, weights=centres * counts) / mass
    return Calibration(kind, knots=knots, values=np.bincount(block, weights=rates * counts) / mass)


def _on_later(kind: Kind, z: Array, y: Array, later: NDArray[np.bool_]) -> Array:
    return _fit(kind, z[~later], y[~later]).apply(z)


def _crossed(kind: Kind, z: Array, y: Array, person: Cutoffs, seed: int) -> Array:
    """Each fifth of the people calibrated by the others."""
    fold = folds(person, y, 5, seed)
    left = sigmoid(z)
    for part in range(5):
        inside = fold == part
        if inside.any() and 0 < y[~inside].sum() < (~inside).sum():
            left[inside] = _fit(kind, z[~inside], y[~inside]).apply(z[inside])
    return left


def _mean_and_error(gain: Array, person: Cutoffs) -> tuple[float, float]:
    """Mean over rows, and its standard error over people."""
    _, place = np.unique(person, return_inverse=True)
    mean = float(gain.mean())
    off = np.bincount(place, weights=gain - mean)
    return mean, float(np.sqrt((off**2).sum())) / len(gain)


def _platt(z: Array, ones: Array, zeros: Array, rising: bool) -> tuple[Array, Array]:
    """Newton's method (Lin, Lin & Weng 2007, Machine Learning 68, 267-276) for many weightings of the same scores.

    `ones` and `zeros` are (weightings, scores); the targets are Platt's, drawn in by one outcome of each sort.
    """
    middle, spread = float(z.mean()), float(z.std()) or 1.0
    x = (z - middle) / spread
    n, above, below = ones + zeros, ones.sum(axis=1), zeros.sum(axis=1)
    high, low = (above + 1) / (above + 2), 1 / (below + 2)
    target = ones * high[:, None] + zeros * low[:, None]
    a, b = np.zeros(len(n)), np.log((above + 1) / (below + 1))
    for _ in range(STEPS):
        p = sigmoid(a[:, None] * x + b[:, None])
        off, weight = target - n * p, n * p * (1 - p)
        ga, gb = (off * x).sum(axis=1), off.sum(axis=1)
        haa, hab, hbb = (weight * x * x).sum(axis=1) + 1e-9, (weight * x).sum(axis=1), weight.sum(axis=1) + 1e-9
        room = np.maximum(haa * hbb - hab * hab, 1e-12)
        da, db = (hbb * ga - hab * gb) / room, (haa * gb - hab * ga) / room
        # Newton's step is held to what a sigmoid can bear, else scores that part the outcomes throw it off.
        scale = 1 / np.maximum(1, np.maximum(np.abs(da), np.abs(db)) / 2)
        a, b = a + scale * da, b + scale * db
        if max(np.abs(da).max(initial=0), np.abs(db).max(initial=0)) < 1e-10:
            break
    if rising:
        a = np.maximum(a, FLATTEST * spread)
    return a / spread, b - a * middle / spread


def _isotonic(ones: Array, counts: Array) -> Array:
    """Rising rates by bin (pool adjacent violators), kept off 0 and 1 by half an outcome either way."""
    from scipy.optimize import isotonic_regression

    rates: Array = isotonic_regression((ones + 0.5) / (counts + 1), weights=np.maximum(counts, 1e-9)).x
    return rates


def _drift(p: Array, y: Array, cutoff: Cutoffs) -> float:
    """How far the outcome's log-odds moved from cut-off to cut-off beyond what was predicted: a standard deviation.

    The next period moves as these did: seasons and trends that no feature knows.
    """
    shifts = []
    for one in np.unique(cutoff):
        here = cutoff == one
        if _enough(y[here]):
            shifts.append(float(log_odds(y[here].mean(keepdims=True))[0] - log_odds(p[here].mean(keepdims=True))[0]))
    return float(np.std(shifts, ddof=1)) if len(shifts) >= FEWEST_CUTOFFS else 0.0


def _widened(p: Array, low: Array, high: Array, more: float) -> tuple[Array, Array]:
    """The band with a second, independent uncertainty of `more` log-odds to either side."""
    if not more:
        return low, high
    middle = log_odds(p)
    below, above = np.hypot(middle - log_odds(low), more), np.hypot(log_odds(high) - middle, more)
    return np.minimum(sigmoid(middle - below), low), np.maximum(sigmoid(middle + above), high)


def _band(
    curve: Calibration, kind: Kind, z: Array, y: Array, person: Cutoffs, cutoff: Cutoffs, seed: int
) -> tuple[Array, Array, Array]:
    """Curves of `kind` refitted on 200 resamples of the people, by 100 bins of scores: grid, 2.5 % and 97.5 %."""
    if not len(z):
        grid = np.zeros(1)
        return grid, np.zeros(1), np.ones(1)
    place = quantile_bins(z, BINS)
    bins = int(place.max()) + 1
    centres = np.bincount(place, weights=z) / np.bincount(place)
    people = People.of(person, seed=seed)
    ones, all_ = people.sums(place, bins, y), people.sums(place, bins)
    grid = np.unique(np.concatenate([[z.min() - BEYOND, z.min()], centres, [z.max(), z.max() + BEYOND]]))
    if kind == "isotonic":
        drawn = np.stack([np.interp(grid, centres, _isotonic(o, n)) for o, n in zip(ones, all_, strict=True)])
    else:
        slope, shift = _platt(centres, ones, all_ - ones, True)
        drawn = sigmoid(slope[:, None] * grid + shift[:, None])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    p = curve.apply(grid)
    least = Z * np.sqrt(p * (1 - p) / len(np.unique(person)))
    low, high = np.clip(np.minimum(low, p - least), 0, 1), np.clip(np.maximum(high, p + least), 0, 1)
    low, high = _widened(p, low, high, Z * _drift(curve.apply(z), y, cutoff))
    return grid, np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)
