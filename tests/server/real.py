"""The whole server as its users start it, `shoal serve`, over a workspace with keys."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.running import Running
from shoal.workspace import Workspace


def command(folder: Path, port: int = 0) -> list[str]:
    """`shoal serve` of this source tree."""
    told = ["--json", "--log-format", "json", "--port", str(port), "-w", str(folder)]
    return [sys.executable, "-m", "shoal", "serve", *told]


def workspace(folder: Path, text: str = "sources: {}\n") -> tuple[str, str]:
    """Makes a workspace; its write key and its read key."""
    folder.mkdir(exist_ok=True)
    (folder / "shoal.yaml").write_text(text)
    keys = Workspace(folder).keys
    return keys.create("write").key, keys.create("read").key


def basic(key: str) -> dict[str, str]:
    """The header that SDKs send a write key in."""
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@contextmanager
def serving(folder: Path) -> Iterator[Running]:
    """A server over a workspace that is there; ended whatever happens."""
    server = Running(command(folder), folder.with_suffix(".stderr"))
    try:
        yield server
    finally:
        server.clear()


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[bool]:
    """A small disk of its own at `folder`; whether this user may have one."""
    folder.mkdir()
    done = _run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "shoal-test", str(folder)])
    try:
        yield done
    finally:
        if done:
            _run(["umount", str(folder)]) or _run(["umount", "-l", str(folder)])


def _run(words: Sequence[str]) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
