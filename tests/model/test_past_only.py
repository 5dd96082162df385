"""What was known then: planted events change nothing that is learned, or cut, as of an instant before them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shoal import registry
from shoal.model import run as stage
from shoal.model.arena import Arena
from shoal.model.contest import Contest, recipes
from shoal.model.features import DAY
from shoal.model.lessons import Lessons
from shoal.model.run import Features, _arena, features
from shoal.settings import Settings
from shoal.store.runs import Run
from shoal.unify.events import batches
from shoal.unify.run import unify
from shoal.validate.run import jury
from shoal.workspace import Workspace
from shop import BEGIN, write_orders

PEOPLE, DAYS = 210, 260
Row = dict[str, str]
COMPETING = ["kmeans", "outcome_tree"]


def quiet(_what: str, _share: float | None) -> None:
    """Tells nobody."""


def day_of(row: Row) -> float:
    return (datetime.fromisoformat(row["Order Date"]) - BEGIN) / timedelta(days=1)


def turned(after: float, until: float = float("inf")) -> Callable[[list[Row]], list[Row]]:
    """Orders of a time become those of other people, at a hundred times the price."""

    def change(rows: list[Row]) -> list[Row]:
        return [
            {**row, "Customer ID": f"{10_000 + (int(row['Customer ID']) * 7 + 1) % PEOPLE}", "Amount": "999.5"}
            if after < day_of(row) <= until
            else row
            for row in rows
        ]

    return change


def made(folder: Path, change: Callable[[list[Row]], list[Row]] = list) -> tuple[Settings, Run]:
    """A run up to its features, of a shop whose orders are changed."""
    folder.mkdir()
    write_orders(folder / "orders.csv", people=PEOPLE, days=DAYS)
    with (folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        rows = change(list(csv.DictReader(file)))
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    Workspace.init(folder, [folder / "orders.csv"])
    settings, run = Workspace(folder).settings, Run("made", folder / "run")
    run.folder.mkdir()
    make = registry.load(registry.ENGINES, settings.engine)
    with make(settings.memory, None, run.folder / "scratch") as engine:
        unify(folder, settings, engine, run, None, None, quiet)
        features(settings, engine, run, batches, quiet)
    return settings, run


Made = tuple[Settings, Run]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("past") / "shop")


@pytest.fixture(scope="module")
def planted(shop: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The same shop, but all that happened after the contest's cut-off is otherwise."""
    return made(tmp_path_factory.mktemp("past") / "planted", turned(cut_off(shop)))


def cut_off(shop: Made) -> float:
    """The contest's cut-off in days since the beginning."""
    return days_of(shop[1].read_part("features")["before"])


def days_of(at: int) -> float:
    return (datetime.fromtimestamp(at / 1e6, tz=None) - datetime.fromtimestamp(0)) / timedelta(days=1) - (  # noqa: DTZ006
        (BEGIN - datetime(1970, 1, 1)) / timedelta(days=1)  # noqa: DTZ001
    )


def rows_until(run: Run, at: int) -> pa.Table:
    table = run.table("lessons")
    found = table.filter(pc.less_equal(table["as_of"].cast(pa.int64()), at))
    return found.sort_by([("as_of", "ascending"), ("person", "ascending")])


def then(shop: Made) -> Arena:
    """The arena of the contest, as of one period ago."""
    settings, run = shop
    return _arena(run, settings, Features.read(run, settings, "features_before"), run.read_part("features")["before"])


def known_then(shop: Made) -> Lessons:
    found = then(shop).lessons
    assert found is not None
    return found


def test_both_shops_are_of_the_same_instants_and_the_plant_is_seen_afterwards(shop: Made, planted: Made) -> None:
    one, two = (run.read_part("features") for _, run in (shop, planted))
    assert (one["as_of"], one["before"], one["horizon_days"]) == (two["as_of"], two["before"], two["horizon_days"])
    assert shop[1].table("features")["revenue"] != planted[1].table("features")["revenue"]
    assert shop[1].table("outcomes")["revenue"] != planted[1].table("outcomes")["revenue"]


def test_a_lesson_whose_outcomes_end_by_the_cut_off_knows_nothing_later(shop: Made, planted: Made) -> None:
    part = shop[1].read_part("features")
    ended = part["before"] - part["horizon_days"] * DAY
    one, two = rows_until(shop[1], ended), rows_until(planted[1], ended)
    assert one.num_rows > PEOPLE
    assert one.equals(two)
    assert not rows_until(shop[1], part["before"]).equals(rows_until(planted[1], part["before"]))


def test_the_features_of_a_lesson_are_of_its_instant_whatever_came_after(shop: Made, planted: Made) -> None:
    before = shop[1].read_part("features")["before"]
    one, two = rows_until(shop[1], before), rows_until(planted[1], before)
    inputs = [name for name in one.column_names if not name.startswith("next.")]
    assert one.select(inputs).equals(two.select(inputs))
    assert not one.select(["next.revenue"]).equals(two.select(["next.revenue"]))


def test_outcomes_of_a_lesson_are_of_the_period_after_it_alone(shop: Made, tmp_path: Path) -> None:
    """Plants in one period between two cut-offs: lessons that end before it, or begin after it, say the same next."""
    part = shop[1].read_part("features")
    instants = sorted(set(shop[1].table("lessons")["as_of"].cast(pa.int64()).to_pylist()))
    period = part["horizon_days"] * DAY
    begin, end = instants[2], instants[3]
    other = made(tmp_path / "middle", turned(days_of(begin), days_of(end)))[1]
    for at in instants:
        one, two = (
            run.table("lessons").filter(pc.equal(run.table("lessons")["as_of"].cast(pa.int64()), at)).sort_by("person")
            for run in (shop[1], other)
        )
        touched = at < end and at + period > begin
        assert (
            one.select(["next.revenue", "next.active"]).equals(two.select(["next.revenue", "next.active"])) != touched
        )


def test_the_contest_learns_from_outcomes_that_end_by_its_cut_off(shop: Made) -> None:
    part, (settings, run) = shop[1].read_part("features"), shop
    learned = known_then(shop)
    ended = part["before"] - part["horizon_days"] * DAY
    assert len(learned.x) == rows_until(run, ended).num_rows
    assert len(learned.x) < run.table("lessons").num_rows
    assert len(_arena(run, settings, Features.read(run, settings)).lessons.x) == run.table("lessons").num_rows  # type: ignore[union-attr]


def test_what_the_contest_learns_is_the_same_to_the_bit(shop: Made, planted: Made) -> None:
    one, two = known_then(shop), known_then(planted)
    assert (one.inputs, one.outcomes) == (two.inputs, two.outcomes)
    np.testing.assert_array_equal(one.x, two.x)
    np.testing.assert_array_equal(one.y, two.y)
    np.testing.assert_array_equal(then(shop).matrix.outlook.values, then(planted).matrix.outlook.values)  # type: ignore[union-attr]


def cuts_of(shop: Made) -> Mapping[str, tuple[tuple[str, ...], list[int]]]:
    arena = then(shop)
    found = {key: arena.distilled(recipe, 5, 1) for key, recipe in recipes().items()}
    return {key: (one.rules, one.labels.tolist()) for key, one in found.items()}


def test_no_recipe_cuts_the_people_of_then_otherwise_for_what_came_after(shop: Made, planted: Made) -> None:
    one, two = cuts_of(shop), cuts_of(planted)
    assert set(one) == set(registry.plugins(registry.RECIPES))
    assert one == two


def test_a_category_that_comes_up_later_changes_no_cut_of_then(shop: Made, tmp_path: Path) -> None:
    cut = cut_off(shop)

    def renamed(rows: list[Row]) -> list[Row]:
        return [
            {**row, "Category": "new" if day_of(row) > cut and at % 3 else row["Category"]}
            for at, row in enumerate(rows)
        ]

    other = made(tmp_path / "renamed", renamed)
    assert "share_new" in other[1].table("features").column_names
    assert cuts_of(shop) == cuts_of(other)


def competing(settings: Settings) -> Settings:
    few = settings.segments.model_copy(update={"recipes": COMPETING, "budget": 4, "micro": 6})
    return settings.model_copy(update={"segments": few})


@pytest.fixture(scope="module")
def modelled(shop: Made) -> dict[str, Any]:
    """The model stage's part after a contest in few rounds that spend tiers are said to have won."""
    settings, run = shop
    real = stage._contest

    def tiers_win(*args: Any) -> Contest:
        fought = real(*args)
        assert fought is not None
        told = fought.comparison.model_copy(update={"winner": "Value tiers", "proposed": "Value tiers"})
        return replace(fought, comparison=told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shoal.model.contest.ROUNDS", 2)
        patch.setattr("shoal.model.contest.FEWEST", 100)
        patch.setattr("shoal.model.run._contest", tiers_win)
        stage.segments(competing(settings), [], run, None, quiet, lambda: jury(run))
    return dict(run.read_part("model"))


def test_recipes_named_in_settings_only_take_part(modelled: dict[str, Any]) -> None:
    found = {one["recipe"] for one in modelled["comparison"]["contenders"] if one["recipe"]}
    assert found == set(COMPETING)
    assert modelled["recipe"] in COMPETING


def test_the_segments_of_a_traditional_way_that_wins_are_in_the_run(modelled: dict[str, Any]) -> None:
    proposed = [one for one in modelled["segments"] if one["proposed"]]
    assert proposed
    assert {one["kind"] for one in proposed} == {"value"}
    assert all(one["name"].startswith("Spend tier") for one in proposed)
    assert sum(one["size"] for one in proposed) == PEOPLE


def test_without_a_next_period_there_is_no_contest(shop: Made, tmp_path: Path) -> None:
    shutil.copytree(shop[1].folder, tmp_path / "run")
    run = Run("bare", tmp_path / "run")
    for name in ("features_before", "outcomes", "lessons"):
        run.path(name).unlink()
    known = Features.read(run, shop[0])
    arena = _arena(run, shop[0], known)
    assert arena.lessons is None

    def nobody() -> Any:
        raise AssertionError("nobody is asked to judge")

    assert stage._contest(shop[0], run, known, arena, nobody) is None
