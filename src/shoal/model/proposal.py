"""What a contest comes to: which set is proposed, and what lies inside the discovered segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from shoal.model import rfm, tiers
from shoal.model.contest import Contest
from shoal.model.distil import Distilled
from shoal.model.matrix import Matrix
from shoal.model.meta import FeatureMeta
from shoal.model.nest import nested
from shoal.model.rules import Cut, words
from shoal.summary import Segment, Subgroups

CUT_ANEW = {"RFM segments": rfm.grouped, "Value tiers": tiers.split}  # not among the traditional segments of every run
LONGEST = 90  # characters of a name


def proposal(fought: Contest | None, behaviour: pa.Table, meta: Mapping[str, FeatureMeta]) -> list[Cut]:
    """The segments of the traditional way that won, as of now, where a run does not have them anyway."""
    if fought is None or fought.comparison.proposed not in CUT_ANEW:
        return []
    cuts = CUT_ANEW[fought.comparison.proposed](behaviour, fought.segments, meta)
    return [Cut(cut.name, cut.kind, cut.rule, facts={**cut.facts, "proposed": True}) for cut in cuts]


def inside(
    discovered: Sequence[Cut],
    macro: Distilled | None,
    matrix: Matrix,
    most: int,
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
) -> list[Cut]:
    """The micro-segments of the discovered segments, each named by its segment and by what sets it apart in it."""
    if macro is None or most <= 0:
        return []
    titles = {cut.facts["cluster"]: cut.name for cut in discovered}
    labels = {name: one.spoken for name, one in meta.items()}
    found = []
    for part in nested(matrix, macro, most):
        parent = titles[part.group]
        name = _short(f"{parent}: {words(part.own, table, labels)}")
        found.append(Cut(name, "micro", part.rule, facts={"parent": parent}))
    return found


def drafts(searched: Sequence[Subgroups], table: pa.Table, meta: Mapping[str, FeatureMeta]) -> list[Cut]:
    """The confirmed subgroups as segments, each with its claim; one found for two targets comes once."""
    labels = {name: one.spoken for name, one in meta.items()}
    found: dict[str, Cut] = {}
    for target in searched:
        for one in target.found:
            if one.confirmed and one.rule not in found:
                said = words(one.rule, table, labels)
                name = _short(said[:1].upper() + said[1:])
                found[one.rule] = Cut(name, "subgroup", one.rule, facts={"headline": one.claim})
    return list(found.values())


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip(" ,;:") + "\N{HORIZONTAL ELLIPSIS}"


def marked(segments: Sequence[Segment], fought: Contest | None) -> list[Segment]:
    """The segments with those marked that belong to the proposed set."""
    if fought is None:
        return list(segments)
    won = next((one for one in fought.comparison.contenders if one.name == fought.comparison.proposed), None)
    if won is None:
        return list(segments)

    def belongs(one: Segment) -> bool:
        if won.kind == "discovered" or won.name not in CUT_ANEW:
            return one.kind == won.kind
        return one.kind == won.kind and one.name.startswith(("RFM group", "Spend tier", "Activity tier"))

    return [one.model_copy(update={"proposed": belongs(one) and not one.carried}) for one in segments]
