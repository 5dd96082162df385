"""The jury: one half of the people chooses, the other decides, and what decides was not used to choose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shoal.validate.jury import Jury
from shoal.validate.outcome import value_outcomes

PEOPLE = 600


def spent(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of people and what they spend."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, PEOPLE)
    return kind, np.array([0.0, 20.0, 200.0])[kind] * rng.lognormal(0, 0.2, PEOPLE)


def jury(revenue: np.ndarray) -> Jury:
    return Jury(tuple(value_outcomes(revenue, revenue > 0)), "2024-01-01", "2024-03-31", 90.0)


def changed(made: Jury, half: np.ndarray) -> Jury:
    """The same with other outcomes for some of the people."""
    rng = np.random.default_rng(1)
    outcomes = [replace(one, values=np.where(half, rng.permutation(one.values), one.values)) for one in made.outcomes]
    return replace(made, outcomes=tuple(outcomes))


def halves(made: Jury) -> list[np.ndarray]:
    """Who serves to choose and who to decide, found by whose codes each half sees."""
    seen = []
    codes = np.arange(PEOPLE)
    for side in (0, 1):
        inside = np.zeros(PEOPLE, dtype=bool)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("shoal.validate.jury.explained", lambda cuts, outcomes, **more: cuts[0].codes)
            inside[np.asarray(made._half([("all", "discovered", codes)], side))] = True
        seen.append(inside)
    return seen


def test_the_halves_share_nobody_and_leave_nobody_out() -> None:
    choose, decide = halves(jury(spent()[1]))
    assert not (choose & decide).any()
    assert (choose | decide).all()
    assert abs(int(choose.sum()) - int(decide.sum())) <= 1


def test_what_decides_does_not_change_what_is_preferred() -> None:
    kind, revenue = spent()
    made = jury(revenue)
    choose, decide = halves(made)
    ways = [("kinds", "discovered", kind), ("other", "discovered", np.arange(PEOPLE) % 3)]
    assert made.preferred(ways) == changed(made, decide).preferred(ways)
    assert made.preferred(ways) != changed(made, choose).preferred(ways)


def test_what_was_chosen_by_does_not_change_what_is_decided() -> None:
    kind, revenue = spent()
    made = jury(revenue)
    choose, decide = halves(made)
    ways = [("kinds", "discovered", kind), ("other", "value", np.arange(PEOPLE) % 3)]
    assert made.decided(ways) == changed(made, choose).decided(ways)
    assert made.decided(ways) != changed(made, decide).decided(ways)


def test_the_way_that_explains_more_is_preferred_and_decided_for() -> None:
    kind, revenue = spent()
    ways = [("kinds", "discovered", kind), ("chance", "value", np.arange(PEOPLE) % 3)]
    scores = jury(revenue).preferred(ways)
    assert scores[0] > 0.5 > 0.1 > scores[1]
    assert jury(revenue).decided(ways)[0].winner == "kinds"


def test_everybody_is_in_the_table_with_the_plain_baseline_last() -> None:
    kind, revenue = spent()
    found = jury(revenue).compared([("kinds", "discovered", kind)])
    assert [one.name for one in found] == ["kinds", "Everybody alike"]
    assert found[0].segments == 3


def test_the_same_jury_says_the_same_to_the_bit() -> None:
    kind, revenue = spent()
    ways = [("kinds", "discovered", kind)]
    assert jury(revenue).compared(ways) == jury(revenue).compared(ways)


def test_outcomes_that_nobody_differs_in_decide_nothing() -> None:
    kind, _ = spent()
    ways = [("kinds", "discovered", kind), ("chance", "value", np.arange(PEOPLE) % 3)]
    made = jury(np.full(PEOPLE, 5.0))
    found, verdicts = made.decided(ways)
    assert found.winner not in ("kinds", "chance")
    assert {one.result for one in verdicts} == {"not enough data"}
    assert len(made.preferred(ways)) == 2


def test_people_who_stay_are_persistent_and_people_who_move_are_not() -> None:
    kind, revenue = spent()
    made = jury(revenue)
    assert made.persistence(kind, kind).value == pytest.approx(1)
    moved = np.random.default_rng(0).permutation(kind)
    assert abs(made.persistence(kind, moved).value or 0.0) < 0.05
