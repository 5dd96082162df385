"""`shoal keys`: make, list and revoke the API keys of `shoal serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from shoal.cli.options import HERE, AsJson, Folder
from shoal.cli.output import emit, speaking

app = typer.Typer(help="API keys of `shoal serve`.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--by", help="who does it; this machine's user when left out")]


@app.command()
def create(
    role: Annotated[str, typer.Option("--role", help="write: send events; read: profiles and segments; admin: both")],
    label: Annotated[str, typer.Option("--label", help="what the key is for")] = "",
    by: By = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown this once: only a hash is kept."""
    with speaking(as_json):
        from shoal.govern.release import who
        from shoal.report import keys
        from shoal.workspace import Workspace

        here = Workspace(workspace)
        _ = here.settings  # a key of a folder that is no workspace would open nothing
        made = here.keys.create(role, label=label, by=who(by))
        emit(as_json, {"key": made.key, "role": made.role, "id": made.id}, lambda: keys.created(made))


@app.command(name="list")
def list_(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """API keys: id, role, label, who made them and when, and which were revoked."""
    with speaking(as_json):
        from shoal.report import keys
        from shoal.workspace import Workspace

        found = [key.told() for key in Workspace(workspace).keys.all()]
        emit(as_json, found, lambda: keys.listing(found))


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="the key's id, as `shoal keys list` shows it")],  # noqa: A002
    by: By = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """End an API key: a server that runs refuses it within seconds."""
    with speaking(as_json):
        from shoal.govern.release import who
        from shoal.report import keys
        from shoal.workspace import Workspace

        ended = Workspace(workspace).keys.revoke(id, by=who(by)).told()
        emit(as_json, ended, lambda: keys.revoked(ended))
