"""A diverse few: no second one for its overlap with the first, nor for being the rest of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shoal.model.diverse import Half, diverse, refined
from shoal.model.search import search
from shoal.model.selectors import Condition, Selectors, selectors

PEOPLE = 3000


def world() -> tuple[Selectors, np.ndarray, dict[str, np.ndarray]]:
    """Two features that matter, one that follows the first closely, and two that do not."""
    rng = np.random.default_rng(0)
    columns = {name: rng.random(PEOPLE) for name in ("first", "second", "idle", "still")}
    columns["shadow"] = np.clip(columns["first"] + rng.normal(0, 0.05, PEOPLE), 0, 1)
    y = rng.normal(size=PEOPLE) + 1.0 * (columns["first"] >= 0.7) - 0.7 * (columns["second"] < 0.3)
    return selectors(pa.table(columns), {}), (y - y.mean()) / y.std(), columns


def choose() -> list[tuple[int, set[str]]]:
    given, y, _ = world()
    rows = np.arange(PEOPLE)
    held = given.matrix(rows)
    places = {name: place for place, name in enumerate(given.table.column_names)}
    pool = search(held, y, [places[one.column] for one in given.conditions], floor=60).found
    found = diverse(pool, held, Half(given, rows, y, np.ones(PEOPLE), 60), most=5)
    return [(one.sign, {condition.column for condition in one.conditions}) for one in found]


def test_what_matters_is_chosen_once_and_its_shadow_is_not() -> None:
    found = choose()
    assert found[:2] == [(1, {"first"}), (-1, {"second"})]
    assert all("shadow" not in columns for _, columns in found)


def test_bounds_move_to_where_the_effect_begins() -> None:
    given, y, columns = world()
    (moved,) = refined([Condition("first", low=0.5)], 1, Half(given, np.arange(PEOPLE), y, np.ones(PEOPLE), 60))
    inside = columns["first"] >= moved.low
    truth = columns["first"] >= 0.7
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9


def test_a_condition_that_adds_nothing_is_dropped() -> None:
    given, y, _ = world()
    drawn = [Condition("first", low=0.7), Condition("idle", low=0.02)]
    assert [one.column for one in refined(drawn, 1, Half(given, np.arange(PEOPLE), y, np.ones(PEOPLE), 60))] == [
        "first"
    ]
