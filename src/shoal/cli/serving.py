"""What `shoal serve` says when it serves."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from shoal.server.serve import Serving


def started(told: Serving, workspace: Path, *, as_json: bool) -> None:
    """Prints where it listens: one line of JSON, or some lines for people."""
    if as_json:
        print(json.dumps({"url": told.url, "pid": told.pid}), flush=True)
        return
    here = "" if workspace == Path() else f" -w {shlex.quote(str(workspace))}"
    lines = [
        f"Shoal serves '{told.name}' at {told.url}",
        f"  send   a Segment or RudderStack SDK with {told.url} as its host and a write key",
        f"  read   {told.url}/v1/openapi.json describes the calls; they take a read key",
        f"  watch  {told.url}/ready and {told.url}/metrics",
    ]
    if not told.has_keys:
        lines.append(f"There is no key yet: `shoal keys create --role write{here}` makes one.")
    print("\n".join([*lines, "Ctrl-C stops it."]), flush=True)
