"""The event log's file: nothing that was acknowledged is lost, and nothing is read that was not written."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shoal.errors import Busy, NoRoom, StorageError, StoreError
from shoal.store import frame
from shoal.store import log as store_log
from shoal.store.log import SqliteLog

WRITER = """
import sys
from pathlib import Path
from shoal.store.log import SqliteLog

log = SqliteLog(Path(sys.argv[1]))
start = log.last()
for group in range(100_000):
    entries = [f"{start + group * 7 + place}".encode() + b"x" * 500 for place in range(1, 8)]
    print(log.append(entries), flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    made = SqliteLog(tmp_path / ".shoal" / "log.db")
    yield made
    made.close()


def change(log: SqliteLog, statement: str, *values: object) -> None:
    """Does to the file what Shoal never does."""
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute(statement, values)


def test_what_is_acknowledged_is_there_after_the_process_is_killed_at_any_moment(tmp_path: Path) -> None:
    _kill(tmp_path / "log.db", times=10, seed=1)


@pytest.mark.slow
def test_what_is_acknowledged_is_there_after_150_kills(tmp_path: Path) -> None:
    _kill(tmp_path / "log.db", times=150, seed=2)


def _kill(path: Path, times: int, seed: int) -> None:
    """Kills a process that appends groups of 7, again and again; each entry says its own offset."""
    rng = random.Random(seed)
    log = SqliteLog(path)
    acknowledged = 0
    for _ in range(times):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            try:
                process.wait(timeout=rng.uniform(0, 0.15))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            printed = [first, *process.stdout.read().splitlines(keepends=True)]
        assert process.returncode == -signal.SIGKILL
        whole = [int(line) for line in printed if line.endswith("\n")]
        assert whole == list(range(whole[0], whole[-1] + 1, 7))
        assert whole[0] > acknowledged
        found = log.read(acknowledged, most=1_000_000)
        assert [offset for offset, _ in found] == list(range(acknowledged + 1, log.last() + 1))
        assert all(entry == f"{offset}".encode() + b"x" * 500 for offset, entry in found)
        assert log.last() >= whole[-1]
        assert log.last() % 7 == 0, "a group is there whole or not at all"
        acknowledged = log.last()
    log.close()


def test_a_log_that_only_reads_makes_no_file(log: SqliteLog) -> None:
    assert (log.read(0), log.last()) == ([], 0)
    assert not log.path.parent.exists()


def test_a_large_append_is_split_into_rows_and_still_one_append(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_log, "rows", lambda entries, after: frame.rows(entries, after, piece=100))
    assert log.append([bytes([number]) * 60 for number in range(10)]) == 10
    with closing(sqlite3.connect(log.path)) as connection:
        assert connection.execute("SELECT count(*) FROM event_log").fetchone() == (5,)
    assert log.read(3, most=5) == [(offset, bytes([offset - 1]) * 60) for offset in range(4, 9)]


def test_a_read_ends_before_it_fills_the_memory(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "BATCH", 1000)
    for number in range(10):
        log.append([bytes([number]) * 400])
    first = log.read(0)
    assert 0 < len(first) < 10
    assert log.read(first[-1][0])[0][0] == first[-1][0] + 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE event_log SET body = x'00' || substr(body, 2) WHERE last = 6",
        "UPDATE event_log SET body = substr(body, 1, length(body) - 1) WHERE last = 6",
        "UPDATE event_log SET body = x'' WHERE last = 6",
        "UPDATE event_log SET crc = crc + 1 WHERE last = 6",
        "UPDATE event_log SET first = first + 1 WHERE last = 6",
    ],
)
def test_a_damaged_row_is_named_and_never_skipped(log: SqliteLog, damage: str) -> None:
    for _ in range(3):
        log.append([b"one", b"two", b"three"])
    change(log, damage)
    assert len(log.read(0, most=3)) == 3, "what is before it can be read"
    with pytest.raises(StoreError, match=r"log\.db: .*[45] to .*docs/log\.md"):
        log.read(3)


def test_a_missing_row_is_named_and_never_skipped(log: SqliteLog) -> None:
    for _ in range(3):
        log.append([b"one", b"two", b"three"])
    change(log, "DELETE FROM event_log WHERE last = 6")
    with pytest.raises(StoreError, match="the entries 4 to 6 are missing"):
        log.read(0)


def test_who_has_read_further_than_an_older_copy_goes_is_told(log: SqliteLog, tmp_path: Path) -> None:
    log.append([b"one"])
    log.close()
    shutil.copy(log.path, tmp_path / "copy.db")
    assert log.append([b"two"]) == 2
    log.close()
    shutil.copy(tmp_path / "copy.db", log.path)
    with pytest.raises(StoreError, match=r"ends at 1, but it has been read up to 2"):
        log.read(2)


def test_an_append_to_a_file_that_was_deleted_is_not_acknowledged(log: SqliteLog) -> None:
    log.append([b"one"])
    reader = SqliteLog(log.path)
    assert reader.last() == 1
    log.path.unlink()
    with pytest.raises(StorageError, match="moved or deleted"):
        log.append([b"two"])
    assert log.append([b"three"]) == 1
    assert reader.read(0) == [(1, b"three")]
    reader.close()


def test_another_program_that_holds_the_file_is_waited_for_and_then_named(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_log, "PATIENCE", 0.05)
    log.append([b"one"])
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="another program is writing here"):
            log.append([b"two"])
        assert log.read(0) == [(1, b"one")], "who reads does not wait for who writes"
    assert log.append([b"two"]) == 2


def test_a_file_that_is_no_log_is_refused(log: SqliteLog) -> None:
    log.path.parent.mkdir()
    log.path.write_bytes(b"no database at all" * 100)
    for use in (log.last, lambda: log.append([b"one"])):
        with pytest.raises(StoreError, match="is not what Shoal wrote"):
            use()


def test_a_log_of_a_newer_shoal_is_refused(log: SqliteLog) -> None:
    log.append([b"one"])
    log.close()
    change(log, "PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="newer Shoal"):
        log.append([b"two"])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / ".shoal").write_text("a file")
    with pytest.raises(StorageError, match="is not a folder"):
        SqliteLog(tmp_path / ".shoal" / "log.db").append([b"one"])


def test_an_append_that_finds_no_room_keeps_nothing_and_the_next_goes_on(log: SqliteLog) -> None:
    log.append([b"one"])
    assert log._writer is not None
    pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
    log._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(NoRoom, match="nothing of this was kept"):
        log.append([b"small", b"x" * 100_000])
    assert log.read(0) == [(1, b"one")]
    log._writer.execute("PRAGMA max_page_count = 1000000")
    assert log.append([b"two", b"x" * 100_000]) == 3
    assert [entry[:3] for _, entry in log.read(0)] == [b"one", b"two", b"xxx"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_acknowledges_nothing_and_the_log_goes_on_when_there_is_room(small_disk: Path) -> None:
    log = SqliteLog(small_disk / ".shoal" / "log.db")
    kept = log.append([b"first"])
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    refused = 0
    for number in range(2_000):
        try:
            kept = log.append([f"{number}".encode() + bytes(2_000)] * 3)
        except NoRoom:
            refused += 1
            if refused == 20:
                ballast.unlink()
            if refused == 40:
                break
    assert refused == 40
    found = log.read(0, most=100_000)
    assert [offset for offset, _ in found] == list(range(1, kept + 1)), "what was acknowledged, and nothing else"
    reader = SqliteLog(log.path)
    assert reader.read(0, most=100_000) == found, "a full disk can be read by another process"
    reader.close()
    log.close()


def test_a_file_that_may_not_grow_is_no_acknowledgement(log: SqliteLog) -> None:
    log.append([b"one"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(StorageError):
            log.append([b"x" * (3 << 20)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert log.append([b"two"]) == 2
    assert log.read(0) == [(1, b"one"), (2, b"two")]


def test_the_journal_stays_small_while_much_is_appended(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.store.checkpoint.STEP", 1 << 17)
    monkeypatch.setattr("shoal.store.checkpoint.JOURNAL", 1 << 19)
    journal = log.path.with_name("log.db-wal")
    largest = after = 0
    for number in range(240):
        log.append([bytes([number % 256]) * 50_000])
        after = log.read(after)[-1][0]
        largest = max(largest, journal.stat().st_size)
    assert after == 240
    assert largest < 6 << 20, "half of what was appended, where a twentieth is the rule"


def test_a_quiet_log_is_moved_into_its_file(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoal.store.checkpoint.QUIET", 0.01)
    log.append([b"x" * 100_000])
    for _ in range(1_000):
        if log.path.stat().st_size > 100_000:
            break
        subprocess.run(["sleep", "0.01"], check=True)
    with closing(sqlite3.connect(f"{log.path.as_uri()}?immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT last FROM event_log").fetchone() == (1,), "without its journal"
