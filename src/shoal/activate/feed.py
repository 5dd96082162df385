"""The feed of membership changes as its readers see it: one order, positions that grow by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Change: TypeAlias = Mapping[str, Any]
Changes: TypeAlias = Callable[[int, int], list[dict[str, Any]]]
"""(after, limit) -> at most `limit` changes whose position is greater than `after`, in order."""


def present(changes: Changes, at_least: int = 0) -> int:
    """The position of the newest change, 0 where there is none: by doubling and halving, so a few dozen reads at most.

    Args:
        at_least: a position that is known to be there; near the newest it takes one read or two.

    >>> feed = [{"position": place} for place in range(1, 1001)]
    >>> read = lambda after, limit: feed[after : after + limit]
    >>> present(read), present(read, 999), present(lambda after, limit: [])
    (1000, 1000, 0)
    """
    low, step = at_least, 1
    if not changes(low, 1):
        return low
    while changes(low + step, 1):
        low, step = low + step, step * 2
    high = low + step  # something follows `low`, nothing follows `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if changes(middle, 1) else (low, middle)
    return high
