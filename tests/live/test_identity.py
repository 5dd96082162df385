"""Live identity gives the answer of a run, whatever came first."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.people import Identifier, Worker, guarded, numbers, owner
from shoal.engine.duckdb import DuckDBEngine
from shoal.identifiers import number, rank
from shoal.live.event import Identifiers
from shoal.live.graph import Known, Profile
from shoal.live.identity import Guards, Resolver
from shoal.live.nodes import MemoryNodes
from shoal.live.reading import current, everybody, find, identifiers
from shoal.tables import profile_id
from shoal.unify.link import feed, link
from shoal.unify.resolve import resolve

KINDS = ("customer_id", "user_id", "account_id", "email", "device_id", "anonymous_id", "card")
value = st.sampled_from(["a", "b", "c", "d", "a#1"])
combination = (
    st.dictionaries(st.sampled_from(KINDS), value, min_size=1, max_size=4)
    .map(lambda found: tuple(sorted(found.items(), key=lambda one: rank(one[0]))))
)
events = st.lists(st.tuples(combination, st.integers(0, 50)), min_size=1, max_size=25)
some_guards = st.builds(Guards, st.integers(1, 3), st.none() | st.just(1) | st.just(2))
often = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def runs(draw: Any) -> tuple[list[Profile], list[Identifier]]:
    """What an earlier run may have left: each identifier in one profile; guarded ones in profiles of their own."""
    left = draw(st.lists(st.tuples(st.sampled_from(KINDS), value), unique=True, max_size=12))
    shut = [one for one in left if one[0] != "account_id" and draw(st.integers(0, 5)) == 0]
    rest = [one for one in left if one not in shut]
    groups = [[one] for one in shut]
    while rest:
        size = draw(st.integers(1, 4))
        groups.append(rest[:size])
        rest = rest[size:]
    profiles = []
    for group in groups:
        born = draw(st.none() | st.integers(0, 3))
        name = draw(st.sampled_from([*group, ("user_id", "a"), ("email", "zz")]))
        profiles.append((number(f"{name[0]}:{name[1]}"), group, born))
    taken: dict[int, Profile] = {}
    for person, group, born in profiles:
        while person in taken:
            person = number(f"{person}")
        taken[person] = Profile(person, tuple(Known(kind, text, born, born) for kind, text in group), born)
    return list(taken.values()), shut


def check(worker: Worker, happened: Sequence[tuple[Identifiers, int]], expected: dict[Identifier, int], shut: Any) -> None:
    """The state is the run's: people, numbers, where each row lies, when each identifier was seen, what aliases mean."""
    assert worker.people() == expected
    rows = sorted((person, combination) for person, found in worker.rows.items() for _, combination in found)
    assert rows == sorted((expected[owner(combination, shut)], combination) for combination, _ in happened)
    for person in worker.were:
        now = current(worker.nodes, person)
        assert now in set(expected.values())
        assert now == person or person not in set(expected.values())
    for one, person in expected.items():
        assert find(worker.nodes, *one) == person


@often
@given(happened=events, guards=some_guards, most=st.integers(1, 30))
def test_people_are_those_of_all_combinations_at_once(happened: Any, guards: Guards, most: int) -> None:
    combinations = {one for one, _ in happened}
    check(Worker(guards).run(happened, most), happened, numbers(combinations, guards), guarded(combinations, guards))


@often
@given(happened=events, guards=some_guards, most=st.integers(1, 30), before=runs())
def test_people_of_the_last_run_keep_their_numbers_as_in_the_next_run(
    happened: Any, guards: Guards, most: int, before: Any
) -> None:
    bases, shut = before
    combinations = {one for one, _ in happened}
    expected = numbers(combinations, guards, bases, shut)
    check(Worker(guards, bases, shut).run(happened, most), happened, expected, guarded(combinations, guards) | set(shut))
