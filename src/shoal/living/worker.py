"""A workspace's live worker: a state as it was left or made anew, advanced by the log under what is defined now."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shoal import pipeline, settings
from shoal.errors import ShoalError
from shoal.live.advance import Advancer
from shoal.live.definition import Definition
from shoal.live.identity import Resolver
from shoal.live.reconcile import carry, stays
from shoal.live.seed import seed
from shoal.live.state import State
from shoal.live.worker import Worker
from shoal.living.definitions import Definitions
from shoal.living.origins import origin, stays_of
from shoal.living.place import Tell, guards, home, open_log, silent

Watch = Callable[[Mapping[str, Any]], None]


class Living:
    """A workspace's live worker and what it is made of. Only one at a time may be open for writing."""

    def __init__(self, folder: Path, *, tell: Tell = silent, watch: Watch = lambda _: None) -> None:
        self.folder, self.tell = folder, tell
        self.settings = settings.load(folder)
        self.log = open_log(folder, self.settings)
        self.definitions = Definitions(folder)
        self._faulty = ""
        self.worker = Worker(self.log, self._begin(), self._renewed, tell=watch)

    def close(self) -> None:
        """Ends the worker's state and log."""
        self.worker.advancer.state.close()
        self.log.close()

    def _begin(self) -> Advancer:
        """The state as it was left, or a new one where there is none that fits the definition."""
        state = State(home(self.folder), write=True)
        with state.reading() as txn:
            known, seen = txn.meta("history"), txn.meta("seen", {})
        made = self.definitions.now(seen)
        if known == made.history:
            return self._advancer(state, made)
        return self._rebuilt(state if known is not None else None, state, made)

    def _renewed(self, advancer: Advancer) -> Advancer | None:
        """Heeds what changed in the workspace; a new state only where histories must be others."""
        try:
            made = self.definitions.now(advancer.seen.to_dict())
        except ShoalError as error:  # what was defined before goes on until the files are mended
            if str(error) != self._faulty:
                self._faulty = str(error)
                self.tell(f"live: the definitions stay as they were: {error}", None)
            return None
        self._faulty = ""
        if made.version == advancer.definition.version:
            return None
        if made.history == advancer.definition.history:
            advancer.redefine(made)
            return None
        self.settings = settings.load(self.folder)
        return self._rebuilt(advancer.state, advancer.state, made)

    def _advancer(self, state: State, made: Definition, *, silent: bool = False) -> Advancer:
        cleaner, resolver = pipeline.cleaner(self.settings), Resolver(guards(self.settings))
        return Advancer(state, made, cleaner, resolver, silent=silent)

    def _rebuilt(self, old: State | None, held: State, made: Definition) -> Advancer:
        """A state made anew beside the one before, which readers keep until the new one has caught up."""
        self.tell("live: building the state", 0.0)
        aside = home(self.folder).with_name("live.next")
        shutil.rmtree(aside, ignore_errors=True)
        state = State(aside, write=True)
        begin = origin(self.folder, made)
        if begin is not None:
            seed(state, begin, made.layout)
        with state.writing() as txn:
            txn.set_meta("history", made.history)
        Worker(self.log, self._advancer(state, made, silent=True)).drain()
        carry(state, old, self._before(old, made))
        state.close()
        held.close()
        shutil.rmtree(home(self.folder), ignore_errors=True)
        aside.rename(home(self.folder))
        return self._advancer(State(home(self.folder), write=True), made)

    def _before(self, old: State | None, made: Definition) -> dict[str, dict[int, int]]:
        """Who was in which segment until now: by the state before, else by the run."""
        if old is not None:
            return stays(old)
        return stays_of(self.folder, made)
