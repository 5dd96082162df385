"""Runs are published whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shoal.errors import Busy, NotFound, StorageError
from shoal.store.runs import Runs


def test_a_finished_run_becomes_current(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    with runs.begin(keep=3) as run:
        run.write_part("unify", {"rows": 1})
    assert runs.current().run_id == run.run_id
    assert runs.current().read_part("unify") == {"rows": 1}


def test_a_failed_run_leaves_the_last_good_one(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    with runs.begin(keep=3) as good:
        good.write_part("unify", 1)

    def interrupted() -> None:
        with runs.begin(keep=3) as bad:
            bad.write_part("unify", 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert runs.current().run_id == good.run_id
    assert list(runs.runs.glob("*.part")) == []


def test_a_second_run_is_refused_while_one_writes(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    with runs.begin(keep=3), pytest.raises(Busy, match="another `shoal run`"), Runs(tmp_path).begin(keep=3):
        pass


def test_what_a_killed_run_left_is_swept_and_its_lock_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from shoal.store.runs import Runs\n"
        "with Runs(pathlib.Path(sys.argv[1])).begin(keep=3) as run:\n"
        "    run.write_part('unify', 1); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    runs = Runs(tmp_path)
    assert runs.last() is None
    assert len(list(runs.runs.glob("*.part"))) == 1
    with runs.begin(keep=3) as run:
        pass
    assert [path.name for path in runs.runs.iterdir()] == [run.run_id]


def test_only_the_kept_runs_stay(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    for _ in range(3):
        with runs.begin(keep=2) as run:
            pass
    assert len(list(runs.runs.iterdir())) == 2
    assert runs.current().run_id == run.run_id


def test_no_run_yet_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="shoal run"):
        Runs(tmp_path).current()


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / ".shoal").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="not a folder"), Runs(tmp_path).begin(keep=1):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_storage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="write access"), Runs(tmp_path).begin(keep=1):
        pass
