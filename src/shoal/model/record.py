"""Segments as records: drawn from their rules, with brief, words, version and what the report shows of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal import summary
from shoal.define.segment import SegmentFile
from shoal.define.words import Label
from shoal.errors import ExpressionError, Fault, SettingsError
from shoal.model import brief as briefs
from shoal.model.meta import FeatureMeta
from shoal.model.name import unique_names
from shoal.model.portrait import Crowd, portrait
from shoal.model.predictive import forecast
from shoal.model.rules import Cut, select, words
from shoal.model.scores import absence
from shoal.settings import Settings

SAID = ("rule", "subgroup")  # kinds whose headline is theirs, not computed


def own_cuts(
    own: Sequence[SegmentFile], table: pa.Table, models: Sequence[summary.ModelCard]
) -> tuple[list[Cut], list[str]]:
    """The workspace's own rules as of now, with thresholds by rank as numbers; and what did not go as asked.

    Raises SettingsError with the faults of all of them at once.
    """
    cuts: list[Cut] = []
    faults: list[Fault] = []
    notes: list[str] = []
    for one in own:
        try:
            found = one.resolved(table)
            select(found.rule, table.slice(0, 1))
        except ExpressionError as error:
            where = "by" if error.text == one.by else "rule"
            faults.append(Fault(one.file, None, where, _with_reason(error, models), "see docs/rules.md"))
            continue
        cuts.append(Cut(one.name, "rule", found.rule, facts={"headline": one.description}, phrases=found.phrases))
        notes += [f"{one.file}: {note}" for note in found.notes]
    if faults:
        raise SettingsError(faults)
    return cuts, notes


def plain(one: SegmentFile, table: pa.Table) -> str | None:
    """An own rule with its ranks as numbers; None where it reads what is not there."""
    try:
        rule = one.resolved(table).rule
        select(rule, table.slice(0, 1))
    except ExpressionError:
        return None
    return rule


def _with_reason(error: ExpressionError, models: Sequence[summary.ModelCard]) -> str:
    """What was wrong; for a score that is not there, why its model gave none."""
    missing = re.match(r"unknown column '(.+?)'\.", error.what)
    why = absence(missing[1], models) if missing else ""
    return str(ExpressionError(missing[0] + why, error.text, error.position)) if missing and why else str(error)


def named(cuts: Sequence[Cut]) -> list[Cut]:
    names = unique_names([cut.name for cut in cuts])
    return [replace(cut, name=name) for cut, name in zip(cuts, names, strict=True)]


def draw(
    cuts: Sequence[Cut],
    members: Sequence[NDArray[np.bool_]],
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
    everybody: Crowd,
    settings: Settings,
    own: Sequence[SegmentFile],
    inputs: Sequence[str],
) -> list[summary.Segment]:
    """The segments as records, each with its brief; `table` has every column that rules read."""
    labels = {name: one.spoken for name, one in meta.items()}
    strategies = {one.name: one.strategies for one in own}
    found = []
    for cut, member in zip(cuts, members, strict=True):
        picture = portrait(everybody, member)
        ahead = forecast(cut.rule, member, table, meta, settings.currency)
        brief = briefs.brief(
            everybody,
            picture,
            fidelity=cut.facts.get("fidelity"),
            floor=settings.segments.floor,
            currency=settings.currency,
            lead=ahead.lead,
            worth=ahead.worth,
            ahead=ahead.tags,
            plays=settings.strategies,
        )
        if cut.kind in SAID:
            said = summary.Brief(
                headline=cut.facts["headline"] or brief.headline, strategies=strategies.get(cut.name, [])
            )
            brief = own_brief(brief, said)
        means = {name: _finite(picture.inside.get(name)) for name in inputs}
        found.append(
            summary.Segment(
                name=cut.name,
                version=cut.facts.get("version", 1),
                kind=cut.kind,
                parent=cut.facts.get("parent"),
                status=cut.status,
                carried=cut.facts.get("carried", False),
                rule=cut.rule,
                words=words(cut.rule, table, labels, cut.phrases),
                size=int(member.sum()),
                share=float(member.mean()),
                value_share=_finite(picture.value_share),
                fidelity=cut.facts.get("fidelity"),
                brief=brief,
                means=means,
            )
        )
    return found


def spoken(node: summary.TreeNode, table: pa.Table, labels: Mapping[str, Label]) -> summary.TreeNode:
    """The tree with every rule in plain words too."""
    said = "" if node.rule == "true" else words(node.rule, table, labels)
    return node.model_copy(
        update={"words": said, "branches": [spoken(branch, table, labels) for branch in node.branches]}
    )


def own_brief(computed: summary.Brief, said: summary.Brief) -> summary.Brief:
    """What the workspace says of its own segment comes before what was computed."""
    return computed.model_copy(update={"headline": said.headline, "strategies": said.strategies or computed.strategies})


def spreads(table: pa.Table, names: Sequence[str]) -> dict[str, float]:
    found = {name: pc.stddev(table[name]).as_py() for name in names}
    return {name: float(value) for name, value in found.items() if value}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
