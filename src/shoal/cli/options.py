"""Options that every command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--workspace", "-w", help="the workspace's folder", file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
HERE = Path()
