"""Macro segments with the micro-segments that lie in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.errors import NotFound, suggest
from shoal.report.words import plural
from shoal.summary import Segment

MICRO = "micro"
_FURTHER = ("less than", "at most", "at least", "more than")  # the second half of a range


@dataclass(frozen=True)
class Nest:
    """A macro segment, opened; `macro` is None where the run does not have the segment that is named."""

    name: str
    macro: Segment | None
    inside: list[Segment]

    @property
    def says(self) -> str:
        """How far it opens.

        >>> Nest("A", None, []).says
        'opens into no micro-segment'
        """
        return f"opens into {plural(len(self.inside), 'micro-segment') if self.inside else 'no micro-segment'}"

    def told(self) -> dict[str, Any]:
        """The macro segment as JSON, its micro-segments under `micro`."""
        macro = self.macro.model_dump(mode="json") if self.macro else {"name": self.name}
        return {**macro, "micro": [segment.model_dump(mode="json") for segment in self.inside]}

    def part(self, micro: Segment) -> float | None:
        """A micro-segment's share of its macro segment's people."""
        return micro.size / self.macro.size if self.macro and self.macro.size else None


def apart(micro: Segment, parent: Segment | None = None) -> str:
    """What sets a micro-segment apart inside its parent: its name without the parent's, where that was cut its clauses.

    >>> from shoal.summary import Brief
    >>> told = {"rule": "", "size": 1, "share": 1, "brief": Brief(headline="")}
    >>> parent = Segment(name="Regulars", kind="discovered", words="orders is at least 3", **told)
    >>> apart(Segment(name="Regulars: few sessions", kind="micro", words="", parent="Regulars", **told))
    'few sessions'
    >>> words = "sessions is at least 2 and less than 9 and orders is at least 3"
    >>> apart(Segment(name="Regulars: sess… 2", kind="micro", words=words, parent="Regulars", **told), parent)
    'sessions is at least 2 and less than 9'
    """
    rest = micro.name.removeprefix(f"{micro.parent}:").strip() if micro.parent else micro.name
    if "…" in rest and parent is not None:
        shared = set(clauses(parent.words))
        rest = " and ".join(clause for clause in clauses(micro.words) if clause not in shared)
    return rest or micro.name


def clauses(words: str) -> list[str]:
    """The conditions of a rule in words; what stands in brackets stays whole, and so does a range.

    >>> clauses("a is at least 3 and less than 5 and (b is 1 and c is 2)")
    ['a is at least 3 and less than 5', '(b is 1 and c is 2)']
    """
    found: list[str] = []
    for part in words.split(" and "):
        inside = found and found[-1].count("(") > found[-1].count(")")
        if found and (inside or part.startswith(_FURTHER)):
            found[-1] += f" and {part}"
        else:
            found.append(part)
    return found


def nests(segments: Sequence[Segment], order: Iterable[str] = ()) -> list[Nest]:
    """Every macro segment that opens, in the given order first; inside, those with the largest share of value first."""
    named = {segment.name: segment for segment in segments if segment.kind != MICRO and not segment.carried}
    inside: dict[str, list[Segment]] = {name: [] for name in order}
    for segment in segments:
        if segment.kind == MICRO and not segment.carried:
            inside.setdefault(segment.parent or "", []).append(segment)
    return [Nest(name, named.get(name), sorted(found, key=_worth)) for name, found in inside.items() if found]


def _worth(segment: Segment) -> tuple[float, int]:
    return -(segment.value_share or 0.0), -segment.size


def opened(segments: Sequence[Segment], name: str) -> Nest:
    """One macro segment with what is inside, whatever the case of its name.

    Raises:
        NotFound: there is no such segment, or it is itself a micro-segment, or nothing is inside.
    """
    folded = name.casefold()
    found = next((s for s in segments if s.name == name), None) or next(
        (s for s in segments if s.name.casefold() == folded), None
    )
    if found is None:
        macros = [s.name for s in segments if s.kind != MICRO]
        raise NotFound(f"there is no segment '{name}'.{suggest(name, macros)}")
    if found.kind == MICRO:
        inside_of = f" of '{found.parent}'" if found.parent else ""
        raise NotFound(f"'{found.name}' is itself a micro-segment{inside_of}: see it whole without --inside")
    nest = next((one for one in nests(segments) if one.name == found.name), None)
    if nest is None:
        others = [one.name for one in nests(segments) if one.macro]
        remedy = f"those that open: {', '.join(others)}" if others else "no segment of the last run opens"
        raise NotFound(f"'{found.name}' has no micro-segments; {remedy}. `segments.micro` sets how many are looked for")
    return nest
