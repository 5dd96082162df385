"""A real Postgres for tests: of the test's own, on a free port of this machine, ended with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def server() -> Iterator[str]:
    """The URL of a Postgres that runs until the block ends."""
    programs = _programs()
    if programs is None:
        pytest.skip("no Postgres server is installed here (Debian: apt-get install postgresql)")
    # Not in pytest's folder, which every other run of pytest closes to other users.
    with TemporaryDirectory(prefix="shoal-postgres-") as folder:
        yield from _running(programs, Path(folder))


def _running(programs: Path, folder: Path) -> Iterator[str]:
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = {"check": True, "cwd": "/", "stdout": subprocess.DEVNULL}
    data = folder / "data"
    subprocess.run([*as_user, programs / "initdb", "-N", "-D", data, "-A", "trust", "-U", "shoal"], **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql+psycopg://shoal@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]
