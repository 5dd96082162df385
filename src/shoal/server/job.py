"""A command run by the server's schedule: as at the prompt, but after everybody else, and not without its server."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from shoal.server.child import watch_parent


def main() -> None:
    """Runs the `shoal` command of the arguments."""
    from shoal.cli import main as command

    with suppress(OSError):
        os.nice(10)
    watch_parent(signal.SIGINT)
    command()


if __name__ == "__main__":
    main()
