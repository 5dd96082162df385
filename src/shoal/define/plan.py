"""From features to steps: typed, checked all at once, and grouped by what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from shoal.define.feature import FIELD_OPERATIONS, Feature, span
from shoal.define.functions import build
from shoal.define.matches import Matches, Reached, Stage
from shoal.define.parse import names_in, parse
from shoal.define.passes import Select, Virtual
from shoal.define.sessions import Sessions
from shoal.define.tree import Column, Expr, columns_of
from shoal.define.types import Type
from shoal.define.window import Window
from shoal.define.words import quoted
from shoal.errors import ExpressionError, Fault, SettingsError, suggest

ALL, ALWAYS = Select(), Window()
_NUMERIC = frozenset({"sum", "mean", "std", "trend", "weight"})


@dataclass(frozen=True, slots=True)
class Step:
    """One feature, ready to run: what to select, which field, in which window; or a formula over other features."""

    feature: Feature
    type: Type
    select: Select = ALL
    window: Window = ALWAYS
    field: Expr | None = None
    part: Select | None = None

    @property
    def operation(self) -> str:
        """What to compute; a trait is the last value of its column."""
        return "last" if self.feature.operation == "trait" else self.feature.operation

    @property
    def whole(self) -> bool:
        """Whether it counts things."""
        return self.operation in ("count", "distinct", "depth")


@dataclass
class Compiler:
    """Collects steps and faults; every feature is looked at, whatever is wrong with the others."""

    columns: Mapping[str, Type]
    file: str
    faults: list[Fault] = field(default_factory=list)

    def compile(self, features: Sequence[Feature]) -> dict[str, Step]:
        """Steps by name: those over events first, then formulas, each after what it reads."""
        named = {feature.name: feature for feature in features}
        for name in sorted({feature.name for feature in features if features.count(feature) > 1}):
            self.fault(named[name], "", "is defined twice", "keep one")
        steps: dict[str, Step] = {}
        for feature in features:
            if feature.operation != "formula":
                step = self.step(feature)
                if step is not None:
                    steps[feature.name] = step
        for feature in self.in_order([feature for feature in features if feature.operation == "formula"]):
            self.formula(feature, steps, named)
        if self.faults:
            raise SettingsError(self.faults)
        return steps

    def fault(self, feature: Feature, key: str, what: str, remedy: str = "see docs/features.md") -> None:
        """Notes what is wrong with a feature."""
        where = f"features.{feature.name}" + (f".{key}" if key else "")
        self.faults.append(Fault(self.file, None, where, what, remedy))

    def read(
        self, feature: Feature, key: str, text: str, expect: Type | None = None, over: Virtual | None = None
    ) -> Expr | None:
        """One of a feature's expressions over the events' columns; None, with a fault, when it is wrong."""
        try:
            return parse(text, {**self.columns, **over.columns} if over else self.columns, expect=expect)
        except ExpressionError as error:
            self.fault(feature, key, str(error), "see docs/rules.md")
            return None

    def step(self, feature: Feature) -> Step | None:
        """The step of a feature over events."""
        before = len(self.faults)
        where = self.read(feature, "where", feature.where, Type.BOOL) if feature.where else None
        over = self.over(feature, where)
        select = Select(feature.of, where) if over is None else Select(over=over)
        operation = feature.operation
        part, value = None, None
        if operation == "share":
            holds = self.read(feature, "share", feature.argument, Type.BOOL, over)
            if holds is not None:
                part = replace(select, where=_both(select.where, holds))
            value = self.read(feature, "weight", feature.weight, Type.NUMBER, over) if feature.weight else None
        elif operation == "trait":
            value = self.trait(feature)
        elif operation == "depth":
            value = Column("depth", Type.NUMBER)
        elif operation in FIELD_OPERATIONS or (operation == "trend" and feature.argument != "count"):
            expect = Type.NUMBER if operation in _NUMERIC else None
            value = self.read(feature, operation, feature.argument, expect, over)
            if operation in ("min", "max") and value is not None and value.type not in (Type.NUMBER, Type.TIME):
                self.fault(feature, operation, f"{operation} needs a number or a time, got {value.type.value}")
        if len(self.faults) > before:
            return None
        kept = value is not None and operation in ("min", "max", "first", "last", "trait")
        kind = value.type if kept and value is not None else Type.NUMBER
        window = Window(_length(feature.within), _length(feature.before) or 0)
        return self.checked(Step(feature, kind, select, window, value, part))

    def over(self, feature: Feature, where: Expr | None) -> Virtual | None:
        """The virtual events that a feature looks at, if it does not look at those of the stream."""
        if feature.sequence:
            stages = tuple(
                Stage(self.narrow(feature, "sequence", one.events, one.where, where), _length(one.within), one.absent)
                for one in feature.sequence
            )
            matches = Matches(stages, _length(feature.span))
            return Reached(matches) if feature.operation == "depth" else matches
        if feature.session:
            active = self.narrow(feature, "session", feature.session.of, feature.session.where)
            chosen = Select(feature.of, where)
            return Sessions(span(feature.session.gap), active, chosen, _length(feature.before) or 0)
        return None

    def narrow(
        self, feature: Feature, key: str, of: tuple[str, ...], where: str | None, also: Expr | None = None
    ) -> Select:
        """The events of these names for which a predicate holds, and another one too."""
        own = self.read(feature, key, where, Type.BOOL) if where else None
        return Select(of, _both(also, own))

    def trait(self, feature: Feature) -> Expr | None:
        name = feature.argument
        if name not in self.columns:
            self.fault(feature, "trait", f"unknown trait '{name}'.{suggest(name, self.columns)}", "name a known trait")
            return None
        return self.read(feature, "trait", quoted(name))

    def checked(self, step: Step) -> Step:
        """Notes a default that is not of the feature's type."""
        default, feature = step.feature.fallback, step.feature
        good = {Type.NUMBER: (int, float), Type.TEXT: (str,), Type.BOOL: (bool,)}.get(step.type, ())
        if default is None:
            return step
        if not isinstance(default, good) or (isinstance(default, bool) and step.type is not Type.BOOL):
            self.fault(feature, "default", f"is {default!r}, but the feature is a {step.type.value}")
        elif step.whole and default != int(default):
            self.fault(feature, "default", f"is {default!r}, but the feature is a whole number")
        return step

    def in_order(self, formulas: list[Feature]) -> list[Feature]:
        """Formulas, each after those that it reads; a circle is a fault of each in it."""
        named = {feature.name: feature for feature in formulas}
        reads: dict[str, set[str]] = {}
        for feature in formulas:
            try:
                reads[feature.name] = set(names_in(feature.argument)) & set(named)
            except ExpressionError:
                reads[feature.name] = set()  # said again, as a fault, when it is parsed
        while True:
            try:
                return [named[name] for name in TopologicalSorter(reads).static_order()]
            except CycleError as error:
                circle = list(error.args[1])
                for name in circle[:-1]:
                    remedy = "take one of them out of the circle"
                    self.fault(named[name], "formula", f"reads itself: {' <- '.join(circle)}", remedy)
                reads = {name: needs - set(circle) for name, needs in reads.items() if name not in circle}

    def formula(self, feature: Feature, steps: dict[str, Step], named: Mapping[str, Feature]) -> None:
        """Adds a formula's step, unless what it reads is itself wrong (that is said already)."""
        try:
            if any(name in named and name not in steps for name in names_in(feature.argument)):
                return
            value = parse(feature.argument, {name: step.type for name, step in steps.items()})
        except ExpressionError as error:
            self.fault(feature, "formula", str(error), "a formula reads other features by name")
            return
        if value.type in (Type.NULL, Type.DURATION):
            self.fault(feature, "formula", f"gives a {value.type.value}, which is no value for a feature")
            return
        steps[feature.name] = self.checked(Step(feature, value.type, field=value))


def _length(text: str | None) -> int | None:
    return None if text is None else span(text)


def _both(first: Expr | None, second: Expr | None) -> Expr | None:
    if first is None or second is None:
        return second if first is None else first
    return build("and", [first, second])


def windows_of(steps: Sequence[Step]) -> dict[Select, frozenset[Window]]:
    """Every selection with the windows it is asked for, so that features which share one share its pass."""
    found: dict[Select, set[Window]] = {}
    for step in steps:
        windows = {step.window} | ({step.window.previous()} if step.operation == "trend" else set())
        for select in (step.select, step.part):
            if select is not None:
                found.setdefault(select, set()).update(windows)
    return {select: frozenset(windows) for select, windows in found.items()}


def event_columns(steps: Sequence[Step]) -> tuple[str, ...]:
    """Columns of the event stream that the steps read."""
    names = {"person", "at"}
    for step in steps:
        over = step.select.over
        for select in over.selects if over else (step.select, step.part):
            if select is not None:
                names.update(columns_of(select.where) if select.where else (), ("event",) if select.of else ())
        own = frozenset(over.columns) if over else frozenset()
        for expr in (step.field, step.part.where if over and step.part else None):
            if expr is not None:
                names.update(columns_of(expr) - own)
    return tuple(sorted(names))
