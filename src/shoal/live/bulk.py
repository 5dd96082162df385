"""Identity all at once, without a state: the batch answer that the live one is held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoal.identifiers import STRONG, number, rank
from shoal.live.event import Identifiers
from shoal.live.graph import Profile

One = tuple[str, str]


@dataclass(frozen=True)
class Resolved:
    """Each combination's person, and the person that each profile of the run is part of now."""

    people: list[int]
    became: dict[int, int]


def resolve(
    combinations: Sequence[Identifiers],
    profiles: Sequence[Profile],
    guarded: Collection[One],
    most: Callable[[str, str], int],
    met: Iterable[tuple[str, str, str, str]] = (),
) -> Resolved:
    """Who each combination belongs to, given all of them.

    Args:
        combinations: distinct or not, in any order.
        profiles: those of the run that came before.
        guarded: identifiers that join nobody from the start.
        met: who was seen with whom by then (type, value, other type, other value).
        most: with how many identifiers of a type one of another type may be seen (`identity.Guards.most`).
    """
    shut = set(guarded) | _crowded(set(combinations), most, met)
    codes: dict[One | int, int] = {}
    left: list[int] = []
    right: list[int] = []

    def code(node: One | int) -> int:
        return codes.setdefault(node, len(codes))

    for identifiers in set(combinations):
        free = [one for one in identifiers if one not in shut]
        for one in identifiers:
            code(one)
        for other in free[1:]:
            left.append(code(free[0]))
            right.append(code(other))
    for profile in profiles:
        known = [(one.type, one.value) for one in profile.identifiers]
        for one in known:
            code(one)
        # whom a guard left no identifier is still whoever has the first of them
        for one in [one for one in known if one not in shut] or sorted(known, key=_order)[:1]:
            left.append(code(profile.person))
            right.append(code(one))
        code(profile.person)
    labels = _components(len(codes), left, right)
    called = _called(codes, labels, profiles, shut)
    owners = [next((one for one in each if one not in shut), each[0]) for each in combinations]
    return Resolved(
        [called[labels[codes[one]]] for one in owners],
        {profile.person: called[labels[codes[profile.person]]] for profile in profiles},
    )


def _crowded(
    combinations: set[Identifiers], most: Callable[[str, str], int], met: Iterable[tuple[str, str, str, str]]
) -> set[One]:
    """Identifiers seen with too many others of one type."""
    seen: dict[tuple[One, str], set[str]] = defaultdict(set)
    for one_kind, one_value, kind, value in met:
        seen[(one_kind, one_value), kind].add(value)
    for identifiers in combinations:
        for one in identifiers:
            for kind, value in identifiers:
                if kind in STRONG and kind != one[0]:
                    seen[one, kind].add(value)
    return {one for (one, kind), others in seen.items() if one[0] != "account_id" and len(others) > most(one[0], kind)}


def _components(count: int, left: Sequence[int], right: Sequence[int]) -> NDArray[np.int64]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(count, count))
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1]
    return labels


def _called(
    codes: Mapping[One | int, int], labels: NDArray[np.int64], profiles: Sequence[Profile], shut: set[One]
) -> dict[int, int]:
    """Each component's person number: of the profile with most identifiers, seen first, smallest; else of its own."""
    best: dict[int, tuple[int, int, int]] = {}
    known = {profile.person for profile in profiles}
    for profile in profiles:
        votes = len({(one.type, one.value) for one in profile.identifiers} - shut)
        born = (1 << 63) if profile.first_seen is None else profile.first_seen
        claim = (-votes, born, profile.person)
        label = int(labels[codes[profile.person]])
        best[label] = min(claim, best.get(label, claim))
    called = {label: claim[2] for label, claim in best.items()}
    used = set(called.values())
    for profile in profiles:  # a number that nobody has goes to the first of its identifiers that join nobody
        closed = [one for each in profile.identifiers if (one := (each.type, each.value)) in shut]
        if profile.person not in used and closed:
            called[int(labels[codes[min(closed, key=_order)]])] = profile.person
    smallest: dict[int, One] = {}
    for node, place in codes.items():
        if isinstance(node, tuple):
            label = int(labels[place])
            least = smallest.get(label)
            if least is None or _order(node) < _order(least):
                smallest[label] = node
    natural = {label: number(f"{one[0]}:{one[1]}") for label, one in smallest.items() if label not in called}
    taken = known | set(called.values()) | (set(natural.values()) - known)
    for label in sorted(natural, key=lambda one: _order(smallest[one])):
        called[label] = natural[label] if natural[label] not in known else _free(smallest[label], taken)
        taken.add(called[label])
    return called


def _free(one: One, taken: Collection[int]) -> int:
    """The number of a name with a count, as an earlier profile has that of the name itself."""
    attempt = 1
    while (found := number(f"{one[0]}:{one[1]}#{attempt}")) in taken:
        attempt += 1
    return found


def _order(one: One) -> tuple[tuple[int, str], bytes]:
    return rank(one[0]), one[1].encode()
