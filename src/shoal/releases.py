"""What people decided of segments, summed up: which version of a name stands, which are retired. No store, no tables.

A name may have two rows in a run: the version that was released, and today's finding of another rule, a draft of the
next version. `NAME` means the released one, else the newest; `NAME@2` means version 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from shoal.errors import NotFound, suggest
from shoal.summary import Release, Segment

_ADDRESS = re.compile(r"(.+)@(\d{1,9})")
HELD = ("released", "retired")  # what a person decided: no gate changes it


@dataclass(frozen=True)
class Standing:
    """The approved version of each name, and the retired ones by name and version."""

    approved: Mapping[str, Release] = field(default_factory=dict)
    retired: Mapping[tuple[str, int], Release] = field(default_factory=dict)

    def status(self, name: str, version: int, rule: str) -> str:
        """`released` or `retired` where a person said so of this very rule, else nothing."""
        approved, retired = self.approved.get(name), self.retired.get((name, version))
        if approved is not None and (approved.version, approved.rule) == (version, rule):
            return "released"
        return "retired" if retired is not None and retired.rule == rule else ""


def standing(records: Iterable[Release]) -> Standing:
    """The sum of all decisions, given in the order in which they were taken; the last one of a version counts.

    >>> one = dict(segment="Loyal", kind="rule", rule="a", size=9, at="", by="ada")
    >>> first, second = (Release(version=n, decision="approved", **one) for n in (1, 2))
    >>> standing([first, second]).approved["Loyal"].version
    2
    """
    approved: dict[str, Release] = {}
    retired: dict[tuple[str, int], Release] = {}
    for record in records:
        key = (record.segment, record.version)
        if record.decision == "approved":
            approved[record.segment] = record
            retired.pop(key, None)
        else:
            retired[key] = record
            if (found := approved.get(record.segment)) is not None and found.version == record.version:
                del approved[record.segment]
    return Standing(approved, retired)


def overlay(segments: Sequence[Segment], records: Sequence[Release]) -> list[Segment]:
    """A run's segments with the status that they have by now: decisions come after the run that they are about.

    Of two versions, the one released before ends when the other is approved.
    """
    decided = standing(records)
    found = []
    for one in segments:
        status = decided.status(one.name, one.version, one.rule)
        if not status and one.status in HELD:
            status = "retired"
        found.append(one.model_copy(update={"status": status}) if status else one)
    return found


class Named(Protocol):
    """Whatever is a version of a segment."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> str: ...


Some = TypeVar("Some", bound=Named)


def pick(segments: Sequence[Some], wanted: str, *, undecided: bool = False) -> Some:
    """The segment that a name or `NAME@VERSION` means; capitals do not count.

    Args:
        wanted: a name means the released version, else the newest one.
        undecided: a name means the newest version that is not released.

    Raises:
        NotFound: with the nearest name, or the versions that there are.
    """
    named = [one for one in segments if one.name.casefold() == wanted.casefold()]
    if not named and (address := _ADDRESS.fullmatch(wanted)):
        named = [one for one in segments if one.name.casefold() == address[1].casefold()]
        if named:
            return _version(named, int(address[2]))
    if not named:
        raise NotFound(f"there is no segment '{wanted}'.{suggest(wanted, [one.name for one in segments])}")
    first = [one for one in named if (one.status == "released") != undecided]
    return max(first or named, key=lambda one: one.version)


def _version(named: Sequence[Some], version: int) -> Some:
    for one in named:
        if one.version == version:
            return one
    versions = ", ".join(f"{one.name}@{one.version} ({one.status})" for one in named)
    raise NotFound(f"the last run has no version {version} of '{named[0].name}'. Known: {versions}")
