"""The live state: one LMDB file, a cache that the log can always rebuild.

Written by one process in one transaction a step, without waiting for the disk (a thread syncs behind); read by any
number of processes, each from a consistent moment. A process that is killed loses nothing; after a power failure the
file may be torn, which the machine's boot id gives away: then it is thrown away and built anew.

    people     person -> record            nodes    type:value -> person      members  segment, person -> entered
    due        instant, person             words    text <-> code             changes  position -> change (JSON)
    messages   hash of a message id        aliases  former person -> person   meta     name -> JSON
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import lmdb
import msgspec

from shoal.errors import NoRoom, StorageError, StoreError

NAMES = ("people", "nodes", "due", "members", "words", "texts", "changes", "messages", "aliases", "meta")
SIZE = 1 << 40  # address space, not disk
IN_MEMORY = 200_000  # texts that are held in memory
SYNC_EVERY = 0.25  # seconds between syncs
SCARCE = 1 << 20  # free bytes under which an input/output error means a full disk
DAMAGED = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError)
_PERSON = struct.Struct(">Q")
_DUE = struct.Struct(">QQ")
_CODE = struct.Struct(">I")
_POSITION = struct.Struct(">Q")
_LOW = 1 << 64


def person_key(person: int) -> bytes:
    """A person's number as a key; bytes compare in one fixed order.

    >>> person_key(-1).hex()
    'ffffffffffffffff'
    """
    return _PERSON.pack(person % _LOW)


def person_of(key: bytes) -> int:
    """The person's number in a key.

    >>> person_of(person_key(-5))
    -5
    """
    number: int = _PERSON.unpack(key[-8:])[0]
    return number - _LOW if number >> 63 else number


def due_key(at: int, person: int) -> bytes:
    """An instant and a person as a key that sorts by instant."""
    return _DUE.pack(max(at, 0), person % _LOW)


def due_at(key: bytes) -> int:
    """The instant in a key of `due`."""
    return int(_POSITION.unpack(key[:8])[0])


def member_key(segment: int, person: int) -> bytes:
    """A segment's number and a person as a key."""
    return _CODE.pack(segment) + _PERSON.pack(person % _LOW)


def position_key(position: int) -> bytes:
    """A place in the feed of changes as a key."""
    return _POSITION.pack(position)


class State:
    """The state in a folder. One process may open it to write, any number to read."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self.folder = folder
        self._condemned = False
        self.torn = False
        """Whether what was here could not be trusted, and was thrown away."""
        env = None
        try:
            if write:
                folder.mkdir(parents=True, exist_ok=True)
                self.torn = _discard_torn(folder)
            try:
                env = _environment(folder, write=write)
            except DAMAGED:
                if not write:
                    raise
                self.torn = _discard(folder)
                env = _environment(folder, write=write)
            self.env = env
            self.dbs = {name: env.open_db(name.encode(), create=write) for name in NAMES}
            env.reader_check()  # a reader that was killed would keep old pages for ever
        except (lmdb.Error, OSError) as error:
            if env is not None:
                env.close()
            raise told(error, folder) from None
        self._syncer = _Syncer(self.env) if write else None

    @contextmanager
    def writing(self) -> Iterator[Txn]:
        """One step: everything in the block is kept, or nothing where it raises.

        Raises NoRoom when the disk is full, StoreError for a damaged file, StorageError for other refusals.
        """
        try:
            with self.env.begin(write=True) as raw:
                yield Txn(raw, self.dbs)
        except lmdb.Error as error:
            if isinstance(error, DAMAGED):
                self.condemn()
            raise told(error, self.folder) from None
        if self._syncer is not None:
            self._syncer.wake()

    @contextmanager
    def reading(self) -> Iterator[Txn]:
        """The state as of one moment."""
        try:
            with self.env.begin() as raw:
                yield Txn(raw, self.dbs)
        except lmdb.Error as error:
            raise told(error, self.folder) from None

    def condemn(self) -> None:
        """Has the next that opens it to write begin with an empty one."""
        self._condemned = True
        with suppress(OSError):
            _write_durably(self.folder / "boot", "damaged")

    def close(self) -> None:
        """Syncs what was written and ends."""
        if self._syncer is not None and self._syncer.stop() and not self._condemned:
            with suppress(OSError):
                _write_durably(self.folder / "boot", "")  # all is on disk: it may be opened after any boot
        self.env.close()


class Txn:
    """One transaction: the named tables, and the small things that are kept in them."""

    def __init__(self, raw: Any, dbs: dict[str, Any]) -> None:
        self.raw, self.dbs = raw, dbs

    def get(self, table: str, key: bytes) -> bytes | None:
        """A value, None where there is none."""
        found: bytes | None = self.raw.get(key, db=self.dbs[table])
        return found

    def put(self, table: str, key: bytes, value: bytes, *, fresh: bool = False) -> bool:
        """Keeps a value; with `fresh` only where there is none, and says whether there was none."""
        return bool(self.raw.put(key, value, overwrite=not fresh, db=self.dbs[table]))

    def put_all(self, table: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Keeps many values; a tree takes them several times faster in the order of their keys."""
        with self.raw.cursor(db=self.dbs[table]) as cursor:
            cursor.putmulti(sorted(items))

    def delete(self, table: str, key: bytes) -> bool:
        """Forgets a value; says whether there was one."""
        return bool(self.raw.delete(key, db=self.dbs[table]))

    def cursor(self, table: str) -> Any:
        """An LMDB cursor over a table."""
        return self.raw.cursor(db=self.dbs[table])

    def count(self, table: str) -> int:
        """Keys of a table."""
        return int(self.raw.stat(db=self.dbs[table])["entries"])

    def meta(self, name: str, default: Any = None) -> Any:
        """A small thing by name."""
        found = self.get("meta", name.encode())
        return default if found is None else msgspec.json.decode(found)

    def set_meta(self, name: str, value: Any) -> None:
        """Keeps a small thing."""
        self.put("meta", name.encode(), msgspec.json.encode(value))


class Words:
    """Texts by code and back, in memory as far as they were met; codes are kept in the state."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self.txn: Txn | None = None

    def code(self, text: str) -> int:
        """The code of a text, a new one where it has none."""
        found = self._codes.get(text)
        if found is None:
            found = self._look(text)
            self._keep(text, found)
        return found

    def text(self, code: int) -> str:
        """The text of a code."""
        found = self._texts.get(code)
        if found is None:
            found = text_of(self._open(), code)
            self._keep(found, code)
        return found

    def _keep(self, text: str, code: int) -> None:
        if len(self._codes) >= IN_MEMORY:  # there is no end of texts; those that go on to be met come back
            self.forget()
        self._codes[text], self._texts[code] = code, text

    def forget(self) -> None:
        """Forgets what a transaction that did not end well has made."""
        self._codes.clear()
        self._texts.clear()

    def _look(self, text: str) -> int:
        txn, key = self._open(), text.encode("utf-8", "surrogatepass")
        short = b"=" + key if len(key) <= 500 else b"#" + hash_of(key).encode()
        held = txn.get("words", short)
        if held is not None:
            return int(_CODE.unpack(held)[0])
        code = txn.count("texts") + 1
        txn.put("words", short, _CODE.pack(code))
        txn.put("texts", _CODE.pack(code), key)
        return code

    def _open(self) -> Txn:
        if self.txn is None:
            raise StorageError("the state's words are read outside a transaction")
        return self.txn


def text_of(txn: Txn, code: int) -> str:
    """The text of a code as the state has it."""
    held = txn.get("texts", _CODE.pack(code))
    return "" if held is None else held.decode("utf-8", "surrogatepass")


def hash_of(data: bytes) -> str:
    """A 128-bit hash as text, for keys that would be too long."""
    from hashlib import blake2b

    return blake2b(data, digest_size=16).hexdigest()


def told(error: Exception, folder: Path) -> StorageError | StoreError:
    """A refusal of the state's file as what it means to the user."""
    said = str(error)
    if isinstance(error, lmdb.MapFullError | lmdb.DiskError) or "No space" in said or _scarce(folder):
        return NoRoom(f"{folder}: the disk is full; what was acknowledged is in the log. Remedy: free some space")
    if isinstance(error, DAMAGED):
        return StoreError(f"{folder}: {said}: is damaged. Remedy: none needed; the next start builds it anew")
    if isinstance(error, lmdb.PanicError):
        return StoreError(f"{folder}: {said}: a write failed halfway. Remedy: start the worker anew")
    return StorageError(f"{folder}: {said}. Remedy: see that the disk is well and that this user may write there")


def _scarce(folder: Path) -> bool:
    """Whether the disk is full: a write that it cuts short is told as an input/output error."""
    try:
        return shutil.disk_usage(folder).free < SCARCE
    except OSError:
        return False


class _Syncer(Thread):
    """Brings the state to disk behind the writer's back."""

    def __init__(self, env: Any) -> None:
        super().__init__(daemon=True, name="state-sync")
        self._env, self._due, self._ended = env, Event(), Event()
        self.start()

    def wake(self) -> None:
        self._due.set()

    def run(self) -> None:
        while not self._ended.wait(SYNC_EVERY):
            if self._due.is_set():
                self._due.clear()
                self._sync()

    def stop(self) -> bool:
        self._ended.set()
        self.join()
        return self._sync()

    def _sync(self) -> bool:
        try:
            self._env.sync(True)
            self._env.reader_check()
        except lmdb.Error:
            self._due.set()  # a full disk: the log has everything, and it is tried again
            return False
        return True


def _environment(folder: Path, *, write: bool) -> Any:
    return lmdb.open(
        str(folder / "state"),
        map_size=SIZE,
        max_dbs=len(NAMES),
        readonly=not write,
        sync=False,
        metasync=False,
        readahead=False,
        meminit=False,
        lock=True,
        max_readers=512,
    )


def _discard(folder: Path) -> bool:
    shutil.rmtree(folder / "state", ignore_errors=True)
    return True


def _discard_torn(folder: Path) -> bool:
    """Removes a state that was open when the machine went down: it was not synced, so it may be torn.

    That it is open now is on disk before anything is written; says whether something was removed.
    """
    boot, now = folder / "boot", _boot_id()
    held = boot.read_text(encoding="ascii", errors="replace").strip() if boot.exists() else ""
    torn = bool(held) and held != now and _discard(folder)
    if held != now:
        _write_durably(boot, now)
    return torn


def _write_durably(path: Path, text: str) -> None:
    """A small file that is the old one or the new one whatever happens to the machine."""
    aside = path.with_suffix(".new")
    with aside.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    number = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip() if path.exists() else "unknown"
