"""A server as its users start it, in a process of its own that is ended by its id, also when the test fails."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
LIMIT = 60.0  # seconds that anything may take on a busy machine


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}


def until(holds: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    """What `holds` gives once that is true."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {limit:g} s: {what}")


class Running:
    """A server process and its children."""

    def __init__(self, command: Sequence[str], errors: Path) -> None:
        self._errors = errors
        with errors.open("ab") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment())
        self.seen: dict[int, psutil.Process] = {}
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        self.told: dict[str, Any] = json.loads(self.first) if self.first.startswith(b'{"url"') else {}
        self.port = int(self.told["url"].rsplit(":", 1)[1]) if self.told else 0
        self.children()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.errors.splitlines() if line.startswith("{")]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                self.seen[child.pid] = child
        return [child for child in self.seen.values() if alive(child)]

    def child(self, name: str) -> psutil.Process:
        """The process of the name that runs now."""

        def found() -> psutil.Process | None:
            for child in self.children():
                with suppress(psutil.Error):
                    if f'"{name}"' in " ".join(child.cmdline()):
                        return child
            return None

        process: psutil.Process = until(found, f"{name} runs")
        return process

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("GET", "/ready")[1])
        return told

    def end(self, number: int = signal.SIGTERM) -> int:
        self.children()
        self.process.send_signal(number)
        return self.process.wait(LIMIT)

    def gone(self) -> bool:
        return not self.children()

    def clear(self) -> None:
        self.children()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        _, left = psutil.wait_procs(list(self.seen.values()), timeout=10)
        for child in left:
            with suppress(psutil.Error):
                child.kill()


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def standin(folder: Path, host: str = "127.0.0.1", port: int = 0, workers: int = 1) -> list[str]:
    return [sys.executable, "-m", "standin_serve", str(folder), host, str(port), str(workers)]


@contextmanager
def running(folder: Path, *more: Any) -> Iterator[Running]:
    """A server with stand-ins over a workspace that is made where there is none."""
    folder.mkdir(exist_ok=True)
    if not (folder / "shoal.yaml").exists():
        (folder / "shoal.yaml").write_text("sources: {}\n")
    server = Running(standin(folder, *more), folder / "stderr")
    try:
        yield server
    finally:
        server.clear()
