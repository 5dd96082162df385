"""What was acknowledged is there, whichever process is killed and whenever."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from server.chaos import Chaos, logged, lost
from server.running import standin
from server.standin_http import FileLog

NAMES = ("http-0", "live", "serve")


def _workspace(folder: Path) -> Path:
    folder.mkdir()
    (folder / "shoal.yaml").write_text("sources: {}\n")
    (folder / "live.json").write_text('{"offset": 1000000000, "lag_s": 0.0}')
    return folder


def _torment(folder: Path, kills: int, seed: int) -> None:
    tally = Chaos(folder, lambda where, port: standin(where, port=port), seed).run(kills, NAMES)
    print(tally)
    log = FileLog(folder / ".shoal" / "log.jsonl")
    try:
        found = logged(log)
    finally:
        log.close()
    assert tally.acknowledged, "something was sent"
    assert lost(tally, found) == set()
    shutil.rmtree(folder)


def test_nothing_acknowledged_is_lost_in_two_kills(tmp_path: Path) -> None:
    _torment(_workspace(tmp_path / "w"), 2, seed=5)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path: Path) -> None:
    """`SHOAL_KILLS=1000` for the long run."""
    _torment(_workspace(tmp_path / "w"), int(os.environ.get("SHOAL_KILLS", "150")), seed=7)
