"""Runs a command as a process of its own and says what it cost: wall seconds, CPU seconds, peak memory."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SCALE = 1024 if sys.platform != "darwin" else 1024**2  # ru_maxrss is in kB, but in bytes on macOS


@dataclass(frozen=True)
class Cost:
    """What one process cost. `told` is the JSON it printed; `error` the end of its complaint when it failed."""

    wall: float
    cpu: float
    peak_mb: float
    told: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def peak(self) -> str:
        """Peak memory in words: a process is charged with what its parent held when it was started."""
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / SCALE
        return f"under {own:,.0f}" if self.peak_mb <= own else f"{self.peak_mb:,.0f}"


def run(command: Sequence[str | Path], one_thread: bool = False) -> Cost:
    """Runs `command` with this Python's packages and the repository's source.

    `one_thread` keeps OpenMP and BLAS from spinning: on a busy machine their second thread makes small k-means fits
    ten times slower, and a peer is to be measured at its best.
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "PYTHONWARNINGS": "ignore"}
    if one_thread:
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = perf_counter()
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        wall = perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, complaint = out.read(), err.read()
    peak = used.ru_maxrss / SCALE
    error = "" if child.returncode == 0 else (complaint.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
    return Cost(wall, used.ru_utime + used.ru_stime, peak, _json(text), error)


def text(command: Sequence[str | Path]) -> list[str]:
    """The lines that a command prints; the end of its complaint when it fails."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return [f"Failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"]
    return done.stdout.strip().splitlines()


def median_of(times: int, command: Sequence[str | Path]) -> Cost:
    """The run of median wall time; the first failure if one fails."""
    costs = [run(command) for _ in range(times)]
    failed = [cost for cost in costs if cost.error]
    if failed:
        return failed[0]
    return min(costs, key=lambda cost: abs(cost.wall - statistics.median(one.wall for one in costs)))


def python(script: str, *arguments: str | Path | int) -> list[str]:
    """A script of this folder under the running interpreter."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def shoal(*arguments: str | Path) -> list[str]:
    """A `shoal` command under the running interpreter."""
    return [sys.executable, "-m", "shoal.cli", *map(str, arguments)]


def _json(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
