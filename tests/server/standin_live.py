"""A live worker over stand-ins: does what the file `live.json` in the workspace says."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from shoal.server import worker


def work(folder: Path, stop: threading.Event, tell: worker.Tell) -> None:
    while not stop.wait(0.05):
        path = folder / "live.json"
        told = json.loads(path.read_text()) if path.exists() else {"offset": 0, "lag_s": 0.0}
        if told.get("die"):
            os._exit(3)
        tell(told)
    (folder / "live-ended").touch()


if __name__ == "__main__":
    sys.exit(worker.main(sys.argv[1:], work))
