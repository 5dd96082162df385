"""The catalogue of strategies, and which of them fit a segment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

MOST = 3


@dataclass(frozen=True)
class Play:
    """One strategy: what it is a move of, the tags that call for it, those that rule it out, and what to do."""

    move: str
    when: frozenset[str]
    unless: frozenset[str]
    do: str


@cache
def catalogue() -> tuple[Play, ...]:
    """Every strategy, in order of precedence."""
    text = files("shoal.model").joinpath("playbook.yaml").read_text(encoding="utf-8")
    return tuple(
        Play(item["move"], frozenset(item["when"]), frozenset(item.get("not", ())), item["do"])
        for item in yaml.safe_load(text)
    )


def recommend(tags: Collection[str], most: int = MOST) -> list[str]:
    """At most `most` strategies, one a move, that fit the tags; the last resort only when nothing else fits.

    >>> recommend({"usage", "new"})
    ['Onboard to the first success: three steps, a checklist, help at the step where most stop.']
    """
    found: dict[str, str] = {}
    for play in catalogue():
        if play.move not in found and play.when <= set(tags) and not play.unless & set(tags):
            if not play.when and found:
                continue
            found[play.move] = play.do
    return list(found.values())[:most]
