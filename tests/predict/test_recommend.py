"""The story of affinities: chosen, judged out of time, used or not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.predict.shoppers import aimless, baskets, collectors, tasteful

from shoal.predict.baskets import Baskets
from shoal.predict.recommend import COLUMNS, AffinityResult, affinities


def _run(everything: Baskets, **options) -> AffinityResult:
    return affinities(everything, *everything.split(100), top=3, **options)


@pytest.fixture(scope="module")
def shoppers() -> Baskets:
    return tasteful()


@pytest.fixture(scope="module")
def told(shoppers) -> AffinityResult:
    return _run(shoppers)


def test_tastes_are_found_and_beat_the_most_popular_items(told):
    assert told.status == "used"
    assert told.gain.low > 0
    model, own, popular = told.skills
    assert (model.kind, own.name, popular.name) == ("model", "own purchases", "most popular")
    assert model.metrics["new_recall"].low > popular.metrics["new_recall"].high
    assert set(model.metrics) == {"recall", "ndcg", "new_recall", "new_ndcg"}


def test_each_person_has_the_best_and_the_best_new_items_once(told, shoppers):
    table = told.table
    assert table.schema == COLUMNS
    person, rank = table["person"].to_numpy(), table["rank"].to_numpy()
    pairs = list(zip(person, table["item"].to_pylist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert set(person) == set(shoppers.people)
    for one in shoppers.people[:20]:
        mine = person == one
        assert rank[mine].tolist() == list(range(1, mine.sum() + 1))
        assert (np.diff(table["score"].to_numpy()[mine]) <= 0).all()
        assert table["new"].to_numpy()[mine].sum() >= 3


def test_new_in_the_table_means_never_had(told, shoppers):
    had = set(zip(shoppers.people[shoppers.row], [shoppers.items[place] for place in shoppers.item], strict=True))
    columns = (told.table[name].to_pylist() for name in ("person", "item", "new"))
    assert all(((person, item) not in had) == new for person, item, new in zip(*columns, strict=True))


def test_new_items_are_of_the_persons_own_taste(told, shoppers):
    new = told.table.filter(told.table["new"]).to_pydict()
    group = np.array([int(name[1]) for name in shoppers.items])
    usual = [np.bincount(group[shoppers.item[shoppers.row == row]], minlength=4).argmax() for row in range(300)]
    fits = [usual[person] == int(item[1]) for person, item in zip(new["person"], new["item"], strict=True)]
    lacking = [
        (np.bincount(group[np.unique(shoppers.item[shoppers.row == row])])[usual[row]] < 10) for row in range(300)
    ]
    first = dict(reversed(list(zip(new["person"], fits, strict=True))))
    assert np.mean([first[person] for person in first if lacking[person]]) > 0.8


def test_two_runs_agree_to_the_bit(told, shoppers):
    again = _run(shoppers)
    assert again.table.equals(told.table)
    assert (again.skills, again.gain, again.chosen) == (told.skills, told.gain, told.chosen)


def test_people_without_a_history_are_served_and_marked(shoppers):
    people = np.array([999, 0])
    table = _run(shoppers, people=people).table.to_pydict()
    assert sorted(set(table["person"])) == [0, 999]
    assert dict(zip(table["person"], table["popular"], strict=True)) == {
        999: True,
        0: False,
    }


def test_purchases_by_chance_alone_are_not_used():
    told = _run(aimless())
    assert told.status == "not used"
    assert told.table.num_rows == 0
    assert "not clearly above" in told.reason


def test_what_people_never_buy_twice_is_pushed_down():
    told = _run(collectors())
    assert told.chosen["own"] < 0
    best = told.table.filter(told.table["rank"].to_numpy() <= 3)
    assert all(best["new"].to_pylist())


@pytest.mark.parametrize(
    ("everything", "need"),
    [
        (baskets([]), "items"),
        (baskets([(person, day, "tea") for person in range(200) for day in (10, 200)]), "at least 3"),
        (tasteful(30), "at least 50"),
    ],
)
def test_too_little_data_says_what_would_be_needed(everything, need):
    told = _run(everything)
    assert told.status == "not enough data"
    assert need in told.reason
    assert told.table.schema == COLUMNS


def test_a_test_period_without_purchases_is_not_enough_data():
    early = baskets([(person, 300, f"i{item}") for person in range(100) for item in range(5)])
    assert "at least 50" in _run(early).reason


def test_people_all_alike_are_no_trouble():
    alike = baskets([(p, d, item) for p in range(80) for d in (5, 150, 250) for item in ("tea", "jam", "ale", "oats")])
    told = _run(alike)
    assert told.status == "not used"
    assert told.skills[0].metrics["new_recall"].value is None


def test_where_nobody_came_twice_before_the_test_items_are_hidden_at_random():
    rng = np.random.default_rng(0)
    rows = [(p, d, f"i{p % 2}{i}") for p in range(200) for i in rng.permutation(9)[:6] for d in (50, 150)]
    told = _run(baskets(rows))
    assert "random fifth" in told.notes[0]


def test_baskets_gathered_apart_give_what_a_split_gives(shoppers, told):
    before, after = shoppers.split(100)
    other = after.trimmed(1)
    again = affinities(shoppers, before.trimmed(1), other, top=3)
    assert again.skills[0] == told.skills[0]
