"""Models on disk: named by the hash of what they are, written whole, refused when anything was changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from shoal.errors import NoRoom, StorageError, is_full

MANIFEST = "manifest.json"
LARGEST = 512 * 1024**2  # bytes of a whole model
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VERSION = re.compile(r"[0-9a-f]{12}")
REMEDY = "bring the folder back from a backup, or remove it and run again to make the model anew"


def version_of(files: Mapping[str, bytes]) -> str:
    """12 hexadecimal digits of the SHA-256 over a manifest: name, size and SHA-256 of every file, sorted.

    >>> version_of({"model.json": b"{}"}) == version_of({"model.json": b"{} "})
    False
    """
    return _hash(_manifest(files))[:12]


def save(files: Mapping[str, bytes], folder: Path) -> str:
    """Writes a model's files to `folder`/VERSION and gives the version; what is there already is left as it is.

    Raises StorageError for names that are no plain file names, for too much data, or when the disk refuses.
    """
    for name in files:
        if not _NAME.fullmatch(name) or name == MANIFEST:
            rule = "names are letters, digits, '.', '_' and '-', and do not begin with a sign"
            raise StorageError(f"a model cannot have a file '{name[:100]}': {rule}. Rename the file.")
    size = sum(map(len, files.values()))
    if size > LARGEST:
        raise StorageError(f"a model of {size:,} bytes is over the bound of {LARGEST:,}. Fit it on fewer fields.")
    version = version_of(files)
    target = folder / version
    if target.exists():
        load(folder, version)
        return version
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write({**files, MANIFEST: _manifest(files)}, folder, target)
    except OSError as error:
        kind = NoRoom if is_full(error) else StorageError
        raise kind(f"a model cannot be written to {target}: {error.strerror}. Mend the folder and run again.") from None
    return version


def load(folder: Path, version: str) -> dict[str, bytes]:
    """The files of a version, every hash recomputed.

    Raises StorageError when a file was changed, added or removed since it was saved, or is not what the version says.
    """
    if not _VERSION.fullmatch(version):
        raise StorageError(f"'{version[:100]}' is no version of a model: it has 12 hexadecimal digits. Name another.")
    home = folder / version
    try:
        manifest = _read(home / MANIFEST, LARGEST)
        there = {entry.name for entry in home.iterdir()} - {MANIFEST}
    except OSError as error:
        raise StorageError(f"model {version} cannot be read from {home}: {error.strerror}. Remedy: {REMEDY}.") from None
    if _hash(manifest)[:12] != version:
        raise _changed(version, f"its {MANIFEST} gives another version")
    known = {str(name): (int(size), str(digest)) for name, size, digest in json.loads(manifest)}
    for name in sorted(there ^ set(known)):
        raise _changed(version, f"'{name[:100]}' {'was added' if name in there else 'is missing'}")
    return {name: _checked(home / name, version, size, digest) for name, (size, digest) in known.items()}


def _checked(path: Path, version: str, size: int, digest: str) -> bytes:
    if not _NAME.fullmatch(path.name) or path.is_symlink() or not path.is_file():
        raise _changed(version, f"'{path.name}' is no plain file")
    try:
        data = _read(path, size)
    except OSError as error:
        raise StorageError(f"model {version} cannot be read: {error.strerror}. Remedy: {REMEDY}.") from None
    if len(data) != size or _hash(data) != digest:
        raise _changed(version, f"'{path.name}' is not what was saved")
    return data


def _changed(version: str, what: str) -> StorageError:
    return StorageError(f"model {version} was changed since it was saved: {what}. Remedy: {REMEDY}.")


def _read(path: Path, most: int) -> bytes:
    """At most one byte more than expected: a file that was blown up fills no memory."""
    with path.open("rb") as file:
        return file.read(min(most, LARGEST) + 1)


def _manifest(files: Mapping[str, bytes]) -> bytes:
    listed = [[name, len(data), _hash(data)] for name, data in sorted(files.items())]
    return json.dumps(listed, indent=1, ensure_ascii=True).encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(files: Mapping[str, bytes], folder: Path, target: Path) -> None:
    """Everything to a temporary folder, then one rename: a reader sees all of it or nothing."""
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        for name, data in files.items():
            with (part / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        part.chmod(0o755)
        try:
            part.rename(target)
        except OSError:
            if not target.is_dir():  # else another run wrote the same model in the meantime
                raise
            load(folder, target.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
