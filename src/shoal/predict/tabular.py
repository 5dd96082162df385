"""A label over traits, in a table without time: who has it, told for those of whom it is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import evaluate
from shoal.define.parse import parse
from shoal.define.tree import columns_of
from shoal.define.types import Type, types_of
from shoal.errors import ExpressionError, Fault, SettingsError
from shoal.predict.contest import NotEnough, learn
from shoal.predict.encoding import Columns
from shoal.predict.found import UNSEEN, Found, Scores
from shoal.predict.known import Known
from shoal.predict.leak import leaks
from shoal.predict.learner import Array, Examples
from shoal.predict.model import Model, bundle, unbundle
from shoal.predict.propensity import SEED, in_service, in_use_of, judged, purpose, without
from shoal.predict.reasons import reasons
from shoal.predict.register import Champion, Entry, contested, on_record
from shoal.predict.use import Use
from shoal.predict.vault import version_of
from shoal.settings import FILE, Objective
from shoal.summary import ModelCard

Rows = NDArray[np.int64]


def labels_of(one: Objective, known: Known) -> tuple[Array, list[str]]:
    """The label of each person, 1, 0 or NaN where it is not known, and the columns that it reads.

    Raises SettingsError when the label cannot be read over the traits.
    """
    table = known.features
    try:
        expr = parse(str(one.label), types_of(table.schema), expect=Type.BOOL)
    except ExpressionError as error:
        place = f"objectives.{one.name}.label"
        raise SettingsError([Fault(FILE, None, place, str(error), "name traits as the sources do")]) from None
    found = evaluate(expr, table)
    return np.where(found.valid, found.values.astype(np.float64), np.nan), sorted(columns_of(expr))


def table_card(one: Objective, label: str, rows: Mapping[str, int]) -> ModelCard:
    """The card of a model over a table without time, before it is fitted."""
    return ModelCard(
        name=one.name,
        kind=one.kind,
        status="not enough data",
        purpose=one.purpose or purpose(one.kind),
        owner=one.owner,
        label=label,
        population="everybody in the table; learned from those whose label is known",
        metric="auc",
        out_of_time=False,
        rows=dict(rows),
        limits=["not out of time: the table has one moment only; judged by cross-validation on people it has not seen"],
    )


def answer_table(
    known: Known, one: Objective, y: Array, read: Sequence[str], champion: Champion | None, made_by: str
) -> Found:
    """A label over traits: `y` is 1, 0 or NaN (not known) for each row of the features; `read` are the label's columns.

    People with a label get the score of a model that did not see it, the others that of the whole.
    """
    table = known.features
    rows = np.isfinite(y)
    wished = [name for name in known.inputs if name not in set(read) | set(one.exclude)]
    person = table["person"].to_numpy()
    train = Examples(table.select(wished), y, person, np.zeros(len(y), np.int64)).take(rows)
    counts = {"train": len(train), "train_positives": int(train.y.sum()), "people": known.people}
    card = table_card(one, str(one.label), counts)
    dropped = dict.fromkeys(one.exclude, "left out as the objective asks") | leaks(train, wished, one.allow)
    train = without(train, dropped)
    try:
        learned = learn(train, None, baselines={}, metric="auc", seed=SEED, allow=one.allow, labels=known.labels)
    except NotEnough as error:
        return Found(card.model_copy(update={"notes": [str(error)], "dropped": dropped}))
    fresh = in_use_of(learned)
    whole = TableModel(fresh, learned.unseen if learned.beats else ())
    files = whole.to_files()
    key = f"table:{one.label}"
    entry = Entry(one.name, version_of(files), key, known.as_of, made_by, "auc")
    contest = contested(champion, entry, tested_from=None, gain=None)
    part = np.full(len(y), -1, np.int64)
    if learned.beats:
        part[np.flatnonzero(rows)[learned.judged]] = learned.part
    score, low, high = whole.score(table, part)
    told = reasons(fresh, table, known.labels, scores=score).column
    scores = (Scores(one.name, person, score, low, high, entry.version, told),)
    card = in_service(judged(card, learned, dropped), entry.version, contest, scores, known.people)
    seen = part >= 0
    unseen = pa.table([person[seen], pa.repeat(one.name, int(seen.sum())), part[seen]], names=UNSEEN.names).cast(UNSEEN)
    use = Use(one.name, "table", entry.version)
    return Found(card, scores, (), on_record(entry, files, champion), entry, use=use, unseen=unseen)


@dataclass(frozen=True)
class TableModel:
    """A model over a table without time, and the models that stand in for it with people whose label it has seen."""

    model: Model
    others: tuple[Model, ...] = ()

    def score(self, table: pa.Table, part: Rows) -> tuple[Array, Array, Array]:
        """Probability of each row with its band; by the other model number `part` (rows) where that is not -1.

        The band is the whole model's at that probability.
        """
        score, low, high = self.model.score(table)
        for number, other in enumerate(self.others):
            rows = np.flatnonzero(part == number)
            if len(rows):
                score[rows] = other.chance(Columns(table.take(pa.array(rows))))
                low[rows], high[rows] = self.model.calibration.band_of(score[rows])
        return score, low, high

    def to_files(self) -> dict[str, bytes]:
        """The models as files by name; `load` is the inverse."""
        return {**self.model.to_files(), **bundle(self.others)}

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> TableModel:
        """What `to_files` gave."""
        return cls(Model.load(files), unbundle(files))
