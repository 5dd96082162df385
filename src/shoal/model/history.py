"""What a run knows of those before it: the segments to recognise, and the state that its changes are told against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.model import lineage
from shoal.model.lineage import Past
from shoal.model.portrait import Crowd
from shoal.model.rules import Cut
from shoal.model.sides import Part
from shoal.releases import Standing
from shoal.summary import Release

KINDS = ("discovered", "micro")  # found anew by each run; the others have the names that they were made with


@dataclass(frozen=True)
class Earlier:
    """The run before, as far as it is a past of this one: its segments as told, memberships and people."""

    segments: Sequence[Mapping[str, Any]] = ()
    stays: pa.Table | None = None
    people: pa.ChunkedArray | None = None


@dataclass(frozen=True)
class Reference:
    """The state that changes are told against; `decided` is the instant of the decision that made it so, if any."""

    since: str
    decided: str
    parts: tuple[Part, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the run's folder."""
        parts = [{"name": one.name, "kind": one.kind, "rule": one.rule} for one in self.parts]
        return {"since": self.since, "decided": self.decided, "parts": parts}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Reference:
        """The inverse of `to_dict`."""
        return cls(told["since"], told["decided"], tuple(Part(**one) for one in told["parts"]))


def reference(
    earlier: Earlier, since: str, told: Mapping[str, Any] | None, decided: Standing, records: Sequence[Release]
) -> tuple[Reference, bool] | None:
    """What today is held against, and whether it is the run before; None where nothing is known of before.

    It is the state of the last decision of a person, as of the run that they saw; where nobody decided anything yet,
    the run before.

    Args:
        since: the instant of the run before.
        told: the reference that the run before was held against, as plain data.
        records: every decision so far, the oldest first.
    """
    if not earlier.segments:
        return None
    last = records[-1].at if records else ""
    kept = Reference.from_dict(told) if told is not None else None
    if kept is not None and kept.decided and kept.decided == last:
        return kept, False
    return Reference(since, last, _parts(earlier, decided)), True


def _parts(earlier: Earlier, decided: Standing) -> tuple[Part, ...]:
    """One rule a name: the released one, else what the run before found."""
    found = [
        Part(one["name"], one["kind"], one["rule"])
        for one in earlier.segments
        if one["kind"] in KINDS and not one.get("carried") and one["name"] not in decided.approved
    ]
    released = [Part(one.segment, one.kind, one.rule) for one in decided.approved.values() if one.kind in KINDS]
    return (*released, *found)


def names(
    cuts: Sequence[Cut],
    earlier: Earlier,
    decided: Standing,
    table: pa.Table,
    everybody: Crowd,
    taken: Sequence[str] = (),
) -> dict[str, str]:
    """What today's discovered segments are called, so that one that was there before keeps its name.

    See `lineage.keep`; segments of before are those of the last run and what is released or retired.
    """
    past = _past(earlier, table)
    past += [Past(one.segment, one.kind, one.rule) for one in decided.approved.values() if one.kind in KINDS]
    past += [Past(one.segment, one.kind, one.rule) for one in decided.retired.values() if one.kind in KINDS]
    if not past:
        return {cut.name: cut.name for cut in cuts}
    known = None
    if earlier.people is not None:
        known = np.asarray(pc.is_in(table["profile_id"], value_set=earlier.people.combine_chunks()), dtype=bool)
    return lineage.keep(cuts, past, table, everybody, known=known, taken=taken)


def _past(earlier: Earlier, table: pa.Table) -> list[Past]:
    told = [one for one in earlier.segments if one["kind"] in KINDS]
    if earlier.stays is None:
        return [Past(one["name"], one["kind"], one["rule"]) for one in told]
    members = lineage.members_then(earlier.stays, table["profile_id"], [(one["name"], one["version"]) for one in told])
    return [
        Past(one["name"], one["kind"], one["rule"], mask if mask.any() else None)
        for one, mask in zip(told, members, strict=True)
    ]
