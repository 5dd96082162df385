"""The port through which live identity remembers: an ordered key-value store inside somebody's transaction."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import lmdb


class Nodes(Protocol):
    """Keys of at most 511 bytes and their values, in byte order; what is written can be read at once."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, None where it is absent."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Keeps a value, in place of any earlier one."""
        ...

    def put_all(self, values: Mapping[bytes, bytes]) -> None:
        """Keeps many values at once."""
        ...

    def add(self, key: bytes) -> bool:
        """Keeps a key with an empty value; False where it was there already."""
        ...

    def delete(self, key: bytes) -> None:
        """Takes a key away, if it is there."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with `prefix` and their values, in order; nobody writes while it is read."""
        ...


class LmdbNodes:
    """The port over one database of an LMDB environment, within the caller's transaction."""

    def __init__(self, txn: lmdb.Transaction[bytes], db: lmdb._Database) -> None:
        self._txn, self._db = txn, db

    def get(self, key: bytes) -> bytes | None:
        return self._txn.get(key, db=self._db)

    def put(self, key: bytes, value: bytes) -> None:
        self._txn.put(key, value, db=self._db)

    def put_all(self, values: Mapping[bytes, bytes]) -> None:
        with self._txn.cursor(db=self._db) as cursor:  # neighbours share a page, so in order
            cursor.putmulti(sorted(values.items()))

    def add(self, key: bytes) -> bool:
        return bool(self._txn.put(key, b"", overwrite=False, db=self._db))

    def delete(self, key: bytes) -> None:
        self._txn.delete(key, db=self._db)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._txn.cursor(db=self._db) as cursor:
            if cursor.set_range(prefix):
                for key, value in cursor.iternext():
                    if not key.startswith(prefix):
                        return
                    yield key, value


class MemoryNodes:
    """The port in memory, for tests and examples.

    >>> nodes = MemoryNodes()
    >>> nodes.put(b"ab", b"1"), nodes.add(b"aa"), nodes.add(b"aa")
    (None, True, False)
    >>> list(nodes.scan(b"a"))
    [(b'aa', b''), (b'ab', b'1')]
    """

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        if key not in self._values:
            insort(self._keys, key)
        self._values[key] = value

    def put_all(self, values: Mapping[bytes, bytes]) -> None:
        for key, value in values.items():
            self.put(key, value)

    def add(self, key: bytes) -> bool:
        if key in self._values:
            return False
        self.put(key, b"")
        return True

    def delete(self, key: bytes) -> None:
        if self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for place in range(bisect_left(self._keys, prefix), len(self._keys)):
            key = self._keys[place]
            if not key.startswith(prefix):
                return
            yield key, self._values[key]
