"""What `shoal verify` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType

from shoal.report.console import grid, heading, say


def proof(told: Mapping[str, Any]) -> RenderableType:
    """Whether live equals batch, what was compared, and every difference."""
    compared = (
        f"{told['people']:,} people, {told['values']:,} features and scores, {told['memberships']:,} memberships; "
        f"as of {told['as_of'][:19]} UTC, entry {told['offset']:,} of the log, {told['events']:,} events since the run"
    )
    if told["equal"]:
        return Group(say("Live equals batch.", "green"), say(compared, "dim"))
    table = grid("left", "fold", "left", "left", header=["Profile", "What", "Live", "Batch"])
    for one in told["differences"]:
        table.add_row(*(say(one[name]) for name in ("profile_id", "what", "live", "batch")))
    more = told["found"] - len(told["differences"])
    return Group(
        say(f"Live differs from batch in {told['found']:,} places.", "red"),
        say(compared, "dim"),
        heading("Differences"),
        table,
        *([say(f"and {more:,} more", "dim")] if more else []),
        say(
            "Remedy: delete the folder .shoal/live; it is built anew from the log. Please report what you saw.",
            "yellow",
        ),
    )
