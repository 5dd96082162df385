"""Shoal turns raw customer data into living customer segments.

>>> import shoal
>>> shoal.__version__
'0.1.0'
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoal.workspace import Workspace

__version__ = "0.1.0"


def open(folder: str | Path = ".") -> Workspace:  # noqa: A001 - `shoal.open(dir)` reads as it should
    """The workspace in `folder`.

    Raises SettingsError when there is no `shoal.yaml`, or when it has faults.
    """
    from shoal.workspace import Workspace

    return Workspace(Path(folder))
