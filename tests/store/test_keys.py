"""API keys: what is kept of them, who may still use one, and what the server's copy of them costs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shoal.errors import Busy, NotFound, Refused, StorageError, UsageError
from shoal.store import audit
from shoal.store.database import Database
from shoal.store.keys import Key, KeyRing, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(Database(tmp_path))


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Store:
    """Counts how often it is read, and may be away."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.reads, self.away = keys, 0, False

    def __call__(self) -> list[Key]:
        self.reads += 1
        if self.away:
            raise StorageError("away")
        return self.keys.all()


@pytest.mark.parametrize("role", ["write", "read", "admin"])
def test_a_key_has_its_role(keys: Keys, role: str) -> None:
    made = keys.create(role)
    assert made.key.startswith(f"shoal_{role}_{made.id}_")
    assert keys.ring().role(made.key) == role


def test_the_secret_is_not_kept(keys: Keys, tmp_path: Path) -> None:
    made = keys.create("admin", label="till")
    secret = made.key.rsplit("_", 1)[1].encode()
    assert len(secret) == 48
    files = [path.read_bytes() for path in (tmp_path / ".shoal").iterdir()]
    assert any(made.id.encode() in content for content in files)
    assert not any(secret in content for content in files)
    assert made.key not in repr(made)
    assert "hash" not in keys.all()[0].told()


def test_making_and_revoking_are_in_the_audit_log(keys: Keys, tmp_path: Path) -> None:
    made = keys.create("read", label="reports", by="ada")
    keys.revoke(made.id, by="bob")
    lines = audit.entries(Database(tmp_path))
    assert [(line.who, line.what, line.subject) for line in lines] == [
        ("ada", "key created", f"key {made.id}"),
        ("bob", "key revoked", f"key {made.id}"),
    ]
    assert lines[0].detail == {"role": "read", "label": "reports"}


def test_a_revoked_key_is_none_and_stays_in_the_list(keys: Keys) -> None:
    made, other = keys.create("read"), keys.create("read")
    assert keys.revoke(made.key, by="ada").revoked_by == "ada"
    assert keys.ring()(made.key) is None
    assert keys.ring()(other.key) == "read"
    assert {key.id: key.revoked_at is not None for key in keys.all()} == {made.id: True, other.id: False}
    with pytest.raises(Refused, match="revoked already"):
        keys.revoke(made.id)


def test_an_unknown_key_cannot_be_revoked(keys: Keys) -> None:
    made = keys.create("read")
    with pytest.raises(NotFound, match=f"Did you mean '{made.id}'"):
        keys.revoke(made.id[:-1] + ("0" if made.id[-1] != "0" else "1"))


@pytest.mark.parametrize(("role", "label"), [("owner", ""), ("", ""), ("read", "x" * 201), ("read", "two\nlines")])
def test_an_unknown_role_or_a_long_label_is_refused(keys: Keys, role: str, label: str) -> None:
    with pytest.raises(UsageError, match="Remedy"):
        keys.create(role, label=label)
    assert keys.all() == []


def test_no_other_text_is_a_key(keys: Keys) -> None:
    key = keys.create("read").key
    ring = keys.ring()
    swapped = key.replace("shoal_read", "shoal_admin")
    other = key[:-1] + ("0" if key[-1] != "0" else "1")
    for text in ("", "shoal", swapped, other, key + "0", key[:-1], key + "\n", key.upper(), f" {key}", "\ud800"):
        assert ring.role(text) is None, text
    assert ring.role(key) == "read"


def test_a_database_refuses_a_role_that_is_none(keys: Keys, tmp_path: Path) -> None:
    keys.create("read")
    base = sqlite3.connect(tmp_path / ".shoal" / "shoal.db")
    with pytest.raises(sqlite3.IntegrityError):
        base.execute("UPDATE api_keys SET role = 'owner'")
    base.close()


def test_however_many_ask_the_store_is_read_once_a_second(keys: Keys) -> None:
    made, clock, store = keys.create("read"), Clock(), Store(keys)
    ring = KeyRing(store, clock=clock)
    wrong = "shoal_read_" + "0" * 12 + "_" + "0" * 48
    for _ in range(50):
        assert (ring(made.key), ring(wrong), ring("no key at all")) == ("read", None, None)
    assert store.reads == 1
    clock.now += 1.1
    for _ in range(50):
        assert ring(wrong) is None
    assert store.reads == 2


def test_a_key_made_later_counts_a_second_later(keys: Keys) -> None:
    keys.create("read")
    clock = Clock()
    ring = KeyRing(Store(keys), clock=clock)
    assert ring("shoal_read_" + "0" * 12 + "_" + "0" * 48) is None
    made = keys.create("write")
    clock.now += 1.1
    assert ring(made.key) == "write"


def test_a_key_revoked_while_nobody_asked_is_refused_at_once(keys: Keys) -> None:
    made, clock = keys.create("read"), Clock()
    ring = KeyRing(Store(keys), clock=clock)
    assert ring(made.key) == "read"
    keys.revoke(made.id)
    clock.now += 60
    assert ring(made.key) is None


def test_while_the_store_is_away_the_keys_it_had_count(keys: Keys) -> None:
    made, clock, store = keys.create("read"), Clock(), Store(keys)
    ring = KeyRing(store, clock=clock)
    assert ring(made.key) == "read"
    store.away = True
    for _ in range(3):
        clock.now += 60
        assert ring(made.key) == "read"


def test_without_any_look_at_the_store_nobody_is_let_in(keys: Keys) -> None:
    made, store = keys.create("read"), Store(keys)
    store.away = True
    with pytest.raises(StorageError):
        KeyRing(store, clock=Clock()).role(made.key)


def test_a_busy_store_is_told_as_such() -> None:
    def read() -> list[Key]:
        raise Busy("another program is writing here")

    with pytest.raises(Busy):
        KeyRing(read).role("shoal_read_" + "0" * 12 + "_" + "0" * 48)
