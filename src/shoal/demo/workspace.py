"""Puts demo data into a folder without touching anybody's workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shoal.errors import StorageError, UsageError
from shoal.settings import FILE


@contextmanager
def claim(folder: Path, text: str) -> Iterator[None]:
    """Makes `folder/data`; inside, failures of the disk become StorageError.

    Raises UsageError when the folder holds a `shoal.yaml` that is not the demo's own.
    """
    settings = folder / FILE
    try:
        if settings.exists() and settings.read_text(encoding="utf-8").split("\n")[0] != text.split("\n")[0]:
            raise UsageError(
                f"{folder} holds a workspace of its own: a demo never overwrites a {FILE} that it did not write. "
                "Remedy: name an empty or new folder, such as `shoal demo shoal-demo`"
            )
        (folder / "data").mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write the demo data into {folder}: {error}. Remedy: free space, or name another folder"
        ) from error


def settle(folder: Path, text: str) -> Path:
    """Writes `shoal.yaml`, last, so that a folder with one is complete; an edited one stays as it is."""
    path = folder / FILE
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    return path
