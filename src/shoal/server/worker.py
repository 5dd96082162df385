"""The live worker's process: does the work, tells the other processes how far it is.

`work(folder, stop, tell)` goes on until `stop` is set, finishes its tick, and returns. It calls `tell` after every tick
and a few times a minute without one, with any of:

    offset, lag_s, people     how far the state is, how old what it lacks is, how many profiles it has
    tick_s, events            what this tick took, and how many events it advanced
    reached_s                 [(seconds, how many)] from arrival to memberships committed
    changed                   [(segment, "entered" | "left", how many)]
    refused                   [(reason, how many)]
    hooks                     how each webhook does (`activate.webhook.Standing`), by the process that delivers them
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shoal.server import child
from shoal.server.board import Board
from shoal.server.metrics import Numbers

Tell = Callable[[Mapping[str, Any]], None]
Work = Callable[[Path, threading.Event, Tell], None]
GRACE = 3.0  # seconds that a tick has to end
BEAT = 1.0  # seconds between what is put on the board


class Teller:
    """Turns what the work tells into numbers, and puts them on the board about once a second."""

    def __init__(self, told: child.Start, board: Board) -> None:
        self._told, self._board, self._numbers = told, board, Numbers()
        self._state: dict[str, Any] = {"name": told.name, "state": "starting"}
        self._shown = 0.0
        self._numbers.put("shoal_start_timestamp_seconds", time.time())
        self.show()

    def __call__(self, told: Mapping[str, Any]) -> None:
        """What one tick did."""
        numbers, state = self._numbers, self._state
        now = time.time()
        first = state["state"] != "working"
        state |= {"state": "working", "told_at": now}
        for key, name in _GAUGES.items():
            if key in told:
                state[key] = told[key]
                numbers.put(name, told[key])
        if "tick_s" in told:
            numbers.see("shoal_tick_seconds", told["tick_s"])
        numbers.add("shoal_live_events_total", told.get("events", 0))
        for seconds, times in told.get("reached_s", ()):
            numbers.see("shoal_event_to_membership_seconds", seconds, times)
        for segment, change, times in told.get("changed", ()):
            numbers.add("shoal_memberships_changed_total", times, segment, change)
        for one in told.get("hooks", ()):
            for name in ("lag_s", "behind", "failures", "disabled"):
                numbers.put(_HOOKS[name], float(one[name]), one["hook"], one["where"])
        for reason, times in told.get("refused", ()):
            numbers.add("shoal_live_quarantined_total", times, reason)
        if first or now - self._shown >= BEAT or now < self._shown:
            self.show()

    def show(self) -> None:
        """Puts the numbers on the board."""
        self._shown = time.time()
        self._board.write(self._told.slot, {**self._state, "numbers": self._numbers.snapshot()})


def _cut(stop: threading.Event, say: Callable[..., None]) -> None:
    """Ends work that does not heed `stop`, such as a long rebuilding: nothing of it counts before it is committed."""
    stop.wait()
    time.sleep(GRACE)
    say("info", "work-cut", seconds=GRACE)
    os._exit(0)


_GAUGES = {
    "offset": "shoal_live_offset",
    "lag_s": "shoal_live_lag_seconds",
    "people": "shoal_live_people",
}
_HOOKS = {
    "lag_s": "shoal_webhook_lag_seconds",
    "behind": "shoal_webhook_behind",
    "failures": "shoal_webhook_failures",
    "disabled": "shoal_webhook_disabled",
}


def main(arguments: list[str], work: Work) -> int:
    """Runs `work` as this process; the exit code."""

    def go(told: child.Start, say: Callable[..., None], board: Board) -> None:
        stop = threading.Event()
        child.until(stop.set)
        threading.Thread(target=_cut, args=(stop, say), name="cut", daemon=True).start()
        teller = Teller(told, board)
        say("info", "started")
        try:
            work(told.folder, stop, teller)
        finally:
            teller.show()

    return child.run(arguments, go)


if __name__ == "__main__":
    from shoal.server.joints import work as live_work

    sys.exit(main(sys.argv[1:], live_work))
