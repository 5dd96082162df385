"""The command line."""

from __future__ import annotations


def main() -> None:
    """The `shoal` command."""
    try:
        from shoal.cli.app import app
        from shoal.cli.output import calling
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    calling(app)
