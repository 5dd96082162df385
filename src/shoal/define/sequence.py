"""What a feature may look at besides single events, as written in YAML: matches of a sequence, and sessions.

sequence: [Product Viewed, {event: Product Added, within: 10m}, {not: Order Completed, within: 45m}]
session: 30m
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.define.span import span, spoken_span
from shoal.errors import suggest

STEPS = 20
_STEP = ("event", "not", "where", "within")
_SESSION = ("gap", "of", "where")


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One step: events one of which comes next, or with `absent` none of which may come."""

    events: tuple[str, ...]
    where: str | None = None
    within: str | None = None
    absent: bool = False

    @classmethod
    def read(cls, raw: Any) -> SequenceStep:
        """A step from YAML: a name, a list of names, or a mapping with `event` or `not`.

        Raises ValueError with the remedy.

        >>> SequenceStep.read({"not": "Order Completed", "within": "45m"}).words
        'no Order Completed within 45 minutes'
        """
        given = _mapping(
            {"event": raw} if isinstance(raw, str | list | tuple) else raw, _STEP, "{event: Product Added}"
        )
        if ("event" in given) == ("not" in given):
            raise ValueError("needs either `event` or `not`: the names of events")
        absent = "not" in given
        return cls(
            _names(given["not" if absent else "event"]),
            _predicate(given.get("where")),
            _length(given, "within"),
            absent,
        )

    @property
    def words(self) -> str:
        """The step in words."""
        said = ("no " if self.absent else "") + " or ".join(self.events)
        said += f" where {self.where}" if self.where else ""
        return said + (f" within {spoken_span(self.within)}" if self.within else "")

    def to_yaml(self) -> Any:
        """The step as YAML holds it; inverse of `read`."""
        names = _one(self.events)
        if not (self.absent or self.where or self.within):
            return names
        return {"not" if self.absent else "event": names, **_said(where=self.where, within=self.within)}


@dataclass(frozen=True, slots=True)
class Session:
    """How events fall into sessions: a pause over `gap` ends one; `of` and `where` say which events make them."""

    gap: str
    of: tuple[str, ...] = ()
    where: str | None = None

    @classmethod
    def read(cls, raw: Any) -> Session:
        """A session from YAML: its longest pause, or a mapping with `gap`, `of` and `where`.

        Raises ValueError with the remedy.

        >>> Session.read("30m").to_yaml()
        '30m'
        """
        given = _mapping({"gap": raw} if isinstance(raw, str) else raw, _SESSION, "30m or {gap: 30m, of: [...]}")
        length = _length(given, "gap")
        if length is None:
            raise ValueError("needs `gap`: the longest pause within a session, such as 30m")
        return cls(length, _names(given["of"]) if "of" in given else (), _predicate(given.get("where")))

    def to_yaml(self) -> Any:
        """The session as YAML holds it; inverse of `read`."""
        if not (self.of or self.where):
            return self.gap
        return {"gap": self.gap, **_said(of=_one(self.of) if self.of else None, where=self.where)}


def steps_from(raw: Any) -> tuple[SequenceStep, ...]:
    """The steps of a sequence.

    Raises ValueError with what is wrong with every one of them.

    >>> [step.words for step in steps_from(["Product Added", {"not": "Order Completed", "within": "45m"}])]
    ['Product Added', 'no Order Completed within 45 minutes']
    """
    if not isinstance(raw, list | tuple) or not 2 <= len(raw) <= STEPS:
        raise ValueError(f"is a list of 2 to {STEPS} steps: [Product Added, {{not: Order Completed, within: 45m}}]")
    steps: list[SequenceStep] = []
    faults: list[str] = []
    for place, one in enumerate(raw, 1):
        try:
            steps.append(one if isinstance(one, SequenceStep) else SequenceStep.read(one))
        except ValueError as error:
            faults.append(f"step {place} {error}")
    faults = faults or list(_order(steps))
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(steps)


def described(steps: Sequence[SequenceStep], whole: str | None) -> str:
    """A sequence in words.

    >>> described(steps_from(["A", {"not": "X"}, {"event": "B", "within": "5m"}]), "1h")
    'A, then no X until B within 5 minutes, all within 1 hour'
    """
    said = steps[0].words
    for before, step in itertools.pairwise(steps):
        said += f" until {step.words}" if before.absent else f", then {step.words}"
    return said + (f", all within {spoken_span(whole)}" if whole else "")


def _order(steps: Sequence[SequenceStep]) -> Iterator[str]:
    """What is wrong with steps that are right each by itself."""
    if steps[0].absent:
        yield "step 1 is a `not`: begin with an event"
    elif steps[0].within:
        yield "step 1 has `within`, but no step before it to count from: put it on the next step"
    for place, (step, following) in enumerate(itertools.pairwise(steps), 1):
        if step.absent and following.absent:
            yield f"steps {place} and {place + 1} are both `not`: write them as one, {{not: [A, B]}}"
        elif step.absent and step.within:
            yield f"step {place} has `within`, but the step after it ends it: put `within` on step {place + 1}"
    if steps[-1].absent and not steps[-1].within:
        name = steps[-1].events[0]
        yield f"step {len(steps)} needs `within`, how long it must stay away: {{not: {name}, within: 45m}}"


def _mapping(raw: Any, known: Sequence[str], example: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"is {raw!r}; write it as {example}")  # noqa: TRY004 - pydantic collects only these
    for key in raw:
        if key not in known:
            raise ValueError(f"has the unknown key '{key}'.{suggest(str(key), known)} It takes {', '.join(known)}")
    return {str(key): value for key, value in raw.items() if value is not None}


def _names(raw: Any) -> tuple[str, ...]:
    names = (raw,) if isinstance(raw, str) else raw
    if not isinstance(names, list | tuple) or not names or not all(isinstance(one, str) and one for one in names):
        raise ValueError(f"names no event: got {raw!r}, write a name or a list of names")
    return tuple(dict.fromkeys(names))


def _predicate(raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str | bool) or raw == "":
        raise ValueError(f"has a `where` that is no predicate: {raw!r}")
    return str(raw).lower() if isinstance(raw, bool) else raw


def _length(given: Mapping[str, Any], key: str) -> str | None:
    raw = given.get(key)
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise ValueError(f"has a `{key}` that is no length of time: {raw!r}, write it as 30m")  # noqa: TRY004 - as above
    try:
        span(raw)
    except ValueError:
        raise ValueError(f"has a `{key}` that is no length of time: '{raw}', write it as 30m") from None
    return raw


def _one(names: tuple[str, ...]) -> Any:
    return names[0] if len(names) == 1 else list(names)


def _said(**given: Any) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}
