"""A workspace's live worker: a state as it was left or made anew, advanced by the log under what is defined now."""

from __future__ import annotations

import fcntl
import math
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from shoal import pipeline, settings
from shoal.errors import Busy, ShoalError
from shoal.live.advance import Advancer
from shoal.live.definition import Definition
from shoal.live.identity import Resolver
from shoal.live.reconcile import carry
from shoal.live.seed import seed
from shoal.live.state import State
from shoal.live.worker import Worker
from shoal.living.definitions import Definitions
from shoal.living.origins import OfRun, origin
from shoal.living.place import Tell, guards, home, open_log, silent
from shoal.store.runs import Run, Runs, storage

NEXT, OLD, BEGUN = "live.next", "live.old", "live.begun"  # beside the state: being built, being replaced, that one was
EASE = 5.0  # seconds between two definitions that differ by what was seen of events

Watch = Callable[[Mapping[str, Any]], None]


class Living:
    """A workspace's live worker and what it is made of. Only one at a time may be open for writing.

    Raises Busy when there is another.
    """

    def __init__(self, folder: Path, *, tell: Tell = silent, watch: Watch = lambda _: None) -> None:
        self.folder, self.tell = folder, tell
        self.settings = settings.load(folder)
        self._lock = _locked(folder)
        self.definitions = Definitions(folder)
        self._fault = ""
        self._waiting: set[str] = set()
        self._rests = -math.inf
        with ExitStack() as undo:
            undo.callback(self._lock.close)
            self.log = open_log(folder, self.settings)
            undo.callback(self.log.close)
            self.worker = Worker(self.log, self._begin(), self._renewed, tell=watch)
            undo.pop_all()

    def close(self) -> None:
        """Ends the worker's state and log."""
        self.worker.advancer.state.close()
        self.log.close()
        self._lock.close()

    def settle(self) -> None:
        """Steps until the state has all of the log and is as the workspace defines it by now."""
        while True:
            self.worker.drain()
            before = self.worker.advancer, self.worker.advancer.generation
            self._rests = -math.inf
            self.worker.look()
            if (self.worker.advancer, self.worker.advancer.generation) == before:
                return

    def _begin(self) -> Advancer:
        """The state as it was left, or a new one where there is none that fits the definition."""
        _finish_swap(home(self.folder))
        state = State(home(self.folder), write=True)
        try:
            with state.reading() as txn:
                known, seen = txn.meta("history"), txn.meta("seen", {})
            made = self.definitions.now(seen)
            self._say_waiting(made)
            if known == made.history:
                return self._advancer(state, made)
            return self._rebuilt(state if known is not None else None, state, made)
        except BaseException:
            state.close()
            raise

    def _renewed(self, advancer: Advancer) -> Advancer | None:
        """Heeds what changed in the workspace; a new state only where histories must be others."""
        try:
            made = self.definitions.now(advancer.seen.to_dict())
        except (ShoalError, OSError) as error:  # what was defined before goes on until the files are mended
            self._say_fault(error)
            return None
        self._say_fault(None)
        self._say_waiting(made)
        if made.version == advancer.definition.version:
            return None
        if self._waits(advancer, made):
            return None
        if made.history == advancer.definition.history:
            advancer.redefine(made)
            self._rests = max(self._rests, time.monotonic() + EASE)
            return None
        return self._rebuilt(advancer.state, advancer.state, made)

    def _say_fault(self, error: Exception | None) -> None:
        """Says once what keeps the definitions as they were, until it is mended."""
        fault = str(error) if error is not None else ""
        if fault and fault != self._fault:
            self.tell(f"live: the definitions stay as they were: {fault}", None)
        self._fault = fault

    def _waits(self, advancer: Advancer, made: Definition) -> bool:
        """Whether a definition may wait, as names of events and properties keep coming before the first run."""
        held = advancer.definition
        if made.run_id != held.run_id:
            return False
        if made.history == held.history and made.rules != held.rules:
            return False
        with advancer.state.reading() as txn:
            sweeping = txn.meta("sweep") is not None and made.rules == held.rules
        return sweeping or time.monotonic() < self._rests

    def _say_waiting(self, made: Definition) -> None:
        """Says once of each feature and rule that cannot be evaluated yet why not."""
        for name, why in made.waiting.items():
            if name not in self._waiting:
                self.tell(f"live: {name} cannot be evaluated yet: {why.splitlines()[0]}", None)
        self._waiting = set(made.waiting)

    def _advancer(self, state: State, made: Definition, *, silent: bool = False) -> Advancer:
        cleaner, resolver = pipeline.cleaner(self.settings), Resolver(guards(self.settings))
        return Advancer(state, made, cleaner, resolver, silent=silent)

    def _rebuilt(self, old: State | None, held: State, made: Definition) -> Advancer:
        """A state made anew beside the one before, which readers keep until the new one has what there is by now.

        What has to be made anew all the time, as names of properties keep coming, takes a tenth of the time at most.
        """
        self.tell("live: building the state", 0.0)
        began, end = time.monotonic(), self.log.last()  # more may come faster than it can be caught up with
        self.settings = settings.load(self.folder)
        place, aside = home(self.folder), home(self.folder).with_name(NEXT)
        shutil.rmtree(aside, ignore_errors=True)
        state = State(aside, write=True)
        try:
            begin = origin(self.folder, made)
            if begin is not None:
                seed(state, begin, made.layout)
            with state.writing() as txn:
                txn.set_meta("history", made.history)
            Worker(self.log, self._advancer(state, made, silent=True)).drain(end)
            run = Run(made.run_id, Runs(self.folder).runs / made.run_id) if made.run_id else None
            stays = OfRun(run) if old is None and run is not None else None
            carry(state, old, stays, again=place.with_name(BEGUN).exists())
            place.with_name(BEGUN).touch()
        finally:
            state.close()
        held.close()
        _swap(aside, place)
        self._rests = time.monotonic() + max(EASE, 10 * (time.monotonic() - began))
        return self._advancer(State(place, write=True), made)


def _locked(folder: Path) -> IO[bytes]:
    """Holds the right to write a workspace's live state, until it is closed or the process ends.

    Raises Busy when another has it.
    """
    path = folder / ".shoal" / "live.lock"
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Busy(
            f"{folder}: another process writes the live state. Rule: one at a time; any number may read. "
            "Remedy: wait until it ends, or stop the server"
        ) from None
    return file


def _swap(aside: Path, place: Path) -> None:
    """Puts a finished state in the place of another; killed halfway, one of both is found by `_finish_swap`."""
    old = place.with_name(OLD)
    shutil.rmtree(old, ignore_errors=True)
    place.rename(old)
    aside.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _finish_swap(place: Path) -> None:
    old = place.with_name(OLD)
    if old.exists() and not place.exists():
        old.rename(place)
    shutil.rmtree(old, ignore_errors=True)
