"""Where recipes compete: planted kinds come back, noise does not, and every entry meets the same people."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from model.conftest import shop
from model.pasts import META, features, learned, table_of
from shoal.model.arena import Arena, steadiness
from shoal.model.clusters import KMeansRecipe
from shoal.model.matrix import Matrix
from shoal.model.outcome_tree import OutcomeTreeRecipe
from shoal.model.prospects import OutlookRecipe
from shoal.model.recipe import Grouping

ROUNDS = 4


def planted(people: int = 300) -> Arena:
    return Arena.of(shop(people)[0], {}, None, floor=0.02, seed=0)


def noise(people: int = 300) -> Arena:
    rng = np.random.default_rng(0)
    names = ("orders", "recency_days", "aov", "evening_share", "breadth", "views")
    return Arena.of(table_of({name: rng.normal(9, 1, people) for name in names}), {}, None, floor=0.02, seed=0)


def informed(people: int = 300, seed: int = 0) -> Arena:
    return Arena.of(table_of(features(people, 9)), META, learned(), floor=0.02, seed=seed)


def steady(arena: Arena, k: int = 4) -> float:
    found = steadiness(arena.stability({"kmeans": (KMeansRecipe(), k)}, ROUNDS, 0)["kmeans"])
    assert found is not None
    return found[0]


def test_planted_kinds_come_back_and_noise_does_not() -> None:
    assert steady(planted()) > 0.9
    assert steady(noise()) < 0.6


def test_the_same_seed_gives_the_same_stability_to_the_bit() -> None:
    entries = {"outlook": (OutlookRecipe(), 3), "tree": (OutcomeTreeRecipe(), 4)}
    one, two = (informed().stability(entries, 2, 5) for _ in range(2))
    for name in entries:
        np.testing.assert_array_equal(one[name], two[name])


def test_an_entry_is_held_against_the_same_people_whoever_else_takes_part() -> None:
    entries = {"kmeans": (KMeansRecipe(), 3), "tree": (OutcomeTreeRecipe(), 4)}
    together = planted().stability(entries, 2, 0)
    for name, entry in entries.items():
        np.testing.assert_array_equal(planted().stability({name: entry}, 2, 0)[name], together[name])


def test_there_is_a_number_for_every_round_and_segment() -> None:
    rounds = planted().stability({"kmeans": (KMeansRecipe(), 4)}, 3, 0)["kmeans"]
    assert rounds.shape == (3, 4)
    assert ((rounds > 0) & (rounds <= 1)).all()


def test_people_drawn_have_an_outlook_learned_from_their_past_alone() -> None:
    arena = informed(400)
    assert arena.matrix.outlook is not None
    assert arena.lessons is not None
    half = np.arange(300) % 150
    before = arena.drawn(half, 1).outlook
    arena.lessons.y[arena.lessons.person >= 150] = 1e6  # of those who are not drawn
    after = arena.drawn(half, 1).outlook
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.values, after.values)


def test_no_more_people_than_asked_are_looked_at() -> None:
    table = shop(300)[0]
    arena = Arena.of(table, {}, None, floor=0.02, seed=0, most=120)
    assert len(arena.person) == len(arena.matrix.rows) == 120
    np.testing.assert_array_equal(arena.person, table["person"].to_numpy()[arena.matrix.rows])
    np.testing.assert_array_equal(arena.worth, table["revenue"].to_numpy()[arena.matrix.rows])


def test_without_lessons_recipes_that_need_an_outlook_take_no_part() -> None:
    assert not planted().takes(OutlookRecipe())
    assert planted().takes(KMeansRecipe())
    assert informed().takes(OutlookRecipe())


def test_a_recipe_that_puts_everybody_into_one_group_is_one_segment_that_comes_back() -> None:
    class Everybody:
        name = "everybody"

        def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
            return Grouping(np.zeros(len(matrix.rows), dtype=np.int64), matrix.values[:1])

    rounds = planted().stability({"all": (Everybody(), 4)}, 2, 0)["all"]
    np.testing.assert_array_equal(rounds, [[1.0], [1.0]])


def test_a_table_without_money_has_no_worth() -> None:
    arena = Arena.of(pa.table({"person": [1, 2, 3], "evening_share": [0.1, 0.5, 0.9]}), {}, None, floor=0.0, seed=0)
    assert arena.worth is None


def test_steadiness_leaves_out_segments_that_nobody_is_in() -> None:
    rounds = np.array([[0.9, np.nan, 0.5], [0.7, np.nan, 0.5]])
    found = steadiness(rounds)
    assert found is not None
    assert found[0] == pytest.approx(0.65)
    assert found[3] == pytest.approx(0.5)
    assert found[1] <= found[0] <= found[2]


@pytest.mark.parametrize("rounds", [np.empty((0, 0)), np.empty((3, 0)), np.full((3, 2), np.nan)])
def test_without_segments_there_is_no_steadiness(rounds: np.ndarray) -> None:
    assert steadiness(rounds) is None


def test_those_who_teach_but_are_not_looked_at_are_drawn_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from shoal.model import arena as module

    lessons = learned()
    strangers = replace(lessons, person=lessons.person + 10_000_000)
    arena = replace(informed(), lessons=strangers)
    seen: list[np.ndarray] = []
    real = module.outlook

    def listening(taught, points, seed, drawn=None):  # type: ignore[no-untyped-def]
        seen.append(drawn)
        return real(taught, points, seed, drawn)

    monkeypatch.setattr(module, "outlook", listening)
    places = np.arange(len(arena.person))
    first, second = arena.drawn(places, 1), arena.drawn(places, 2)
    for drawn in seen:
        taught = np.isin(strangers.people, drawn).mean()
        assert 0.5 < taught < 0.75  # about 63 % of people are drawn at least once
    assert first.outlook is not None
    assert second.outlook is not None
    assert not np.array_equal(first.outlook.values, second.outlook.values)
