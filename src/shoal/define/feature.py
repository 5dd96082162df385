"""A feature: a name and exactly one operation over a person's events, as written in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any
from typing import Literal as Choice

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shoal.define.sequence import SequenceStep, Session, described, steps_from
from shoal.define.span import span as span
from shoal.define.span import spoken_span as spoken_span
from shoal.define.words import Label, Unit
from shoal.errors import Fault, SettingsError, suggest

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
RESERVED = frozenset({"person", "profile_id", "as_of"})
FIELD_OPERATIONS = ("sum", "mean", "min", "max", "std", "first", "last", "distinct")
OPERATIONS = ("count", *FIELD_OPERATIONS, "days_since", "share", "gap", "trend", "depth", "trait", "formula")
ZERO = frozenset({"count", "sum", "distinct", "depth"})
Said = Annotated[str, Field(min_length=1, max_length=10_000)]

_OVER_EVENTS = ("of", "where", "within", "before", "sequence", "session", "span")
_UNITS: dict[str, Unit] = {"count": "count", "distinct": "count", "depth": "count", "share": "share", "gap": "days"}


class Feature(BaseModel):
    """One feature's definition; `docs/features.md` says what each operation gives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="the feature's column: letters, digits and _, starting with a letter")
    count: Choice["events", "matches", "sessions"] | None = Field(
        None, description="number of events: `count: events`; of a sequence's `matches`; of `sessions`"
    )
    sum: Said | None = Field(None, description="sum of a number over the events")
    mean: Said | None = Field(None, description="mean of a number over the events")
    min: Said | None = Field(None, description="smallest number or earliest time over the events")
    max: Said | None = Field(None, description="largest number or latest time over the events")
    std: Said | None = Field(None, description="sample standard deviation (n - 1); null under two values")
    first: Said | None = Field(None, description="the value at the first event that has one")
    last: Said | None = Field(None, description="the value at the last event that has one")
    distinct: Said | None = Field(None, description="number of different values")
    days_since: Choice["first", "last"] | None = Field(
        None, description="elapsed days, with fractions, since the `first` or `last` event"
    )
    share: Said | None = Field(None, description="share of the events for which a predicate holds, 0 to 1")
    gap: Choice["mean", "std", "max", "last"] | None = Field(
        None, description="days between successive local days with an event"
    )
    trend: Said | None = Field(
        None, description="`count`, or a number to sum: the window over the window before it; null over zero"
    )
    depth: Choice["steps"] | None = Field(
        None, description="how many steps of the sequence the best attempt reached: `depth: steps`"
    )
    trait: str | None = Field(None, description="the trait's last known value")
    formula: Said | None = Field(None, description="an expression over other features")
    of: tuple[str, ...] = Field((), description="event name or list of names; all events when left out")
    where: Said | None = Field(None, description="a predicate over the event's columns")
    within: str | None = Field(None, description="only the last so much time: `7d`, `12h`, `45m`, `4w`, `30s`")
    before: str | None = Field(None, description="the window ends so much time before the instant")
    sequence: tuple[SequenceStep, ...] | None = Field(
        None, description="look at matches of these steps, one after another, instead of single events"
    )
    span: str | None = Field(None, description="with `sequence`: the longest time from its first to its last event")
    session: Session | None = Field(
        None, description="look at sessions instead of single events: the pause that ends one, `30m`"
    )
    weight: Said | None = Field(None, description="with `share`: weigh each event by this number")
    default: float | bool | str | None = Field(
        None, description="the value when there is nothing to compute; 0 for count, sum, distinct and depth, else null"
    )
    label: str = Field("", description="plain words for reports")
    unit: Unit | None = Field(None, description="how the number is written")

    @field_validator("of", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, str):
            return (value,)
        if value is None or (isinstance(value, list | tuple) and not value):
            raise ValueError("names no event; leave `of` out for all events")
        return tuple(dict.fromkeys(value)) if isinstance(value, list | tuple) else value

    @field_validator("where", "formula", "share", "weight", *FIELD_OPERATIONS, "trend", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """YAML reads `share: true` and `sum: 1` as no texts; both are expressions."""
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int | float) else value

    @field_validator("sequence", mode="before")
    @classmethod
    def _steps(cls, value: Any) -> Any:
        return value if value is None else steps_from(value)

    @field_validator("session", mode="before")
    @classmethod
    def _sessions(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, Session) else Session.read(value)

    @field_validator("within", "before", "span")
    @classmethod
    def _window(cls, value: str | None) -> str | None:
        if value is not None:
            span(value)
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Feature:
        if not NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ValueError(f"'{self.name}' is no name for a feature: letters, digits and _, starting with a letter")
        given = [operation for operation in OPERATIONS if getattr(self, operation) is not None]
        if len(given) != 1:
            said = " and ".join(given) if given else "none"
            raise ValueError(f"needs exactly one operation, got {said}. Operations: {', '.join(OPERATIONS)}")
        if given[0] in ("trait", "formula"):
            extra = [key for key in _OVER_EVENTS if getattr(self, key)]
            if extra:
                raise ValueError(f"{given[0]} takes no {', '.join(extra)}; it does not read events")
        if given[0] == "trend" and self.within is None:
            raise ValueError("trend needs `within`: the window to compare with the one before it, such as 90d")
        if self.weight is not None and given[0] != "share":
            raise ValueError("weight goes with share only")
        self._looks_at(given[0])
        return self

    def _looks_at(self, operation: str) -> None:
        """Raises ValueError unless what is counted is what the feature looks at: events, matches or sessions."""
        if self.sequence and self.session:
            raise ValueError("looks at a sequence or at sessions, not at both; make two features")
        if self.sequence and self.of:
            raise ValueError("a sequence takes no `of`: its steps name the events")
        if self.span and not self.sequence:
            raise ValueError("span goes with sequence only; for a window write `within`")
        if operation == "depth" and not self.sequence:
            raise ValueError("depth needs `sequence`: the steps of the funnel, one after another")
        things = "matches" if self.sequence else "sessions" if self.session else "events"
        if self.count not in (None, things):
            key = {"matches": "sequence", "sessions": "session"}.get(str(self.count))
            remedy = f"which needs `{key}`" if key else f"but it looks at {things}: write `count: {things}`"
            raise ValueError(f"counts {self.count}, {remedy}")

    @cached_property
    def operation(self) -> str:
        """The name of its one operation."""
        return next(operation for operation in OPERATIONS if getattr(self, operation) is not None)

    @property
    def argument(self) -> str:
        """What the operation is given."""
        return str(getattr(self, self.operation))

    @property
    def fallback(self) -> float | bool | str | None:
        """The value when there is nothing to compute."""
        if "default" in self.model_fields_set:
            return self.default
        return 0 if self.operation in ZERO else None

    @property
    def events(self) -> tuple[str, ...]:
        """Every event name that it mentions."""
        named = [*self.of, *(name for step in self.sequence or () for name in step.events)]
        return tuple(dict.fromkeys([*named, *(self.session.of if self.session else ())]))

    @property
    def words(self) -> str:
        """Its label, or words made of its definition."""
        return self.label or _described(self)

    def as_label(self) -> Label:
        """How rules in plain words speak of it."""
        unit: Unit | None = self.unit
        if self.operation == "days_since" and unit in (None, "days"):
            unit = "ago"
        elif unit is None:
            unit = _UNITS.get(self.operation)
        return Label(self.words, unit)

    def to_yaml(self) -> dict[str, Any]:
        """The definition as the mapping that YAML holds; inverse of `from_yaml`."""
        said = {key: getattr(self, key) for key in type(self).model_fields if key in self.model_fields_set}
        del said["name"]
        if self.sequence:
            said["sequence"] = [step.to_yaml() for step in self.sequence]
        if self.session:
            said["session"] = self.session.to_yaml()
        if "of" in said:
            said["of"] = said["of"][0] if len(said["of"]) == 1 else list(said["of"])
        return {key: value for key, value in said.items() if value is not None or key == "default"}

    @classmethod
    def from_yaml(cls, name: str, mapping: Any, *, file: str = "shoal.yaml") -> Feature:
        """A feature from its name and YAML mapping.

        Raises SettingsError with every fault of it.

        >>> Feature.from_yaml("orders_90d", {"distinct": "order_id", "of": "Order Completed", "within": "90d"}).words
        'different order_id in 90 days of Order Completed'
        """
        found, faults = _read(name, mapping, file)
        if found is None:
            raise SettingsError(faults)
        return found


def features_from_yaml(mapping: Mapping[str, Any], *, file: str = "shoal.yaml") -> list[Feature]:
    """Every feature of a mapping from name to definition.

    Raises SettingsError with the faults of all of them at once.

    >>> [feature.name for feature in features_from_yaml({"events": {"count": "events"}})]
    ['events']
    """
    read = [_read(str(name), one, file) for name, one in mapping.items()]
    faults = [fault for _, faults in read for fault in faults]
    if faults:
        raise SettingsError(faults)
    return [feature for feature, _ in read if feature is not None]


def _read(name: str, mapping: Any, file: str) -> tuple[Feature | None, list[Fault]]:
    where = f"features.{name}"
    if not isinstance(mapping, Mapping):
        remedy = "write it as {count: events, within: 90d}"
        return None, [Fault(file, None, where, f"is not a mapping, got {mapping!r}", remedy)]
    given = {str(key): value for key, value in mapping.items()}
    try:
        return Feature.model_validate({**given, "name": name}), []
    except ValidationError as error:
        return None, [_fault(item, where, file) for item in error.errors()]


def _fault(item: Mapping[str, Any], where: str, file: str) -> Fault:
    place = ".".join([where, *(str(part) for part in item["loc"][:1])])
    if item["type"] == "extra_forbidden":
        key = str(item["loc"][0])
        remedy = "put an expression with commas in quotes" if ")" in key else "see docs/features.md"
        known = [name for name in Feature.model_fields if name != "name"]
        return Fault(file, None, where, f"unknown key '{key}'.{suggest(key, known)}", remedy)
    what = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] != "value_error":
        what += f"; got {item.get('input')!r}"
    return Fault(file, None, place, what, "see docs/features.md")


def _described(feature: Feature) -> str:
    operation, argument = feature.operation, feature.argument
    if operation in ("trait", "formula"):
        return feature.name.replace("_", " ")
    one = "match" if feature.sequence else "session" if feature.session else "event"
    many = "matches" if feature.sequence else f"{one}s"
    start = {
        "count": many,
        "distinct": f"different {argument}",
        "days_since": f"{argument} {one}",
        "gap": f"days between {many} ({argument})",
        "share": f"share with {argument}",
        "trend": f"trend of {argument}",
        "depth": "steps reached",
    }.get(operation, f"{operation} of {argument}")
    parts = [start]
    if feature.session:
        per = "per session" if operation not in ("count", "days_since", "gap") else ""
        parts += [per, f"(pauses to {spoken_span(feature.session.gap)})"]
    if feature.within:
        parts.append(f"in {spoken_span(feature.within)}")
    if feature.before:
        parts.append(f"until {spoken_span(feature.before)} before")
    if feature.of:
        parts.append(f"of {', '.join(feature.of)}")
    if feature.sequence:
        parts.append(f"of {described(feature.sequence, feature.span)}")
    if feature.where:
        parts.append(f"where {feature.where}")
    return " ".join(filter(None, parts))
