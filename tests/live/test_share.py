"""Workers of one group share the partitions of a topic."""

from __future__ import annotations

import time
from collections import Counter
from uuid import uuid4

import pytest

from broker import make_topic
from shoal.errors import SettingsError
from shoal.live.broker import partitions
from shoal.live.kafka import partition_of
from shoal.live.share import Share

PATIENCE = 60.0


class Member:
    """A member of a group that notes what it is told."""

    def __init__(self, servers: str, topic: str) -> None:
        self.working: set[int] = set()
        self.share = Share(servers, topic, self.working.update, self.working.difference_update, group=topic)


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"shared_{uuid4().hex}"
    make_topic(kafka, name, partitions=4)
    return name


def settle(members: list[Member], each: int) -> None:
    """Polls until every member has `each` partitions, all different."""
    until = time.monotonic() + PATIENCE
    while [len(member.share.poll(0.05)) for member in members] != [each] * len(members):
        assert time.monotonic() < until, [member.share.owned for member in members]
    assert frozenset().union(*(member.working for member in members)) == {0, 1, 2, 3}
    assert all(member.working == member.share.owned for member in members)


@pytest.mark.slow
def test_a_member_alone_has_all_partitions_and_gives_half_to_the_next(kafka: str, topic: str) -> None:
    one = Member(kafka, topic)
    settle([one], 4)
    two = Member(kafka, topic)
    settle([one, two], 2)
    one.share.close()
    assert not one.working, "who leaves stops working first"
    settle([two], 4)
    two.share.close()


def test_a_topic_tells_how_many_partitions_it_has(kafka: str, topic: str) -> None:
    assert partitions(kafka, topic) == 4
    with pytest.raises(SettingsError, match="no such topic"):
        partitions(kafka, "nowhere")


def test_keys_are_spread_evenly_and_stay_where_they_are() -> None:
    counts = Counter(partition_of(f"user_id:{number}", 4) for number in range(4_000))
    assert sorted(counts) == [0, 1, 2, 3]
    assert max(counts.values()) < 1.2 * min(counts.values())
    assert [partition_of(key, 4) for key in ("user_id:1", "email:ann@example.com", "\ud800")] == [3, 0, 0]
