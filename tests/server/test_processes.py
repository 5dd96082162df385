"""Children are started again with growing pauses, and one that keeps dying is told."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from server.running import until
from shoal.errors import AddressError, Busy, StorageError
from shoal.server import address, lock, logs
from shoal.server.board import SLOT, Board
from shoal.server.metrics import Numbers
from shoal.server.processes import Child, Family, Task
from shoal.store.runs import is_served

ENDS = (sys.executable, "-c", "raise SystemExit(3)")
STAYS = (sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said() -> list[tuple[str, dict[str, object]]]:
    return []


def _child(command: tuple[str, ...], said: list[tuple[str, dict[str, object]]], clock: _Clock) -> Child:
    say = lambda _level, event, **fields: said.append((event, fields))
    return Child(Task("live-0", command), say, Numbers(), lambda _slot: None, clock)


def test_five_deaths_in_a_minute_are_a_crash_loop_until_the_minute_is_over(
    said: list[tuple[str, dict[str, object]]],
) -> None:
    clock = _Clock()
    child = _child(ENDS, said, clock)
    pauses = []
    for _ in range(5):
        assert not child.looping
        child.look()
        assert child.process is not None
        child.process.wait()
        child.look()
        pauses.append(round(said[-1][1]["again_s"], 3))  # type: ignore[call-overload]
        assert child.process is None, "it waits before it starts again"
        clock.now += pauses[-1]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert child.looping
    clock.now += 61
    assert not child.looping


def test_a_child_that_does_not_listen_is_ended_after_its_time(said: list[tuple[str, dict[str, object]]]) -> None:
    child = _child(STAYS, said, _Clock())
    child.look()
    assert child.process is not None
    pid = child.process.pid
    until(lambda: b"SIGTERM" in Path(f"/proc/{pid}/cmdline").read_bytes(), "it runs")
    family = Family([child], lambda *_args, **fields: said.append(("killed", fields)))
    family.stop(lambda _order: 30.0, lambda: True)
    assert child.process is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_that_cannot_start_is_tried_again(said: list[tuple[str, dict[str, object]]]) -> None:
    child = _child(("/nowhere/at-all",), said, _Clock())
    assert not child.look()
    assert said[-1] == ("child-not-started", {"child": "live-0", "error": "FileNotFoundError"})


def test_a_slot_is_read_whole_or_not_at_all() -> None:
    board = Board.make(2)
    board.write(1, {"name": "a"})
    board.write(1, {"name": "x" * SLOT})
    assert board.read(1) == {"name": "a"}, "what does not fit changes nothing"
    os.pwrite(board.handle, b"{", SLOT + 8)
    os.pwrite(board.handle, b"!", SLOT + 9)
    assert board.read(1) == {}, "a torn slot says nothing"
    board.clear(1)
    assert board.all() == []
    board.close()


def test_the_lock_is_for_one_and_waits_for_what_a_killed_one_left(tmp_path: Path) -> None:
    assert not is_served(tmp_path)
    mine, shared = lock.take(tmp_path)
    assert is_served(tmp_path)
    with pytest.raises(Busy, match=f"process {os.getpid()}"):
        lock.take(tmp_path)
    os.close(mine)
    with pytest.raises(Busy, match="processes whose supervisor is gone"):
        lock.take(tmp_path, patience=0.1)
    os.close(shared)
    for handle in lock.take(tmp_path):
        os.close(handle)


def test_a_folder_that_cannot_hold_the_lock_is_told(tmp_path: Path) -> None:
    (tmp_path / ".shoal").write_text("a file")
    with pytest.raises(StorageError, match="is not a folder"):
        lock.take(tmp_path)


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.7", "a" * 300, ""])
def test_a_host_that_is_not_here_is_told(host: str) -> None:
    with pytest.raises(AddressError, match="is no address of this machine"):
        address.listen(host, 0)


def test_lines_of_one_kind_are_few_a_second_and_the_rest_is_counted() -> None:
    text = io.StringIO()
    writer = logs.Writer("http-0", "json", "info", text)
    for _ in range(5_000):
        writer.say("warning", "invalid-http")
    lines = [json.loads(line) for line in text.getvalue().splitlines()]
    seconds = {line["at"][:19] for line in lines}
    assert len(lines) <= logs.MOST * len(seconds)


def test_text_is_for_people() -> None:
    text = io.StringIO()
    logs.Writer("serve", "text", "info", text).say("info", "run-ended", seconds=1.5, what="a b")
    assert text.getvalue().split(" ", 1)[1] == 'info    serve  run-ended seconds=1.5 what="a b"\n'


def test_a_log_that_nobody_reads_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    logs.Writer("serve", "text", "info", stream).say("info", "started")
    with pytest.raises(BrokenPipeError):
        stream.close()
