"""Where recipes compete: the people of one instant, what is known of them then, and the same people drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.contingency import best_jaccard, cross
from shoal.model.distil import Distilled, distil, settled
from shoal.model.lessons import Lessons
from shoal.model.levels import basis, behaviour
from shoal.model.matrix import Array, Matrix, build, numbers, sample
from shoal.model.meta import FeatureMeta
from shoal.model.node import Node
from shoal.model.outlook import outlook
from shoal.model.recipe import Recipe

THREADS = 2
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Arena:
    """The design matrix with its outlook, and what the outlook was learned from.

    `points` (people, inputs of the lessons), `person` and `worth` (past value) are of the matrix's people; `floor` is
    the smallest share of a segment. Without lessons there is no outlook, and outcome-informed recipes do not compete.
    """

    matrix: Matrix
    person: Labels
    worth: Array | None = None
    lessons: Lessons | None = None
    points: Array | None = None
    floor: float = 0.02

    @classmethod
    def of(
        cls,
        table: pa.Table,
        meta: Mapping[str, FeatureMeta],
        lessons: Lessons | None,
        *,
        floor: float,
        seed: int,
        most: int | None = None,
    ) -> Arena:
        """The arena of a table of people, of `most` drawn people at most."""
        matrix = build(table, meta, seed=seed)
        if most is not None:
            matrix = matrix.take(sample(len(matrix.rows), most, seed))
        person = table["person"].to_numpy()[matrix.rows]
        column = basis(behaviour(table, meta)).monetary
        worth = None if column is None else numbers(table, column, matrix.rows)
        if lessons is None:
            return cls(matrix, person, worth, floor=floor)
        points = lessons.points(table, matrix.rows)
        return cls(replace(matrix, outlook=outlook(lessons, points, seed)), person, worth, lessons, points, floor)

    def takes(self, recipe: Recipe) -> bool:
        """Whether a recipe finds what it needs here."""
        return self.lessons is not None or not getattr(recipe, "needs_outlook", False)

    @cached_property
    def _turns(self) -> dict[int, tuple[Labels, Matrix]]:
        return {}

    def _turn(self, turn: int, seed: int) -> tuple[Labels, Matrix]:
        """The people of one round and their matrix: all entries of all calls are held against the same."""
        if turn not in self._turns:
            places = np.random.default_rng([seed, turn]).integers(0, len(self.person), len(self.person))
            self._turns[turn] = (places, self.drawn(places, seed + 1 + turn))
        return self._turns[turn]

    def drawn(self, places: Labels, seed: int) -> Matrix:
        """The matrix of people drawn with replacement, with the outlook that is learned from their past alone."""
        matrix = replace(self.matrix, outlook=None).take(places)
        if self.lessons is None or self.points is None:
            return matrix
        again = outlook(self.lessons, self.points, seed, np.concatenate([self.person[places], self._others(seed)]))
        return replace(matrix, outlook=again.take(places))

    def distilled(self, recipe: Recipe, k: int, seed: int) -> Distilled:
        """The segments that a recipe makes of everybody, as rules."""
        return distil(self.matrix, recipe.fit(self.matrix, k, seed), floor=self.floor, worth=self.worth, seed=seed)

    def _others(self, seed: int) -> Labels:
        """Those who teach but are not in the matrix, drawn with replacement: of many people, each sees another few."""
        if self.lessons is None:
            return np.empty(0, dtype=np.int64)
        others = np.setdiff1d(self.lessons.people, self.person)
        return np.random.default_rng([seed, 3]).choice(others, len(others)) if len(others) else others

    def refit(self, recipe: Recipe, k: int, places: Labels, seed: int, matrix: Matrix | None = None) -> Node:
        """The whole recipe on drawn people, outlook, groups and rules: the tree that says where anybody belongs."""
        drawn = self.drawn(places, seed) if matrix is None else matrix
        worth = None if self.worth is None else self.worth[places]
        return settled(drawn, recipe.fit(drawn, k, seed), floor=self.floor, worth=worth, seed=seed).tree

    def stability(self, entries: Mapping[str, tuple[Recipe, int]], rounds: int, seed: int) -> dict[str, Array]:
        """How well each entry's segments come back when the people are drawn again, (rounds, segments) a name.

        The largest Jaccard overlap of each segment with those found again, over all people (Hennig 2007, Computational
        Statistics & Data Analysis 52, 258-271). Everything is refitted, the models of the outcomes too; entries share
        the people drawn and the outlook learned from them.
        """
        first = {name: self.distilled(recipe, k, seed).labels for name, (recipe, k) in entries.items()}

        def round_(turn: int) -> dict[str, Array]:
            places, matrix = self._turn(turn, seed)
            found = {}
            for name, (recipe, k) in entries.items():
                tree = self.refit(recipe, k, places, seed + 1 + turn, matrix)
                found[name] = best_jaccard(cross(first[name], tree.route(self.matrix.raw)))
            return found

        with ThreadPoolExecutor(THREADS) as pool:
            turns = list(pool.map(round_, range(rounds)))
        return {name: np.array([turn[name] for turn in turns]) for name in entries}


def steadiness(rounds: Array) -> tuple[float, float, float, float] | None:
    """Mean Jaccard of the segments with the middle 95 % of the rounds, and the least segment's mean.

    >>> steadiness(np.array([[1.0, 0.5], [1.0, 0.7]]))[3]
    0.6
    """
    known = rounds[:, np.isfinite(rounds).all(axis=0)] if rounds.size else rounds  # without segments that nobody is in
    if not known.size:
        return None
    each = known.mean(axis=1)
    low, high = np.quantile(each, [0.025, 0.975])
    return float(each.mean()), float(low), float(high), float(known.mean(axis=0).min())
