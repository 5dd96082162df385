"""Group commit: nobody is told that an entry is kept before it is on disk; every error reaches all who wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from shoal.errors import Busy, NoRoom, ShoalError, StorageError
from shoal.live.commit import GroupCommit
from tracked import MemoryLog


def test_what_arrives_in_one_turn_of_the_loop_is_one_append() -> None:
    log = MemoryLog()

    async def story() -> None:
        commit = GroupCommit(log)
        await asyncio.gather(*(commit.put(b"%d" % number) for number in range(50)))
        await commit.close()

    asyncio.run(story())
    assert log.groups == [50]
    assert log.entries == [b"%d" % number for number in range(50)]


def test_what_arrives_during_an_append_is_the_next_one_and_nobody_is_answered_before_the_disk() -> None:
    log = MemoryLog()
    log.gate.clear()

    async def story() -> None:
        commit = GroupCommit(log)
        first = asyncio.create_task(commit.put(b"first"))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(commit.put(b"later")) for _ in range(9)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in [first, *later])
        log.gate.set()
        await asyncio.gather(first, *later)
        await commit.close()

    asyncio.run(story())
    assert log.groups == [1, 9]


def test_appends_never_overlap_and_keep_the_order_of_arrival() -> None:
    class Careful(MemoryLog):
        inside = overlapped = 0

        def append(self, entries: Sequence[bytes]) -> int:
            self.inside += 1
            self.overlapped += self.inside > 1
            time.sleep(0.0005)
            self.inside -= 1
            return super().append(entries)

    log = Careful()

    async def sender(commit: GroupCommit, name: int) -> None:
        for number in range(20):
            await commit.put(b"%d %d" % (name, number))
            await asyncio.sleep(0.0001 * (name % 3))

    async def story() -> None:
        commit = GroupCommit(log)
        await asyncio.gather(*(sender(commit, name) for name in range(10)))
        await commit.close()

    asyncio.run(story())
    assert log.overlapped == 0
    assert len(log.entries) == 200
    for name in range(10):
        mine = [int(entry.split()[1]) for entry in log.entries if int(entry.split()[0]) == name]
        assert mine == list(range(20))


@pytest.mark.parametrize("error", [NoRoom("full"), StorageError("read-only"), Busy("locked"), RuntimeError("a bug")])
def test_an_error_reaches_all_of_its_group_and_the_next_group_goes_on(error: Exception) -> None:
    log = MemoryLog()
    log.errors = [error]

    async def story() -> list[object]:
        commit = GroupCommit(log)
        outcomes = await asyncio.gather(*(commit.put(b"lost") for _ in range(5)), return_exceptions=True)
        await commit.put(b"kept")
        await commit.close()
        assert (commit.counters.groups, commit.counters.failed_groups, commit.pending) == (2, 1, 0)
        return outcomes

    outcomes = asyncio.run(story())
    wanted = type(error) if isinstance(error, ShoalError) else StorageError
    assert [type(outcome) for outcome in outcomes] == [wanted] * 5
    assert log.entries == [b"kept"]


def test_more_than_may_wait_is_refused_at_once_and_taken_again_later() -> None:
    log = MemoryLog()
    log.gate.clear()

    async def story() -> None:
        commit = GroupCommit(log, pending=100)
        waiting = asyncio.create_task(commit.put(b"x" * 90))
        await asyncio.sleep(0.01)
        with pytest.raises(Busy, match="the most is 100"):
            await commit.put(b"y" * 11)
        log.gate.set()
        await waiting
        await commit.put(b"y" * 11)
        await commit.put(b"z" * 200)  # alone, an entry of any size goes through
        await commit.close()

    asyncio.run(story())
    assert [len(entry) for entry in log.entries] == [90, 11, 200]


def test_a_group_holds_no_more_bytes_than_asked_for() -> None:
    log = MemoryLog()

    async def story() -> None:
        commit = GroupCommit(log, group=100)
        await asyncio.gather(*(commit.put(b"x" * 40) for _ in range(5)), commit.put(b"x" * 150))
        await commit.close()

    asyncio.run(story())
    assert log.groups == [2, 2, 1, 1]


def test_a_cancelled_request_takes_no_neighbour_along() -> None:
    log = MemoryLog()
    log.gate.clear()

    async def story() -> None:
        commit = GroupCommit(log)
        cancelled, neighbour = (asyncio.create_task(commit.put(name)) for name in (b"gone", b"here"))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        log.gate.set()
        await neighbour
        await commit.close()

    asyncio.run(story())
    assert log.entries == [b"gone", b"here"]


def test_closing_waits_for_what_is_pending_and_refuses_the_rest() -> None:
    log = MemoryLog()
    log.gate.clear()

    async def story() -> None:
        commit = GroupCommit(log)
        pending = asyncio.create_task(commit.put(b"pending"))
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(commit.close())
        await asyncio.sleep(0.01)
        with pytest.raises(Busy, match="stopping"):
            await commit.put(b"late")
        log.gate.set()
        await asyncio.gather(pending, closing)

    asyncio.run(story())
    assert log.entries == [b"pending"]
