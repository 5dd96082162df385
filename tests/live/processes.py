"""Processes that write or read a live state until they are killed: `python -m`-like, told by lines on standard input.

`write FOLDER SEED` and `read FOLDER` each start a process and print its number; a reader prints what went wrong.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Starter:
    """Starts processes in no time: one that has imported everything divides."""

    def __init__(self, inner: subprocess.Popen[str]) -> None:
        self._inner = inner

    def start(self, *words: object) -> int:
        """The number of a process that does what the words say."""
        assert self._inner.stdin is not None
        self._inner.stdin.write(" ".join(map(str, words)) + "\n")
        self._inner.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        """The next line that any of them prints."""
        assert self._inner.stdout is not None
        return self._inner.stdout.readline().strip()


@contextmanager
def starter() -> Iterator[Starter]:
    """A starter, ended with everything that it started."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])
    command = [sys.executable, "-c", "from tests.live.processes import main; main()"]
    pipe = subprocess.PIPE
    inner = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, "PYTHONPATH": path})
    try:
        yield Starter(inner)
    finally:
        assert inner.stdin is not None
        assert inner.stdout is not None
        inner.stdin.close()
        inner.wait(30)
        inner.stdout.close()


def main() -> None:
    """Divides for every line, and waits for what came of it."""
    import pyarrow as pa
    from tests.live import worlds  # noqa: F401

    from shoal import living  # noqa: F401 - so that the processes need not

    pa.set_cpu_count(1)
    for line in sys.stdin:
        role, folder, *more = line.split()
        number = os.fork()
        if number == 0:
            try:
                if role == "write":
                    write(Path(folder), int(more[0]))
                else:
                    read(Path(folder))
            except BaseException:  # noqa: BLE001 - a process of its own, which ends here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(number, flush=True)
        os.waitpid(number, 0)


def write(folder: Path, seed: int) -> None:
    """Lives a history, as fast as it can and without an end."""
    from tests.live.histories import START, Restart, Teller, rules
    from tests.live.worlds import World, definition

    from shoal.store.log import SqliteLog

    world = World(folder / "live", definition(rules(random.Random(seed))), log=SqliteLog(folder / "log.db"))
    teller = Teller(seed, jumps=False)
    with world.state.reading() as txn:
        teller.now = max(START, txn.meta("clock", 0))
    (folder / "begun").touch()
    for step in teller.story(1_000_000):
        if not isinstance(step, Restart):
            world.take(step)


def read(folder: Path) -> None:
    """Asks a view everything, until a file called `stop` is there; prints how much was seen, or what went wrong."""
    from shoal.errors import Busy, NotFound
    from shoal.living import view
    from shoal.settings import Settings

    shown, asked, busy, answered = view(folder, Settings()), 0, 0, 0
    while not (folder / "stop").exists():
        asked += 1
        try:
            status = shown.status()
            if status["people"]:
                name = shown.segments()[0]["name"]
                members = shown.members(name, None, 10)["members"]
                shown.changes(0, 10)
                for one in members:
                    if shown.profile(one["profile_id"])["profile_id"] == one["profile_id"]:
                        shown.explain(name, one["profile_id"])
                answered += 1
                (folder / "begun").touch()
        except (Busy, NotFound):
            busy += 1
    print(f"asked {asked} answered {answered} busy {busy}", flush=True)
