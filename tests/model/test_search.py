"""The search by products of matrices finds what a loop over all conjunctions would."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from shoal.model import search as module
from shoal.model.search import Found, crossed, quality, search

PEOPLE, CONDITIONS, FLOOR, LEAST = 400, 14, 10, 2.0


def crowd(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random conditions, and a number that three of them move together."""
    rng = np.random.default_rng(seed)
    held = (rng.random((PEOPLE, CONDITIONS)) < rng.uniform(0.2, 0.8, CONDITIONS)).astype(np.uint8)
    y = rng.normal(size=PEOPLE) + 2.0 * held[:, [1, 4, 9]].all(axis=1) - 1.0 * held[:, 2]
    return held, (y - y.mean()) / y.std()


def by_hand(held: np.ndarray, y: np.ndarray, depth: int) -> dict[tuple[int, ...], Found]:
    """Every conjunction, one after the other."""
    found = {}
    for length in range(1, depth + 1):
        for members in combinations(range(held.shape[1]), length):
            inside = held[:, members].all(axis=1)
            size = int(inside.sum())
            if FLOOR <= size <= PEOPLE - FLOOR:
                total = float(y[inside].sum())
                strength = float(quality(np.array([float(size)]), np.array([total]), PEOPLE)[0])
                found[members] = Found(members, size, total, strength)
    return found


def kept_by_hand(held: np.ndarray, y: np.ndarray, depth: int) -> dict[tuple[int, ...], Found]:
    """Of all conjunctions those that stand out, are small enough, and need each of their conditions."""
    every = by_hand(held, y, depth)
    counts = {length: sum(len(members) == length for members in every) for length in (1, 2, 3)}
    kept = {}
    for members, one in every.items():
        sign = np.sign(one.quality)
        needs = True
        for left in members if len(members) > 1 else ():
            rest = tuple(member for member in members if member != left)
            parent = held[:, rest].all(axis=1)
            others = parent & ~held[:, members].all(axis=1)
            if others.sum() < FLOOR:
                needs = False
                continue
            gap = sign * (one.total / one.size - y[others].mean()) / np.sqrt(1 / one.size + 1 / others.sum())
            strength = quality(np.array([float(parent.sum())]), np.array([y[parent].sum()]), PEOPLE)[0]
            needs &= bool(gap >= module._needed(counts[len(members)]))
            needs &= bool(sign * one.quality >= module.RAISED * sign * strength)
        if needs and sign * one.quality >= LEAST and one.size <= module.LARGEST * PEOPLE:
            kept[members] = one
    return kept


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_finds_what_a_loop_over_everything_finds(depth: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALIKE", 10**6)
    monkeypatch.setattr(module, "POOL", 10**6)
    held, y = crowd(seed)
    done = search(held, y, range(CONDITIONS), floor=FLOOR, depth=depth, beam=10**6, least=LEAST)
    expected = kept_by_hand(held, y, depth)
    assert {one.members for one in done.found} == set(expected)
    for one in done.found:
        assert one.size == expected[one.members].size
        assert one.quality == pytest.approx(expected[one.members].quality, abs=1e-4)


def test_all_singles_and_pairs_are_looked_at() -> None:
    held, y = crowd()
    done = search(held, y, range(CONDITIONS), floor=FLOOR, depth=2)
    assert done.looked_at == len(by_hand(held, y, 2))


def test_the_planted_conjunction_comes_first() -> None:
    held, y = crowd(1)
    best = max(search(held, y, range(CONDITIONS), floor=FLOOR).found, key=lambda one: one.quality)
    assert best.members == (1, 4, 9)


def test_people_count_by_their_weight() -> None:
    held, y = crowd()
    weight = np.random.default_rng(5).integers(1, 4, PEOPLE).astype(float)
    repeated = np.repeat(np.arange(PEOPLE), weight.astype(int))
    own, many = crossed(held, held, y * weight, weight), crossed(held[repeated], held[repeated], y[repeated])
    assert np.array_equal(own.masses, many.counts)
    assert np.allclose(own.sums, many.sums, atol=1e-4)


def test_blocks_of_people_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    held, y = crowd()
    whole = crossed(held, held, y)
    monkeypatch.setattr(module, "BLOCK", 33)
    parts = crossed(held, held, y)
    assert np.array_equal(parts.counts, whole.counts)
    assert np.allclose(parts.sums, whole.sums, atol=1e-4)
    assert np.allclose(whole.sums, held.T.astype(float) @ (held * y[:, None]), atol=1e-4)


def test_a_condition_that_adds_nothing_is_left_out() -> None:
    rng = np.random.default_rng(3)
    held = (rng.random((2000, 6)) < 0.4).astype(np.uint8)
    y = rng.normal(size=2000) + held[:, 0]
    y = (y - y.mean()) / y.std()
    done = search(held, y, range(6), floor=40)
    assert [one.members for one in done.found if one.quality > 0] == [(0,)]


def test_two_bounds_that_say_the_same_are_one() -> None:
    rng = np.random.default_rng(4)
    x = rng.random(2000)
    held = np.column_stack([x >= 0.6, x >= 0.7, x < 0.9]).astype(np.uint8)
    y = rng.normal(size=2000) + 2 * (x >= 0.7) * (x < 0.9)
    y = (y - y.mean()) / y.std()
    found = [one.members for one in search(held, y, [0, 0, 0], floor=40).found]
    assert (0, 1) not in found
    assert (1, 2) in found


def test_nobody_and_nothing_find_nothing() -> None:
    assert search(np.empty((0, 3), dtype=np.uint8), np.empty(0), [0, 1, 2], floor=10).found == []
    assert search(np.empty((50, 0), dtype=np.uint8), np.zeros(50), [], floor=10).found == []
