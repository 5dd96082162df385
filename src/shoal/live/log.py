"""The port to the event log: what was received, durable before it is acknowledged, in one order for ever.

An entry is one accepted request, as JSON in UTF-8; `live/message.py` says what it holds. Offsets are whole numbers that
grow; there may be gaps. Everything else that the live side knows can be rebuilt from the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Log(Protocol):
    """One partition of an event log: one order, many readers."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Keeps entries in order and returns the offset of the last; they are on disk when it returns.

        Raises NoRoom when the disk is full (none of them is kept then), StorageError or Busy for other refusals.
        """
        ...

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """Offset and entry of about `most` entries that follow `after`, in order; 0 is before all."""
        ...

    def last(self) -> int:
        """The offset of the last entry, 0 where there is none."""
        ...

    def close(self) -> None:
        """Ends the connection; what was appended stays."""
        ...
