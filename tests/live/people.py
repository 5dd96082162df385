"""Who is one person, the slow way: link and resolve of a run in plain Python, from all combinations at once."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from shoal.identifiers import PASSED_ON, STRONG, USERS, Guards, number, rank
from shoal.live.event import Identifiers
from shoal.live.graph import Profile
from shoal.live.identity import Move, Resolver
from shoal.live.nodes import MemoryNodes
from shoal.live.reading import adopt, everybody

Identifier = tuple[str, str]


def guarded(combinations: Iterable[Identifiers], guards: Guards) -> set[Identifier]:
    met: dict[tuple[Identifier, str], set[str]] = defaultdict(set)
    for combination in combinations:
        for one in combination:
            for kind, value in combination:
                if kind != one[0] and kind in STRONG and one[0] != "account_id":
                    met[one, kind].add(value)

    def most(one: str, other: str) -> int:
        own = guards.max_users is not None and one in PASSED_ON and other in USERS
        return (own and guards.max_users) or guards.max_shared

    return {one for (one, kind), values in met.items() if len(values) > most(one[0], kind)}


def components(edges: Iterable[Collection[Identifier]], shut: set[Identifier]) -> list[set[Identifier]]:
    group: dict[Identifier, set[Identifier]] = {}
    for edge in edges:
        for one in edge:
            group.setdefault(one, {one})
        joined = set[Identifier]().union(*(group[one] for one in edge if one not in shut))
        for one in joined:
            group[one] = joined
    return list({id(each): each for each in group.values()}.values())


def key(one: Identifier) -> tuple[Any, str]:
    return rank(one[0]), one[1]


def numbers(
    combinations: Collection[Identifiers],
    guards: Guards,
    bases: Sequence[Profile] = (),
    shut: Iterable[Identifier] = (),
) -> dict[Identifier, int]:
    """The person of every identifier."""
    closed = guarded(combinations, guards) | set(shut)
    edges: list[Collection[Identifier]] = [*combinations]
    base: dict[Identifier, Profile] = {}
    for profile in bases:
        edges.append([(known.type, known.value) for known in profile.identifiers])
        base |= dict.fromkeys(edges[-1], profile)
    parts = sorted(components(edges, closed), key=lambda part: min(map(key, part)))
    claims = []
    for place, part in enumerate(parts):
        votes: dict[int, int] = defaultdict(int)
        born = {}
        for one in part:
            if one in base:
                votes[base[one].person] += 1
                born[base[one].person] = base[one].first_seen
        for person, count in votes.items():
            seen = born[person]
            claims.append((part <= closed, -count, seen is None, seen or 0, person, place))
    chosen: dict[int, int] = {}
    for *_, person, place in sorted(claims):
        if place not in chosen and person not in chosen.values():
            chosen[place] = person
    names = [min(part, key=key) for part in parts]
    natural = [number(f"{kind}:{value}") for kind, value in names]
    known = {profile.person for profile in bases}
    taken = known | {
        natural[place] for place in range(len(parts)) if place not in chosen and natural[place] not in known
    }
    for place, (kind, value) in enumerate(names):
        if place not in chosen:
            chosen[place], attempt = natural[place], 0
            while natural[place] in known and chosen[place] in taken:
                attempt += 1
                chosen[place] = number(f"{kind}:{value}#{attempt}")
            taken.add(chosen[place])
    return {one: chosen[place] for place, part in enumerate(parts) for one in part}


def owner(combination: Identifiers, shut: set[Identifier]) -> Identifier:
    return next((one for one in combination if one not in shut), combination[0])


def of_run(base: Profile) -> Identifiers:
    """What stands for the events that a run had of a profile."""
    return (("run", str(base.person)),)


def holder(base: Profile, shut: set[Identifier]) -> Identifier:
    """The identifier whose person a run's profile is now: any that joins, else the first."""
    known = [(one.type, one.value) for one in base.identifiers]
    return next((one for one in known if one not in shut), min(known, key=key))


class Worker:
    """A caller of the resolver that keeps each person's rows (combination's number, what it was) as the moves say."""

    def __init__(self, guards: Guards, bases: Sequence[Profile] = (), shut: Collection[Identifier] = ()) -> None:
        self.nodes, self.resolver = MemoryNodes(), Resolver(guards, remembered=4)
        self.bases = [replace(base, rows=place) for place, base in enumerate(bases)]
        adopt(self.nodes, self.bases, shut)
        self.rows: dict[int, list[tuple[int, Identifiers]]] = defaultdict(list)
        for base in self.bases:
            self.rows[base.person].append((base.rows, of_run(base)))
        self.were: set[int] = set()

    def tick(self, events: Sequence[tuple[Identifiers, int]]) -> None:
        placed = self.resolver.place(self.nodes, [one for one, _ in events])
        self._deal(placed.moves)
        for (combination, _), person, place in zip(events, placed.people, placed.combinations, strict=True):
            self.rows[person].append((place, combination))
        self.were |= {person for person, _ in everybody(self.nodes)}

    def _deal(self, moves: Sequence[Move]) -> None:
        taken = {before: self.rows.pop(before, []) for before in {move.before for move in moves}}
        for move in moves:
            named = set(move.combinations or ())
            others = {place for other in moves if other.before == move.before for place in other.combinations or ()}
            for row in taken[move.before]:
                if row[0] in named or (move.combinations is None and row[0] not in others):
                    self.rows[move.after].append(row)
        for before, rows in taken.items():
            if not any(move.before == before and move.combinations is None for move in moves):
                others = {place for move in moves if move.before == before for place in move.combinations or ()}
                self.rows[before] += [row for row in rows if row[0] not in others]

    def run(self, events: Sequence[tuple[Identifiers, int]], most: int, seed: int = 0) -> Worker:
        dice, at = random.Random(seed), 0
        while at < len(events):
            size = dice.randint(1, most)
            self.tick(events[at : at + size])
            at += size
        return self

    def people(self) -> dict[Identifier, int]:
        return {(one.type, one.value): person for person, seen in everybody(self.nodes) for one in seen}
