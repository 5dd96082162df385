"""Discovery from features to named rules: matrix, recipe, number of segments, distillation, names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from shoal.model import matrix as design
from shoal.model.arena import Arena
from shoal.model.choose import candidates, choose_k, stable
from shoal.model.clusters import KMeansRecipe
from shoal.model.distil import Distilled, Distilling, distil, drawing
from shoal.model.levels import basis, behaviour
from shoal.model.matrix import Array, Matrix, numbers
from shoal.model.meta import FeatureMeta
from shoal.model.name import names
from shoal.model.portrait import Crowd, crowd, portrait
from shoal.model.recipe import Recipe
from shoal.model.rules import Cut, select
from shoal.summary import Discovery, KChoice

FEWEST = 40
GAIN = 0.03
MANY = 15


@dataclass(frozen=True)
class Found:
    """The discovered segments (none when `reason` says why not), and what the report shows of how they were found."""

    cuts: tuple[Cut, ...]
    discovery: Discovery
    reason: str = ""
    distilled: Distilled | None = field(default=None, compare=False)


def discover(
    table: pa.Table,
    meta: Mapping[str, FeatureMeta],
    *,
    budget: int = 6,
    k: int | None = None,
    floor: float = 0.02,
    seed: int = 0,
    recipe: Recipe | None = None,
    inputs: Sequence[str] | None = None,
    taken: Collection[str] = (),
    everybody: Crowd | None = None,
    arena: Arena | None = None,
    choices: Sequence[KChoice] = (),
) -> Found:
    """At most `budget` segments of the people in `table` (one row a person), as disjoint rules.

    They cover everybody, unless the recipe leaves people out: then some are in no segment, and a note says how many.
    Too few people, or none that differ, is a `reason`, not an error. Segments come in order of their share of value.

    Args:
        budget: at most so many segments; `floor` the smallest share of people a segment may have.
        k: look for exactly so many clusters instead of choosing their number.
        recipe: finds the groups, k-means on quantile features when left out; `inputs` limits the features it sees.
        taken: names already given; `everybody`, from `crowd`, saves measuring the people twice.
        arena: the people with their outlook, for recipes that look at it; `choices` how `k` was chosen.
    """
    recipe = recipe or KMeansRecipe()
    points = arena.matrix if arena is not None else design.build(table, meta, seed=seed, inputs=inputs)
    reason = _hopeless(table.num_rows, points)
    if reason:
        return Found((), _nothing(recipe, points, reason), reason)
    choices, worth = list(choices), _worth(behaviour(table, meta), points)
    if k is None:
        choices = choose_k(Distilling(recipe, floor), points, candidates(budget, len(points.rows)), seed)
        choices, distilled = _sayable(recipe, points, choices, floor, worth, seed)
    else:
        distilled = _rules(recipe, points, k, floor, worth, seed)
    if not distilled.groups or np.ptp(distilled.labels) == 0:
        reason = "not enough data: no rule tells the people apart"
        return Found((), _nothing(recipe, points, reason), reason)
    everybody = everybody or crowd(table, meta, seed=seed)
    portraits = [portrait(everybody, select(rule, table)) for rule in distilled.rules]
    titles = names(everybody, portraits, taken, points.names)
    discovery = Discovery(
        recipe=recipe.name,
        inputs=list(points.names),
        dropped=dict(points.dropped),
        choices=choices,
        tree=drawing(distilled, points, titles),
        fidelity=distilled.fidelity,
        notes=_notes(distilled, budget),
    )
    richest = sorted(
        range(len(titles)), key=lambda place: (-(portraits[place].value_share or 0.0), -portraits[place].size)
    )
    return Found(tuple(_cut(distilled, titles, place) for place in richest), discovery, distilled=distilled)


def _cut(distilled: Distilled, titles: Sequence[str], place: int) -> Cut:
    return Cut(
        name=titles[place],
        kind="discovered",
        rule=distilled.rules[place],
        status="niche" if distilled.niche[place] else "draft",
        facts={"fidelity": distilled.jaccards[place], "cluster": distilled.groups[place]},
    )


def _notes(distilled: Distilled, budget: int) -> list[str]:
    found = list(distilled.notes)
    if budget > MANY:
        found.append(f"{budget} segments were allowed; more than {MANY} can seldom be told apart or acted on")
    if not distilled.held_out:
        found.append("too few people for a holdout: fidelity is of those fitted")
    return found


def _sayable(
    recipe: Recipe, inputs: Matrix, choices: list[KChoice], floor: float, worth: Array | None, seed: int
) -> tuple[list[KChoice], Distilled]:
    """The chosen number, or a smaller stable one whose rules say clearly better what the clusters are."""
    chosen = next(choice for choice in choices if choice.chosen)
    best = _rules(recipe, inputs, chosen.k, floor, worth, seed)
    for choice in sorted(choices, key=lambda choice: -choice.k):
        if best.sayable:
            break
        if choice.k < chosen.k and stable(choice):
            other = _rules(recipe, inputs, choice.k, floor, worth, seed)
            if other.sayable or other.fidelity >= best.fidelity + GAIN:
                chosen, best = choice, other
    return [choice.model_copy(update={"chosen": choice.k == chosen.k}) for choice in choices], best


def _rules(recipe: Recipe, inputs: Matrix, k: int, floor: float, worth: Array | None, seed: int) -> Distilled:
    return distil(inputs, recipe.fit(inputs, k, seed), floor=floor, worth=worth, seed=seed)


def _worth(table: pa.Table, inputs: Matrix) -> Array | None:
    column = basis(table).monetary
    return None if column is None else numbers(table, column, inputs.rows)


def _hopeless(people: int, inputs: Matrix) -> str:
    if people < FEWEST:
        return f"not enough data: {people} people, at least {FEWEST} are needed to look for segments"
    if not inputs.names:
        return "not enough data: no feature differs between people"
    return ""


def _nothing(recipe: Recipe, inputs: Matrix, reason: str) -> Discovery:
    return Discovery(recipe=recipe.name, inputs=list(inputs.names), dropped=dict(inputs.dropped), notes=[reason])
