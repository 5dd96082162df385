"""One server a workspace, and none before the processes of the last one have ended.

.shoal/serve.lock       held by the supervisor; holds its process id, for people
.shoal/serve.all.lock   held by every process of a server: what a killed supervisor leaves behind is waited for
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from shoal.errors import Busy
from shoal.store.runs import SERVED, storage

SUPERVISOR = "serve.lock"


def take(folder: Path, patience: float = 15.0) -> tuple[int, int]:
    """Takes both locks and returns their handles; the second is for children to inherit.

    Waits up to `patience` seconds for processes whose supervisor was killed; they are about to end.

    Raises Busy while another server runs here, StorageError or NoRoom when the folder cannot be written.
    """
    mine = _open(folder / ".shoal", SUPERVISOR)
    if not _locked(mine):
        holder = os.pread(mine, 32, 0).decode("ascii", "replace").strip()
        os.close(mine)
        raise _busy(folder, f"process {holder}" if holder.isdigit() else "")
    shared = _open(folder / ".shoal", SERVED)
    end = monotonic() + patience
    while not _locked(shared):
        if monotonic() > end:
            os.close(shared)
            os.close(mine)
            raise _busy(folder, "processes whose supervisor is gone")
        sleep(0.05)
    with suppress(OSError):  # for people only, and a full disk does not stop a server
        os.ftruncate(mine, 0)
        os.pwrite(mine, f"{os.getpid()}\n".encode(), 0)
    return mine, shared


def _open(home: Path, name: str) -> int:
    with storage(home):
        home.mkdir(parents=True, exist_ok=True)
        return os.open(home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _busy(folder: Path, who: str) -> Busy:
    shown = f" ({who})" if who else ""
    return Busy(
        f"{folder}: another `shoal serve` runs here{shown}. Rule: one server a workspace. Remedy: stop it, or let it be"
    )
