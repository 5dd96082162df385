"""A plain value model: what recency, frequency and revenue alone say of a target, so that the rest can be looked at."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.protected import words_of
from shoal.model.levels import Basis
from shoal.model.matrix import Array, numbers, uniform
from shoal.model.selectors import numeric
from shoal.model.targets import Kind

# Words of names that say how long somebody has been a customer and how much it brings.
AMOUNTS = frozenset("tenure charge charges fee fees price spend spent amount revenue premium premiums".split())  # noqa: SIM905
FOLDS = 5
FEW = 20_000  # people up to which five folds are fitted, two beyond
LEARNED = 100_000  # people that one fit learns from
TREES = 150
LEAST = 100  # people from which there is something to learn
KNOTS = 8
PER_KNOT = 150  # people
CROSSED = 2_000  # people from which pairs of columns are crossed
COARSE = 4  # knots of each of a pair
FLOOR = 0.1  # of the mean: what is expected of a person counts as at least that in weights
BLOCK = 16_384
POWER = 1.5  # of what is expected, that the variance of an amount grows with
SAME_AS = 0.95  # R2 from which the plain columns tell a number
SAME = 1e-9  # share of the largest direction below which terms say the same
Singles = NDArray[np.float32]


def columns(table: pa.Table, basis: Basis) -> list[str]:
    """The plain value model's columns: recency, frequency, monetary value and tenure, as far as `table` has them.

    Where nobody tells what people did, the numbers whose names speak of how long and how much: tenure, charges.

    >>> from shoal.model.levels import basis
    >>> columns(pa.table({"tenure": [1], "MonthlyCharges": [2.5], "devices": [3]}), basis(pa.table({})))
    ['tenure', 'MonthlyCharges']
    """
    found = [basis.recency, basis.frequency, basis.monetary]
    if any(found):
        tenure = "tenure_days" if "tenure_days" in table.column_names else None
        return [name for name in dict.fromkeys([*found, tenure]) if name]
    return [name for name in table.column_names if AMOUNTS & set(words_of(name)) and numeric(table, name)]


@dataclass(frozen=True)
class Past:
    """The plain columns of some people: `values` (people, columns), NaN where not known; the first `core` are crossed.

    After the core come its ratios (revenue an order, orders a day) and its windows (orders in 90 days).

    No column at all: nothing is known of the past, and everybody is expected to be as the mean.
    """

    values: Array
    core: int

    @classmethod
    def of(cls, table: pa.Table, plain: Sequence[str], windows: Sequence[str], rows: NDArray[np.int64]) -> Past:
        """The columns `plain` with their ratios, and their `windows`."""
        core = [numbers(table, name)[rows] for name in plain]
        ratios = [_ratio(one, other) for place, one in enumerate(core) for other in core[:place]]
        columns = [*core, *ratios, *(numbers(table, name)[rows] for name in windows if name not in plain)]
        return cls(np.column_stack(columns) if columns else np.empty((len(rows), 0)), len(plain))

    def take(self, places: NDArray[Any]) -> Past:
        return Past(self.values[places], self.core)


def _ratio(one: Array, other: Array) -> Array:
    """NaN where it cannot be told."""
    found: Array = np.divide(one, other, out=np.full(len(one), np.nan), where=other != 0)
    return found


def expected(past: Past, values: Array, kind: Kind, *, seed: int = 0) -> Array:
    """What the plain columns say of `values` (people,), each person's from trees that never saw that person.

    Gradient boosting (LightGBM; Poisson loss for amounts, log loss for rates) with as many trees as foretell the
    held-out folds best; the mean where there is nothing to learn from.

    >>> expected(Past(np.empty((3, 0)), 0), np.array([0.0, 1.0, 5.0]), "amount").tolist()
    [2.0, 2.0, 2.0]
    """
    people, mean = len(values), float(values.mean())
    if people < LEAST or not past.values.shape[1] or values.min() == values.max():
        return np.full(people, mean)
    folds = np.random.default_rng(seed).permutation(people) % (FOLDS if people <= FEW else 2)
    scale = mean if kind == "amount" else 1.0  # so that no loss depends on the currency
    parts = [np.flatnonzero(folds == fold) for fold in range(folds.max() + 1)]
    fits = [_fit(past.values, values / scale, part, kind, seed) for part in parts]
    losses = np.average([losses for _, losses in fits], axis=0, weights=[len(part) for part in parts])
    found = np.empty(people)
    for part, (model, _) in zip(parts, fits, strict=True):
        found[part] = model.predict(past.values[part], num_iteration=int(losses.argmin()) + 1, num_threads=1)
    return found * scale


def _fit(x: Array, y: Array, held: NDArray[np.int64], kind: Kind, seed: int) -> tuple[Any, Array]:
    """Trees learned from everybody else, and their loss on those held out after each tree."""
    import lightgbm as lgb

    rows = np.setdiff1d(np.arange(len(y)), held)
    if len(rows) > LEARNED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, LEARNED, replace=False))
    parameters = {
        "objective": "poisson" if kind == "amount" else "binary",
        "metric": "poisson" if kind == "amount" else "binary_logloss",
        "learning_rate": 0.1,
        "num_leaves": 15,
        "min_data_in_leaf": max(20, len(rows) // 500),
        "max_bin": 127,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "verbose": -1,
    }
    told: dict[str, dict[str, list[float]]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learned = lgb.Dataset(x[rows], y[rows], free_raw_data=False)
        tested = lgb.Dataset(x[held], y[held], reference=learned)
        model = lgb.train(parameters, learned, TREES, valid_sets=[tested], callbacks=[lgb.record_evaluation(told)])
    losses = np.asarray(next(iter(next(iter(told.values())).values())), dtype=np.float64)
    return model, np.pad(losses, (0, TREES - len(losses)), mode="edge")


def standing(fitted: Array, residual: Array, kind: Kind) -> tuple[Array, Array]:
    """What is left of a target as the search wants it: y (people,) and how much each counts.

    For a rate y is the residual. For an amount it is the residual in shares of what is expected, with the weight
    m^2 / V(m) = m^0.5 (`variance`): so an effect in percent is one number for everybody, and neither a few large
    spenders decide nor many small ones. y has weighted mean 0; the sum of weight times y over n people who are like
    everybody has the variance of their weights' sum; weights have mean 1.

    >>> y, weight = standing(np.array([1.0, 4.0]), np.array([1.0, -1.0]), "amount")
    >>> weight.round(3).tolist()
    [0.667, 1.333]
    """
    m = np.maximum(fitted, max(FLOOR * float(fitted.mean()), 1e-12)) if kind == "amount" else np.ones(len(fitted))
    weight = m ** (2 - POWER)
    weight = weight / weight.mean()
    y = residual / m
    y = y - np.average(y, weights=weight)
    spread = np.sqrt(float((weight * weight * y * y).sum()) / len(y))
    return (y / spread if spread > 0 else y * 0.0), weight


def variance(fitted: Array, residual: Array, kind: Kind) -> Array:
    """The variance of each person's residual given what is expected: m (1 - m) of a rate m.

    That of an amount grows as its power 1.5, between Poisson's and gamma's (Tweedie 1984), scaled to what is seen.

    >>> variance(np.array([0.5, 0.1]), np.zeros(2), "rate").round(3).tolist()
    [0.25, 0.09]
    """
    if kind == "rate":
        return np.asarray(np.clip(fitted * (1 - fitted), 0.0, None))
    grown = np.maximum(fitted, 0.0) ** POWER
    return np.asarray(grown * float((residual * residual).sum()) / max(float(grown.sum()), 1e-300))


def splines(past: Past, fitted: Array) -> Singles:
    """The plain columns, and what they say of the target, as piecewise-linear functions of ranks (people, terms).

    Pairs of the core columns are crossed where there are people enough. The first term is 1.
    """
    people = len(fitted)
    knots = int(np.clip(people // PER_KNOT, 2, KNOTS))
    terms = [np.ones((people, 1), dtype=np.float32)]
    ranks = []
    for column in [*past.values.T, fitted]:
        known = ~np.isnan(column)
        rank = np.full(people, 0.5)
        rank[known] = uniform(column[known])
        ranks.append(rank)
        if known.any() and np.ptp(rank):
            terms.append(_hats(rank, knots)[:, 1:])
        if not known.all():
            terms.append((~known).astype(np.float32)[:, None])
    if people >= CROSSED:
        coarse = [_hats(rank, COARSE)[:, 1:] for rank in ranks[: past.core]]
        for place, one in enumerate(coarse):
            terms += [(one[:, :, None] * other[:, None, :]).reshape(people, -1) for other in coarse[:place]]
    return np.hstack(terms)


def _hats(rank: Array, knots: int) -> Singles:
    """Triangles of height 1 over evenly spaced knots in [0, 1]; they add up to 1 everywhere."""
    centres = np.linspace(0, 1, knots)
    width = 1 / (knots - 1)
    return np.maximum(1 - np.abs(rank[:, None] - centres) / width, 0).astype(np.float32)


def retold(table: pa.Table, past: Past, names: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    """The numbers that the plain columns tell already: revenue an order, where revenue and orders are plain.

    Told is one whose ranks the columns' splines explain to 95 % (R2).
    """
    terms = splines(past, np.zeros(len(rows)))
    found = []
    for name in names:
        values = numbers(table, name)[rows]
        known = ~np.isnan(values)
        rank = uniform(values[known])
        if known.sum() >= LEAST and np.ptp(rank):
            left = beyond(terms[known], rank[:, None])
            if float(left.var()) <= (1 - SAME_AS) * float(rank.var()):
                found.append(name)
    return found


def beyond(terms: Singles, member: Array) -> Array:
    """What of membership (people, groups) the terms do not tell: residuals of least squares.

    >>> beyond(np.ones((4, 1), dtype=np.float32), np.array([[1.0], [1], [0], [0]])).round(3).ravel().tolist()
    [0.5, 0.5, -0.5, -0.5]
    """
    gram = np.zeros((terms.shape[1], terms.shape[1]))
    cross = np.zeros((terms.shape[1], member.shape[1]))
    for start in range(0, len(terms), BLOCK):
        block = terms[start : start + BLOCK].astype(np.float64)
        gram += block.T @ block
        cross += block.T @ member[start : start + BLOCK]
    solved = np.linalg.lstsq(gram, cross, rcond=SAME)[0]
    return np.asarray(member - terms @ solved)
