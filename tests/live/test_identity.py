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

from live.people import Identifier, Worker, guarded, holder, numbers, of_run, owner
from shoal.engine.duckdb import DuckDBEngine
from shoal.identifiers import STRONG, Guards, number, rank
from shoal.live.bulk import resolve as all_at_once
from shoal.live.event import Identifiers
from shoal.live.graph import Known, Profile
from shoal.live.identity import Resolver
from shoal.live.nodes import MemoryNodes
from shoal.live.reading import adopt, current, everybody, find, identifiers
from shoal.tables import profile_id
from shoal.unify.link import feed, link
from shoal.unify.resolve import resolve

KINDS = ("customer_id", "user_id", "account_id", "email", "device_id", "anonymous_id", "card")
value = st.sampled_from(["a", "b", "c", "d", "a#1"])
combination = st.dictionaries(st.sampled_from(KINDS), value, min_size=1, max_size=4).map(
    lambda found: tuple(sorted(found.items(), key=lambda one: rank(one[0])))
)
events = st.lists(st.tuples(combination, st.integers(0, 50)), min_size=1, max_size=25)
some_guards = st.builds(Guards, st.integers(1, 3), st.sampled_from([None, 1, 2]))
often = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


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


def check(
    worker: Worker, happened: Sequence[tuple[Identifiers, int]], expected: dict[Identifier, int], shut: Any
) -> None:
    """The state is the run's: people, their numbers, where each row lies, what numbers of the past mean."""
    assert worker.people() == expected
    rows = sorted((person, combination) for person, found in worker.rows.items() for _, combination in found)
    placed = [(expected[owner(combination, shut)], combination) for combination, _ in happened]
    placed += [(expected[holder(base, shut)], of_run(base)) for base in worker.bases]
    assert rows == sorted(placed)
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
    check(
        Worker(guards, bases, shut).run(happened, most), happened, expected, guarded(combinations, guards) | set(shut)
    )


@often
@given(happened=events, guards=some_guards, before=runs())
def test_the_check_of_live_identity_computes_the_same_people(happened: Any, guards: Guards, before: Any) -> None:
    bases, shut = before
    combinations = [one for one, _ in happened]
    expected = numbers(set(combinations), guards, bases, shut)
    closed = guarded(combinations, guards) | set(shut)
    found = all_at_once(combinations, bases, shut, guards.most)
    assert found.people == [expected[owner(one, closed)] for one in combinations]
    assert found.became == {base.person: expected[holder(base, closed)] for base in bases}


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine("1GB", 1, tmp_path / "scratch") as engine:
        yield engine


def batch(sql: Any, combinations: Sequence[Identifiers], guards: Guards, memory: pa.Table | None = None) -> Any:
    """Each identifier's person and whether it is guarded, as a run has it (link and resolve)."""
    data: dict[str, Any] = {
        "row": pa.array(range(len(combinations)), pa.int64()),
        "at": pa.array([0] * len(combinations), pa.timestamp("us")),
    }
    kinds = sorted({kind for one in combinations for kind, _ in one}, key=rank)
    data |= {f"id_{kind}": pa.array([dict(one).get(kind) for one in combinations], pa.string()) for kind in kinds}
    sql.register("rows_now", pa.table(data))
    sql.execute("CREATE OR REPLACE TEMP TABLE clean_all AS FROM rows_now")
    resolve(sql, link(sql, [feed(sql, "all", "events")], guards.max_shared, guards.max_users).kinds, memory)
    found = sql.query("SELECT type, value, person, guarded FROM link_identity").to_pylist()
    return {(one["type"], one["value"]): (one["person"], one["guarded"]) for one in found}


def remembered(found: dict[Identifier, tuple[int, bool]], seen: dict[Identifier, int]) -> pa.Table:
    """The identifiers table that a run leaves."""
    columns = {
        "profile_id": [profile_id(person) for person, _ in found.values()],
        "type": [kind for kind, _ in found],
        "value": [text for _, text in found],
        "first_seen": pa.array([seen[one] for one in found], pa.timestamp("us", "UTC")),
    }
    return pa.table(columns)


def left(found: dict[Identifier, tuple[int, bool]], seen: dict[Identifier, int]) -> list[Profile]:
    """The same as live takes it over."""
    people: dict[int, list[Known]] = {}
    for (kind, text), (person, _) in found.items():
        people.setdefault(person, []).append(Known(kind, text, seen[kind, text], seen[kind, text]))
    return [Profile(one, tuple(known), min(each.first_seen or 0 for each in known)) for one, known in people.items()]


@settings(often, max_examples=15)
@given(happened=events, guards=some_guards)
def test_a_run_on_the_engine_gives_the_same_people(sql: Any, happened: Any, guards: Guards) -> None:
    found = batch(sql, [one for one, _ in happened], guards)
    worker = Worker(guards).run(happened, 5)
    seen = {(one.type, one.value): (person, one.guarded) for person, ones in everybody(worker.nodes) for one in ones}
    assert seen == found


@settings(often, max_examples=15)
@given(before=events, happened=events)
def test_what_live_says_after_a_run_the_next_run_says_too(sql: Any, before: Any, happened: Any) -> None:
    """While no guard trips, as a run's own combinations are not live's to count."""
    first, second = ([one for one, _ in found] for found in (before, happened))
    found = batch(sql, first, Guards(99))
    seen = {one: min(at for combination, at in before if one in combination) for one in found}
    again = batch(sql, first + second, Guards(99), remembered(found, seen))
    worker = Worker(Guards(99), left(found, seen)).run(happened, 5)
    assert worker.people() == {one: person for one, (person, _) in again.items()}


def history(dice: random.Random, people: int, count: int) -> list[tuple[Identifiers, int]]:
    """Visitors who sign in on their own devices, a family's tablet and a till, some with two accounts."""
    found: list[tuple[Identifiers, int]] = []
    for _ in range(count):
        who, at = dice.randrange(people), dice.randrange(10**6)
        parts = {"anonymous_id": f"c{who}.{dice.randrange(3)}"}
        if dice.random() < 0.2:
            parts["device_id"] = "till" if dice.random() < 0.3 else f"tablet{who // 2}"
        if dice.random() < 0.4:
            parts["user_id"] = str(who)
        if dice.random() < 0.2:
            parts["email"] = f"{who // 3 if dice.random() < 0.2 else who}@x.org"
        if dice.random() < 0.5:
            del parts["anonymous_id"]
        if parts:
            found.append((tuple(sorted(parts.items(), key=lambda one: rank(one[0]))), at))
    return found


def digest(worker: Worker) -> Any:
    state = sorted((person, sorted(seen)) for person, seen in everybody(worker.nodes))
    return state, {person: sorted(one for _, one in rows) for person, rows in worker.rows.items() if rows}


def end_alike(histories: int, orders: int) -> None:
    dice = random.Random(histories)
    for round_ in range(histories):
        happened = history(dice, 8, 60)
        bases = [Profile(7, (Known("user_id", "1", 3, 9), Known("email", "2@x.org", 5, 5)), 3)]
        bases += [Profile(number("user_id:4"), (Known("device_id", "tablet1"), Known("user_id", "5")), None)]
        guards = Guards(3, (1, None)[round_ % 2])
        ends = []
        for turn in range(orders):
            mixed = dice.sample(happened, len(happened))
            worker = Worker(guards, bases, [("email", "0@x.org")]).run(mixed, dice.choice([1, 3, 60]), turn)
            ends.append(digest(worker))
            assert all(current(worker.nodes, person) in dict(ends[0][0]) for person in worker.were)
        assert all(end == ends[0] for end in ends)


def test_any_order_of_a_history_ends_alike() -> None:
    end_alike(4, 20)


@pytest.mark.slow
def test_a_thousand_orders_of_a_history_end_alike() -> None:
    end_alike(20, 50)


def test_an_identifier_is_first_and_last_seen_in_all_its_combinations() -> None:
    cookie, user = ("anonymous_id", "c"), ("user_id", "7")
    nodes = MemoryNodes()
    placed = Resolver(Guards(max_users=1)).place(nodes, [(user, cookie), (cookie,), (user,)])
    times = dict(zip(placed.combinations, [(50, 50), (20, 60), (70, 70)], strict=True))
    seen = [(one.type, one.first_seen, one.last_seen) for one in identifiers(nodes, placed.people[0], times)]
    assert seen == [("user_id", 50, 70), ("anonymous_id", 20, 60)]


def test_a_browser_that_the_run_saw_with_one_user_joins_nobody_once_it_is_seen_with_another() -> None:
    cookie, ada, bob = ("anonymous_id", "c"), ("user_id", "ada"), ("user_id", "bob")
    run = [Profile(7, (Known(*ada), Known(*cookie)))]
    alone, told = MemoryNodes(), MemoryNodes()
    adopt(alone, run)
    adopt(told, run, met=[(*cookie, *ada)])
    found = {}
    for name, nodes in (("alone", alone), ("told", told)):
        found[name] = Resolver(Guards(max_users=1)).place(nodes, [(bob, cookie), (ada,), (cookie,)]).people
    assert found["alone"][0] == found["alone"][1] == 7  # nobody told who the browser had been seen with
    bobs, adas, cookies = found["told"]
    assert adas == 7
    assert len({bobs, adas, cookies}) == 3


class Recalling(Resolver):
    """Recalls a profile of the run at its first event, whether or not that says anything new."""

    def _rest(self, *_: object) -> bool:
        return False


@pytest.mark.parametrize("seed", range(60))
def test_profiles_at_rest_end_as_those_that_were_recalled_at_once(seed: int) -> None:
    dice = random.Random(seed)
    names = {kind: [(kind, f"{kind[0]}{at}") for at in range(5)] for kind in ("user_id", "email", "anonymous_id")}
    pool = [one for some in names.values() for one in some]
    dice.shuffle(pool)
    parts = [pool[at : at + 3] for at in range(0, 12, 3)]
    bases = [Profile(at + 1, tuple(Known(*one) for one in part)) for at, part in enumerate(parts)]
    pairs = [(*one, *two) for part in parts for one in part for two in part if one[0] != two[0] and two[0] in STRONG]
    met = [pair for pair in pairs if dice.random() < 0.6]
    events = []
    for _ in range(60):
        own = dice.choice(parts)
        chosen = {one[0]: one for one in dice.sample(own if dice.random() < 0.7 else pool, dice.randint(1, 3))}
        events.append((tuple(sorted(chosen.values(), key=lambda one: rank(one[0]))), 0))
    ends = []
    for way in (Resolver, Recalling):
        worker = Worker(Guards(max_shared=2, max_users=1), [])
        worker.nodes, worker.resolver = MemoryNodes(), way(Guards(max_shared=2, max_users=1), remembered=4)
        adopt(worker.nodes, bases, met=met)
        worker.run(events, 5, seed)
        rows = {who: sorted(name for _, name in own) for who, own in worker.rows.items() if own}
        ends.append((worker.people(), rows))
    assert ends[0] == ends[1]


class Counting(MemoryNodes):
    """Counts what is read and written."""

    steps = 0

    def get(self, key: bytes) -> bytes | None:
        self.steps += 1
        return super().get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.steps += 1
        super().put(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for found in super().scan(prefix):
            self.steps += 1
            yield found


def cost(resolver: Resolver, nodes: Counting, combination: Identifiers) -> int:
    nodes.steps = 0
    resolver.place(nodes, [combination])
    return nodes.steps


def hub(size: int) -> tuple[Resolver, Counting]:
    """One user with many cookies, after somebody with few identifiers."""
    resolver, nodes = Resolver(Guards(10, 1)), Counting()
    resolver.place(nodes, [(("customer_id", "1"), ("email", "a@x.org"))])
    combinations = [(("user_id", "hub"), ("anonymous_id", f"{at:05d}")) for at in range(size)]
    resolver.place(nodes, combinations)
    return resolver, nodes


def test_nothing_about_a_person_of_many_identifiers_costs_more_than_about_one_of_few() -> None:
    new = (("user_id", "hub"), ("anonymous_id", "new"))
    shared = (("user_id", "other"), ("anonymous_id", "00003"))
    merging = (("user_id", "hub"), ("email", "a@x.org"))
    for combination in (new, shared, merging):
        costs = []
        for size in (20, 2_000):
            resolver, nodes = hub(size)
            costs.append(cost(resolver, nodes, combination))
        assert costs[0] == costs[1]


def test_a_known_combination_reads_nothing() -> None:
    resolver, nodes = hub(20)
    assert cost(resolver, nodes, (("user_id", "hub"), ("anonymous_id", "00003"))) == 0


def test_values_too_long_for_a_key_still_name_people_in_order() -> None:
    long = "x" * 600
    users = [("user_id", long + tail) for tail in "cabd"]
    cards = [("card" * 40 + str(at), "1") for at in range(4)]
    happened: list[tuple[Identifiers, int]] = [((one, card), 0) for one, card in zip(users, cards, strict=True)]
    happened += [((one, ("email", "e@x.org")), 0) for one in users]
    expected = numbers([one for one, _ in happened], Guards(10, 1))
    assert set(expected.values()) == {number(f"user_id:{long}a")}
    check(Worker(Guards(10, 1)).run(happened, 3), happened, expected, set())


def test_a_person_that_an_identifier_held_together_falls_into_its_parts() -> None:
    mail = ("email", "info@x.org")
    visits: list[tuple[Identifiers, int]] = [((mail, ("anonymous_id", str(at))), at) for at in range(6)]
    buyers: list[tuple[Identifiers, int]] = [((("customer_id", str(at)), mail), at) for at in range(3)]
    worker = Worker(Guards(2, 1)).run(visits + buyers[:2], 1)
    assert len(set(worker.people().values())) == 1
    worker.tick(buyers[2:])
    assert len(set(worker.people().values())) == 6 + 3 + 1
    assert [len(rows) for rows in worker.rows.values() if rows] == [1] * 9


def test_an_identifier_that_joins_nobody_does_not_speak_for_its_earlier_profile() -> None:
    many = Profile(1, tuple(Known("anonymous_id", name) for name in "abc"), 0)
    few = Profile(2, (Known("user_id", "7"), Known("email", "e@x.org")), 5)
    shared: list[tuple[Identifiers, int]] = [
        ((("user_id", user), ("anonymous_id", name)), 0) for user in ("8", "9") for name in "ab"
    ]
    joined: list[tuple[Identifiers, int]] = [((("user_id", "7"), ("anonymous_id", "c")), 0)]
    assert Worker(Guards(10, 1), [many, few]).run(joined, 1).people()["user_id", "7"] == 1
    people = Worker(Guards(10, 1), [many, few]).run(shared + joined, 1).people()
    assert people["user_id", "7"] == people["anonymous_id", "c"] == 2
    assert people["anonymous_id", "a"] == 1
