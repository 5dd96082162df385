"""When a feature can next change by the passing of time alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from shoal.define.passes import NEVER as NEVER
from shoal.define.passes import Cut, Ints, Rows
from shoal.define.plan import Step
from shoal.define.tree import columns_of
from shoal.define.window import Window

# What a window's last row decides: until that one leaves it, others may.
_LAST = frozenset({"last", "trait"})


def next_change(cut: Cut, steps: Sequence[Step]) -> Ints:
    """For each person of the block the first instant after the cut's at which a step can change with no new event.

    That is when a row enters or leaves a window of a step: rows of the stream, those later than the instant included,
    matches of a sequence (also by what did not come), sessions, and what is added to one. `days_since` counts by these
    alone, though it grows all the time; formulas change only with what they read. People without an event yet
    change when they have their first. NEVER where nothing is to come.
    """
    block = cut.block
    due = np.where(cut.present, NEVER, block.at[block.starts])
    done: set[tuple[int, Window, bool]] = set()
    for step in steps:
        if step.feature.operation == "formula":
            continue
        own = cut.over(step.select.over)
        rows = own.block.rows(step.select) if step.field is None else own.block.field(step.select, step.field)[0]
        last = _by_last(step)
        for window in _windows(step):
            key = (id(rows), window, last)
            if key not in done:
                done.add(key)
                for candidates in _edges(own, rows, window, last):
                    np.minimum(due, candidates, out=due)
        for candidates in _within_sessions(cut, step):
            np.minimum(due, candidates, out=due)
    return due


def _by_last(step: Step) -> bool:
    return step.operation in _LAST or (step.operation, step.feature.argument) == ("days_since", "last")


def _windows(step: Step) -> tuple[Window, ...]:
    return (step.window, step.window.previous()) if step.operation == "trend" else (step.window,)


def _edges(cut: Cut, rows: Rows, window: Window, last: bool) -> Iterator[Ints]:
    """When rows enter the window, and when one leaves it."""
    as_of, high, low = cut.as_of, window.high(cut.as_of), window.low(cut.as_of)
    yield _later(cut.after(rows, high), as_of - high)
    if low is None:
        return
    leaves = cut.after(rows, low)
    if last and len(rows.at):
        # Those that are not yet in the window leave it later than they enter it.
        some = cut.count(rows, window) > 0
        leaves = np.where(some, rows.at[cut.place(rows, window, "last")], NEVER)
    yield _later(leaves, as_of - low)


def _within_sessions(cut: Cut, step: Step) -> Iterator[Ints]:
    """When events come to sessions, where a step reads what is in them."""
    over = step.select.over
    places, reads = over.moves(cut.block) if over else None, step.part.where if step.part else None
    if over is None or places is None:
        return
    if not any(columns_of(expr) & over.columns.keys() for expr in (step.field, reads) if expr is not None):
        return
    seen = over.seen(cut.as_of)
    until = cut.as_of if seen is None else seen
    places = places[cut.block.at[places] > until]
    person = cut.block.person[places]
    first = np.flatnonzero(np.diff(person, prepend=-1))
    found = np.full(cut.block.people, NEVER)
    found[person[first]] = cut.block.at[places[first]]
    yield _later(found, cut.as_of - until)


def _later(at: Ints, by: int) -> Ints:
    return np.where(at == NEVER, NEVER, at + by)
