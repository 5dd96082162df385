"""The contest: every recipe and the traditional ways cut the people of one period ago, and the period since decides.

Recipes get the same number of segments as the tradition. What a recipe's models learn is known by the cut-off. The
winner makes today's segments, in the largest number that comes back when the people are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import registry
from shoal.contingency import best_jaccard, cross
from shoal.model import lifecycle, rfm, tiers
from shoal.model.arena import Arena, steadiness
from shoal.model.choose import candidates, gap, silhouette, stable
from shoal.model.demographic import demographic
from shoal.model.distil import Distilled
from shoal.model.matrix import Array
from shoal.model.meta import FeatureMeta
from shoal.model.nest import nested
from shoal.model.recipe import Recipe
from shoal.model.rules import Cut, assign
from shoal.summary import Comparison, Contender, Interval, KChoice, Verdict

PEOPLE = 10_000  # whom recipes see and are drawn from; every way is judged on everybody
ROUNDS = 10
FINALISTS = 2  # recipes for which smaller numbers of segments are tried, at least
FEWEST = 200  # people in a contest
HOPEFUL = 0.8  # of what the best explains: with fewer segments such a one may still be the best of those that come back
NEARLY = 0.9  # of what the best explains: of recipes that near, the one that comes back most surely makes the segments
SAYABLE = 0.8  # fidelity from which rules say what the groups are
Codes = NDArray[np.int64]
Way = tuple[str, str, Codes]
Make = Callable[[pa.Table], list[Cut]]


class Judge(Protocol):
    """Whoever knows what people did in the period since (`validate.jury`)."""

    def preferred(self, ways: Sequence[Way]) -> list[float]: ...
    def decided(self, ways: Sequence[Way]) -> tuple[Comparison, list[Verdict]]: ...
    def compared(self, ways: Sequence[Way]) -> list[Contender]: ...
    def persistence(self, before: Codes, after: Codes) -> Interval: ...


@dataclass(frozen=True)
class Board:
    """The people of one instant: all columns that rules read, those that discovery may use, those of behaviour."""

    table: pa.Table
    inputs: pa.Table
    behaviour: pa.Table
    meta: Mapping[str, FeatureMeta]


@dataclass(frozen=True)
class Tried:
    """A recipe at one number of segments: its rules on everybody, then and one period later."""

    key: str
    k: int
    distilled: Distilled
    codes: Codes
    later: Codes
    rounds: Array
    today: Array | None = None

    @property
    def steady(self) -> tuple[float, float, float, float]:
        return steadiness(self.rounds) or (0.0, 0.0, 0.0, 0.0)

    @property
    def choice(self) -> KChoice:
        """Its stability among today's people, where that is known, else among those of then."""
        return _steadily(self.k, self.rounds if self.today is None else self.today)

    @property
    def least(self) -> float:
        """How well its least stable segment came back, then and today."""
        return min(self.choice.jaccard_min, _steadily(self.k, self.rounds).jaccard_min)

    @property
    def fit(self) -> bool:
        """Whether its segments came back among the people of then and of today, and are said by their rules."""
        said = self.distilled.fidelity >= SAYABLE and len(self.distilled.groups) > 1
        return said and stable(self.choice) and stable(_steadily(self.k, self.rounds))


@dataclass(frozen=True)
class Contest:
    """The table, the verdicts, and with which recipe and number of segments today's are made."""

    comparison: Comparison
    verdicts: list[Verdict]
    key: str
    k: int
    choices: list[KChoice]
    notes: list[str] = field(default_factory=list)


def recipes(wanted: Sequence[str] | None = None) -> dict[str, Recipe]:
    """The recipes that take part, by entry point: those `wanted`, or all that are installed.

    Raises NotFound with the nearest name.

    >>> [recipe.name for recipe in recipes(["kmeans"]).values()]
    ['k-means on quantile features']
    """
    names = sorted(registry.plugins(registry.RECIPES)) if wanted is None else list(dict.fromkeys(wanted))
    return {name: registry.load(registry.RECIPES, name)() for name in names}


def contest(
    then: Board,
    now: Board,
    arena: Arena,
    today: Arena,
    recipes: Mapping[str, Recipe],
    judge: Judge,
    *,
    budget: int,
    micro: int,
    traits: Sequence[str],
    seed: int,
) -> Contest | None:
    """Who explains the period between `then` and `now` best; None where there are too few people to tell.

    Args:
        arena: the people of `then` (10,000 of them at most), with what could be learned by then; `today` those of
            `now`: what is proposed must come back among them too.
        recipes: by the name of their entry point.
        budget: how many segments everybody gets; `micro` how many the nested ones in all.
        traits: columns that say who people are, for the demographic yardstick.
    """
    arena_people = then.table.num_rows
    if arena_people < FEWEST or not arena.matrix.names:
        return None
    k = max(candidates(budget, arena_people))
    place = _later_rows(then.table, now.table)
    taking = {key: recipe for key, recipe in recipes.items() if arena.takes(recipe)}
    tried = _tried(then, now, arena, {key: (recipe, k) for key, recipe in taking.items()}, place, seed)
    if not tried:
        return None
    preferred = _preferred(tried, judge)
    order = _finalists(preferred)
    smaller = {
        f"{key}:{less}": (taking[key], less) for key in order for less in candidates(budget, arena_people) if less < k
    }
    more = _tried(then, now, arena, smaller, place, seed)
    finalists = [one for one in [*tried, *more] if _plain_key(one) in order]
    hopeful = {one.key: (taking[_plain_key(one)], one.k) for one in finalists if one.fit}
    again = today.stability(hopeful, ROUNDS, seed) if hopeful else {}
    finalists = [replace(one, today=again.get(one.key)) for one in finalists]
    chosen = _chosen(finalists, preferred | _preferred(more, judge))
    traditional = _traditional(then, now, arena, k, traits, place, seed)
    told = [*(_way(one, taking) for one in tried), *((name, kind, codes) for name, kind, codes, *_ in traditional)]
    facts = {
        **{_name(one, taking): _facts(one, judge) for one in tried},
        **{name: _plain_facts(codes, later, rounds, judge) for name, _, codes, later, rounds in traditional},
    }
    contenders = [one.model_copy(update=facts.get(one.name, {})) for one in judge.compared(told)]
    best = ("Discovered segments", "discovered", chosen.codes)
    rivals = _rivals(then, len(chosen.distilled.groups))
    verdict, verdicts = judge.decided([best, *rivals])
    mine = _name(chosen, taking)
    won = mine if verdict.winner == best[0] else verdict.winner
    proposed = won if won in [name for name, *_ in rivals] else mine
    comparison = verdict.model_copy(
        update={
            "people": arena_people,
            "contenders": contenders,
            "winner": won,
            "words": _words(verdict.words, mine, chosen, proposed),
            "proposed": proposed,
            "k": k,
            "micro": _micro(then, arena, chosen, micro, judge),
            "notes": _notes(recipes, taking, arena, arena_people),
        }
    )
    curve = sorted((one for one in finalists if _plain_key(one) == _plain_key(chosen)), key=lambda one: one.k)
    explains = judge.compared([(f"{one.k} segments", "discovered", one.codes) for one in curve])
    choices = [
        _choice(arena, one, found, chosen=one is chosen, seed=seed) for one, found in zip(curve, explains, strict=False)
    ]
    return Contest(comparison, verdicts, _plain_key(chosen), chosen.k, choices)


def _tried(
    then: Board,
    now: Board,
    arena: Arena,
    entries: Mapping[str, tuple[Recipe, int]],
    place: Codes,
    seed: int,
) -> list[Tried]:
    """Every entry that tells people apart, with its rules on everybody and its segments found again."""
    found = []
    rounds = arena.stability(entries, ROUNDS, seed)
    for key, (recipe, k) in entries.items():
        made = arena.distilled(recipe, k, seed)
        cuts = [Cut(str(group), "discovered", rule) for group, rule in zip(made.groups, made.rules, strict=True)]
        codes = assign(cuts, then.table)
        if len(np.unique(codes)) > 1:
            found.append(Tried(key, k, made, codes, assign(cuts, now.table)[place], rounds[key]))
    return found


def _finalists(preferred: Mapping[str, float]) -> list[str]:
    """The recipes for which smaller numbers are tried: the best ones, and whatever explains nearly as much."""
    order = sorted(preferred, key=lambda key: -preferred[key])
    return [key for at, key in enumerate(order) if at < FINALISTS or preferred[key] >= HOPEFUL * preferred[order[0]]]


def _preferred(tried: Sequence[Tried], judge: Judge) -> dict[str, float]:
    """What each explains on the half that serves to choose."""
    found = judge.preferred([(one.key, "discovered", one.codes) for one in tried]) if tried else []
    return {one.key: float(np.nan_to_num(score, nan=-np.inf)) for one, score in zip(tried, found, strict=True)}


def _chosen(tried: Sequence[Tried], preferred: Mapping[str, float]) -> Tried:
    """Of the recipes that are stable at some number, at the largest such number, the best; else the most stable one."""
    fit = [one for one in tried if one.fit]
    if not fit:
        return max(tried, key=lambda one: (round(one.choice.jaccard_mean, 6), one.k))
    largest: dict[str, Tried] = {}
    for one in fit:
        key = _plain_key(one)
        if key not in largest or one.k > largest[key].k:
            largest[key] = one
    best = max(preferred[one.key] for one in largest.values())
    near = [one for one in largest.values() if preferred[one.key] >= NEARLY * best] or list(largest.values())
    return max(near, key=lambda one: (one.least, preferred[one.key]))


def _steadily(k: int, rounds: Array) -> KChoice:
    mean, _, _, least = steadiness(rounds) or (0.0, 0.0, 0.0, 0.0)
    return KChoice(k=k, jaccard_mean=mean, jaccard_min=least, silhouette=None)


def _plain_key(one: Tried) -> str:
    return one.key.partition(":")[0]


def _name(one: Tried, recipes: Mapping[str, Recipe]) -> str:
    name = recipes[_plain_key(one)].name
    return name[:1].upper() + name[1:]


def _way(one: Tried, recipes: Mapping[str, Recipe]) -> Way:
    return (_name(one, recipes), "discovered", one.codes)


def _traditional(
    then: Board, now: Board, arena: Arena, k: int, traits: Sequence[str], place: Codes, seed: int
) -> list[tuple[str, str, Codes, Codes | None, Array]]:
    """The ways that marketers cut without a model, each with its codes, those one period later, and drawn again."""
    seen = then.behaviour.take(pa.array(arena.matrix.rows))
    found: list[tuple[str, str, Codes, Codes | None, Array]] = []
    for (name, kind), make in _makers(k, then.meta).items():
        cuts = make(then.behaviour)
        if len(cuts) > 1:
            codes, later = assign(cuts, then.table), assign(cuts, now.table)[place]
            found.append((name, kind, codes, later, _again(make, seen, codes[arena.matrix.rows], seed)))
    who = demographic(then.table, then.meta, traits, k, seed)
    if who is not None:
        found.append((who[0], "demographic", who[1], None, np.empty((0, 0))))
    return found


def _makers(k: int, meta: Mapping[str, FeatureMeta]) -> dict[tuple[str, str], Make]:
    """The traditional ways by name and kind."""
    return {
        ("RFM segments", "rfm"): lambda table: rfm.grouped(table, k, meta),
        ("Value tiers", "value"): lambda table: tiers.split(table, k, meta),
        ("Lifecycle stages", "lifecycle"): lambda table: lifecycle.lifecycle(table, meta),
    }


def _rivals(then: Board, k: int) -> list[Way]:
    """The traditional ways with as many segments as the discovered ones have in the end."""
    made = {names: make(then.behaviour) for names, make in _makers(k, then.meta).items()}
    return [(name, kind, assign(cuts, then.table)) for (name, kind), cuts in made.items() if len(cuts) > 1]


def _again(make: Make, seen: pa.Table, codes: Codes, seed: int) -> Array:
    """A traditional cut with its cut-offs found anew on people drawn with replacement."""
    rounds = []
    for turn in range(ROUNDS):
        drawn = np.random.default_rng([seed, turn]).integers(0, seen.num_rows, seen.num_rows)
        cuts = make(seen.take(pa.array(drawn)))
        rounds.append(best_jaccard(cross(codes, assign(cuts, seen), int(codes.max()) + 1)))
    return np.array(rounds)


def _micro(then: Board, arena: Arena, chosen: Tried, most: int, judge: Judge) -> list[Contender]:
    """Many small segments beside the cells and tiers that marketers would take for as many."""
    if most <= 0:
        return []
    parts = nested(arena.matrix, chosen.distilled, most)
    ways: list[Way] = []
    if len(parts) > 1:
        cuts = [Cut(str(at), "micro", part.rule) for at, part in enumerate(parts)]
        alone = sorted(set(chosen.distilled.groups) - {part.group for part in parts})
        rules = dict(zip(chosen.distilled.groups, chosen.distilled.rules, strict=True))
        cuts += [Cut(f"{group}", "micro", rules[group]) for group in alone]
        ways.append(("Micro-segments", "micro", assign(cuts, then.table)))
    cells = rfm.cells(then.behaviour, then.meta)
    if cells is not None:
        ways.append(("RFM cells", "rfm", cells))
    fine = tiers.split(then.behaviour, max(most, 2), then.meta)
    if len(fine) > 1:
        ways.append(("Value tiers, fine", "value", assign(fine, then.table)))
    return judge.compared(ways)[:-1] if ways else []


def _facts(one: Tried, judge: Judge) -> dict[str, Any]:
    mean, low, high, least = one.steady
    outside = float((one.codes < 0).mean())
    return {
        "recipe": _plain_key(one),
        "stability": Interval(value=mean, low=low, high=high),
        "least": least,
        "persistence": judge.persistence(one.codes, one.later),
        "fidelity": one.distilled.fidelity,
        "smallest": _smallest(one.codes),
        "note": f"leaves {outside:.0%} of the people in no segment" if outside else "",
    }


def _plain_facts(codes: Codes, later: Codes | None, rounds: Array, judge: Judge) -> dict[str, Any]:
    steady = steadiness(rounds)
    return {
        "stability": None if steady is None else Interval(value=steady[0], low=steady[1], high=steady[2]),
        "least": None if steady is None else steady[3],
        "persistence": None if later is None else judge.persistence(codes, later),
        "fidelity": None if later is None else 1.0,
        "smallest": _smallest(codes),
    }


def _smallest(codes: Codes) -> float:
    """The share of the smallest segment that anybody is in."""
    counts = np.bincount(codes[codes >= 0])
    return float(counts[counts > 0].min(initial=len(codes)) / len(codes)) if len(counts) else 0.0


def _choice(arena: Arena, one: Tried, found: Contender, *, chosen: bool, seed: int) -> KChoice:
    values, labels = arena.matrix.values, one.distilled.labels
    overall = found.scores.get("overall") or found.scores.get("value")
    return one.choice.model_copy(
        update={
            "silhouette": silhouette(values, labels, seed),
            "gap": gap(values, labels, one.k, seed),
            "overall": None if overall is None else overall.value,
            "chosen": chosen,
        }
    )


def _words(words: str, mine: str, chosen: Tried, proposed: str) -> str:
    made = f"The discovered segments are {len(chosen.distilled.groups)} by {mine[:1].lower() + mine[1:]}."
    if proposed != mine:
        made += f" {proposed} win, so they are what is proposed."
    elif not chosen.fit:
        made += " No recipe came back well enough when the people were drawn again; this one did best."
    return f"{words} {made}"


def _notes(recipes: Mapping[str, Recipe], taking: Mapping[str, Recipe], arena: Arena, people: int) -> list[str]:
    found = [
        "a recipe is chosen on one half of the people; the words above are of the other half, the table of everybody"
    ]
    left = [recipe.name for key, recipe in recipes.items() if key not in taking]
    if left:
        found.append(f"not enough history to learn what people do next, so these took no part: {', '.join(left)}")
    if len(arena.person) < people:
        found.append(f"recipes saw, and were drawn again from, {len(arena.person):,} of {people:,} people")
    return found


def _later_rows(then: pa.Table, now: pa.Table) -> Codes:
    """Where the people of then stand now; both tables are sorted by person."""
    rows: Codes = np.searchsorted(now["person"].to_numpy(), then["person"].to_numpy()).astype(np.int64)
    return rows
