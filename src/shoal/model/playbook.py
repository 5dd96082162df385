"""The catalogue of strategies, and which of them fit a segment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib.resources import files

import yaml

from shoal.plays import Strategy

MOST = 4


@cache
def catalogue() -> tuple[Strategy, ...]:
    """Every ready strategy, in order of precedence, each with a measure."""
    told = yaml.safe_load(files("shoal.model").joinpath("playbook.yaml").read_text(encoding="utf-8"))
    found = [Strategy.model_validate(entry) for entry in told["strategies"]]
    return tuple(
        one if one.measure else one.model_copy(update={"measure": told["measures"][one.move]}) for one in found
    )


def recommend(tags: Collection[str], most: int = MOST, own: Sequence[Strategy] = ()) -> list[str]:
    """At most `most` strategies, one a move, that fit the tags; the last resort only when nothing else fits.

    A workspace's `own` entries come before the ready ones, so one of the same move takes its place.

    >>> recommend({"saas", "never"})[0].split(":")[0]
    'Get them to the first success today'
    """
    found: dict[str, str] = {}
    for play in (*own, *catalogue()):
        if play.move not in found and play.fits(frozenset(tags)) and (play.when or not found):
            found[play.move] = play.said
    return list(found.values())[:most]
