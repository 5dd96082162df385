"""API keys: who may write events, read profiles, or do everything. Only a hash of the secret is kept.

A key is `shoal_ROLE_ID_SECRET`. The secret has 192 random bits, so one round of SHA-256 hides it well: slow hashes are
for what people choose themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from shoal.errors import NotFound, Refused, ShoalError, StorageError, UsageError, suggest
from shoal.store import audit
from shoal.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Table

Role: TypeAlias = Literal["write", "read", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
LONGEST_LABEL = 200
_KEY = re.compile(rf"shoal_({'|'.join(ROLES)})_([0-9a-f]{{12}})_([0-9a-f]{{48}})")
_NOT_YET = "the keys cannot be read yet. Remedy: see that the store runs"
_NOBODY = "0" * 64  # what the secret of an unknown id is compared with, so that it takes as long


@dataclass(frozen=True)
class Key:
    """A key as the store knows it; instants are ISO 8601 in UTC, `hash` is the secret's SHA-256 in hexadecimal."""

    id: str
    role: Role
    label: str
    created_at: str
    created_by: str
    revoked_at: str | None = None
    revoked_by: str | None = None
    hash: str = field(default=_NOBODY, repr=False)

    def told(self) -> dict[str, Any]:
        """What may be shown of it: everything but the hash."""
        return {name: value for name, value in vars(self).items() if name != "hash"}


@dataclass(frozen=True)
class Created:
    """A new key with its whole text, which nobody can ask for again."""

    key: str = field(repr=False)
    role: Role
    id: str


@cache
def _table() -> Table:
    from sqlalchemy import Column, MetaData, Table, Text

    texts = [Column(name, Text, nullable=False) for name in ("role", "label", "hash", "created_at", "created_by")]
    later = [Column(name, Text) for name in ("revoked_at", "revoked_by")]
    return Table("api_keys", MetaData(), Column("id", Text, primary_key=True), *texts, *later)


class Keys:
    """The keys of one workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, role: str, *, label: str = "", by: str = "unknown") -> Created:
        """Makes a key and gives its text, this once. The store keeps a hash, the audit log who made it.

        Args:
            role: `write` (send events), `read` (profiles and segments) or `admin` (both).
            label: what it is for, at most 200 characters.

        Raises UsageError for another role or a longer label.
        """
        if role not in ROLES:
            raise UsageError(f"unknown role '{role}'.{suggest(role, ROLES)} Remedy: --role write, read or admin")
        if len(label) > LONGEST_LABEL or not label.isprintable():
            raise UsageError(
                f"the label has {len(label)} characters. Rule: one line of {LONGEST_LABEL} at most. Remedy: shorten it"
            )
        secret = secrets.token_hex(24)
        key = Key(secrets.token_hex(6), role, label, _now(), by, hash=_hash(secret))
        entry = audit.Entry(key.created_at, by, "key created", f"key {key.id}", {"role": role, "label": label})
        with self._database.writing() as connection:
            connection.execute(_table().insert().values(**vars(key)))
            audit.note(connection, entry)
        return Created(f"shoal_{role}_{key.id}_{secret}", key.role, key.id)

    def all(self) -> list[Key]:
        """Every key, also those that were revoked, the oldest first."""
        if not self._database.exists:
            return []
        table = _table()
        with self._database.reading() as connection:
            rows = connection.execute(table.select().order_by(table.c.created_at, table.c.id)).mappings().all()
        return [Key(**dict(row)) for row in rows]

    def revoke(self, id: str, *, by: str = "unknown") -> Key:  # noqa: A002 - the word users know
        """Ends a key, given its id or its whole text; servers that run notice within a second or so.

        Raises NotFound when there is no such key, Refused when it was revoked before.
        """
        whole = _KEY.fullmatch(id)
        wanted = whole[2] if whole else id
        table, now = _table(), _now()
        with self._database.writing() as connection:
            row = connection.execute(table.select().where(table.c.id == wanted)).mappings().first()
            if row is None:
                known = connection.execute(table.select().where(table.c.revoked_at.is_(None))).mappings().all()
                near = suggest(wanted, [one["id"] for one in known])
                raise NotFound(f"there is no key '{wanted}'.{near} Remedy: see `shoal keys list`")
            key = Key(**dict(row))
            if key.revoked_at is not None:
                raise Refused(f"key {wanted} was revoked already, at {key.revoked_at}. Remedy: nothing is to be done")
            change = {"revoked_at": now, "revoked_by": by}
            connection.execute(table.update().where(table.c.id == wanted).values(**change))
            audit.note(connection, audit.Entry(now, by, "key revoked", f"key {wanted}", {"role": key.role}))
        return Key(**{**vars(key), **change})

    def ring(self) -> KeyRing:
        """A checker for a server."""
        return KeyRing(self.all)


class KeyRing:
    """Which role a key's text has, from a copy of the store's keys that is a second old at most while it is asked.

    The store is read by one thread at a time, once a second however many ask and whatever they ask: a wrong key is
    answered from memory. While the store is away the last copy counts: nothing can be revoked there meanwhile either.

    >>> known = Key("0123456789ab", "read", "", "", "", hash=hashlib.sha256(b"5" * 48).hexdigest())
    >>> ring = KeyRing(lambda: [known])
    >>> ring.role("shoal_read_0123456789ab_" + "5" * 48), ring.role("shoal_read_0123456789ab_" + "6" * 48)
    ('read', None)
    """

    EVERY = 1.0  # seconds between two looks into the store
    STALE = 3.0  # seconds after which a known key waits for the look too, as nobody has asked for so long
    PATIENCE = 0.5  # seconds that a request waits for a look
    FIRST = 10.0  # seconds that it waits for the very first one

    def __init__(self, read: Callable[[], Sequence[Key]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._keys: Mapping[str, Key] | None = None
        self._looked = float("-inf")
        self._looking: threading.Event | None = None
        self._error: ShoalError | None = None
        self._lock = threading.Lock()

    def load(self) -> None:
        """Reads the keys now, so that no request has to wait for the first look. Raises StorageError and the like."""
        self._look().wait(self.FIRST)
        if self._keys is None:
            raise self._error or StorageError(_NOT_YET)

    def __call__(self, text: str) -> Role | None:
        """The role of the key, None when it is none or was revoked."""
        return self.role(text)

    def role(self, text: str) -> Role | None:
        """The role of the key, None when it is none or was revoked. Raises StorageError before the first good look."""
        key = self.key(text)
        return None if key is None else key.role

    def key(self, text: str) -> Key | None:
        """The key of this text, None when there is none or it was revoked."""
        told = _KEY.fullmatch(text)
        if told is None:
            return None
        role, key_id, secret = told.groups()
        found = self._current(key_id).get(key_id)
        same = hmac.compare_digest(_hash(secret), found.hash if found else _NOBODY)
        return found if same and found is not None and found.role == role else None

    def _current(self, key_id: str) -> Mapping[str, Key]:
        keys, age = self._keys, self._clock() - self._looked
        if age < self.EVERY and keys is not None:
            return keys
        if keys is None:
            self.load()
            return self._keys or {}
        done = self._look()
        if (key_id not in keys or age >= self.STALE) and self._error is None:
            done.wait(self.PATIENCE)
        return self._keys or {}

    def _look(self) -> threading.Event:
        """Has the store read by a thread of its own, so that no request hangs on a store that does not answer."""
        with self._lock:
            if self._looking is not None:
                return self._looking
            self._looking = done = threading.Event()
        threading.Thread(target=self._renew, args=(done,), name="shoal-keys", daemon=True).start()
        return done

    def _renew(self, done: threading.Event) -> None:
        try:
            self._keys = {key.id: key for key in self._read() if key.revoked_at is None}
            self._error = None
        except ShoalError as error:
            self._error = error
        finally:
            with self._lock:
                self._looked, self._looking = self._clock(), None
            done.set()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()
