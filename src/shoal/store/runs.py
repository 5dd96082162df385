"""The runs of a workspace on disk: written aside, renamed whole, read by anybody at any time.

.shoal/lock              held while a run writes
.shoal/current           name of the last good run
.shoal/runs/RUN_ID/      that run's tables (Parquet) and parts (JSON)
.shoal/runs/RUN_ID.part  a run being written, or left by one that was killed
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from filelock import FileLock, Timeout

from shoal.errors import Busy, NoRoom, NotFound, StorageError, is_full

if TYPE_CHECKING:
    import pyarrow as pa

SERVED = "serve.all.lock"  # held by every process of a server


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    run_id: str
    folder: Path

    def path(self, table: str) -> Path:
        """Where a table lies: a folder of bucket files for `events`, else one file."""
        return self.folder / "events" if table == "events" else self.folder / f"{table}.parquet"

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table, in order; empty when the run has no such table."""
        path = self.path(table)
        if path.is_dir():
            return sorted(path.glob("*.parquet"))
        return [path] if path.exists() else []

    def table(self, name: str) -> pa.Table:
        """A table of one file, whole. The last two stay in memory: the stages read the same ones in turn."""
        path = self.path(name)
        return _table(path, path.stat().st_mtime_ns)

    def people(self, name: str = "features") -> pa.Table:
        """A table of people with a column for each of their scores: what the rules of segments are read over.

        `features` goes with `scores`, and `features_before` with `scores_before`, null where there are none.
        """
        table, columns = self.table(name), self.score_columns()
        if columns:
            files = (self.path(name), self.path(name.replace("features", "scores")))
            changed = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
            scored = _scored(*files, tuple(columns.items()), changed)
            for column in scored.column_names:
                table = table.append_column(column, scored[column])
        return table

    def score_columns(self) -> dict[str, str]:
        """The score columns of `people`, each with its model."""
        if not self.files("scores"):
            return {}
        from pyarrow import parquet

        from shoal import tables

        models = parquet.read_table(self.path("scores"), columns=["model"])["model"].unique().to_pylist()
        return tables.score_columns(models, parquet.read_schema(self.path("features")).names)

    def write_part(self, name: str, content: Any) -> None:
        """Keeps a stage's plain results as JSON."""
        write_text(self.folder / f"{name}.json", json.dumps(content, ensure_ascii=False, indent=1))

    def read_part(self, name: str) -> Any:
        """A stage's plain results; None when that stage has not run."""
        path = self.folder / f"{name}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        except ValueError:
            raise self.damaged(path) from None

    def adopt(self, other: Run, table: str, name: str) -> None:
        """Takes over a table of another run under a name, without copying what is on the same disk; if it is there."""
        for file in other.files(table):
            self.path(name).unlink(missing_ok=True)
            try:
                os.link(file, self.path(name))
            except OSError:
                shutil.copyfile(file, self.path(name))

    def damaged(self, path: Path) -> StorageError:
        """What to say of a file of this run that is not what was written."""
        return StorageError(
            f"{path}: is damaged. Rule: what a run wrote is not changed afterwards. "
            f"Remedy: delete the folder {self.folder}; the run before it, if any, is then the last good one"
        )


@lru_cache(maxsize=2)
def _table(path: Path, changed: int) -> pa.Table:
    from pyarrow import parquet

    del changed
    return parquet.read_table(path)


@lru_cache(maxsize=2)
def _scored(people: Path, scores: Path, columns: tuple[tuple[str, str], ...], changed: tuple[int, ...]) -> pa.Table:
    """The score columns alone, in the order of the people."""
    from pyarrow import parquet

    from shoal import tables

    known = tables.SCORES.empty_table()
    if scores.exists():
        known = parquet.read_table(scores, columns=["profile_id", "model", "score"], read_dictionary=["model"])
    ids = _table(people, changed[0]).select(["profile_id"])
    return tables.with_scores(ids, known, dict(columns)).drop_columns(["profile_id"])


class Runs:
    """Every run of one workspace. `folder` is the workspace's own."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder
        self.home = folder / ".shoal"
        self.runs = self.home / "runs"

    def current(self) -> Run:
        """The last good run.

        Raises NotFound when there has been none.
        """
        run = self.last()
        if run is None:
            raise NotFound(f"{self.workspace}: there is no finished run here yet. Remedy: `shoal run`")
        return run

    def last(self) -> Run | None:
        """The last good run, or None.

        Raises StorageError when the folder may not be read.
        """
        with storage(self.home), suppress(FileNotFoundError, NotADirectoryError):
            run_id = (self.home / "current").read_text(encoding="utf-8").strip()
            if run_id and (self.runs / run_id).is_dir():
                return Run(run_id, self.runs / run_id)
            done = self._done()
            return Run(done[-1].name, done[-1]) if done else None
        return None

    def _done(self) -> list[Path]:
        """The folders of finished runs, the oldest first."""
        return sorted(path for path in self.runs.iterdir() if path.is_dir() and not path.name.endswith(".part"))

    @contextmanager
    def begin(self, keep: int) -> Iterator[Run]:
        """A new run's folder; published whole when the block ends well, removed when it does not.

        Raises Busy while another run writes, StorageError when the folder cannot be written.
        """
        with storage(self.home):
            self.runs.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.home / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise Busy(
                    f"{self.workspace}: another `shoal run` is writing here. "
                    "Rule: one run at a time; the last good run stays readable. Remedy: wait until it ends"
                ) from None
        try:
            with storage(self.home):
                for left in self.runs.glob("*.part"):
                    shutil.rmtree(left, ignore_errors=True)
                run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:4]}"
                run = Run(run_id, self.runs / f"{run_id}.part")
                run.folder.mkdir()
                try:
                    yield run
                    self._publish(run)
                    self._prune(keep)
                except BaseException:
                    shutil.rmtree(run.folder, ignore_errors=True)
                    raise
        finally:
            lock.release()

    def _publish(self, run: Run) -> None:
        for path in run.folder.rglob("*"):
            if path.is_file():
                _sync(path)
        run.folder.rename(self.runs / run.run_id)
        _sync(self.runs)
        write_text(self.home / "current", run.run_id + "\n")

    def _prune(self, keep: int) -> None:
        for old in self._done()[:-keep]:
            shutil.rmtree(old, ignore_errors=True)


def is_served(folder: Path) -> bool:
    """Whether a server runs on a workspace: it holds a lock as long as any of its processes lives."""
    path = folder / ".shoal" / SERVED
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def write_text(path: Path, text: str) -> None:
    """Writes a whole file or nothing: to a temporary name beside it, synced, then renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storage(home: Path) -> Iterator[None]:
    """Turns the file system's refusals into an error with a remedy.

    Raises NoRoom when the disk is full, StorageError for the rest.
    """
    try:
        yield
    except PermissionError as error:
        raise StorageError(
            f"{error.filename or home}: may not be written. Remedy: give this user write access to the workspace"
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(f"{error.filename or home}: is not a folder. Remedy: move the file away") from error
    except OSError as error:
        if is_full(error):
            raise NoRoom(
                f"{error.filename or home}: the disk is full; the last good run is untouched. "
                "Remedy: free some space, run again"
            ) from error
        if error.errno == errno.EROFS:
            raise StorageError(
                f"{home}: the file system is read-only. Remedy: use a workspace that can be written"
            ) from error
        raise StorageError(
            f"{error.filename or home}: {error.strerror or error}; the last good run is untouched. "
            "Remedy: look after the disk and the file, run again"
        ) from error
