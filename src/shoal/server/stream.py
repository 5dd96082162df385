"""Membership changes as server-sent events: `id:` is the position, so that a browser resumes where it was cut off."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import Any

import anyio
import msgspec

from shoal.activate.feed import Changes, present
from shoal.errors import ShoalError
from shoal.server.limit import Limits
from shoal.server.problem import Problem

PIECE = 500  # changes that are read at once


class Streams:
    """All streams of a server. They share one look at the feed, however many they are."""

    def __init__(self, changes: Changes, limits: Limits) -> None:
        self._changes, self._limits = changes, limits
        self._open: Counter[str] = Counter()
        self._newest, self._looked = 0, float("-inf")
        self._closed = False

    def close(self) -> None:
        """Ends every stream within a moment, and refuses new ones: call it when the server is told to stop."""
        self._closed = True

    def check(self, key: str) -> None:
        """Raises Problem when there are too many streams already, of this key or of all, or when the server stops."""
        if self._closed:
            raise Problem(503, "stopping", "the server is stopping", "connect again", {"Retry-After": "1"})
        if self._open[key] >= self._limits.streams or self._open.total() >= self._limits.all_streams:
            raise Problem(
                429, "too_many_streams", f"too many streams. Rule: {self._limits.streams} with one key at a time",
                "close one, or read /v1/changes", {"Retry-After": "5"},
            )  # fmt: skip

    def newest(self) -> int:
        """The position of the newest change, looked up at most once in `poll` seconds for all streams together."""
        now = time.monotonic()
        if now - self._looked >= self._limits.poll:
            self._looked = now
            self._newest = present(self._changes, self._newest)
        return self._newest

    async def events(self, key: str, place: int, segments: Collection[str]) -> AsyncIterator[bytes]:
        """What follows `place`, as it happens; only of these segments, unless there are none.

        It ends after `stream_for` seconds, when the server stops or the feed cannot be read; readers come back.
        """
        wanted = {name.casefold() for name in segments}
        self._open[key] += 1
        try:
            yield b"retry: 2000\n" + _mark(place)
            began = told = time.monotonic()
            while not self._closed and (now := time.monotonic()) - began < self._limits.stream_for:
                found = self._after(place)
                if found:
                    place = found[-1]["position"]
                    lines = [_event(one) for one in found if not wanted or one["segment"].casefold() in wanted]
                    if lines:
                        told = now
                        yield b"".join(lines)
                    await anyio.sleep(0)  # others have a turn too
                    continue
                if now - told >= self._limits.heartbeat:
                    told = now
                    yield b": still here\n" + _mark(place)
                await anyio.sleep(self._limits.poll)
            yield _mark(place)
        except ShoalError:
            return
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def _after(self, place: int) -> list[dict[str, Any]]:
        return self._changes(place, PIECE) if self.newest() > place else []


def _mark(place: int) -> bytes:
    """An event without data: readers see nothing, but remember the place."""
    return b"id: %d\n\n" % place


def _event(change: dict[str, Any]) -> bytes:
    """A change as an event; JSON has no line ends, which would end the field.

    >>> _event({"position": 7, "segment": "Loyal"})
    b'id: 7\\nevent: change\\ndata: {"position":7,"segment":"Loyal"}\\n\\n'
    """
    return b"id: %d\nevent: change\ndata: %s\n\n" % (change["position"], msgspec.json.encode(change, enc_hook=str))
