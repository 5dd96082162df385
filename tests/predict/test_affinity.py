"""The model of affinities: lists against sorting, files, people without history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predict.shoppers import baskets, tasteful

from shoal.errors import DataError
from shoal.predict import affinity
from shoal.predict.affinity import Affinity, Choice, best_of, fit, load, plain
from shoal.predict.baskets import Baskets


def _raw(model: Affinity, people: Baskets) -> np.ndarray:
    """The formula of the docstring, cell by cell."""
    days = people.onto(people.people, model.items).days().toarray()
    inputs = (days > 0).astype(float) if model.choice.form == "binary" else np.log1p(days)
    weights = model.weights if isinstance(model.weights, np.ndarray) else model.weights.toarray()
    habits = (days > 0) * (model.choice.own * np.log1p(days) + model.choice.repeat * model.habit)
    return inputs @ weights + habits


@pytest.fixture(scope="module")
def shoppers() -> Baskets:
    return tasteful(120)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 9), st.integers(0, 999))
def test_the_best_of_each_row_are_those_of_a_stable_sort(rows, columns, k, seed):
    scores = np.random.default_rng(seed).integers(0, 4, (rows, columns)).astype(np.float32)
    item, score = best_of(scores, k)
    wanted = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert item.tolist() == wanted.tolist()
    assert score.tolist() == np.take_along_axis(scores, wanted, axis=1).tolist()


@pytest.mark.parametrize("by_kin", [False, True])
@pytest.mark.parametrize("form", ["binary", "log"])
@pytest.mark.parametrize("new_only", [False, True])
def test_the_list_is_that_of_the_formula(shoppers, by_kin, form, new_only):
    model = fit(shoppers, Choice(form=form, ridge=50.0, own=1.0, repeat=0.4), by_kin=by_kin)
    ranked = model.top(shoppers, 6, new_only=new_only)
    raw = _raw(model, shoppers)
    if new_only:
        raw[shoppers.onto(shoppers.people, model.items).days().toarray() > 0] = -np.inf
    there = ranked.item >= 0
    wanted = -np.sort(-raw, axis=1)[:, :6]
    got = np.take_along_axis(raw, np.maximum(ranked.item, 0), axis=1)
    np.testing.assert_allclose(got[there], wanted[there], rtol=1e-4, atol=1e-5)
    assert there.any(axis=1).all()


def test_pieces_of_people_give_the_lists_of_all_at_once(shoppers, monkeypatch):
    model = fit(shoppers)
    whole = model.top(shoppers, 5)
    monkeypatch.setattr(affinity, "CELLS", 200)
    pieces = model.top(shoppers, 5)
    assert np.array_equal(pieces.item, whole.item)
    np.testing.assert_allclose(pieces.score, whole.score, rtol=1e-5)


def test_scores_are_relative_to_the_persons_best(shoppers):
    ranked = fit(shoppers).top(shoppers, 5)
    assert (ranked.score[:, 0] == 1).all()
    assert ((ranked.score >= 0) & (ranked.score <= 1)).all()
    assert (np.diff(ranked.score, axis=1) <= 0).all()


def test_new_items_were_never_had(shoppers):
    model = fit(shoppers)
    ranked = model.top(shoppers, 8, new_only=True)
    had = shoppers.onto(shoppers.people, model.items).days().toarray() > 0
    rows, columns = np.nonzero(ranked.item >= 0)
    assert not had[rows, ranked.item[rows, columns]].any()
    assert ranked.new[rows, columns].all()


@pytest.mark.parametrize("by_kin", [False, True])
def test_people_without_a_history_get_the_most_popular_items_and_are_marked(shoppers, by_kin):
    model = fit(shoppers, by_kin=by_kin)
    ranked = model.top(shoppers.onto(np.array([-7, 3]), model.items), 3)
    assert ranked.popular.tolist() == [True, False]
    assert ranked.item[0].tolist() == [0, 1, 2]
    assert ranked.new[0].all()
    assert ranked.score[0, 0] == 1


def test_who_had_everything_has_nothing_new():
    few = baskets([(1, 1, "tea"), (1, 2, "jam"), (2, 1, "tea"), (2, 1, "jam")])
    for by_kin in (False, True):
        assert (fit(few, by_kin=by_kin).top(few, 2, new_only=True).item == -1).all()


def test_own_purchases_come_by_their_days_and_then_by_popularity():
    few = baskets([(1, 1, "tea"), (1, 2, "tea"), (1, 2, "ale"), (1, 2, "jam"), (2, 1, "jam"), (3, 1, "salt")])
    own = plain(few, own=1.0)
    assert [own.items[place] for place in own.top(few, 4).item[0]] == ["tea", "jam", "ale", "salt"]


def test_items_had_again_and_again_have_more_habit_than_items_had_once(shoppers):
    rows = [(person, day, "milk") for person in range(20) for day in range(5)]
    rows += [(person, 1, "sofa") for person in range(20)]
    model = fit(baskets(rows))
    habit = dict(zip(model.items, model.habit, strict=True))
    assert habit["milk"] > 0 > habit["sofa"]


@pytest.mark.parametrize("by_kin", [False, True])
def test_a_model_comes_back_from_its_files_to_the_bit(shoppers, by_kin):
    model = fit(shoppers, by_kin=by_kin)
    files = model.to_files()
    again = load(files)
    assert {name: bytes(data) for name, data in again.to_files().items()} == files
    ours, theirs = model.top(shoppers, 5), again.top(shoppers, 5)
    assert np.array_equal(ours.item, theirs.item)
    assert np.array_equal(ours.score, theirs.score)


def test_files_tell_nothing_about_anybody(shoppers):
    model = fit(shoppers)
    assert all(len(shoppers) not in np.asarray(part).shape for part in (model.weights, model.habit, model.popularity))


@pytest.mark.parametrize("harm", ["missing", "cut", "size", "no json", "choice"])
def test_files_that_were_tampered_with_are_refused(shoppers, harm):
    files = dict(fit(shoppers).to_files())
    if harm == "missing":
        del files["weights.npy"]
    elif harm == "cut":
        files["weights.npy"] = files["weights.npy"][:-8]
    elif harm == "size":
        files["habit.npy"] = fit(baskets([(1, 1, "tea")])).to_files()["habit.npy"]
    elif harm == "no json":
        files["affinity.json"] = b"{"
    else:
        files["affinity.json"] = files["affinity.json"].replace(b'"ridge"', b'"bridge"')
    with pytest.raises(DataError, match="fit it again"):
        load(files)


@pytest.mark.parametrize("rows", [[(1, 1, "tea")], [(1, 1, "tea"), (1, 1, "jam")], [(1, 1, "tea"), (2, 3, "tea")]])
def test_one_item_or_one_person_is_no_trouble(rows):
    few = baskets(rows)
    for model in (fit(few), fit(few, by_kin=True)):
        ranked = model.top(few, 10)
        assert ranked.item.shape == (len(few), len(few.items))
        assert np.isfinite(ranked.score).all()


def test_nobody_gives_empty_lists():
    nobody = baskets([])
    assert fit(nobody).top(nobody, 10).item.shape == (0, 0)
