"""What the processes of one server know of each other: a slot a process, which that process alone writes.

It lies in memory that the processes inherit: no file is left behind, and a full disk does not silence it.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from typing import Any

SLOT = 1 << 18  # bytes; what is not written takes no memory
_HEAD = struct.Struct("<II")


class Board:
    """Slots by number; 0 is the supervisor's."""

    def __init__(self, handle: int, slots: int) -> None:
        self.handle, self.slots = handle, slots

    @staticmethod
    def make(slots: int) -> Board:
        """A new board in memory, where the system has that, else in a file without a name."""
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("shoal")
        else:
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
        os.ftruncate(handle, slots * SLOT)
        return Board(handle, slots)

    def write(self, slot: int, content: Mapping[str, Any]) -> None:
        """Replaces what a slot says; content that does not fit leaves it as it was.

        >>> board = Board.make(2)
        >>> board.write(1, {"name": "live-0"})
        >>> board.read(1)
        {'name': 'live-0'}
        """
        body = json.dumps(content).encode()
        if len(body) + _HEAD.size <= SLOT:
            os.pwrite(self.handle, _HEAD.pack(len(body), zlib.crc32(body)) + body, slot * SLOT)

    def read(self, slot: int) -> dict[str, Any]:
        """What a slot says; empty when it says nothing yet."""
        for _ in range(20):  # a write in the middle of a read shows in the checksum
            length, check = _HEAD.unpack(os.pread(self.handle, _HEAD.size, slot * SLOT))
            body = os.pread(self.handle, length, slot * SLOT + _HEAD.size)
            if length and zlib.crc32(body) == check:
                content: dict[str, Any] = json.loads(body)
                return content
            if not length:
                break
        return {}

    def clear(self, slot: int) -> None:
        """Empties a slot: its process is gone."""
        os.pwrite(self.handle, _HEAD.pack(0, 0), slot * SLOT)

    def all(self) -> list[dict[str, Any]]:
        """What every process says, the supervisor first; without those that say nothing."""
        return [content for slot in range(self.slots) if (content := self.read(slot))]

    def close(self) -> None:
        """Lets go of the memory; it is gone when the last process has."""
        os.close(self.handle)
