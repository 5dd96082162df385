"""What a person is asked at the terminal before a decision is recorded."""

from __future__ import annotations

import sys

from shoal.errors import UsageError
from shoal.govern.release import QUESTION, approval, to_approve
from shoal.releases import pick
from shoal.report import released
from shoal.workspace import Workspace


def answered(here: Workspace, wanted: str, answer: str | None, despite: str, *, quiet: bool) -> tuple[str, str]:
    """The version that is to be approved, as `NAME@VERSION`, and what would be done differently for it.

    Shows what is approved first, unless `quiet`, and asks where the answer is left out. What a gate refuses is refused
    before anything is asked.

    Raises:
        UsageError: there is no answer and nobody to ask.
        NotFound, Refused: as `Workspace.approve`.
    """
    run = here.last_run()
    found = to_approve(run.segments, wanted)
    verdicts = [one for one in run.verdicts if one.subject == found.subject]
    if not quiet:
        from rich.console import Console

        console, now = Console(), pick(run.segments, found.name)
        console.print(released.proposal(found, verdicts, now if now.status == "released" else None))
    if answer is None:
        approval(found, verdicts, answer="to be asked", by="nobody yet", despite=despite)
        answer = _ask(quiet=quiet)
    return f"{found.name}@{found.version}", answer


def at_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def _ask(*, quiet: bool) -> str:
    if quiet or not at_terminal():
        raise UsageError(
            f"there is no answer to '{QUESTION}', and no terminal to ask at. Rule: a release says what it is for. "
            "Remedy: --answer TEXT"
        )
    import typer

    return str(typer.prompt(f"\n{QUESTION}\n>", default="", show_default=False, prompt_suffix=" "))
