"""One yes-or-no question over events: learned, held against baselines and the champion, scored, explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.words import Label
from shoal.predict import baselines, skill
from shoal.predict.contest import Learned, NotEnough, learn
from shoal.predict.cutoffs import Cutoffs
from shoal.predict.found import Found, Scores
from shoal.predict.known import Known
from shoal.predict.leak import leaks
from shoal.predict.learner import Array, Examples
from shoal.predict.model import Model
from shoal.predict.objective import Task
from shoal.predict.past import examples, examples_of, meant
from shoal.predict.reasons import reasons
from shoal.predict.register import Champion, Entry, comparable, contested, on_record, opened
from shoal.predict.resample import People
from shoal.predict.use import Use
from shoal.predict.vault import version_of
from shoal.summary import PLAIN, Contest, Interval, ModelCard
from shoal.tables import iso

SEED = 1
MOST_IMPORTANT = 20
STAND_IN = (
    f"a {PLAIN} gives the scores, calibrated like the model: on recency, frequency and money, or on the best single "
    "field; the figures, curves and reasons of this card are of the model that was tried"
)


def answer(
    known: Known,
    task: Task,
    labelled: pa.Table,
    cuts: Cutoffs,
    now: pa.Table,
    earlier: pa.Table | None,
    champion: Champion | None,
    made_by: str,
) -> Found:
    """Learns from the labelled cut-offs of `cuts`, judges at the last, and scores the people whom the task means."""
    wished, labels = [*known.inputs, *task.inputs], {**known.labels, **task.labels}
    people = labelled.filter(pa.array(meant(task, labelled)))
    whole = examples_of(task, people, wished)
    dropped = dict.fromkeys(task.objective.exclude, "left out as the objective asks")
    late = whole.cutoff == cuts.test
    train = whole.take(~late) if cuts.train else whole
    test = whole.take(late) if cuts.train else None
    dropped |= leaks(train, [name for name in known.traits if name in whole.table.column_names], task.objective.allow)
    train, test = without(train, dropped), None if test is None else without(test, dropped)
    plain = _plain(people, late, split=bool(cuts.train))
    card = _card(task, cuts, train, test)
    try:
        learned = learn(
            train,
            test,
            baselines=plain,
            metric=task.metric,
            seed=SEED,
            allow=task.objective.allow,
            labels=labels,
        )
    except NotEnough as error:
        return Found(card.model_copy(update={"notes": [str(error)], "dropped": dropped}))
    fresh = in_use_of(learned)
    files = fresh.to_files()
    entry = Entry(task.name, version_of(files), task.key, known.as_of, made_by, task.metric)
    champion, old = opened(champion, Model.load)
    gain = _gain(champion, old, entry, learned, test, cuts)
    contest = contested(champion, entry, tested_from=cuts.test if cuts.train else None, gain=gain)
    kept = champion if champion is not None and contest.winner == champion.entry.version else None
    model = old if kept is not None and old is not None else fresh
    in_use = kept.entry if kept is not None else entry
    scores = _scores(task, model, in_use.version, now, labels)
    card = judged(card, learned, dropped)
    if in_use.version != entry.version:
        card = of_another(card, model.algorithm, in_use, entry)
    card = in_service(card, in_use.version, contest, scores, known.people)
    before, record = _before(task, learned, known, cuts, earlier), on_record(entry, files, champion)
    return Found(card, scores, before, record, in_use, use=Use.of_question(task, in_use.version))


def of_another(card: ModelCard, algorithm: str, in_use: Entry, tried: Entry) -> ModelCard:
    """The card where an earlier version stays in use: its figures are those of the challenger."""
    notes = [note for note in card.notes if note != STAND_IN]
    told = f"{in_use.version}, made by an earlier run, gives the scores; the figures and curves are of {tried.version}"
    return card.model_copy(update={"algorithm": algorithm, "notes": [*notes, told]})


def in_service(card: ModelCard, version: str, contest: Contest, scores: Sequence[Scores], people: int) -> ModelCard:
    """The card of a version that gives scores."""
    return card.model_copy(
        update={
            "status": "used",
            "version": version,
            "contest": contest,
            "scores": [one.model for one in scores] or [card.name],
            "spread": spread(scores),
            "rows": {**card.rows, "people": people, "scored": len(scores[0].person) if scores else 0},
        }
    )


def without(rows: Examples, dropped: Mapping[str, str]) -> Examples:
    """The rows without the features that were refused."""
    kept = [name for name in rows.table.column_names if name not in dropped]
    return replace(rows, table=rows.table.select(kept))


def _plain(people: pa.Table, late: NDArray[np.bool_], *, split: bool) -> dict[str, tuple[Array, Array]]:
    if not split:
        return baselines.plain(people, people)
    return baselines.plain(people.filter(pa.array(~late)), people.filter(pa.array(late)))


def _gain(
    champion: Champion | None,
    old: Model | None,
    entry: Entry,
    learned: Learned,
    test: Examples | None,
    cuts: Cutoffs,
) -> Interval | None:
    """How much better the new way is than the version in use, on the newest labelled window."""
    if champion is None or old is None or test is None or not comparable(champion.entry, entry, cuts.test):
        return None
    new = learned.predictions
    if not learned.beats and learned.judged_stand_in is not None:
        new = learned.judged_stand_in.score(test.table)[0]
    found = skill.differences(test.y, new, old.score(test.table)[0], People.of(test.person, seed=SEED))
    return found[entry.metric]


def _scores(task: Task, model: Model, version: str, now: pa.Table, labels: Mapping[str, Label]) -> tuple[Scores, ...]:
    people = now.filter(pa.array(meant(task, now)))
    if not people.num_rows:
        return ()
    score, low, high = model.score(people)
    told = reasons(model, people, labels, scores=score).column
    return (Scores(task.name, people["person"].to_numpy(), score, low, high, version, told),)


def _before(task: Task, learned: Learned, known: Known, cuts: Cutoffs, earlier: pa.Table | None) -> tuple[Scores, ...]:
    """Scores of one period earlier, by the model that knew nothing of what came after; none where there is none."""
    model = learned.judged_model if learned.beats else learned.judged_stand_in
    if model is None or earlier is None or known.before_at is None or cuts.test > known.before_at:
        return ()
    people = earlier.filter(pa.array(meant(task, earlier)))
    score, low, high = model.score(people)
    return (Scores(task.name, people["person"].to_numpy(), score, low, high, "judged"),)


def in_use_of(learned: Learned) -> Model:
    """What gives the scores: the model, or the plain way where the model does not beat its baseline."""
    return learned.model if learned.beats or learned.stand_in is None else learned.stand_in


def spread(scores: Sequence[Scores]) -> dict[str, float]:
    """Deciles of the scores given."""
    if not scores or not len(scores[0].score):
        return {}
    found = np.quantile(scores[0].score, [0.1, 0.5, 0.9])
    return dict(zip(("q10", "q50", "q90"), (float(one) for one in found), strict=True))


def _card(task: Task, cuts: Cutoffs, train: Examples, test: Examples | None) -> ModelCard:
    """What is known of a model before it is fitted: the question, the people, the metric, the windows."""
    one = task.objective
    rows = {"train": len(train), "train_positives": int(train.y.sum())}
    if test is not None:
        rows |= {"test": len(test), "test_positives": int(test.y.sum())}
    return ModelCard(
        name=task.name,
        kind=one.kind,
        status="not enough data",
        purpose=one.purpose or purpose(one.kind),
        owner=one.owner,
        label=task.label,
        population=task.population,
        metric=task.metric,
        horizon_days=task.days,
        out_of_time=test is not None,
        trained_from=iso(cuts.train[0]) if cuts.train else iso(cuts.test),
        trained_until=iso(cuts.train[-1] + task.horizon) if cuts.train else None,
        tested_from=iso(cuts.test),
        tested_until=iso(cuts.test + task.horizon),
        cutoffs=len(cuts.all),
        rows=rows,
        limits=limits(cuts, test),
    )


def judged(card: ModelCard, learned: Learned, dropped: Mapping[str, str]) -> ModelCard:
    """The card with what the contest found."""
    return card.model_copy(
        update={
            "algorithm": learned.algorithm
            if learned.beats
            else f"{PLAIN}; the {learned.algorithm} that was tried is not used",
            "skills": list(learned.skills),
            "baseline": learned.baseline,
            "gain": learned.gain,
            "calibration": list(learned.calibration),
            "roc": list(learned.roc),
            "precision_recall": list(learned.precision_recall),
            "deciles": list(learned.deciles),
            "importances": learned.importances[:MOST_IMPORTANT],
            "dropped": {**learned.dropped, **dropped},
            "notes": list(learned.notes) if learned.beats else [*learned.notes, STAND_IN],
        }
    )


def limits(cuts: Cutoffs, test: Examples | None) -> list[str]:
    """What a reader must keep in mind."""
    found = []
    if test is None and cuts.test:
        found.append("judged on people it has not seen, at the same cut-off: the history is too short for a later one")
    if cuts.share < 1:
        found.append(f"learned from {cuts.share:.0%} of the people, taken at random")
    return found


def purpose(kind: str) -> str:
    """What a kind of model is for, in words."""
    return {
        "churn": "find people who are about to leave while they can still be kept",
        "purchase": "find people who are about to buy",
        "conversion": "find people who are about to buy for the first time",
        "intent": "find people who are about to buy now",
        "upsell": "find people who are ready to spend more",
        "decline": "find people whose spending is about to fall",
        "cross_sell": "find people for a category that they have not bought yet",
        "label": "tell people with the label from those without",
    }.get(kind, "")


def outcomes(task: Task, labelled: pa.Table, at: int) -> tuple[NDArray[np.int64], Array]:
    """Whom a task meant at an instant, and what came true of them."""
    rows = labelled.filter(pc.equal(labelled["as_of"].cast(pa.int64()), at))
    found = examples(task, rows, [])
    return found.person, found.y


def measured(y: Array, score: Array) -> dict[str, Interval]:
    """How good matured predictions were; one row a person."""
    return skill.judge(y, score, People.of(np.arange(len(y)), seed=SEED))
