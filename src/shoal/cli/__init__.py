"""The command line."""

from __future__ import annotations


def main() -> None:
    """The `shoal` command."""
    from shoal.cli.app import app

    app()
