"""The contest: every recipe and the traditional ways cut the people of one period ago, and the period since decides.

Recipes get the same number of segments as the tradition. What a recipe's models learn is known by the cut-off. The
winner makes today's segments, in the largest number that comes back when the people are drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from shoal import registry
from shoal.model.arena import Arena, steadiness
from shoal.model.choose import candidates, gap, silhouette, stable
from shoal.model.distil import Distilled
from shoal.model.matrix import Array
from shoal.model.recipe import Recipe
from shoal.model.rivals import Board, Codes, Way, many, rivals, traditional
from shoal.model.rules import Cut, assign
from shoal.summary import Comparison, Contender, Interval, KChoice, Verdict

PEOPLE = 10_000  # whom recipes see and are drawn from; every way is judged on everybody
ROUNDS = 10
FINALISTS = 2  # recipes for which smaller numbers of segments are tried, at least
FEWEST = 400  # people in a contest: half of them say who is ahead
HOPEFUL = 0.8  # of what the best explains: with fewer segments such a one may still be the best of those that come back
NEARLY = 0.9  # of what the best explains: recipes that near are equals, and the surer one with more segments is taken
SURE = 0.7  # least Jaccard that ten rounds do not mistake for one above 0.6
DISCOVERED = "Discovered segments"
SAYABLE = 0.8  # fidelity from which rules say what the groups are


class Judge(Protocol):
    """Whoever knows what people did in the period since (`validate.jury`)."""

    def preferred(self, ways: Sequence[Way]) -> list[float]: ...
    def decided(self, ways: Sequence[Way]) -> tuple[Comparison, list[Verdict]]: ...
    def compared(self, ways: Sequence[Way]) -> list[Contender]: ...
    def persistence(self, before: Codes, after: Codes) -> Interval: ...


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
    """The table, the verdicts, and with which recipe and number today's segments are made; it gave `segments` then."""

    comparison: Comparison
    verdicts: list[Verdict]
    key: str
    k: int
    segments: int
    choices: list[KChoice]


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
    people = then.table.num_rows
    if people < FEWEST or not arena.matrix.names:
        return None
    ks = candidates(budget, people)
    taking = {key: recipe for key, recipe in recipes.items() if arena.takes(recipe)}
    taking, failed = _working(taking, arena, max(ks), seed)
    ring = _Ring(then, now, arena, today, taking, judge, _later_rows(then.table, now.table), seed)
    tried = ring.tried({key: (recipe, max(ks)) for key, recipe in taking.items()})
    if not tried:
        return None
    tried, finalists, chosen = ring.chosen(tried, [k for k in ks if k < max(ks)])
    comparison, verdicts = ring.comparison(tried, chosen, max(ks), traits)
    comparison = comparison.model_copy(
        update={
            "micro": _micro(then, arena, chosen.distilled, micro, judge),
            "notes": [*_notes(recipes, arena, people), *failed],
        }
    )
    segments = len(chosen.distilled.groups)
    return Contest(comparison, verdicts, _plain_key(chosen), chosen.k, segments, ring.choices(finalists, chosen))


@dataclass(frozen=True)
class _Ring:
    """Who competes, before whom, and where the people of then stand now."""

    then: Board
    now: Board
    arena: Arena
    today: Arena
    recipes: Mapping[str, Recipe]
    judge: Judge
    place: Codes
    seed: int

    def tried(self, entries: Mapping[str, tuple[Recipe, int]]) -> list[Tried]:
        """Every entry that tells people apart, with its rules on everybody and its segments found again."""
        found = []
        rounds = self.arena.stability(entries, ROUNDS, self.seed)
        for key, (recipe, k) in entries.items():
            made = self.arena.distilled(recipe, k, self.seed)
            cuts = [Cut(str(group), "discovered", rule) for group, rule in zip(made.groups, made.rules, strict=True)]
            codes = assign(cuts, self.then.table)
            if len(np.unique(codes)) > 1:
                later = assign(cuts, self.now.table)[self.place]
                found.append(Tried(key, k, made, codes, later, rounds[key]))
        return found

    def chosen(self, tried: Sequence[Tried], fewer: Sequence[int]) -> tuple[list[Tried], list[Tried], Tried]:
        """All at the full number, the finalists at every number, and the one that makes today's segments."""
        preferred = _preferred(tried, self.judge)
        order = _finalists(preferred)
        more = self.tried({f"{key}:{k}": (self.recipes[key], k) for key in order for k in fewer})
        finalists = [one for one in [*tried, *more] if _plain_key(one) in order]
        hopeful = {one.key: (self.recipes[_plain_key(one)], one.k) for one in finalists if one.fit}
        again = self.today.stability(hopeful, ROUNDS, self.seed) if hopeful else {}
        looked = {one.key: replace(one, today=again.get(one.key)) for one in finalists}
        best = _chosen(list(looked.values()), preferred | _preferred(more, self.judge))
        return [looked.get(one.key, one) for one in tried], list(looked.values()), best

    def comparison(
        self, tried: Sequence[Tried], chosen: Tried, k: int, traits: Sequence[str]
    ) -> tuple[Comparison, list[Verdict]]:
        """The table, and who is ahead: what is proposed against the traditional ways with as many segments.

        What is proposed stands in the table as it is, beside the same recipe with as many segments as everybody.
        """
        shown = [*tried, *([chosen] if chosen.key not in {one.key for one in tried} else [])]
        old = traditional(self.then, self.now, self.arena, k, traits, self.place, self.seed, ROUNDS)
        told = [*((self.name(one), "discovered", one.codes) for one in shown), *(one[:3] for one in old)]
        facts = {
            **{self.name(one): _facts(one, self.judge) for one in shown},
            **{name: _plain_facts(codes, later, rounds, self.judge) for name, _, codes, later, rounds in old},
        }
        against = rivals(self.then, len(chosen.distilled.groups))
        found, verdicts = self.judge.decided([(DISCOVERED, "discovered", chosen.codes), *against])
        mine = self.name(chosen)
        won = mine if found.winner == DISCOVERED else found.winner
        proposed = won if won in [name for name, *_ in against] else mine
        more = {
            "people": self.then.table.num_rows,
            "contenders": [one.model_copy(update=facts.get(one.name, {})) for one in self.judge.compared(told)],
            "winner": won,
            "words": f"{found.words} {_outcome(mine, chosen, proposed)}",
            "proposed": proposed,
            "k": k,
        }
        return found.model_copy(update=more), verdicts

    def choices(self, finalists: Sequence[Tried], chosen: Tried) -> list[KChoice]:
        """The chosen recipe at every number that was tried."""
        curve = sorted((one for one in finalists if _plain_key(one) == _plain_key(chosen)), key=lambda one: one.k)
        told = self.judge.compared([(f"{one.k} segments", "discovered", one.codes) for one in curve])
        return [
            _choice(self.arena, one, found, chosen=one is chosen, seed=self.seed)
            for one, found in zip(curve, told[: len(curve)], strict=True)
        ]

    def name(self, one: Tried) -> str:
        name = self.recipes[_plain_key(one)].name
        fewer = "" if one.key == _plain_key(one) else f", {one.k} segments"
        return name[:1].upper() + name[1:] + fewer


def _finalists(preferred: Mapping[str, float]) -> list[str]:
    """The recipes for which smaller numbers are tried: the best ones, and whatever explains nearly as much."""
    order = sorted(preferred, key=lambda key: -preferred[key])
    return [key for at, key in enumerate(order) if at < FINALISTS or preferred[key] >= HOPEFUL * preferred[order[0]]]


def _preferred(tried: Sequence[Tried], judge: Judge) -> dict[str, float]:
    """What each explains on the half that serves to choose."""
    found = judge.preferred([(one.key, "discovered", one.codes) for one in tried]) if tried else []
    return {one.key: float(np.nan_to_num(score, nan=-np.inf)) for one, score in zip(tried, found, strict=True)}


def _chosen(tried: Sequence[Tried], preferred: Mapping[str, float]) -> Tried:
    """Of the recipes that are stable, at the largest such number each, the best or one near it; else the steadiest."""
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
    return max(near, key=lambda one: (one.least >= SURE, one.k, one.least, preferred[one.key]))


def _steadily(k: int, rounds: Array) -> KChoice:
    mean, _, _, least = steadiness(rounds) or (0.0, 0.0, 0.0, 0.0)
    return KChoice(k=k, jaccard_mean=mean, jaccard_min=least, silhouette=None)


def _plain_key(one: Tried) -> str:
    return one.key.partition(":")[0]


def _micro(then: Board, arena: Arena, macro: Distilled, most: int, judge: Judge) -> list[Contender]:
    """Many small segments beside the cells and tiers that marketers would take for as many."""
    ways = many(then, arena, macro, most)
    return judge.compared(ways)[:-1] if ways else []


def _facts(one: Tried, judge: Judge) -> dict[str, Any]:
    mean, low, high, least = one.steady
    outside = float((one.codes < 0).mean())
    notes = [f"leaves {outside:.0%} of the people in no segment"] if outside else []
    if not stable(_steadily(one.k, one.rounds)):
        notes.append("did not come back when the people were drawn again")
    if one.today is not None and not stable(one.choice):
        notes.append(f"did not come back among today's people (least {one.choice.jaccard_min:.2f})")
    if one.distilled.fidelity < SAYABLE:
        notes.append("rules do not say its groups")
    return {
        "recipe": _plain_key(one),
        "stability": Interval(value=mean, low=low, high=high),
        "least": least,
        "persistence": judge.persistence(one.codes, one.later),
        "fidelity": one.distilled.fidelity,
        "smallest": _smallest(one.codes),
        "note": "; ".join(notes),
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


def _outcome(mine: str, chosen: Tried, proposed: str) -> str:
    """What comes of it, in a sentence."""
    if proposed != mine:
        return f"{proposed} win, so they are what is proposed."
    unsure = (
        "" if chosen.fit else " It did best of those none of which came back well enough when people were drawn again."
    )
    return f"What is proposed: {mine[:1].lower() + mine[1:]}.{unsure}"


def _working(recipes: Mapping[str, Recipe], arena: Arena, k: int, seed: int) -> tuple[dict[str, Recipe], list[str]]:
    """The recipes that give groups at all, and what is said of those that fail: somebody's plugin ends no run."""
    found, failed = {}, []
    for key, recipe in recipes.items():
        try:
            recipe.fit(arena.matrix, k, seed)
        except Exception as error:  # noqa: BLE001 - it is not our code
            failed.append(f"recipe '{key}' failed and took no part: {type(error).__name__}: {error}")
        else:
            found[key] = recipe
    return found, failed


def _notes(recipes: Mapping[str, Recipe], arena: Arena, people: int) -> list[str]:
    found = [
        "a recipe is chosen on one half of the people; the words above are of the other half, the table of everybody"
    ]
    left = [recipe.name for recipe in recipes.values() if not arena.takes(recipe)]
    if left:
        found.append(f"not enough history to learn what people do next, so these took no part: {', '.join(left)}")
    if len(arena.person) < people:
        found.append(f"recipes saw, and were drawn again from, {len(arena.person):,} of {people:,} people")
    return found


def _later_rows(then: pa.Table, now: pa.Table) -> Codes:
    """Where the people of then stand now; both tables are sorted by person."""
    rows: Codes = np.searchsorted(now["person"].to_numpy(), then["person"].to_numpy()).astype(np.int64)
    return rows
