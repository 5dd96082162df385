"""From goals and objectives to tasks: what is predicted, of whom, how far ahead, judged by what.

A task is plain definitions: features at a cut-off that say who is meant, features one horizon later that say what
happened, and a rule over both. The kernel computes them, so a label is read after its cut-off and at no other time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal.define.feature import Feature, span, spoken_span
from shoal.define.packs import Catalogue, Definition, main_events, slug
from shoal.define.parse import names_in
from shoal.define.words import Label
from shoal.errors import ExpressionError, Fault, SettingsError, ShoalError, suggest
from shoal.predict import sentence
from shoal.predict.definitions import Definitions
from shoal.settings import FILE, Objective

DAY = 86_400_000_000
MOST_LEVELS = 8  # categories that a cross-selling objective looks at
UP, DOWN = 1.2, 0.5  # times the last period's spend that count as growth and as decline
SOON = "7d"
EVENTFUL = ("churn", "purchase", "conversion", "upsell", "decline", "cross_sell", "intent")


@dataclass(frozen=True)
class Task:
    """One yes-or-no question. `now` are features at the cut-off, `then` features at cut-off + horizon.

    `among` and `outcome` are rules: over the features at the cut-off, and over `now` and `then`. `inputs` names those
    of `now` that the model may use.
    """

    name: str
    objective: Objective
    horizon: int
    among: str
    outcome: str
    label: str
    population: str
    now: Mapping[str, Definition] = field(default_factory=dict)
    then: Mapping[str, Definition] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    metric: str = "auc"

    @property
    def key(self) -> str:
        """Names the question: the same key, the same label of the same people."""
        said = [self.horizon, self.among, self.outcome, self.now, self.then]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def days(self) -> float:
        """The horizon in days."""
        return self.horizon / DAY

    @property
    def labels(self) -> dict[str, Label]:
        """What its own inputs are called."""
        return {
            name: feature.as_label() for name in self.inputs for feature in [Feature.from_yaml(name, self.now[name])]
        }


GOALS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "retention": ({"name": "churn", "kind": "churn"}, {"name": "value", "kind": "value"}),
    "acquisition": ({"name": "conversion", "kind": "conversion"},),
    "conversion": ({"name": "conversion", "kind": "conversion"}, {"name": "intent", "kind": "intent"}),
    "expansion": (
        {"name": "upsell", "kind": "upsell"},
        {"name": "cross_sell", "kind": "cross_sell"},
        {"name": "affinity", "kind": "affinity"},
    ),
    "value": ({"name": "value", "kind": "value"}, {"name": "upsell", "kind": "upsell"}),
    "engagement": ({"name": "churn", "kind": "churn"}, {"name": "decline", "kind": "decline"}),
}


def chosen(goal: str | None, objectives: Sequence[Objective], known: Catalogue | None) -> list[Objective]:
    """The objectives of a workspace: its own, else those that its goal chooses and its events can carry.

    >>> [one.name for one in chosen("retention", [], Catalogue({"Order Completed": 9}, has_value=True))]
    ['churn', 'value']
    """
    if objectives or goal is None or known is None or not known.events:
        return list(objectives)
    found = [Objective.model_validate(dict(one)) for one in GOALS[goal]]
    return [one for one in found if _carried(one, known)]


def _carried(one: Objective, known: Catalogue) -> bool:
    """A goal asks only what the data can answer; an objective that was written down is never left out in silence."""
    if one.kind == "value":
        return bool(known.role("purchase"))
    if one.kind in ("cross_sell", "affinity"):
        return bool(known.has(*properties_for(one)))
    if one.kind == "conversion":
        return set(main_events(known)) != set(known.events)
    return True


def properties_for(one: Objective) -> tuple[str, ...]:
    """The properties that an objective about items may take, the wished one first."""
    if one.property:
        return (one.property,)
    return ("category", "item_id", "item") if one.kind == "cross_sell" else ("item_id", "item", "category", "page")


def tasks(one: Objective, known: Catalogue, days: int | None, features: Sequence[Feature]) -> list[Task]:
    """The yes-or-no questions of an objective over events.

    `days` is the horizon that fits the data, for objectives that name none.

    Raises SettingsError when it names an event, a property or a feature that is not there.
    """
    said = sentence.read(one.label) if one.kind == "label" and one.label else None
    if said is not None:
        one = one.model_copy(
            update={
                "kind": "churn" if said.absent else "purchase",
                "event": said.event,
                "where": said.where or one.where,
                "horizon": said.horizon,
                "active_within": said.active_within or one.active_within,
            }
        )
        return list(_eventful(one, known, said.horizon, active=said.of or None))
    if one.kind == "label":
        return [_future(one, known, one.horizon or _fitted(one, days), features)]
    if one.kind == "intent":
        return list(_eventful(one, known, one.horizon or SOON))
    return list(_eventful(one, known, one.horizon or _fitted(one, days)))


class Unfit(ShoalError):
    """The data cannot carry this objective; the message says what would be needed."""


def _fitted(one: Objective, days: int | None) -> str:
    if days is None:
        raise Unfit(
            f"needs at least eight days of events to look ahead; remedy: more history than objective '{one.name}' has"
        )
    return f"{days}d"


def _fault(one: Objective, place: str, what: str, remedy: str) -> SettingsError:
    return SettingsError([Fault(FILE, None, f"objectives.{one.name}.{place}", what, remedy)])


def events_of(one: Objective, known: Catalogue) -> list[str]:
    """The events that an objective counts.

    Raises SettingsError when it names one that nobody has done.
    """
    return _events(one, known, one.event)


def _events(one: Objective, known: Catalogue, names: str | Sequence[str] | None) -> list[str]:
    wished = [names] if isinstance(names, str) else list(names or main_events(known))
    folded = {event.casefold(): event for event in known.events}
    for name in wished:
        if name.casefold() not in folded:
            what = f"no event is called '{name}'.{suggest(name, known.events)}"
            raise _fault(one, "event", what, "name an event that the data have")
    return [folded[name.casefold()] for name in wished]


def _eventful(one: Objective, known: Catalogue, horizon: str, active: str | None = None) -> Iterator[Task]:
    events = _events(one, known, one.event)
    if one.kind == "cross_sell":
        yield from _cross_sell(one, known, horizon)
        return
    within = one.active_within or {"churn": _twice(horizon), "intent": "30d"}.get(one.kind)
    noun = _noun(events, one.where)
    ahead = spoken_span(horizon)
    selected: Definition = {"of": events, **({"where": one.where} if one.where else {})}
    about = Definitions()
    did = {"count": "events", **selected, "within": horizon}
    clauses, population = [], "everybody known"
    if one.kind == "intent":
        clauses = [f"{about.now({'count': 'events', 'within': within})} > 0"]
        population = f"people who did anything in the last {spoken_span(str(within))}"
    elif within:
        of = _events(one, known, active) if active else events
        clauses = [f"{about.now({'count': 'events', 'of': of, 'within': within})} > 0"]
        population = f"people with {_article(_noun(of, None))} in the last {spoken_span(within)}"
    if one.kind == "churn":
        outcome, label = f"{about.then(did)} = 0", f"no {noun} within {ahead}"
    elif one.kind == "conversion":
        clauses.append(f"{about.now({'count': 'events', **selected})} = 0")
        outcome, label = f"{about.then(did)} > 0", f"first {noun} within {ahead}"
        population = f"people without {_article(noun)} so far"
    elif one.kind in ("upsell", "decline"):
        spends: Definition = {"sum": "value"} if known.has_value and known.role("purchase") else {"count": "events"}
        last = about.now({**spends, **selected, "within": horizon})
        ahead_name = about.then({**spends, **selected, "within": horizon})
        clauses.append(f"{last} > 0")
        verb = "spends" if "sum" in spends else "does"
        bound = "at least a fifth more" if one.kind == "upsell" else "less than half as much"
        outcome = (
            f"{ahead_name} {'>=' if one.kind == 'upsell' else '<'} {UP if one.kind == 'upsell' else DOWN} * {last}"
        )
        label = (
            f"{verb} {bound} in the next {ahead} as in the last {ahead}"
            if one.kind == "decline"
            else (f"{verb} {bound} in the next {ahead} than in the last {ahead}")
        )
        population = f"people with {_article(noun)} in the last {ahead}"
    else:
        outcome, label = f"{about.then(did)} > 0", f"{noun} within {ahead}"
    if one.where or one.event:
        about.inputs(one.name, selected, known.has_value, noun)
    if one.among:
        clauses.append(f"({one.among})")
        population += f" for whom {one.among}"
    yield Task(
        one.name,
        one,
        span(horizon),
        " and ".join(clauses) or "true",
        outcome,
        label,
        population,
        about.at_cutoff,
        about.later,
        tuple(about.used),
    )


def _cross_sell(one: Objective, known: Catalogue, horizon: str) -> Iterator[Task]:
    """One question for each frequent level of the property: who has not bought it yet and will."""
    prop = known.has(*properties_for(one))
    if prop is None:
        wished = " or ".join(f"`{name}`" for name in properties_for(one))
        what = f"no event has {wished}.{suggest(one.property or '', known.properties)}"
        raise _fault(one, "property", what, "name a property that the events have")
    levels = list(known.levels.get(prop, ()))[:MOST_LEVELS]
    if not levels:
        raise Unfit(f"no value of `{prop}` is on one event in a hundred; remedy: name a coarser property")
    slugs: list[str] = []
    for level in levels:
        slugs.append(_free(slug(level), slugs))
        where = f"{prop} = '{level.replace(chr(39), chr(39) * 2)}'"
        narrow = one.model_copy(
            update={"kind": "conversion", "where": f"({one.where}) and {where}" if one.where else where}
        )
        for task in _eventful(narrow, known, horizon):
            yield Task(
                f"{one.name}.{slugs[-1]}",
                one,
                task.horizon,
                task.among,
                task.outcome,
                f"first {level} within {spoken_span(horizon)}",
                f"people who have not bought {level} yet",
                task.now,
                task.then,
                (),
            )


def _future(one: Objective, known: Catalogue, horizon: str, features: Sequence[Feature]) -> Task:
    """A rule over the features as they will be one horizon later."""
    text = str(one.label)
    defined = {feature.name: feature for feature in features}
    try:
        read = names_in(text)
    except ExpressionError as error:
        raise _fault(one, "label", str(error), "see docs/rules.md") from None
    for name in sorted(read - set(defined)):
        raise _fault(
            one,
            "label",
            f"'{name}' is neither a feature nor a trait.{suggest(name, defined)}",
            "name features, traits, or say it as `Order Completed within 90d`",
        )
    about = Definitions()
    needed = _closure(read, defined)
    about.later.update({name: defined[name].to_yaml() for name in needed})
    clauses, population = [], "everybody known"
    if one.active_within:
        events = _events(one, known, one.event)
        clauses.append(f"{about.now({'count': 'events', 'of': events, 'within': one.active_within})} > 0")
        population = f"people with {_article(_noun(events, None))} in the last {spoken_span(one.active_within)}"
    if one.among:
        clauses.append(f"({one.among})")
        population += f" for whom {one.among}"
    label = f"{text}, {spoken_span(horizon)} later"
    among = " and ".join(clauses) or "true"
    return Task(one.name, one, span(horizon), among, text, label, population, about.at_cutoff, about.later)


def _closure(names: frozenset[str], defined: Mapping[str, Feature]) -> list[str]:
    """The features of these names and those that their formulas read."""
    found: dict[str, None] = {}
    todo = sorted(names)
    while todo:
        name = todo.pop()
        if name in found or name not in defined:
            continue
        found[name] = None
        if defined[name].formula:
            todo += sorted(names_in(str(defined[name].formula)))
    return [name for name in defined if name in found]


def _twice(horizon: str) -> str:
    found = re.fullmatch(r"(\d+) ?([hdw])", horizon.strip())
    return f"{2 * int(found[1])}{found[2]}" if found else horizon


def _noun(events: Sequence[str], where: str | None) -> str:
    said = events[0] if len(events) == 1 else "activity" if len(events) > 3 else " or ".join(events)
    return f"{said} where {where}" if where else said


def _article(noun: str) -> str:
    if noun == "activity":
        return noun
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _free(slug: str, taken: Sequence[str]) -> str:
    """The slug, numbered where another category has it already: `Home & Co` and `Home, Co` are two questions."""
    numbered = (f"{slug}_{place}" for place in range(2, len(taken) + 3))
    return slug if slug not in taken else next(one for one in numbered if one not in taken)
