"""Who is known by what: accounts, e-mail addresses, devices, and what the identifier graph can know of the people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shoal.demo.behaviour import Behaviour
from shoal.demo.people import Ints, People

FIRST = (
    "anna",
    "ben",
    "clara",
    "david",
    "emma",
    "felix",
    "greta",
    "hugo",
    "ida",
    "jonas",
    "klara",
    "leon",
    "mia",
    "noah",
)
LAST = ("adler", "berg", "conrad", "dorn", "ebert", "frank", "graf", "haas", "iven", "jung", "keller", "lang", "moser")
NOBODY = "nobody@shop.example"  # typed where the customer gave no address; named as a placeholder in shoal.yaml
DESK = "desk@shop.example"  # the same, but nobody told Shoal: only the guard on shared identifiers can see it
MAX_SHARED, MAX_USERS = 10, 1  # the guards of unify, which the truth of `group` follows
SLOTS = 3


@dataclass(frozen=True)
class Identity:
    """The identifiers as they appear. Devices are numbers: person * 3 + slot, and the kiosk's is 3 * people."""

    user_id: pa.Array
    name: pa.Array
    email: pa.Array
    second_email: pa.Array
    device_id: pa.Array  # by device number
    device: Ints  # device number of each visit
    known: NDArray[np.bool_]  # whether each visit carries the account from its first event
    guest: NDArray[np.bool_]  # orders without an account
    desk: NDArray[np.bool_]  # orders with the desk's address
    families: list[tuple[int, int]]  # who borrows whose device


def identify(did: Behaviour, rng: np.random.Generator) -> Identity:
    """Gives people accounts, addresses and devices, some of them shared."""
    people, count = did.people, len(did.people)
    owner = np.arange(SLOTS * count + 1)
    borrowers = np.flatnonzero((people.devices > 1) & (rng.random(count) < 0.02))
    lenders = (borrowers + 1) % count
    owner[borrowers * SLOTS + 1] = lenders * SLOTS
    kiosk = did.visits["signed"] & (rng.random(len(did.visits["t"])) < 0.002)
    device = np.where(kiosk, SLOTS * count, owner[did.visits["person"] * SLOTS + did.visits["device"]])
    second = did.orders["email"]
    guest = ~second & (rng.random(len(second)) < 0.05)
    name, email = names(people)
    return Identity(
        user_id=accounts(people.number),
        name=name,
        email=email,
        second_email=pc.binary_join_element_wise(
            "office.", pc.utf8_lower(accounts(people.number)), "@work.example", ""
        ),
        device_id=pa.array([f"{_mix(number):016x}" for number in range(SLOTS * count + 1)]),
        device=device,
        known=kiosk,
        guest=guest,
        desk=~second & ~guest & (rng.random(len(second)) < 0.003),
        families=list(zip(borrowers.tolist(), lenders.tolist(), strict=True)) if count > 1 else [],
    )


def accounts(number: Ints) -> pa.Array:
    """Account numbers.

    >>> accounts(np.array([0, 12])).to_pylist()
    ['C0000000', 'C0000012']
    """
    return pc.binary_join_element_wise("C", pc.utf8_lpad(pc.cast(pa.array(number), pa.string()), 7, "0"), "")


def names(people: People) -> tuple[pa.Array, pa.Array]:
    """Invented names and the e-mail addresses made of them."""
    first = pa.array(FIRST).take(pa.array(people.number % len(FIRST)))
    last = pa.array(LAST).take(pa.array(people.number // len(FIRST) % len(LAST)))
    digits = pc.cast(pa.array(people.number), pa.string())
    name = pc.binary_join_element_wise(pc.utf8_capitalize(first), pc.utf8_capitalize(last), " ")
    email = pc.binary_join_element_wise(
        pc.binary_join_element_wise(first, last, "."), pc.binary_join_element_wise(digits, "@mail.example", ""), ""
    )
    return name, email


def graph(did: Behaviour, who: Identity) -> pa.Table:
    """Every identifier that appears: `type, value, person, group`.

    `person` is the truth (null for what belongs to nobody, or to several); `group` is the smallest person number that
    exact linking with the guards can reach, null where the guards keep the identifier from joining anybody.
    """
    count = len(did.people)
    known = did.visits["signed"]
    newcomers = np.flatnonzero(did.people.start > 0)
    users = np.concatenate([did.visits["person"][known], newcomers])
    devices = np.concatenate([who.device[known], newcomers * SLOTS])
    pairs = np.unique(np.stack([users, devices], axis=1), axis=0)
    shared = np.bincount(pairs[:, 1], minlength=SLOTS * count + 1) > MAX_USERS
    joins = pairs[~shared[pairs[:, 1]]]
    size = count + len(shared)
    matrix = coo_array((np.ones(len(joins)), (joins[:, 0], count + joins[:, 1])), shape=(size, size))
    label = connected_components(matrix, directed=False)[1]
    smallest = np.full(size, size)
    np.minimum.at(smallest, label[:count], np.arange(count))

    group = smallest[label[:count]]
    seen = np.unique(np.concatenate([who.device, newcomers * SLOTS]))
    device_group = smallest[label[count + seen]]
    seconds = np.unique(did.orders["person"][did.orders["email"]])
    everybody = np.arange(count)
    parts = [
        _rows("user_id", who.user_id, everybody, group),
        _rows("email", who.email, everybody, group),
        _rows("email", who.second_email.take(pa.array(seconds)), seconds, group[seconds]),
        _rows(
            "anonymous_id",
            who.device_id.take(pa.array(seen)),
            np.where(shared[seen], -1, seen // SLOTS),
            np.where(shared[seen] | (device_group >= size), -1, device_group),
        ),
    ]
    return pa.concat_tables(parts)


def _rows(kind: str, value: pa.Array, person: Ints, group: Ints) -> pa.Table:
    return pa.table(
        {
            "type": pa.array([kind] * len(value), pa.string()),
            "value": value,
            "person": pa.array(person, pa.int64(), mask=person < 0),
            "group": pa.array(group, pa.int64(), mask=group < 0),
        }
    )


def _mix(number: int) -> int:
    """A well-mixed 64-bit form of a number (splitmix64, Steele et al. 2014)."""
    mask = (1 << 64) - 1
    mixed = (number + 1) * 0x9E3779B97F4A7C15 & mask
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
    return mixed ^ mixed >> 31
