"""`shoal serve`: one command that runs everything."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shoal.cli.options import HERE, AsJson, Folder
from shoal.cli.output import speaking

if TYPE_CHECKING:
    from shoal.server.serve import Serving

LogFormat = Literal["auto", "text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def serve(
    host: Annotated[str, typer.Option("--host", help="address to listen on; 0.0.0.0 for every one")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="port; 0 takes one that is free", min=0, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option("--workers", help="HTTP processes that share the port", min=1, max=64)] = 1,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="auto: text for a terminal, else JSON lines")
    ] = "auto",
    log_level: Annotated[LogLevel, typer.Option("--log-level", help="the least that is logged")] = "info",
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take events, keep segments live, answer questions, run on schedule: one server, until Ctrl-C."""
    with speaking(as_json):
        from shoal.server.serve import Options
        from shoal.server.serve import serve as run

        options = Options(host, port, workers, log_format, log_level)
        raise typer.Exit(run(workspace, options, lambda told: started(told, workspace, as_json=as_json)))


def started(told: Serving, workspace: Path, *, as_json: bool) -> None:
    """Prints where it listens: one line of JSON, or some lines for people."""
    if as_json:
        print(json.dumps({"url": told.url, "pid": told.pid}), flush=True)
        return
    from shoal.server.joints import has_keys

    here = "" if workspace == Path() else f" -w {shlex.quote(str(workspace))}"
    lines = [
        f"Shoal serves '{told.name}' at {told.url}",
        f"  send   a Segment or RudderStack SDK with {told.url} as its host and a write key",
        f"  read   {told.url}/v1/openapi.json describes the calls; they take a read key",
        f"  watch  {told.url}/ready and {told.url}/metrics",
    ]
    if not has_keys(workspace):
        lines.append(f"There is no key yet: `shoal keys create --role write{here}` makes one.")
    print("\n".join([*lines, "Ctrl-C stops it."]), flush=True)
