"""Which features a workspace has, and what the next period is judged by: definitions, not data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shoal.define.feature import Feature, features_from_yaml
from shoal.define.packs import Catalogue, Definition, Ready, choose, main_events
from shoal.model.meta import FeatureMeta

DAY = 86_400_000_000
LONGEST = 90
UNITS = {
    **dict.fromkeys(("count", "distinct", "depth"), "count"),
    **dict.fromkeys(("days_since", "gap"), "days"),
    "share": "share",
}
OF_SIGN_UPS = ("tenure_days",)  # all that says something where sign-ups are the only events
BEHAVIOUR = ("items_per_order", "units_per_order", "aov", "breadth", "depth", "events_per_session", "adoption")


@dataclass(frozen=True)
class Defined:
    """The features of a run: their definitions, and what words and themes they go by."""

    features: list[Feature]
    meta: dict[str, FeatureMeta]
    hidden: frozenset[str]


def define(catalogue: Catalogue, own: Mapping[str, Mapping[str, Any]], *, events: bool = True) -> Defined:
    """The ready features that the data can carry, and the workspace's own, which replace those of the same name.

    `events` is False where no source tells what people did; a table of customers may still say when they signed up.

    Raises SettingsError with every fault of the workspace's own definitions.
    """
    ready = {one.name: one for one in choose(catalogue) if catalogue.events}
    if not events:
        ready = {name: one for name, one in ready.items() if name in OF_SIGN_UPS}
    definitions: dict[str, Mapping[str, Any]] = {name: one.definition for name, one in ready.items()}
    features = features_from_yaml({**definitions, **own})
    meta = {}
    for feature in features:
        theme = ready[feature.name].theme if feature.name in ready and feature.name not in own else "engagement"
        label = feature.label or feature.name.replace("_", " ")
        meta[feature.name] = FeatureMeta(feature.name, label, feature.unit or UNITS.get(feature.operation, ""), theme)
    hidden = frozenset(name for name, one in ready.items() if one.theme == "hidden" and name not in own)
    return Defined(features, meta, hidden)


def horizon(span_days: float) -> int | None:
    """Days of the period that segments are judged on: a quarter of a year, less where the data are shorter.

    At most a quarter of the span, so that the features have the rest; None under eight days in all.

    >>> horizon(365), horizon(730), horizon(120), horizon(3)
    (90, 90, 30, None)
    """
    return min(LONGEST, int(span_days // 4)) if span_days >= 8 else None


def outcomes(catalogue: Catalogue, days: int) -> list[Feature]:
    """What happened within the last `days`: value (revenue, orders, activity) and behaviour, null where nothing did.

    Computed as of the end of the period, they are the labels of the period's beginning.
    """
    events = main_events(catalogue)
    window = f"{days}d"
    found: dict[str, Definition] = {"active": {"count": "events", "of": events, "within": window}}
    if catalogue.role("purchase") and catalogue.has_value:
        found["revenue"] = {"sum": "value", "of": events, "within": window}
    for one in choose(catalogue):
        if one.name in BEHAVIOUR or one.theme in ("timing", "affinity"):
            found.update(_within(one, {ready.name: ready for ready in choose(catalogue)}, window))
    return features_from_yaml(found)


def _within(one: Ready, known: Mapping[str, Ready], window: str) -> dict[str, Definition]:
    """A ready feature over the window only, with what its formula needs; without a default: nothing is nothing."""
    definition = {key: value for key, value in one.definition.items() if key != "default"}
    if "formula" not in definition:
        return {one.name: {**definition, "within": window}}
    needed = [name for name in known if name in definition["formula"].replace("/", " ").split()]
    parts = {name: {**known[name].definition, "within": window} for name in needed}
    return {**parts, one.name: definition}
