"""The proof that live equals batch, over a workspace."""

from __future__ import annotations

from pathlib import Path

from shoal import pipeline, settings
from shoal.live.state import State
from shoal.live.verify import Proof, Verifier
from shoal.living.definitions import Definitions
from shoal.living.origins import origin
from shoal.living.place import Tell, guards, home, open_log, silent
from shoal.living.worker import Living
from shoal.store.runs import is_served


def verify(folder: Path, *, tell: Tell = silent) -> Proof:
    """Rebuilds everybody from the run and the log, and holds the live state against it.

    Where no server runs, the state is first brought up to date with the log.
    """
    told = settings.load(folder)
    if not is_served(folder):
        living = Living(folder, tell=tell)
        try:
            living.worker.drain()
        finally:
            living.close()
    log, state = open_log(folder, told), State(home(folder))
    try:
        with state.reading() as txn:
            seen = txn.meta("seen", {})
        made = Definitions(folder).now(seen)
        verifier = Verifier(state, log, pipeline.cleaner(told), made, origin(folder, made), guards(told).most, tell)
        return verifier.verify()
    finally:
        state.close()
        log.close()
