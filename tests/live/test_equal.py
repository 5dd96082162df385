"""Live equals batch: whatever happens, in whatever order, the state is what a computation from nothing gives."""

from __future__ import annotations

import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.live.begun import begun
from tests.live.histories import DAY, HOUR, MINUTE, Restart, Rules, Send, Teller, Tick, entry, rules
from tests.live.worlds import World, definition, digest

from shoal.live.identity import Guards

GUARDS = (Guards(max_shared=4, max_users=3), Guards(max_shared=10, max_users=1), Guards(max_shared=2, max_users=None))


def live_through(seed: int, steps: int, folder: Path, every: int = 1) -> None:
    """A history, checked after every so many steps and at its end."""
    teller = Teller(seed)
    world = World(folder, definition(rules(teller.dice)), guards=GUARDS[seed % 3])
    go_through(world, teller, steps, every)


def go_through(world: World, teller: Teller, steps: int, every: int) -> None:
    try:
        for number, step in enumerate(teller.story(steps)):
            world.take(step)
            if isinstance(step, Tick) and (number + teller.seed) // 2 % every == 0:
                world.check()
        world.check()
    finally:
        world.close()


@pytest.mark.parametrize("seed", range(5))
def test_after_every_step_of_a_history_everybody_is_as_computed_from_nothing(seed: int, tmp_path: Path) -> None:
    live_through(seed, 12, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(6))
def test_hundreds_of_histories_give_the_batch_answer(hundred: int, tmp_path: Path) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        live_through(1_000 + seed, 15, tmp_path / str(seed), every=5)
        shutil.rmtree(tmp_path / str(seed))


def begun_and_lived(seed: int, steps: int, folder: Path, every: int = 1) -> None:
    """The same for a state that begins with a run over what came before."""
    teller = Teller(seed)
    made = definition(rules(teller.dice))
    first = [entry for step in teller.story(8) if isinstance(step, Send) for entry in step.entries]
    world = begun(folder, made, first, GUARDS[seed % 3])
    world.now = teller.now
    world.drain()
    go_through(world, teller, steps, every)


@pytest.mark.parametrize("seed", [7, 17])
def test_a_state_that_began_with_a_run_is_as_computed_from_nothing(seed: int, tmp_path: Path) -> None:
    begun_and_lived(seed, 18, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(2))
def test_hundreds_of_states_that_began_with_a_run_give_the_batch_answer(hundred: int, tmp_path: Path) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        begun_and_lived(seed, 12, tmp_path / str(seed), every=5)
        shutil.rmtree(tmp_path / str(seed))


def test_the_histories_are_not_all_alike() -> None:
    """The generator makes what the promise is about: merges, late and future events, repeats, clocks that go back."""
    steps = [step for seed in range(8) for step in Teller(seed).story(12)]
    ticks = [step.now for step in steps if isinstance(step, Tick)]
    sent = [step for step in steps if isinstance(step, Send)]
    ids = [one["messageId"] for step in sent for request in step.requests for one in request]
    assert any(later < earlier for earlier, later in pairwise(ticks))
    assert len(ids) > len(set(ids))
    assert {type(step) for step in steps} == {Send, Tick, Rules, Restart}


def arrived(messages: list[dict[str, Any]], at: int, seed: int, folder: Path) -> Any:
    """What a state says at an instant of messages that came in some order, in requests and steps of some size."""
    dice = random.Random(seed)
    mixed = dice.sample(messages, len(messages))
    mixed += dice.sample(messages, 5)  # sent again
    made = definition(rules(random.Random(7)))
    world = World(folder, made)
    try:
        while mixed:
            size = dice.choice((1, 2, 7, 40))
            world.log.append([entry(mixed[:size], at)])
            mixed = mixed[size:]
            world.now = max(world.now, at - dice.randrange(20 * DAY))
            world.drain(dice.choice((1, 3, 100)))
        world.now = at
        world.drain()
        with world.state.reading() as txn:
            return digest(txn, made)
    finally:
        world.close()


def permuted(seed: int, times: int, folder: Path) -> None:
    teller = Teller(seed)
    messages = []
    for _ in range(40):
        messages.append(teller.message())
        teller.now += teller.dice.randrange(6 * HOUR)
    once = {one["messageId"]: one for one in messages}
    expected = arrived(list(once.values()), teller.now, 0, folder / "0")
    assert len(expected) > 2
    for order in range(1, times):
        assert arrived(list(once.values()), teller.now, order, folder / str(order)) == expected, (seed, order)


def test_the_order_of_arrival_changes_nothing(tmp_path: Path) -> None:
    permuted(3, 12, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_thousand_orders_of_one_history_end_in_one_state(seed: int, tmp_path: Path) -> None:
    permuted(seed, 1_000 if seed == 11 else 100, tmp_path)


def test_what_can_be_sent_at_all_stops_no_step(tmp_path: Path) -> None:
    world = World(tmp_path, definition(rules(random.Random(1))))
    odd: list[Any] = [
        *(
            1e308,
            -1e308,
            2**70,
            0.1,
            True,
            None,
            "",
            "x" * 5_000,
            "\u0000",
            "é" * 400,
            "\U0001d538",
            [1, {"a": [None]}],
            {"b": {}},
        ),
        *("NaN", "1e999", "2023-01-01", "'; drop", "%", "_", "p0000000000000000"),
    ]
    at = 1_700_000_000_000_000
    requests = []
    for number, value in enumerate(odd):
        told = {"messageId": f"o{number}", "userId": "u", "timestamp": None, "type": "track"}
        requests.append({**told, "event": "Order", "properties": {"item": value, "page": value, "total": value}})
        requests.append(
            {**told, "messageId": f"i{number}", "type": "identify", "traits": {"plan": value, "seats": value}}
        )
        requests.append(
            {**told, "messageId": f"n{number}", "event": str(value)[:900] or "?", "properties": {str(value): 1}}
        )
        requests.append({**told, "messageId": f"w{number}", "userId": value, "event": "View"})
    try:
        world.log.append([entry([one], at) for one in requests])
        world.now = at + MINUTE
        world.drain(7)
        world.check()
    finally:
        world.close()
