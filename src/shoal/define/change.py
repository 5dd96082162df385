"""When a feature can next change by the passing of time alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoal.define.passes import Cut, Ints
from shoal.define.plan import Step

NEVER = np.iinfo(np.int64).max


def next_change(cut: Cut, steps: Sequence[Step]) -> Ints:
    """For each person of the block the first instant after the cut's at which a step can change with no new event."""
    due = np.where(cut.present, NEVER, cut.block.at[cut.block.starts])
    for step in steps:
        rows = cut.block.rows(step.select)
        windows = [step.window, step.window.previous()] if step.operation == "trend" else [step.window]
        for window in windows:
            for off in {window.before, window.before + (window.within or 0)}:
                limit = cut.as_of - off
                keep = rows.at > limit
                person, at = rows.person[keep], rows.at[keep]
                found = np.full(rows.people, NEVER)
                np.minimum.at(found, person, at + off)
                np.minimum(due, found, out=due)
    return due
