"""The contest: the same number for everybody, what comes back before what shines, and tradition where it wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from model.boards import Cutting, Listening, by_evening, by_money, fight, jury, named, shoppers
from shoal import registry
from shoal.errors import NotFound
from shoal.model.clusters import KMeansRecipe
from shoal.model.contest import FEWEST, Contest, _smallest, recipes
from shoal.model.matrix import Matrix
from shoal.model.prospects import OutlookRecipe
from shoal.model.recipe import Grouping
from shoal.model.rivals import Way
from shoal.validate.jury import Jury


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.model.contest.ROUNDS", 2)
    monkeypatch.setattr("shoal.validate.explained.DRAWS", 100)


def fought(*args: object, **more: object) -> Contest:
    found = fight(*args, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


class Favouring(Jury):
    """A jury that prefers recipes by name, whatever they explain."""

    favours: dict[str, float]

    def preferred(self, ways: Sequence[Way]) -> list[float]:
        return [self.favours[name.partition(":")[0]] for name, *_ in ways]


def favouring(revenue: np.ndarray, **favours: float) -> Favouring:
    like = jury(revenue)
    made = Favouring(like.outcomes, like.as_of, like.until, like.horizon_days)
    object.__setattr__(made, "favours", favours)
    return made


def test_all_installed_recipes_take_part_unless_some_are_named() -> None:
    assert set(recipes()) == set(registry.plugins(registry.RECIPES))
    assert list(recipes(["ward", "kmeans", "ward"])) == ["ward", "kmeans"]


def test_a_recipe_that_is_not_installed_is_not_found_and_the_nearest_is_named() -> None:
    with pytest.raises(NotFound, match=r"no 'kmean' .*kmeans"):
        recipes(["kmean"])


def test_under_so_many_people_there_is_no_contest() -> None:
    few, enough = shoppers(FEWEST - 1), shoppers(FEWEST)
    assert fight(few, jury(by_money(few)), {"kmeans": KMeansRecipe()}) is None
    assert fight(enough, jury(by_money(enough)), {"kmeans": KMeansRecipe()}) is not None


def test_people_who_do_not_differ_have_no_contest() -> None:
    alike = {name: np.ones(450) for name in shoppers(2)}
    assert fight(alike, jury(by_money(shoppers(450))), {"kmeans": KMeansRecipe()}) is None


@pytest.mark.parametrize("budget", [2, 10])
def test_everybody_gets_the_same_number_of_segments(budget: int) -> None:
    columns = shoppers(scored=True)
    judge, cutting = jury(by_evening(columns)), Cutting("evening_share")
    found = fought(columns, judge, {"cutting": cutting, "kmeans": KMeansRecipe()}, budget=budget)
    assert found.comparison.k == budget
    assert cutting.asked[0] == budget
    told = next(ways for kind, ways in judge.heard if kind == "compared")
    counts = {kind: len(np.unique(codes)) for _, kind, codes in told}
    assert counts["discovered"] <= budget
    assert counts["value"] == budget
    assert counts["rfm"] == budget
    assert found.k <= budget
    assert {one.k for one in found.choices} <= set(range(2, budget + 1))
    assert [one.chosen for one in found.choices].count(True) == 1


def test_the_rivals_of_what_is_proposed_have_as_many_segments_as_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, seen = shoppers(), []
    judge = jury(by_evening(columns))
    decided = Jury.decided
    monkeypatch.setattr(Jury, "decided", lambda self, ways: seen.append(ways) or decided(self, ways))
    fought(columns, judge, {"cutting": Cutting("evening_share")})
    counts = {kind: len(np.unique(codes)) for _, kind, codes in seen[0]}
    assert counts["value"] == counts["discovered"]


def test_an_unstable_recipe_is_not_proposed_while_a_stable_one_explains_nearly_as_much() -> None:
    columns = shoppers()
    both = {"fickle": Cutting("evening_share", fickle=True), "steady": Cutting("evening_share")}
    found = fought(columns, favouring(by_evening(columns), fickle=0.5, steady=0.48), both)
    assert found.key == "steady"
    assert named(found)["Cut by evening_share"].least > named(found)["Cut by evening_share anyhow"].least  # type: ignore[operator]


def test_of_two_that_come_back_the_one_that_explains_clearly_more_is_proposed() -> None:
    columns = shoppers()
    both = {"evening": Cutting("evening_share"), "recency": Cutting("recency_days")}
    judge = jury(by_evening(columns))
    found = fought(columns, judge, both)
    assert found.key == "evening"
    assert found.comparison.winner == found.comparison.proposed == "Cut by evening_share"


def test_where_nothing_comes_back_the_most_stable_is_taken_and_that_is_said() -> None:
    columns = shoppers()
    found = fought(columns, jury(by_evening(columns)), {"fickle": Cutting("evening_share", fickle=True)})
    assert "none of which came back well enough" in found.comparison.words


def test_a_traditional_way_that_clearly_wins_is_proposed() -> None:
    columns = shoppers(800)
    found = fought(columns, jury(by_money(columns)), {"evening": Cutting("evening_share")})
    assert found.comparison.winner == found.comparison.proposed == "Value tiers"
    assert "Value tiers win, so they are what is proposed" in found.comparison.words
    scores = {name: one.scores["overall" if "overall" in one.scores else "value"] for name, one in named(found).items()}
    assert scores["Value tiers"].low > scores["Cut by evening_share"].high  # type: ignore[operator]


def test_outcomes_that_nobody_differs_in_make_nobody_win() -> None:
    columns = shoppers()
    found = fought(columns, jury(np.full(400, 7.0)), {"evening": Cutting("evening_share")})
    assert found.comparison.winner not in named(found)
    assert found.comparison.proposed == "Cut by evening_share"


def test_the_same_seed_gives_the_same_contest_to_the_bit() -> None:
    columns = shoppers(450)
    one, two = (fought(columns, jury(by_money(columns)), {"kmeans": KMeansRecipe()}, micro=9) for _ in range(2))
    assert one == two


def test_a_recipe_that_needs_an_outlook_takes_no_part_without_history_and_that_is_said() -> None:
    columns = shoppers(450)
    found = fought(columns, jury(by_money(columns)), {"outlook": OutlookRecipe(), "evening": Cutting("evening_share")})
    assert found.key == "evening"
    assert any("took no part: k-means on expected outcomes" in note for note in found.comparison.notes)


def test_only_recipes_that_need_an_outlook_and_no_history_are_no_contest() -> None:
    columns = shoppers(450)
    assert fight(columns, jury(by_money(columns)), {"outlook": OutlookRecipe()}) is None


class Fading(Cutting):
    """Comes back among people of many evenings, not among those of few."""

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        self.fickle = bool(matrix.raw[:, matrix.names.index(self.column)].mean() < 0.4)
        return super().fit(matrix, k, seed)


def test_what_does_not_come_back_among_the_people_of_today_is_not_proposed() -> None:
    columns = shoppers()
    today = {**columns, "evening_share": columns["evening_share"] / 2}
    both = {"evening": Fading("evening_share"), "recency": Cutting("recency_days")}
    judge = favouring(by_evening(columns), evening=0.9, recency=0.1)
    assert fought(columns, judge, both).key == "evening"
    assert fought(columns, judge, both, later=today).key == "recency"


def test_what_people_do_later_does_not_change_how_they_are_cut_as_of_then() -> None:
    columns = shoppers()
    shuffled = {name: np.random.default_rng(3).permutation(values) for name, values in columns.items()}
    heard = []
    for revenue, later in ((by_money(columns), columns), (by_evening(columns), shuffled)):
        judge = jury(revenue)
        fought(columns, judge, {"kmeans": KMeansRecipe(), "evening": Cutting("evening_share")}, later=later)
        heard.append(judge.heard)
    for one, two in ((heard[0][0], heard[1][0]), *zip(_compared(heard[0]), _compared(heard[1]), strict=True)):
        assert [way[:2] for way in one[1]] == [way[:2] for way in two[1]]
        for mine, theirs in zip(one[1], two[1], strict=True):
            np.testing.assert_array_equal(mine[2], theirs[2])


def _compared(heard: list[tuple[str, list[Way]]]) -> list[tuple[str, list[Way]]]:
    """The first table of all ways, without what is proposed of them: what came later decides that."""
    first = next(ways for kind, ways in heard if kind == "compared")
    return [("compared", [way for way in first if not way[0].endswith(" segments") or way[0] == "RFM segments"])]


def test_persistence_is_of_the_same_rules_on_the_same_people_later() -> None:
    columns = shoppers()
    shuffled = {name: np.random.default_rng(3).permutation(values) for name, values in columns.items()}
    recipe = {"evening": Cutting("evening_share")}
    stayed = named(fought(columns, jury(by_evening(columns)), recipe))["Cut by evening_share"]
    moved = named(fought(columns, jury(by_evening(columns)), recipe, later=shuffled))["Cut by evening_share"]
    assert stayed.persistence.value == pytest.approx(1)  # type: ignore[union-attr]
    assert abs(moved.persistence.value) < 0.1  # type: ignore[union-attr, arg-type]


@pytest.mark.parametrize(("codes", "share"), [([0, 0, 0, 2], 0.25), ([-1, 1, 1, -1], 0.5), ([-1, -1], 0.0), ([], 0.0)])
def test_the_smallest_segment_is_one_that_somebody_is_in(codes: list[int], share: float) -> None:
    assert _smallest(np.array(codes, dtype=np.int64)) == share


@pytest.mark.parametrize("most", [0, 12])
def test_micro_segments_are_held_against_cells_and_fine_tiers(most: int) -> None:
    columns = shoppers(people=1_200, scored=bool(most))
    judge = jury(by_evening(columns))
    found = fought(columns, judge, {"evening": Cutting("evening_share")}, micro=most)
    names = [one.name for one in found.comparison.micro]
    assert names == (["Micro-segments", "RFM cells", "Value tiers, fine"] if most else [])
    if most:
        assert found.comparison.micro[0].segments <= most


def test_micro_segments_leave_nobody_of_the_segments_out() -> None:
    columns = shoppers(people=1_200)
    judge: Listening = jury(by_evening(columns))
    fought(columns, judge, {"evening": Cutting("evening_share")}, micro=12)
    micro = next(way for kind, ways in judge.heard for way in ways if kind == "compared" and way[1] == "micro")
    assert (micro[2] >= 0).all()


class Failing:
    """A recipe that somebody else wrote, on a bad day."""

    name = "boom"

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        raise ValueError("no luck")


def test_a_recipe_that_fails_takes_no_part_and_is_named() -> None:
    columns = shoppers(450)
    found = fought(columns, jury(by_money(columns)), {"kmeans": KMeansRecipe(), "boom": Failing()})
    assert "recipe 'boom' failed and took no part: ValueError: no luck" in found.comparison.notes
    assert "Boom" not in {one.name for one in found.comparison.contenders}
