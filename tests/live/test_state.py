"""The state as a file: killed writers, full disks, machines that went down, readers while another takes its place."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
from tests.live.histories import DAY, Send, Teller, entry, rules
from tests.live.processes import Starter, starter
from tests.live.worlds import World, check_consistent, definition

from shoal.errors import NoRoom, StoreError
from shoal.live import state as states
from shoal.live import worker as workers
from shoal.live.state import State, Words
from shoal.live.worker import Worker
from shoal.living.worker import _swap
from shoal.store.log import SqliteLog


@pytest.fixture(scope="module")
def processes() -> Iterator[Starter]:
    with starter() as found:
        yield found


def killed(processes: Starter, folder: Path, times: int) -> None:
    """Kills a writer so many times at random moments; after each the state is whole and catches up."""
    dice = random.Random(5)
    lived = 0
    for seed in range(times):
        (folder / "begun").unlink(missing_ok=True)
        number = processes.start("write", folder, seed)
        until = time.monotonic() + 20
        while seed % 5 and not (folder / "begun").exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(dice.choice((0.01, 0.05, 0.2)) * dice.random())
        os.kill(number, signal.SIGKILL)
        log = SqliteLog(folder / "log.db")
        world = World(folder / "live", definition(rules(random.Random(seed))), log=log)
        try:
            lived = max(lived, world.offset)
            world.drain()
            with world.state.reading() as txn:
                check_consistent(txn, world.definition)
            if seed % 5 == 4:
                world.check()
            assert world.offset == log.last()
        finally:
            world.close()
            log.close()
    assert lived > times // 2


def test_a_writer_that_is_killed_ten_times_leaves_a_state_that_goes_on(processes: Starter, tmp_path: Path) -> None:
    killed(processes, tmp_path, 10)


@pytest.mark.slow
def test_a_writer_that_is_killed_a_hundred_times_leaves_a_state_that_goes_on(
    processes: Starter, tmp_path: Path
) -> None:
    killed(processes, tmp_path, 100)


def test_readers_meet_nothing_but_busy_while_states_take_one_anothers_place(processes: Starter, tmp_path: Path) -> None:
    world = World(tmp_path / "made", definition(rules(random.Random(2))))
    for step in Teller(2).story(15):
        world.take(step)
    world.close()
    home = tmp_path / ".shoal" / "live"
    shutil.copytree(tmp_path / "made", home)
    processes.start("read", tmp_path)
    began = time.monotonic()
    until, swaps = began + 20, 0
    while time.monotonic() < until:
        if (tmp_path / "begun").exists():
            until = min(until, time.monotonic() + 0.5)
        shutil.copytree(tmp_path / "made", home.with_name("live.next"))
        _swap(home.with_name("live.next"), home)
        swaps += 1
    (tmp_path / "stop").touch()
    words = processes.line().split()
    assert words[0] == "asked", words
    assert int(words[3]) > 0
    assert swaps > 10


def test_a_state_that_was_open_when_the_machine_went_down_is_thrown_away(tmp_path: Path) -> None:
    kept = State(tmp_path, write=True)
    with kept.writing() as txn:
        txn.set_meta("offset", 7)
    kept.close()
    again = State(tmp_path, write=True)
    with again.reading() as txn:
        assert txn.meta("offset") == 7  # it was closed, so it is whole after any boot
    assert not again.torn
    assert (tmp_path / "boot").read_text(encoding="ascii")
    again.close()
    (tmp_path / "boot").write_text("another-boot", encoding="ascii")
    torn = State(tmp_path, write=True)
    with torn.reading() as txn:
        assert txn.meta("offset") is None
    assert torn.torn
    torn.close()


def test_a_state_that_could_not_be_synced_does_not_count_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path, write=True)
    monkeypatch.setattr(states._Syncer, "_sync", lambda self: False)
    state.close()
    assert (tmp_path / "boot").read_text(encoding="ascii")


def test_a_file_that_is_no_state_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "data.mdb").write_bytes(b"something else" * 1_000)
    state = State(tmp_path, write=True)
    assert state.torn
    with state.writing() as txn:
        txn.set_meta("offset", 1)
    state.close()


def test_a_state_found_damaged_at_work_is_made_anew_by_the_next_start(
    tmp_path: Path,
) -> None:
    state = State(tmp_path, write=True)
    with pytest.raises(StoreError, match="is damaged"), state.writing():
        raise lmdb.CorruptedError("page")
    state.close()
    again = State(tmp_path, write=True)
    assert again.torn
    again.close()


def test_a_reader_that_was_killed_holds_no_old_pages(processes: Starter, tmp_path: Path) -> None:
    world = World(tmp_path / ".shoal" / "live", definition(rules(random.Random(2))))
    for step in Teller(2).story(10):
        world.take(step)
    world.close()
    number = processes.start("read", tmp_path)
    time.sleep(0.3)
    os.kill(number, signal.SIGKILL)
    time.sleep(0.1)
    world = World(tmp_path / ".shoal" / "live", definition(rules(random.Random(2))))
    try:
        assert world.state.env.reader_check() == 0
    finally:
        world.close()


def fill(world: World, seed: int, steps: int) -> None:
    """Puts messages in the log, unread."""
    teller = Teller(seed, jumps=False)
    for step in teller.story(steps):
        if isinstance(step, Send):
            world.log.append(step.entries)
    world.now = teller.now


def test_a_full_state_waits_and_goes_on_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "SIZE", 250_000)
    world = World(tmp_path, definition(rules(random.Random(2))))
    try:
        fill(world, 3, 250)
        with pytest.raises(NoRoom, match="free some space"):
            world.drain(20)
        reached = world.offset
        assert 0 < reached < world.log.last()
        with pytest.raises(NoRoom):
            world.drain(20)
        assert world.offset == reached
        world.state.env.set_mapsize(1 << 28)
        world.drain(20)
        world.check()
        with world.state.reading() as txn:
            assert txn.meta("seen")["events"].keys() >= {"Order", "View", "Cart", "Identify"}
    finally:
        world.close()


def test_the_worker_waits_while_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "SIZE", 250_000)
    monkeypatch.setattr(workers, "PATIENCE", 0.01)
    world = World(tmp_path, definition(rules(random.Random(2))))
    fill(world, 3, 400)
    refused, stop = threading.Event(), threading.Event()
    worker = Worker(world.log, world.advancer, now=lambda: world.now)
    step = world.advancer.step

    def watched(*given: object) -> object:
        try:
            return step(*given)  # type: ignore[arg-type]
        except NoRoom:
            refused.set()
            raise

    monkeypatch.setattr(world.advancer, "step", watched)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        assert refused.wait(20)
        world.state.env.set_mapsize(1 << 28)
        until = time.monotonic() + 20
        while worker.offset < world.log.last() and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        stop.set()
        thread.join(20)
    world.drain()
    world.check()
    world.close()


@pytest.mark.slow
def test_a_full_disk_stops_the_state_and_space_lets_it_go_on(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        ballast = small / "ballast"
        ballast.write_bytes(bytes(400_000))
        world = World(small / "live", definition(rules(random.Random(2))))
        fill(world, 3, 250)
        with pytest.raises(NoRoom, match="free some space"):
            world.drain(20)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        world.drain(20)
        world.check()
        world.close()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_a_step_that_fails_leaves_nothing_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, definition(rules(random.Random(4))))
    try:
        fill(world, 5, 30)
        evaluate, left = world.advancer._evaluate, [3]

        def failing(*given: object) -> None:
            evaluate(*given)  # type: ignore[arg-type]
            left[0] -= 1
            if left[0] == 0:
                raise NoRoom("full")

        monkeypatch.setattr(world.advancer, "_evaluate", failing)
        with pytest.raises(NoRoom):
            world.drain(4)
        world.drain(4)
        world.check()
        held = world.advancer.seen.to_dict()
        world.restart()
        assert world.advancer.seen.to_dict()["kinds"] == held["kinds"]
        world.drain()
        world.check()
    finally:
        world.close()


def test_a_definition_that_could_not_be_kept_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, definition(rules(random.Random(4))))
    try:
        fill(world, 5, 10)
        world.drain()
        advancer, fresh = world.advancer, definition(rules(random.Random(9)))
        before = advancer.definition, advancer.generation

        def refuse() -> None:
            raise NoRoom("full")

        with monkeypatch.context() as patch:
            patch.setattr(world.state, "writing", refuse)
            with pytest.raises(NoRoom):
                advancer.redefine(fresh)
        assert (advancer.definition, advancer.generation) == before
        world.definition = fresh
        advancer.redefine(fresh)
        world.drain()
        world.check()
    finally:
        world.close()


def test_only_the_definition_in_force_is_kept_once_everybody_is_brought_to_it(tmp_path: Path) -> None:
    world = World(tmp_path, definition(rules(random.Random(4))))
    try:
        fill(world, 5, 10)
        for seed in range(5):
            world.definition = definition(rules(random.Random(seed)))
            world.advancer.redefine(world.definition)
            world.drain()
            with world.state.reading() as txn:
                assert list(txn.meta("generations")) == [str(txn.meta("generation"))]
            world.check()
    finally:
        world.close()


def test_names_without_end_are_seen_up_to_a_limit(tmp_path: Path) -> None:
    world = World(tmp_path, definition(rules(random.Random(4))))
    try:
        at = 1_700_000_000_000_000
        told = {"type": "track", "userId": "u", "timestamp": None}
        many = [
            {**told, "messageId": str(one), "event": f"Event {one}", "properties": {f"name_{one}": 1}}
            for one in range(3_000)
        ]
        world.log.append([entry(many[start : start + 1_500], at) for start in (0, 1_500)])
        world.now = at + DAY
        world.drain(1)
        held = world.advancer.seen.to_dict()
        assert len(held["events"]) == len(held["kinds"]) == 2_000
        assert list(held["events"])[:2] == ["Event 0", "Event 1"]
        world.check()
    finally:
        world.close()


def test_texts_beyond_what_memory_holds_keep_their_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.live.state.IN_MEMORY", 3)
    state, words = State(tmp_path, write=True), Words()
    texts = [f"text {number}" for number in range(20)]
    try:
        with state.writing() as txn:
            words.txn = txn
            codes = [words.code(text) for text in texts]
            assert len(set(codes)) == len(texts)
            assert [words.code(text) for text in texts] == codes
            assert [words.text(code) for code in codes] == texts
    finally:
        state.close()
