"""Identity is kept in whatever store the caller's transaction is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from shoal.identifiers import Guards
from shoal.live.event import Identifiers
from shoal.live.identity import Resolver
from shoal.live.nodes import LmdbNodes, MemoryNodes
from shoal.live.reading import everybody, find

COOKIE, USER, MAIL = ("anonymous_id", "c"), ("user_id", "7"), ("email", "a@x.org")
HAPPENED: list[Identifiers] = [(COOKIE,), (USER, COOKIE), (USER, MAIL), (("user_id", "8"), COOKIE), (MAIL,)]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[lmdb.Environment]:
    with lmdb.open(str(tmp_path / "live"), max_dbs=1) as opened:
        yield opened


def test_lmdb_and_memory_give_the_same_people(env: lmdb.Environment) -> None:
    db, memory = env.open_db(b"ids"), MemoryNodes()
    one, other = Resolver(Guards(10, 1)), Resolver(Guards(10, 1))
    for combination in HAPPENED:
        with env.begin(write=True) as txn:
            assert one.place(LmdbNodes(txn, db), [combination]) == other.place(memory, [combination])
    with env.begin() as txn:
        assert sorted(everybody(LmdbNodes(txn, db))) == sorted(everybody(memory))


def test_keys_lie_in_byte_order_and_a_scan_ends_with_its_prefix(env: lmdb.Environment) -> None:
    with env.begin(write=True) as txn:
        for nodes in (LmdbNodes(txn, env.open_db(b"a", txn)), MemoryNodes()):
            nodes.put_all({b"ab": b"1", b"b": b"2", b"aa": b"3"})
            assert (nodes.add(b"a"), nodes.add(b"aa")) == (True, False)
            nodes.delete(b"ab")
            nodes.delete(b"none")
            assert list(nodes.scan(b"a")) == [(b"a", b""), (b"aa", b"3")]
            assert (nodes.get(b"b"), nodes.get(b"c")) == (b"2", None)


def test_a_transaction_that_is_given_up_leaves_nothing(env: lmdb.Environment) -> None:
    db, resolver = env.open_db(b"ids"), Resolver(Guards(10, 1))
    with env.begin(write=True) as txn:
        visitor = resolver.place(LmdbNodes(txn, db), [(COOKIE,)]).people[0]
    with env.begin(write=True) as txn:
        resolver.place(LmdbNodes(txn, db), [(USER, COOKIE)])
        txn.abort()
    resolver.forget()
    with env.begin(write=True) as txn:
        assert find(LmdbNodes(txn, db), *USER) is None
        assert resolver.place(LmdbNodes(txn, db), [(COOKIE,)]).people == [visitor]
