"""Why a score is what it is: the features that push it up and down, in words with the person's own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.protected import is_protected
from shoal.define.words import Label, amount
from shoal.predict.encoding import Input
from shoal.predict.learner import Array
from shoal.predict.model import Model
from shoal.summary import Importance
from shoal.tables import REASON

TOP = 3
MOST = 20_000  # people: tree SHAP takes trees times leaves steps for each
CHUNK = 5_000
NOTHING = 1e-6  # log-odds: what moves a score by less is no reason
RECENCY, GAP = "recency_days", "gap_days_mean"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reasons:
    """A list of REASON for every row, strongest first, null where it was not explained; `rate` is rows a second."""

    column: pa.ListArray
    explained: int
    rate: float
    note: str = ""


def reasons(
    model: Model,
    table: pa.Table,
    labels: Mapping[str, Label],
    *,
    scores: Array | None = None,
    top: int = TOP,
    rows: int = MOST,
) -> Reasons:
    """The `top` features that push each row's score furthest up (effect above 0) or down, on the scale of log-odds.

    At most `rows` rows are explained: those with the highest `scores` (the first ones without). Protected traits are
    never given as a reason, even where a purpose let them into the model.
    """
    began = perf_counter()
    chosen = _chosen(table.num_rows, rows, scores)
    parts = [
        _explained(model, table.take(pa.array(chosen[start : start + CHUNK])), labels, top)
        for start in range(0, len(chosen), CHUNK)
    ]
    told = pa.concat_arrays(parts) if parts else pa.array([], pa.list_(REASON))
    places = np.full(table.num_rows, -1, dtype=np.int64)
    places[chosen] = np.arange(len(chosen))
    column = told.take(pa.array(places, mask=places < 0)) if len(chosen) < table.num_rows else told
    note = ""
    if len(chosen) < table.num_rows:
        note = f"reasons for the {len(chosen):,} people with the highest scores of {table.num_rows:,}"
    return Reasons(column, len(chosen), len(chosen) / max(perf_counter() - began, 1e-9), note)


def importances(model: Model, table: pa.Table, labels: Mapping[str, Label]) -> list[Importance]:
    """Each input's share of the mean absolute contribution over the rows of `table`, largest first."""
    names, found = model.contributions(table)
    sizes = np.abs(found).mean(axis=0) if len(found) else np.zeros(len(names))
    total = float(sizes.sum())
    order = [
        place for place in np.argsort(-sizes, kind="stable") if sizes[place] > 0 and not is_protected(names[place])
    ]
    return [
        Importance(
            feature=names[place], words=_label(names[place], labels).text, share=round(float(sizes[place] / total), 6)
        )
        for place in order
    ]


def _chosen(count: int, most: int, scores: Array | None) -> NDArray[np.int64]:
    if count <= most:
        return np.arange(count, dtype=np.int64)
    ranked = np.arange(count) if scores is None else np.argsort(-scores, kind="stable")
    return np.sort(ranked[: max(most, 0)]).astype(np.int64)


def _explained(model: Model, table: pa.Table, labels: Mapping[str, Label], top: int) -> pa.ListArray:
    x = model.encoding.encode(table)
    names, effects = model.contributions(table)
    effects[:, [is_protected(name) for name in names]] = 0.0
    width = min(top, len(names))
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :width]
    sizes = np.take_along_axis(effects, order, axis=1)
    kept = np.abs(sizes) > NOTHING
    row, rank = np.nonzero(kept)
    feature, effect = order[row, rank], sizes[row, rank]
    values, words = np.empty(len(row), dtype=object), np.empty(len(row), dtype=object)
    for place, item in enumerate(model.encoding.inputs):
        here = np.flatnonzero(feature == place)
        if len(here):
            gaps = x[row[here], names.index(GAP)] if item.name == RECENCY and GAP in names else None
            values[here], words[here] = _said(x[row[here], place], item, _label(item.name, labels), gaps)
    named = pa.array(np.array(names, dtype=object)[feature], pa.string())
    told = pa.StructArray.from_arrays([named, _texts(values), pa.array(effect), _texts(words)], fields=list(REASON))
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), told)


def _texts(texts: NDArray[np.object_]) -> pa.Array:
    """Texts as Arrow."""
    return pa.array(texts, pa.string())


def _label(name: str, labels: Mapping[str, Label]) -> Label:
    return labels.get(name) or Label(name.replace("_", " "))


def _said(x: Array, item: Input, label: Label, gaps: Array | None) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Each row's value and words; every different value is put into words once."""
    days = label.unit in ("days", "ago")
    known = _short(x) if days or (item.kind != "category" and label.unit != "share") else x
    usual = np.full(len(x), np.nan) if gaps is None else _short(gaps)
    _, code = np.unique(known, return_inverse=True)
    different, other = np.unique(usual, return_inverse=True)
    _, first, place = np.unique(code * len(different) + other, return_index=True, return_inverse=True)
    values, words = [], []
    for at in first:
        value = None if np.isnan(known[at]) else float(known[at])
        text = _value(value, item, label)
        values.append(text)
        words.append(_words(value, text, item, label, None if np.isnan(usual[at]) else float(usual[at])))
    return np.array(values, dtype=object)[place], np.array(words, dtype=object)[place]


def _short(values: Array) -> Array:
    """As many digits as a reason needs: whole from 10 up, one place from 1, three figures below."""
    size = np.abs(values)
    small = np.where(size >= 0.1, np.round(values, 2), np.round(values, 4))
    return np.where(size >= 10, np.round(values), np.where(size >= 1, np.round(values, 1), small))


def _value(value: float | None, item: Input, label: Label) -> str:
    if value is None:
        return UNKNOWN
    if item.kind == "category":
        return item.say(value) or UNKNOWN
    if item.yes_no:
        return "yes" if value else "no"
    return amount(value, label.unit)


def _words(value: float | None, text: str, item: Input, label: Label, gap: float | None) -> str:
    """One reason in words, as in 'no order for 64 days; usual gap 21' or 'orders in 90 days: 0 (typical 2)'."""
    if label.unit == "ago":
        noun = label.text.removeprefix("last ")
        if value is None:
            return f"no {noun} yet" if noun != label.text else f"{label.text}: {UNKNOWN}"
        usual = "" if gap is None else f"; usual gap {amount(gap, None)}"
        if gap is not None and value > gap and noun != label.text:
            return f"no {noun} for {text}{usual}"
        return f"{label.text} {text} ago{usual}"
    said = f"{label.text}: {text}"
    if value is None or item.kind == "category" or item.yes_no or item.typical is None:
        return said
    short = item.typical if label.unit == "share" else float(_short(np.array(item.typical)))
    typical = amount(short, label.unit)
    return said if typical == text else f"{said} (typical {typical})"
