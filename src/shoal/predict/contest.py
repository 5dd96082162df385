"""The contest: learners and plain baselines on the same rows, judged once, by people that none of them saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.words import Label
from shoal.errors import DataError
from shoal.predict import curves
from shoal.predict.baseline import base_rate, by_field, calibrated, single_field
from shoal.predict.blend import Weights, single
from shoal.predict.calibrate import Calibration, calibrate, log_odds
from shoal.predict.choose import (
    Candidate,
    blended,
    candidates,
    choose,
    choose_for_later,
    crossed,
    fit,
    fit_crossed,
    left_out,
    registered,
    rfm_inputs,
)
from shoal.predict.encoding import Encoding
from shoal.predict.folds import folds, some, thinned
from shoal.predict.learner import Array, Examples, Learner
from shoal.predict.model import Model
from shoal.predict.parallel import at_once
from shoal.predict.reasons import importances
from shoal.predict.resample import People
from shoal.predict.skill import METRICS, better, differences, exact, judge
from shoal.summary import PLAIN, Bin, Decile, Importance, Interval, Skill

LEAST_ROWS = 100
LEAST = 10  # of either outcome, in each part
FOLDS = 5
MOST_CROSSED = 15_000  # rows up to which a table without time is judged on all of its rows
SCREEN = 15_000  # rows that learners are compared on
EXPLAINED = 1_000  # rows that importances are measured on
BASE_RATE = "base rate"

Rows = NDArray[np.int64]
Baselines = Mapping[str, tuple[Array, Array]]


class NotEnough(DataError):
    """The examples cannot carry a model: why, and what would be needed."""

    def __init__(self, reason: str, needed: str) -> None:
        self.reason, self.needed = reason, needed
        super().__init__(f"not enough data: {reason}. Needed: {needed}.")


@dataclass(frozen=True)
class Learned:
    """What a contest gave. `model` is for use and has learned from all rows; `judged_model` only from those before.

    `predictions` are the judged probabilities: of the test's rows, or of the training rows where there was no test and
    they were judged fold by fold (`judged` says which rows of the training set, in order); there is no single judged
    model then. `unseen` are the models that gave them there, each to rows that it had not seen, and `part` (one entry a
    prediction) says which. Where the model does not beat its baseline, `stand_in` is the plain way as a model: a logit
    on recency, frequency and money, or on the best single field; `judged_stand_in` is the same from the rows before the
    test.
    """

    model: Model
    judged_model: Model | None
    stand_in: Model | None
    judged_stand_in: Model | None
    predictions: Array
    judged: Rows
    out_of_time: bool
    metric: str
    algorithm: str
    skills: list[Skill]
    baseline: str
    gain: Interval
    beats: bool
    calibration: list[Bin]
    roc: list[tuple[float, float]]
    precision_recall: list[tuple[float, float]]
    deciles: list[Decile]
    importances: list[Importance]
    dropped: Mapping[str, str]
    notes: list[str]
    unseen: tuple[Model, ...] = ()
    part: Rows = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class _Judged:
    """Probabilities of the same rows by every contestant, with the models that came of it."""

    y: Array
    person: Rows
    rows: Rows
    p: Array
    learners: Mapping[str, Array]
    baselines: Mapping[str, Array]
    model: Model
    judged_model: Model | None
    notes: list[str]
    unseen: tuple[Model, ...] = ()
    part: Rows = field(default_factory=lambda: np.zeros(0, np.int64))


def learn(
    train: Examples,
    test: Examples | None,
    *,
    baselines: Baselines,
    metric: str = "auc",
    seed: int,
    learners: Mapping[str, Learner] | None = None,
    allow: Collection[str] = (),
    exclude: Collection[str] = (),
    labels: Mapping[str, Label] | None = None,
) -> Learned:
    """Fits every learner and their blend, chooses one, and holds it against the baselines.

    With `test`, whose cut-offs are later, everything is chosen and calibrated on `train` and judged once on `test`;
    then the same recipe is fitted on both for use. Without, on a table that knows no time: each fifth of the people
    is judged by what the others chose and fitted, or one fifth only where there are more than 15,000 rows.

    `baselines` gives by name a plain score for the rows of `train` and of `test` (any where there is no test), NaN
    where there is none; where none is given the base rate and the best single field stand in. `metric` is the success
    metric, one of auc, ap, brier, log_loss, ece, lift.

    Raises NotEnough with what would be needed.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    if metric not in METRICS:
        raise ValueError(f"'{metric}' is no success metric: one of {', '.join(METRICS)}")
    for name, part in (("training set", train), ("test", test)):
        if part is not None:
            _enough(part, name)
    entry = Encoding.fit(train.table, allow=allow, exclude=exclude)
    if not entry.inputs:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(entry.dropped.items())[:5])
        raise NotEnough(
            "no field is left to learn from" + (f" ({why})" if why else ""),
            "at least one field that differs between people",
        )
    repeats = len(train) / len(np.unique(train.person))
    tried = candidates(registered() if learners is None else learners, entry.names, repeats)
    with threadpool_limits(1):
        if test is not None:
            judged = _on_test(train, test, None, entry, tried, baselines, metric, seed)
        elif len(train) <= MOST_CROSSED:
            judged = _by_folds(train, entry, tried, baselines, metric, seed)
        else:
            judged = _on_a_fifth(train, entry, tried, baselines, metric, seed)
        learned = _verdict(judged, train if test is None else test, test is not None, metric, seed, labels or {})
        if learned.beats:
            return learned
        plain = _stand_in(train, test, entry, repeats, seed)
        before = None if test is None else _stand_in(train, None, entry, repeats, seed)
        return replace(learned, stand_in=plain, judged_stand_in=before)


def _stand_in(train: Examples, test: Examples | None, entry: Encoding, repeats: float, seed: int) -> Model:
    """The plain way as a model, fitted on all rows."""
    parts = [train] if test is None else [train, test]
    x = np.concatenate([entry.encode(part.table) for part in parts])
    y, person, cutoff = (np.concatenate([getattr(part, name) for part in parts]) for name in ("y", "person", "cutoff"))
    few = rfm_inputs(entry.names)
    if len(few) < 2:
        few = (single_field(x, y, entry.categories)[0],)
    one = Candidate(PLAIN, "logistic", registered()["logistic"], few, repeats)
    kept = some(person, SCREEN, seed)
    fold = folds(person[kept], y[kept], FOLDS, seed)
    odds = crossed([one], x[kept], y[kept], fold, entry.categories, seed)[0]
    curve = calibrate(odds, y[kept], person[kept], cutoff[kept], seed=seed)
    return Model(entry, fit([one], single(0), [(x, y)], entry.categories, seed)[0], curve)


def _enough(part: Examples, name: str) -> None:
    rows, hits = len(part), int(part.y.sum())
    short = {"positive": LEAST - hits, "negative": LEAST - (rows - hits)}
    lacking = [f"{count} more {sort}" for sort, count in short.items() if count > 0]
    if rows < LEAST_ROWS:
        lacking.append(f"{LEAST_ROWS - rows} more rows")
    if lacking:
        raise NotEnough(
            f"the {name} has {rows:,} rows, {hits:,} of them positive",
            f"{LEAST_ROWS} rows and {LEAST} of either outcome: {', '.join(lacking)}",
        )


def _on_test(
    train: Examples,
    test: Examples,
    rows: Rows | None,
    entry: Encoding,
    tried: list[Candidate],
    baselines: Baselines,
    metric: str,
    seed: int,
) -> _Judged:
    """Chosen on `train` by folds of people, judged on `test`, fitted for use on both."""
    x, later, categories = entry.encode(train.table), entry.encode(test.table), entry.categories
    kept = thinned(len(train), SCREEN, seed)
    screen, y, person = x[kept], train.y[kept], train.person[kept]
    few = [replace(one, repeats=len(kept) / len(np.unique(person))) for one in tried]
    odds = crossed(few, screen, y, folds(person, y, _folds(len(kept)), seed), categories, seed)
    later_on = bool(train.cutoff.max() < test.cutoff.min())
    weights = choose_for_later(odds, y) if later_on else choose(odds, y, person, metric)
    cutoff = train.cutoff[kept]

    def calibration(odds: list[Array], weights: Weights) -> Calibration:
        return calibrate(weights.of(odds), y, person, cutoff, seed=seed)

    whole, all_y = np.concatenate([x, later]), np.concatenate([train.y, test.y])
    first, last = fit(tried, weights, [(x, train.y), (whole, all_y)], categories, seed)
    judged = Model(entry, first, calibration(odds, weights))
    test_odds = first.log_odds(later)

    def alone(place: int) -> Array:
        known = dict(zip(weights.places, first.parts, strict=True)).get(place)
        fitted = few[place].fit(screen, y, categories, seed) if known is None else known.fitted
        one = Weights((place,), (1.0,), 0.0)
        return calibration(odds, one).apply(log_odds(fitted.predict(tried[place].seen(later))))

    places = _others(tried, weights)
    others = at_once([partial(alone, place) for place in places])
    merged = calibrate(
        np.concatenate([weights.of(odds), test_odds]),
        np.concatenate([y, test.y]),
        np.concatenate([person, test.person]),
        np.concatenate([cutoff, test.cutoff]),
        seed=seed,
    )
    notes = [f"calibration: {merged.note}"]
    if len(kept) < len(train):
        notes.append(
            f"learners were compared on {len(kept):,} of {len(train):,} rows; the chosen one was fitted on all"
        )
    return _Judged(
        test.y,
        test.person,
        np.arange(len(test)) if rows is None else rows,
        judged.calibration.apply(test_odds),
        {tried[place].name: p for place, p in zip(places, others, strict=True)},
        _plain(baselines, train.y, x, later, categories, entry.names),
        Model(entry, last, merged),
        judged,
        notes,
    )


def _on_a_fifth(
    train: Examples, entry: Encoding, tried: list[Candidate], baselines: Baselines, metric: str, seed: int
) -> _Judged:
    """A fifth of the people kept back as test."""
    test = folds(train.person, train.y, FOLDS, seed) == 0
    split = {name: (raw[~test], raw[test]) for name, (raw, _) in baselines.items()}
    judged = _on_test(train.take(~test), train.take(test), np.flatnonzero(test), entry, tried, split, metric, seed)
    judged.notes.append("judged on a fifth of the people, chosen at random")
    unseen = () if judged.judged_model is None else (judged.judged_model,)
    return replace(judged, unseen=unseen, part=np.zeros(len(judged.rows), np.int64))


def _by_folds(
    train: Examples, entry: Encoding, tried: list[Candidate], baselines: Baselines, metric: str, seed: int
) -> _Judged:
    """Each fifth judged by what was chosen, calibrated and fitted without it.

    What is chosen for a fold rests on models that saw neither the fold nor the rows that they are compared on: every
    two folds are left out together once.
    """
    x, y, person, categories = entry.encode(train.table), train.y, train.person, entry.categories
    fold = folds(person, y, FOLDS, seed)
    odds, fitted = fit_crossed(tried, x, y, fold, categories, seed)
    inner = _without_two(tried, x, y, fold, categories, seed)
    p = np.zeros(len(y))
    alone = {one.name: np.zeros(len(y)) for one in tried}
    plain: dict[str, Array] = {}
    unseen = []
    for part in range(FOLDS):
        out, rest = fold == part, fold != part
        seen = [one[part][rest] for one in inner]
        weights = choose(seen, y[rest], person[rest], metric)

        def told(weights: Weights, seen: list[Array] = seen, out: NDArray[np.bool_] = out) -> tuple[Calibration, Array]:
            curve = calibrate(weights.of(seen), y[~out], person[~out], train.cutoff[~out], seed=seed)
            return curve, curve.apply(weights.of([one[out] for one in odds]))

        curve, p[out] = told(weights)
        unseen.append(Model(entry, blended(tried, weights, [fitted[place][part] for place in weights.places]), curve))
        for place, one in enumerate(tried):
            alone[one.name][out] = told(Weights((place,), (1.0,), 0.0))[1]
        split = {name: (raw[rest], raw[out]) for name, (raw, _) in baselines.items()}
        for name, values in _plain(split, y[rest], x[rest], x[out], categories, entry.names, one_name=True).items():
            plain.setdefault(name, np.zeros(len(y)))[out] = values
    if not baselines:  # the folds' rates differ by a hair, and would rank people against the grain
        plain[BASE_RATE] = base_rate(y, len(y))
    weights = choose(odds, y, person, metric)
    curve = calibrate(weights.of(odds), y, person, train.cutoff, seed=seed)
    model = Model(entry, fit(tried, weights, [(x, y)], categories, seed)[0], curve)
    notes = [f"calibration: {curve.note}", f"judged by {FOLDS}-fold cross-validation over people"]
    return _Judged(y, person, np.arange(len(y)), p, alone, plain, model, None, notes, tuple(unseen), fold)


def _without_two(
    tried: list[Candidate], x: Array, y: Array, fold: Rows, categories: NDArray[np.bool_], seed: int
) -> list[list[Array]]:
    """For each candidate and fold: log-odds of the other folds' rows, by models that saw neither."""
    pairs = [(one, a, b) for one in range(len(tried)) for a in range(FOLDS) for b in range(a)]

    def job(one: int, a: int, b: int) -> Array:
        asked = (fold == a) | (fold == b)
        return left_out(tried[one], x, y, ~asked, asked, categories, seed)

    found = [[np.zeros(len(y)) for _ in range(FOLDS)] for _ in tried]
    for (one, a, b), values in zip(pairs, at_once([partial(job, *pair) for pair in pairs]), strict=True):
        asked = (fold == a) | (fold == b)
        both = np.zeros(len(y))
        both[asked] = values
        found[one][a][fold == b] = both[fold == b]
        found[one][b][fold == a] = both[fold == a]
    return found


def _plain(
    baselines: Baselines,
    y: Array,
    x: Array,
    later: Array,
    categories: NDArray[np.bool_],
    names: tuple[str, ...],
    one_name: bool = False,
) -> dict[str, Array]:
    """Probabilities by every baseline; base rate and best single field where none is given."""
    if baselines:
        return {name: calibrated(raw, y, other) for name, (raw, other) in baselines.items()}
    place, rates = single_field(x, y, categories)
    field = "best single field" if one_name else f"best single field ({names[place]})"
    return {BASE_RATE: base_rate(y, len(later)), field: by_field(x, place, rates, later, categories)}


def _others(tried: list[Candidate], weights: Weights) -> list[int]:
    """The candidates beside the chosen one; all of them beside a blend."""
    alone = weights.places[0] if len(weights.places) == 1 else None
    return [place for place in range(len(tried)) if place != alone]


def _folds(rows: int) -> int:
    return FOLDS if rows <= MOST_CROSSED else 3


def _verdict(
    judged: _Judged, shown: Examples, out_of_time: bool, metric: str, seed: int, labels: Mapping[str, Label]
) -> Learned:
    y, p = judged.y, judged.p
    people = People.of(judged.person, seed=seed)
    plain = {name: exact(y, values)[metric] for name, values in judged.baselines.items()}
    best = next(iter(plain))
    for name, value in plain.items():
        best = name if better(metric, value, plain[best]) else best
    gain = differences(y, p, judged.baselines[best], people)[metric]
    beats = gain.low is not None and gain.low > 0
    notes = list(judged.notes)
    if not beats:
        notes.append(f"not used: it does not beat {best} by more than chance in {metric}")
    rows = np.unique(np.linspace(0, len(shown) - 1, EXPLAINED).astype(np.int64))
    skills = [Skill(name=judged.model.algorithm, kind="model", metrics=judge(y, p, people))]
    contestants: list[tuple[Literal["model", "baseline"], Mapping[str, Array]]] = [
        ("model", judged.learners),
        ("baseline", judged.baselines),
    ]
    for kind, others in contestants:
        skills += [
            Skill(name=name, kind=kind, metrics=judge(y, q, people))
            for name, q in others.items()
            if not np.array_equal(p, q)
        ]
    return Learned(
        model=judged.model,
        judged_model=judged.judged_model,
        stand_in=None,
        judged_stand_in=None,
        predictions=p,
        judged=judged.rows,
        out_of_time=out_of_time,
        metric=metric,
        algorithm=judged.model.algorithm,
        skills=skills,
        baseline=best,
        gain=gain,
        beats=beats,
        calibration=curves.calibration(y, p),
        roc=curves.roc(y, p),
        precision_recall=curves.precision_recall(y, p),
        deciles=curves.deciles(y, p),
        importances=importances(judged.model, shown.table.take(pa.array(rows)), labels),
        dropped=judged.model.encoding.dropped,
        notes=notes,
        unseen=judged.unseen,
        part=judged.part,
    )
