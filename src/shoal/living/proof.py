"""The proof that live equals batch, over a workspace."""

from __future__ import annotations

import time
from pathlib import Path

from shoal import pipeline, settings
from shoal.errors import Busy
from shoal.live.log import Log
from shoal.live.state import State
from shoal.live.verify import Proof, Verifier
from shoal.live.view import NOT_YET
from shoal.living.definitions import Definitions
from shoal.living.origins import origin
from shoal.living.place import Tell, guards, home, open_log, silent
from shoal.living.worker import Living
from shoal.settings import Settings
from shoal.store.runs import is_served

PATIENCE = 60.0  # seconds in which a server must have brought everybody to new definitions


def verify(folder: Path, *, tell: Tell = silent) -> Proof:
    """Rebuilds everybody from the run and the log, and holds the live state against it.

    Where no server runs, the state is first brought up to date with the log.
    """
    told = settings.load(folder)
    if not is_served(folder):
        living = Living(folder, tell=tell)
        try:
            living.settle()
        finally:
            living.close()
    log = open_log(folder, told)
    try:
        until = time.monotonic() + PATIENCE
        while True:  # a server may just be bringing the state to new definitions
            try:
                return _verified(folder, told, log, tell)
            except Busy:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
    finally:
        log.close()


def _verified(folder: Path, told: Settings, log: Log, tell: Tell) -> Proof:
    if not (home(folder) / "state").exists():
        raise Busy(NOT_YET)
    state = State(home(folder))
    try:
        with state.reading() as txn:
            seen = txn.meta("seen", {})
        made = Definitions(folder).now(seen)
        verifier = Verifier(state, log, pipeline.cleaner(told), made, origin(folder, made), guards(told).most, tell)
        return verifier.verify()
    finally:
        state.close()
