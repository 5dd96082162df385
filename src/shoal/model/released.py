"""Releases in a run: an approved rule stays as it is until a person approves another. Nothing changes on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from shoal.errors import ExpressionError
from shoal.model.rules import Cut, select
from shoal.releases import HELD, Standing
from shoal.summary import Release, Segment


@dataclass(frozen=True)
class Held:
    """Today's cuts with those that stand by their release beside them.

    `waiting` are releases whose rule reads what this run does not have: nobody can be told in or out, so their
    members stay as they were.
    """

    cuts: tuple[Cut, ...]
    waiting: tuple[Release, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def stay(self) -> frozenset[tuple[str, int]]:
        """Name and version of those whose stays go on unchanged."""
        return frozenset((one.segment, one.version) for one in self.waiting)


def hold(cuts: Sequence[Cut], decided: Standing, table: pa.Table) -> Held:
    """Marks what a person decided of today's cuts, and adds every released rule that is not among them.

    A cut with the released rule is the released segment itself. One of the same name with another rule is a draft of
    the next version, and the released rule stands beside it. What was retired stays so while its rule is the same.

    Args:
        cuts: as found today, no two of one name.
        decided: what people decided so far.
        table: everybody, with the columns that rules read.
    """
    today = {cut.name: cut for cut in cuts}
    marked = tuple(_marked(cut, decided) for cut in cuts)
    carried: list[Cut] = []
    waiting: list[Release] = []
    notes: list[str] = []
    for release in decided.approved.values():
        found = today.get(release.segment)
        if found is not None and found.rule == release.rule:
            continue
        try:
            select(release.rule, table.slice(0, 1))
        except ExpressionError as error:
            waiting.append(release)
            notes.append(_unread(release, error))
        else:
            carried.append(_carried(release, found))
    return Held((*marked, *carried), tuple(waiting), tuple(notes))


def _marked(cut: Cut, decided: Standing) -> Cut:
    approved = decided.approved.get(cut.name)
    if approved is not None and approved.rule == cut.rule:
        return replace(cut, status="released", facts={**cut.facts, "version": approved.version})
    for (name, version), retired in decided.retired.items():
        if (name, retired.rule) == (cut.name, cut.rule):
            return replace(cut, status="retired", facts={**cut.facts, "version": version})
    return cut


def _carried(release: Release, today: Cut | None) -> Cut:
    facts: dict[str, Any] = {"version": release.version, "carried": True, "headline": ""}
    if today is not None and today.kind == "rule":
        facts["headline"] = today.facts.get("headline", "")
    return Cut(release.segment, release.kind, release.rule, status="released", facts=facts)


def _unread(release: Release, error: ExpressionError) -> str:
    return (
        f"the released segment '{release.segment}' cannot be told in this run: {error.what.rstrip('.')}. "
        "Its members stay as they were"
    )


def versions(
    drawn: Sequence[Segment],
    before: Sequence[Mapping[str, Any]],
    records: Iterable[Release] = (),
    stays: pa.Table | None = None,
) -> list[Segment]:
    """Each segment with its version: a rule that its name has had keeps its number, a new one gets the next.

    Args:
        drawn: today's segments; the version of those that a person decided on is theirs already.
        before: the last run's segments.
        records: every decision so far.
        stays: the last run's memberships: a version that anybody ever was in is not given again.
    """
    known: dict[str, dict[str, int]] = {}
    top: dict[str, int] = {}
    had = [(one["name"], one["rule"], one["version"]) for one in before]
    for name, rule, version in [*((one.segment, one.rule, one.version) for one in records), *had]:
        known.setdefault(name, {})[rule] = version
        top[name] = max(top.get(name, 0), version)
    for name, version in _highest(stays):
        top[name] = max(top.get(name, 0), version)
    found = []
    for one in drawn:
        old = one.version if one.status in HELD else known.get(one.name, {}).get(one.rule)
        found.append(one.model_copy(update={"version": top.get(one.name, 0) + 1 if old is None else old}))
    return found


def _highest(stays: pa.Table | None) -> list[tuple[str, int]]:
    if stays is None or not stays.num_rows:
        return []
    top = stays.select(["segment", "version"]).group_by("segment").aggregate([("version", "max")])
    return list(zip(top["segment"].to_pylist(), top["version_max"].to_pylist(), strict=True))
