"""Work on two threads, each of which computes alone, so that no bit depends on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WORKERS = 2
Result = TypeVar("Result")


def at_once(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """The jobs' results in their order; the first error of a job is raised.

    >>> at_once([lambda: 1, lambda: 2])
    [1, 2]
    """
    if len(jobs) < 2:
        return [job() for job in jobs]
    with ThreadPoolExecutor(WORKERS) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]
