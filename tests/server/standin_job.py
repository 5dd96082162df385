"""A run over stand-ins: notes that it ran, and makes a last good run."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path


def main(folder: Path) -> None:
    if (folder / "run-fails").exists():
        sys.exit("this quotes ada@example.com")
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-0000"
    (folder / ".shoal" / "runs" / run_id).mkdir(parents=True)
    (folder / ".shoal" / "current").write_text(run_id)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
