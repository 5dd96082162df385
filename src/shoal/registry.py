"""Finds what plugs in, by entry point; our own parts come through the same door."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from shoal.errors import NotFound, suggest

ENGINES = "shoal.engines"
RECIPES = "shoal.recipes"
MODELS = "shoal.models"


def plugins(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; where two share a name, ours gives way.

    >>> sorted(plugins("shoal.engines"))
    ['duckdb']
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(
        entry_points(group=group), key=lambda point: (not point.value.startswith("shoal."), point.value)
    ):
        found[point.name] = point
    return found


def load(group: str, name: str) -> Any:
    """The object behind an entry point.

    Raises NotFound with the nearest name.
    """
    known = plugins(group)
    if name not in known:
        raise NotFound(f"no '{name}' in {group}.{suggest(name, known)} Install the package that brings it.")
    return known[name].load()
