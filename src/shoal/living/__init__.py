"""The live side as code: joins the stages for events that arrive, as `pipeline.py` does for a run.

A definition is made of the last run, of what people decided since, and of the workspace's own rules; the state begins
with the run's people and goes on with the log from where the run stopped reading.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shoal.living.definitions import Definitions, check, definition
    from shoal.living.origins import origin
    from shoal.living.place import check_partitions, guards, home, open_log
    from shoal.living.proof import verify
    from shoal.living.reader import view
    from shoal.living.worker import Living

__all__ = [
    "Definitions",
    "Living",
    "check",
    "check_partitions",
    "definition",
    "guards",
    "home",
    "open_log",
    "origin",
    "verify",
    "view",
]
_HOMES = {
    "definitions": ("Definitions", "check", "definition"),
    "origins": ("origin",),
    "place": ("check_partitions", "guards", "home", "open_log"),
    "proof": ("verify",),
    "reader": ("view",),
    "worker": ("Living",),
}


def __getattr__(name: str) -> Any:
    """A name from where it lives, imported when it is asked for: each process takes only what it needs."""
    for place, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{place}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
