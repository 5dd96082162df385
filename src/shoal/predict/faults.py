"""What an objective names, checked before anything is computed: expressions, spans, features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shoal.define.feature import span
from shoal.define.parse import parse
from shoal.define.types import Type
from shoal.errors import ExpressionError, Fault, suggest
from shoal.predict import sentence
from shoal.settings import FILE, Objective

# What a kind does not look at, said on the card rather than left out in silence.
UNHEEDED: Mapping[str, tuple[str, ...]] = {
    "value": ("where", "among", "active_within"),
    "affinity": ("where", "among", "active_within", "horizon"),
    "lookalike": ("event", "where", "among", "active_within", "horizon"),
    "traits": ("event", "where", "among", "active_within", "horizon"),
}


def faults(one: Objective, columns: Mapping[str, Type], features: Mapping[str, Type]) -> list[Fault]:
    """Everything that is wrong with an objective, given the columns of the events (none without) and the features.

    >>> from shoal.settings import Objective
    >>> wrong = Objective(name="leaving", kind="churn", among="ordrs > 3", exclude=["ordrs"])
    >>> [fault.where for fault in faults(wrong, {}, {"orders": Type.NUMBER})]
    ['objectives.leaving.among', 'objectives.leaving.exclude']
    """

    def told(place: str, what: str, remedy: str) -> Fault:
        return Fault(FILE, None, f"objectives.{one.name}.{place}", what, remedy)

    found = [told(*each, "see docs/rules.md") for each in _unreadable(one, columns, features)]
    for place, text in _spans(one):
        try:
            span(text)
        except ValueError as error:
            found.append(told(place, str(error), "name at most 200 years"))
    for place, names in (("exclude", one.exclude), ("allow", one.allow)):
        for name in names:
            if name not in features and not name.startswith(f"{one.name}_"):
                what = f"there is no feature '{name}'.{suggest(name, features)}"
                found.append(told(place, what, "name features or traits"))
    return found


def unheeded(one: Objective, *, traits: bool) -> list[str]:
    """The settings that an objective gives and its kind does not look at; `traits`: a label over traits."""
    given = [name for name in UNHEEDED.get("traits" if traits else one.kind, ()) if getattr(one, name) is not None]
    return [f"`{name}` is not heeded: this kind of objective has no use for it" for name in given]


def _unreadable(one: Objective, columns: Mapping[str, Type], features: Mapping[str, Type]) -> Iterator[tuple[str, str]]:
    said = sentence.read(one.label) if one.kind == "label" and one.label else None
    rules = [("where", one.where, columns), ("label", said.where if said else None, columns)]
    for place, text, known in [*(rules if columns else []), ("among", one.among, features)]:
        if text is None:
            continue
        try:
            parse(text, known, expect=Type.BOOL)
        except ExpressionError as error:
            yield place, str(error)


def _spans(one: Objective) -> list[tuple[str, str]]:
    said = sentence.read(one.label) if one.kind == "label" and one.label else None
    spans = [("horizon", one.horizon), ("active_within", one.active_within)]
    if said is not None:
        spans += [("label", said.horizon), ("label", said.active_within)]
    return [(place, text) for place, text in spans if text is not None]
