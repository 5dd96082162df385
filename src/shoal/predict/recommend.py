"""Who is drawn to what: chooses, judges and applies a model of affinities. The story is `affinities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.predict import ranking
from shoal.predict.affinity import FORMS, LARGEST, Affinity, Choice, Ranked, fit, plain
from shoal.predict.baskets import FEWEST, Baskets
from shoal.predict.ranking import Judged, Trial, judge, trial_of
from shoal.summary import Interval, Skill

FEWEST_PEOPLE, FEWEST_ITEMS = 50, 3
CHOOSING_ITEMS, CHOOSING_PEOPLE = 2_500, 2_000
RIDGES = (100.0, 200.0, 300.0, 500.0, 1000.0, 3000.0)  # the published optima lie within (Steck 2019, section 3.2)
NEIGHBOURS = (20, 50)
OWN, REPEAT = (-2.0, 0.0, 0.5, 1.0, 2.0, 4.0), (0.0, 0.2, 0.4, 0.8)
METRIC = "recall"

COLUMNS = pa.schema(
    [
        ("person", pa.int64()),
        ("rank", pa.int32()),
        ("item", pa.dictionary(pa.int32(), pa.string())),
        ("score", pa.float64()),
        ("new", pa.bool_()),
        ("popular", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class AffinityResult:
    """All that a card and the table of affinities need.

    `table` has the columns of `COLUMNS`; it is empty unless the model is used. `score` is relative to the person's
    best item (see `affinity.Ranked`), `popular` says that the person has no history and gets what most people take.
    `gain` is recall against the most popular items, `gain_own` against own purchases; positive is better.
    """

    status: Literal["used", "not used", "not enough data"]
    table: pa.Table
    reason: str = ""
    model: Affinity | None = None
    skills: list[Skill] = field(default_factory=list)
    gain: Interval | None = None
    gain_own: Interval | None = None
    rows: dict[str, int] = field(default_factory=dict)
    chosen: dict[str, float | str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def affinities(
    everything: Baskets,
    before: Baskets,
    after: Baskets,
    *,
    top: int = 10,
    seed: int = 0,
    fewest: int = FEWEST,
    people: NDArray[np.int64] | None = None,
) -> AffinityResult:
    """Fits on `before`, judges on `after`, and where that beats the most popular items, fits anew on `everything`.

    `before` and `after` are `everything.split(days)`, or gathered apart. Parameters are chosen inside `before`, by a
    split of its own in time. Each person (of `people`, else of `everything`) gets the `top` best items and the `top`
    best that they never had, `rank` 1 the best of them; an item counts where `fewest` people had it.
    """
    before = before.trimmed(fewest)
    trial = trial_of(before, after, seed=seed)
    rows = {"train": len(before), "test": len(trial), "items": len(before.items)}
    reason = hopeless(len(trial), len(before.items), fewest)
    if reason:
        return AffinityResult("not enough data", COLUMNS.empty_table(), reason, rows=rows)
    days = int(after.age.max()) + 1
    choice, told = choose(before, days, seed=seed, fewest=fewest)
    models = [fit(before, choice), plain(before, own=1.0), plain(before, own=0.0)]
    judged = [judge(model, trial) for model in models]
    skills = [
        ranking.skill(model.algorithm, "baseline" if place else "model", one, seed=seed)
        for place, (model, one) in enumerate(zip(models, judged, strict=True))
    ]
    gain, gain_own = (ranking.mean(judged[0].recall - other.recall, seed=seed) for other in judged[:0:-1])
    result = AffinityResult(
        "not used", COLUMNS.empty_table(), model=models[0], skills=skills, gain=gain, gain_own=gain_own, rows=rows,
        chosen=_told(models[0]), notes=[told, *_notes(judged, gain_own, before, seed)],
    )  # fmt: skip
    if gain.low is None or gain.low <= 0:
        worse = "recall@10 is not clearly above that of the most popular items; the model is not used"
        return replace(result, reason=worse)
    everything = everything.trimmed(fewest)
    final = fit(everything, choice)
    table = listed(final, everything, top, people)
    people_scored = len(everything) if people is None else len(people)
    return replace(result, status="used", model=final, table=table, rows={**rows, "scored": people_scored})


def hopeless(people: int, items: int, fewest: int = FEWEST) -> str:
    """Why there is nothing to learn from, with what would be needed; empty where there is enough."""
    if items < FEWEST_ITEMS:
        known = f"{items} items that {fewest} people had before the test"
        return f"not enough data: {known}, at least {FEWEST_ITEMS} are needed"
    if people < FEWEST_PEOPLE:
        return (
            f"not enough data: {people} people with a history came back in the test, "
            f"at least {FEWEST_PEOPLE} are needed"
        )
    return ""


def choose(before: Baskets, days: int, *, seed: int, fewest: int = FEWEST) -> tuple[Choice, str]:
    """The parameters that rank best what came in the last `days` days of `before`, from what came earlier.

    First the items that go together, by NDCG of new items; then the weights of one's own habits, by NDCG of all.
    With too few people who came twice, a fifth of what each has is hidden at random instead. Judged on at most 2,000
    people and the 2,500 most popular items; gives the choice and a sentence about how it was made.
    """
    earlier, later = before.split(days)
    earlier = earlier.trimmed(fewest, CHOOSING_ITEMS)
    trial = trial_of(earlier, later, most=CHOOSING_PEOPLE, seed=seed)
    how = f"parameters chosen on the {days} days before the test, from what came earlier"
    if len(trial) < FEWEST_PEOPLE or len(earlier.items) < FEWEST_ITEMS:
        trial = _hidden(before, fewest, seed)
        how = "parameters chosen on a random fifth of the items: too few people came before and after an inner split"
    if len(trial) < FEWEST_PEOPLE or not trial.before.items:
        return Choice(), "parameters are the defaults: too few people to choose them by"
    small = len(before.items) <= LARGEST
    inputs = FORMS if (trial.before.days().data > 1).any() else FORMS[:1]  # they differ only where counts do
    forms: Sequence[Choice] = (
        [Choice(form=form, ridge=ridge) for form, ridge in product(inputs, RIDGES)]
        if small
        else [Choice(form=form, k=k) for form, k in product(inputs, NEIGHBOURS)]
    )
    together = [fit(trial.before, one, by_kin=not small) for one in forms]
    base = together[_best([judge(model, trial).new_ndcg for model in together])]
    habits = [base.with_habits(own, repeat) for own, repeat in product(OWN, REPEAT) if repeat == 0 or own > 0]
    chosen = habits[_best([judge(model, trial).ndcg for model in habits])]
    return chosen.choice, how


def listed(model: Affinity, baskets: Baskets, top: int, people: NDArray[np.int64] | None = None) -> pa.Table:
    """The `top` best items and the `top` best new ones of each person, as a table with the columns of `COLUMNS`."""
    if people is not None:
        baskets = baskets.onto(people, model.items)
    both = [model.top(baskets, top, new_only=new_only) for new_only in (False, True)]
    return _table(model, baskets.people, both[0], both[1])


def _table(model: Affinity, people: NDArray[np.int64], best: Ranked, new: Ranked) -> pa.Table:
    """The two lists as one, each item once, best first: the new items among the best lead the list of new ones."""
    twice = np.arange(new.item.shape[1]) < best.new.sum(axis=1, keepdims=True)
    item = np.concatenate([best.item, np.where(twice, -1, new.item)], axis=1)
    score = np.concatenate([best.score, new.score], axis=1)
    fresh = np.concatenate([best.new, new.new], axis=1)
    order = np.argsort(np.where(item < 0, np.inf, -score), axis=1, kind="stable")
    item, score, fresh = (np.take_along_axis(each, order, axis=1) for each in (item, score, fresh))
    there = item >= 0
    count = there.sum(axis=1)
    names = pa.array(model.items, pa.string())
    columns = [
        pa.array(np.repeat(people, count)),
        pa.array((np.cumsum(there, axis=1)[there]).astype(np.int32)),
        pa.DictionaryArray.from_arrays(pa.array(item[there]), names),
        pa.array(score[there].astype(np.float64)),
        pa.array(fresh[there]),
        pa.array(np.repeat(best.popular, count)),
    ]
    return pa.table(columns, schema=COLUMNS)


def _hidden(baskets: Baskets, fewest: int, seed: int, share: float = 0.2) -> Trial:
    """A trial on a random fifth of each person's items, where time gives none."""
    days = baskets.days()
    pair = np.repeat(np.arange(days.nnz), days.data.astype(np.int64))
    hidden = (np.random.default_rng(seed).random(days.nnz) < share)[pair]
    shown = baskets.at(~hidden).trimmed(fewest, CHOOSING_ITEMS)
    return trial_of(shown, baskets.at(hidden), most=CHOOSING_PEOPLE, seed=seed)


def _best(scores: Sequence[NDArray[np.float64]]) -> int:
    """The first with the highest mean; where nobody could be judged, the first."""
    means = [float(np.nanmean(one)) if np.isfinite(one).any() else 0.0 for one in scores]
    return int(np.argmax(np.round(means, 9)))


def _told(model: Affinity) -> dict[str, float | str]:
    told: dict[str, float | str] = {"form": model.choice.form}
    told |= {"ridge": model.choice.ridge} if isinstance(model.weights, np.ndarray) else {"k": model.choice.k}
    return {**told, "own": model.choice.own, "repeat": model.choice.repeat}


def _notes(judged: Sequence[Judged], gain_own: Interval, before: Baskets, seed: int) -> list[str]:
    notes = []
    if gain_own.low is None or gain_own.low <= 0:
        notes.append("recall@10 of all items is not clearly above that of one's own purchases alone")
    fresh = ranking.mean(judged[0].new_recall - judged[2].new_recall, seed=seed)
    if fresh.low is None or fresh.low <= 0:
        notes.append("recall@10 of items never had is not clearly above that of the most popular items")
    if len(before.items) > LARGEST:
        notes.append(f"{len(before.items):,} items are beyond EASE's {LARGEST:,}: BM25 item-kNN")
    return notes
