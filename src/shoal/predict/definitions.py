"""The features by which questions say whom they mean and what came true, each named by what it says."""

from __future__ import annotations

import hashlib
import json

from shoal.define.packs import Definition


class Definitions:
    """Names definitions by what they say, so that tasks that need the same one share it."""

    def __init__(self) -> None:
        self.at_cutoff: dict[str, Definition] = {}
        self.later: dict[str, Definition] = {}
        self.used: list[str] = []

    def now(self, definition: Definition) -> str:
        """Adds a feature at the cut-off and gives its name."""
        name = _named(definition)
        self.at_cutoff[name] = definition
        return name

    def then(self, definition: Definition) -> str:
        """Adds a feature one horizon later and gives its name."""
        name = f"later_{_named(definition)}"
        self.later[name] = definition
        return name

    def inputs(self, name: str, selected: Definition, money: bool, noun: str) -> None:
        """Features of the very thing that is asked for, which the ready ones may not have."""
        base: dict[str, Definition] = {
            f"{name}_events": {"count": "events", "label": f"{noun}: times"},
            f"{name}_events_30d": {"count": "events", "within": "30d", "label": f"{noun}: times in 30 days"},
            f"{name}_events_90d": {"count": "events", "within": "90d", "label": f"{noun}: times in 90 days"},
            f"{name}_days": {"distinct": "day_number(at)", "within": "180d", "label": f"{noun}: days in 180 days"},
            f"{name}_recency": {"days_since": "last", "label": f"last {noun}", "unit": "ago"},
            f"{name}_gap": {"gap": "mean", "label": f"usual days between {noun}", "unit": "days"},
        }
        if money:
            base[f"{name}_spent_90d"] = {
                "sum": "value",
                "within": "90d",
                "label": f"{noun}: spent in 90 days",
                "unit": "money",
            }
        for one, definition in base.items():
            self.at_cutoff[f"{one}"] = {**definition, **selected}
            self.used.append(one)


def _named(definition: Definition) -> str:
    said = json.dumps(definition, sort_keys=True)
    return "is_" + hashlib.sha256(said.encode()).hexdigest()[:10]
