"""Which way of predicting to use: candidates fitted side by side, judged on rows that they did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shoal import registry
from shoal.define.protected import words_of
from shoal.predict.blend import Blend, Part, Weights, blend, single, together
from shoal.predict.calibrate import log_odds, platt, sigmoid
from shoal.predict.learner import Array, Fitted, Learner
from shoal.predict.parallel import at_once
from shoal.predict.skill import LESS_IS_BETTER, exact, log_loss_of

RFM = "R/F/M logit"
NEAR = 0.01  # AUC
_RFM_WORDS = (
    frozenset({"recency"}),
    frozenset({"orders", "frequency", "purchases", "transactions"}),
    frozenset({"revenue", "monetary", "spend", "spent"}),
)
_UNITS = frozenset({"days", "total"})
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """A learner on some of the inputs (places), for rows of which each person has `repeats`."""

    name: str
    key: str
    learner: Learner
    inputs: tuple[int, ...]
    repeats: float = 1.0

    def fit(self, x: Array, y: Array, categories: NDArray[np.bool_], seed: int) -> Fitted:
        """Fits on the candidate's own inputs."""
        places = list(self.inputs)
        return self.learner.fit(self.seen(x), y, categories=categories[places], seed=seed, repeats=self.repeats)

    def seen(self, x: Array) -> Array:
        """The inputs that the candidate takes."""
        return x if len(self.inputs) == x.shape[1] else np.ascontiguousarray(x[:, list(self.inputs)])


def registered() -> dict[str, Learner]:
    """A learner of every entry point, by its name there.

    >>> sorted(registered())
    ['forest', 'lightgbm', 'logistic']
    """
    return {name: registry.load(registry.MODELS, name)() for name in sorted(registry.plugins(registry.MODELS))}


def candidates(learners: Mapping[str, Learner], names: Sequence[str], repeats: float = 1.0) -> list[Candidate]:
    """Every learner on all inputs; and a logit on recency, frequency and money alone where there is more than that.

    On thin logs of transactions it is what richer models struggle to beat, and a blend of both beats either.
    """
    everything = tuple(range(len(names)))
    found = [Candidate(learner.name, key, learner, everything, repeats) for key, learner in learners.items()]
    few = rfm_inputs(names)
    if "logistic" in learners and 2 <= len(few) < len(names):
        found.append(Candidate(RFM, "logistic", learners["logistic"], few, repeats))
    return found


def rfm_inputs(names: Sequence[str]) -> tuple[int, ...]:
    """The places of recency, frequency and money over the whole past.

    >>> rfm_inputs(["recency_days", "orders_90d", "orders", "views", "revenue"])
    (0, 2, 4)
    """
    found = []
    for words in _RFM_WORDS:
        for place, name in enumerate(names):
            if not any(sign.isdigit() for sign in name) and len(set(words_of(name)) - _UNITS - words) == 0:
                found.append(place)
                break
    return tuple(found)


def crossed(
    tried: Sequence[Candidate], x: Array, y: Array, fold: Rows, categories: NDArray[np.bool_], seed: int
) -> list[Array]:
    """The log-odds (rows,) that each candidate gives to every fold when fitted on the others."""
    return fit_crossed(tried, x, y, fold, categories, seed)[0]


def fit_crossed(
    tried: Sequence[Candidate], x: Array, y: Array, fold: Rows, categories: NDArray[np.bool_], seed: int
) -> tuple[list[Array], list[list[Fitted]]]:
    """`crossed`, and for each candidate the fitted models, one for every fold that it did not see."""
    count = int(fold.max()) + 1
    jobs = [
        partial(_fitted_out, one, x, y, fold != part, fold == part, categories, seed)
        for one in tried
        for part in range(count)
    ]
    found = at_once(jobs)
    result, fitted = [], []
    for place in range(len(tried)):
        mine = found[place * count : (place + 1) * count]
        odds = np.zeros(len(y))
        for part, (_, values) in enumerate(mine):
            odds[fold == part] = values
        result.append(odds)
        fitted.append([one for one, _ in mine])
    return result, fitted


def left_out(
    one: Candidate,
    x: Array,
    y: Array,
    seen: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    categories: NDArray[np.bool_],
    seed: int,
) -> Array:
    """The log-odds of the rows `asked` by a candidate fitted on the rows `seen`."""
    return _fitted_out(one, x, y, seen, asked, categories, seed)[1]


def _fitted_out(
    one: Candidate,
    x: Array,
    y: Array,
    seen: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    categories: NDArray[np.bool_],
    seed: int,
) -> tuple[Fitted, Array]:
    fitted = one.fit(x[seen], y[seen], categories, seed)
    return fitted, log_odds(fitted.predict(one.seen(x[asked])))


def choose(odds: Sequence[Array], y: Array, person: Rows, metric: str) -> Weights:
    """The candidate that is best by the success metric, or a blend.

    A blend must lower the log loss by more than the gain's own standard error over people, and not lose in the metric.
    """
    scored = [_on_scale(one, y) for one in odds]
    values = [exact(y, p)[metric] for p in scored]
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0
    ranked = [-np.inf if value is None else sign * value for value in values]
    best = int(np.argmax(ranked))
    mixed = blend(odds, y)
    if len(mixed.places) == 1:
        return single(best)
    p = sigmoid(mixed.of(odds))
    gain = log_loss_of(y, scored[best]) - log_loss_of(y, p)
    _, place = np.unique(person, return_inverse=True)
    error = np.sqrt((np.bincount(place, weights=gain - gain.mean()) ** 2).sum()) / len(gain)
    value = exact(y, p)[metric]
    wins = gain.mean() > error and value is not None and sign * value >= ranked[best]
    return mixed if wins else single(best)


def choose_for_later(odds: Sequence[Array], y: Array) -> Weights:
    """Equal weights for the candidates that are near the best by AUC.

    Weights estimated on one stretch of time trust what held then: on eight questions over three data sets a plain mean
    did as well or better a period later (the forecast combination puzzle: Stock & Watson 2004, J. Forecasting 23).
    """
    values = [exact(y, _on_scale(one, y))["auc"] or 0.0 for one in odds]
    return together(odds, y, [place for place, value in enumerate(values) if value >= max(values) - NEAR])


def fit(
    tried: Sequence[Candidate],
    weights: Weights,
    sets: Sequence[tuple[Array, Array]],
    categories: NDArray[np.bool_],
    seed: int,
) -> list[Blend]:
    """The chosen candidates fitted on each set of inputs (rows, inputs) and outcomes (rows)."""
    jobs = [(x, y, place) for x, y in sets for place in weights.places]
    fitted = iter(at_once([partial(tried[place].fit, x, y, categories, seed) for x, y, place in jobs]))
    return [blended(tried, weights, [next(fitted) for _ in weights.places]) for _ in sets]


def blended(tried: Sequence[Candidate], weights: Weights, fitted: Sequence[Fitted]) -> Blend:
    """The chosen candidates, fitted, as one."""
    parts = tuple(
        Part(tried[place].key, one, tried[place].inputs, weight)
        for place, weight, one in zip(weights.places, weights.weights, fitted, strict=True)
    )
    return Blend(parts, weights.constant)


def _on_scale(odds: Array, y: Array) -> Array:
    slope, shift = platt(odds, y)
    return sigmoid(slope * odds + shift)
