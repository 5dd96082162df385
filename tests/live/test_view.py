"""What readers are told: the same as the state holds, for any id that anybody may write."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live.histories import HOUR, Teller, entry, iso
from tests.live.worlds import World, definition

from shoal.errors import Busy, NotFound, ShoalError, UsageError
from shoal.live.definition import Rule
from shoal.live.record import unpack
from shoal.live.state import State, member_key
from shoal.live.view import LiveView
from shoal.living import view
from shoal.settings import Settings
from shoal.tables import profile_id

NOW = 1_700_000_000_000_000
RULES = (
    Rule("buyers", 1, "rule", "released", "orders >= 2", "two orders or more", ("thank them",)),
    Rule("buyers", 2, "rule", "draft", "orders >= 3"),
    Rule("lapsing", 1, "rule", "draft", "recency > 2 and revenue > 10"),
    Rule("pro", 1, "rule", "draft", "plan = 'pro' or seats >= 3"),
    Rule("likely", 1, "rule", "draft", "score > 0.4"),
    Rule("known", 1, "rule", "draft", "stage = 'known'"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose state has lived for a while."""
    folder = tmp_path_factory.mktemp("seen")
    world = World(folder / ".shoal" / "live", definition(RULES))
    for step in Teller(6, jumps=False).story(40):
        if not hasattr(step, "rules"):
            world.take(step)
    world.check()
    world.close()
    return folder


@pytest.fixture(scope="module")
def everybody(folder: Path) -> list[str]:
    """The profile ids of everybody."""
    state = State(folder / ".shoal" / "live")
    with state.reading() as txn:
        found = [f"p{bytes(key).hex()}" for key in txn.cursor("people").iternext(values=False)]
    state.close()
    return found


@pytest.fixture
def shown(folder: Path, everybody: list[str]) -> Iterator[LiveView]:
    assert everybody
    found = view(folder, Settings())
    yield found
    found.close()


def test_explain_says_what_membership_says(everybody: list[str], shown: LiveView) -> None:
    both = set()
    for segment in ("buyers@1", "buyers@2", "lapsing", "pro", "likely", "known"):
        inside = {one["profile_id"] for one in shown.members(segment, None, 1_000)["members"]}
        for who in everybody:
            told = shown.explain(segment, who)
            assert told["member"] == (who in inside)
            assert all(clause["holds"] is True for clause in told["clauses"]) == told["member"], told
            both.add(told["member"])
    assert both == {True, False}


def test_a_profile_says_where_it_is_a_member_and_since_when(everybody: list[str], shown: LiveView) -> None:
    listed = {
        (f"{one['name']}@{one['version']}", member["profile_id"], member["entered_at"])
        for one in shown.segments()
        for member in shown.members(f"{one['name']}@{one['version']}", None, 1_000)["members"]
    }
    told = {
        (f"{stay['segment']}@{stay['version']}", who, stay["entered_at"])
        for who in everybody
        for stay in shown.profile(who)["memberships"]
    }
    assert told == listed
    assert len(listed) > 5


def test_sizes_are_those_of_the_lists(shown: LiveView) -> None:
    for one in shown.segments():
        page = shown.members(f"{one['name']}@{one['version']}", None, 1_000)
        assert len(page["members"]) == one["size"]
        assert page["next"] is None


def test_the_next_best_action_is_that_of_a_released_segment(shown: LiveView) -> None:
    buyer = shown.members("buyers@1", None, 1)["members"][0]["profile_id"]
    assert shown.profile(buyer)["next_best_action"]["action"] == "thank them"


def test_a_name_means_the_released_version_and_a_number_that_one(shown: LiveView) -> None:
    assert shown.explain("BUYERS", shown.members("buyers", None, 1)["members"][0]["profile_id"])["version"] == 1
    assert shown.explain("buyers@2", shown.members("buyers", None, 1)["members"][0]["profile_id"])["version"] == 2
    with pytest.raises(NotFound, match="Did you mean"):
        shown.members("buyer", None, 1)


def test_every_identifier_leads_to_its_person(everybody: list[str], shown: LiveView) -> None:
    for who in everybody:
        for one in shown.profile(who)["identifiers"]:
            assert shown.profile(f"{one['type']}:{one['value']}")["profile_id"] == who
            assert one["first_seen"] <= one["last_seen"]


@pytest.mark.parametrize(
    "id_",
    [
        *("", ":", "::", "u99", "user_id:", "user_id:u99", ":u1", "p", "p0000000000000000", "p000000000000000g", "P1"),
        *("email:nobody", "http://x/y", "no_such_type:u1", "a" * 3_000, "\x00", "\ud800", "user_id:\udfff", "é", "%2F"),
    ],
)
def test_an_id_of_nobody_is_not_found(id_: str, shown: LiveView) -> None:
    with pytest.raises(NotFound):
        shown.profile(id_)
    with pytest.raises(NotFound):
        shown.explain("buyers", id_)


@pytest.mark.parametrize("after", ["", "p", "p12", "nonsense", "p000000000000000g", "q0000000000000000", "\ud800"])
def test_a_cursor_that_no_page_gave_is_refused(after: str, shown: LiveView) -> None:
    with pytest.raises(UsageError, match="is no profile id"):
        shown.members("buyers", after, 10)


def sent(messages: list[dict[str, Any]]) -> bytes:
    told = {"timestamp": iso(NOW), "type": "track", "event": "Order"}
    return entry([{"messageId": str(one), **told, **one} for one in messages], NOW)


def lived(folder: Path, *batches: list[dict[str, Any]]) -> None:
    """A state of some orders, a step each batch."""
    world = World(folder / ".shoal" / "live", definition((Rule("it", 1, "rule", "released", "orders >= 1"),)))
    for place, batch in enumerate(batches):
        world.log.append([sent(batch)])
        world.now = NOW + place
        world.drain()
    world.close()


def test_a_bare_value_that_two_people_have_must_be_named_by_its_type(tmp_path: Path) -> None:
    lived(tmp_path, [{"userId": "7"}, {"anonymousId": "7"}])
    shown = view(tmp_path, Settings())
    with pytest.raises(NotFound, match="stands for 2 people"):
        shown.profile("7")
    assert shown.profile("user_id:7")["profile_id"] != shown.profile("anonymous_id:7")["profile_id"]
    shown.close()


def test_a_former_profile_id_leads_to_whom_it_became(tmp_path: Path) -> None:
    lived(tmp_path, [{"anonymousId": "c"}], [{"userId": "7", "anonymousId": "c"}])
    shown = view(tmp_path, Settings())
    former = next(one["profile_id"] for one in shown.changes(0, 1))
    now = shown.profile("user_id:7")["profile_id"]
    assert former != now
    assert shown.profile(former)["profile_id"] == now
    assert [(one["change"], one["why"]["cause"]) for one in shown.changes(1, 10)] == [
        ("left", "merge"),
        ("entered", "merge"),
    ]
    shown.close()


def test_pages_show_everybody_who_stays_once_whoever_comes_and_goes(tmp_path: Path) -> None:
    dice = random.Random(1)
    staying = {f"s{one}" for one in range(60)}
    world = World(tmp_path / ".shoal" / "live", definition((Rule("it", 1, "rule", "released", "orders_7d = 1"),)))
    world.log.append(
        [sent([{"event": "Order", "userId": one} for one in sorted(staying | {f"g{n}" for n in range(30)})])]
    )
    world.now = NOW
    world.drain()
    seen: list[str] = []
    after, round_ = None, 0
    while True:
        world.close()
        shown = view(tmp_path, Settings())
        page = shown.members("it", after, 7)
        seen += [shown.profile(one["profile_id"])["identifiers"][0]["value"] for one in page["members"]]
        shown.close()
        world.reopen()
        after = page["next"]
        if after is None:
            break
        round_ += 1
        others = [f"g{dice.randrange(30)}", f"new{round_}"]  # a second order lets them leave, a first one enter
        world.log.append([sent([{"userId": one, "properties": {"n": round_}} for one in others])])
        world.now += HOUR
        world.drain()
    world.close()
    assert len(seen) == len(set(seen))
    assert staying <= set(seen)


def test_before_anything_was_built_a_reader_is_asked_to_wait(tmp_path: Path) -> None:
    shown = view(tmp_path, Settings())
    with pytest.raises(Busy, match="is being built"):
        shown.segments()
    assert shown.status()["ready"] is False
    empty = State(tmp_path / ".shoal" / "live", write=True)
    empty.close()
    with pytest.raises(Busy, match="is being built"):
        shown.profile("u1")
    assert shown.status()["ready"] is False
    shown.close()


def test_many_threads_may_ask_one_view(everybody: list[str], shown: LiveView) -> None:
    wrong = list[Exception]()

    def ask(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(60):
                who = dice.choice(everybody)
                assert shown.profile(who)["profile_id"] == who
                shown.members("buyers", None, 5)
                if dice.random() < 0.2:
                    shown.close()  # as where another state took the place of this one
        except (ShoalError, AssertionError) as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert not wrong


def test_status_says_how_far_it_is(folder: Path, everybody: list[str]) -> None:
    shown = view(folder, Settings())
    told = shown.status()
    assert told["ready"] is True
    assert told["people"] == len(everybody)
    assert told["segments"] == len(RULES)
    assert told["position"] == shown.changes(0, 100_000)[-1]["position"]
    assert told["sizes"].get("buyers@1") == len(shown.members("buyers@1", None, 1_000)["members"])
    shown.close()


def test_who_is_in_by_the_table_of_members_is_in_by_the_record(folder: Path) -> None:
    state = State(folder / ".shoal" / "live")
    with state.reading() as txn:
        codes = txn.meta("codes")
        for key, value in txn.cursor("people"):
            who = int.from_bytes(bytes(key), "big", signed=True)
            mask = int.from_bytes(unpack(value).mask, "little")
            for place, rule in enumerate(RULES):
                held = txn.get("members", member_key(codes[rule.key], who)) is not None
                assert held == bool(mask >> place & 1), profile_id(who)
    state.close()
