"""Do people stay? The same people put into the same segments one period later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.contingency import adjusted_rand, cross, label, tidy
from shoal.intervals import interval, wilson
from shoal.summary import Interval, Verdict
from shoal.validate.verdict import judge

DRAWS = 500


@dataclass(frozen=True)
class Migration:
    """Who moved where. `moves[i][j]` people went from segment i to j; the last row and column are "in none"."""

    moves: tuple[tuple[int, ...], ...]
    staying: tuple[Interval, ...]
    stayed: Interval
    adjusted_rand: Interval
    people: int


def migration(before: npt.ArrayLike, after: npt.ArrayLike, *, k: int | None = None, seed: int = 0) -> Migration:
    """The migration matrix of the same people (row by row) and how far the two cuts agree.

    Shares have Wilson intervals; the adjusted Rand index (Hubert & Arabie 1985) has a bootstrap one: it depends on the
    matrix alone, so drawing people anew is drawing the matrix from a multinomial.

    >>> migration([0, 0, 1, 1], [0, 1, 1, 1]).stayed.value
    0.75
    """
    (old, ka), (new, kb) = tidy(before, k), tidy(after, k)
    if len(old) != len(new):
        raise ValueError(f"before and after must be the same people: got {len(old)} and {len(new)}")
    k = max(ka, kb)
    table = cross(old, new, k, k)
    people = int(table.sum())
    inside = table[:-1]
    return Migration(
        moves=tuple(tuple(int(count) for count in row) for row in table),
        staying=tuple(wilson(int(inside[code, code]), int(inside[code].sum())) for code in range(k)),
        stayed=wilson(int(np.trace(table[:-1, :-1])), int(inside.sum())),
        adjusted_rand=_agreement(table, people, seed),
        people=people,
    )


def persistence_verdicts(found: Migration, names: Sequence[str], kind: str = "discovered") -> list[Verdict]:
    """The verdict on the set's agreement with itself a period later, and on each segment's share of stayers."""
    rand = found.adjusted_rand
    note = (
        "" if found.stayed.value is None else f"{100 * found.stayed.value:.0f} % of the people stayed where they were"
    )
    verdicts = [judge("persistence", f"set:{kind}", rand.value, rand.low, rand.high, found.people, note)]
    for code, part in enumerate(found.staying):
        members = sum(found.moves[code])
        note = _leaving(found.moves[code], code, names)
        verdicts.append(judge("staying", label(names, code), part.value, part.low, part.high, members, note))
    return verdicts


def _agreement(table: npt.NDArray[np.int64], people: int, seed: int) -> Interval:
    """Adjusted Rand of the two cuts; unknown where one of them is a single group, as anything agrees with that."""
    if people < 2 or min((table.sum(axis=axis) > 0).sum() for axis in (0, 1)) < 2:
        return interval(None)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(people, (table / people).ravel(), size=DRAWS).reshape(DRAWS, *table.shape)
    low, high = np.quantile(adjusted_rand(draws), [0.025, 0.975])
    return interval(float(adjusted_rand(table)), float(low), float(high))


def _leaving(moves: Sequence[int], code: int, names: Sequence[str]) -> str:
    """Where most of those who left went."""
    left = [0 if place == code else count for place, count in enumerate(moves)]
    most = int(np.argmax(left))
    if not left[most]:
        return ""
    where = "no segment" if most == len(moves) - 1 else label(names, most)
    return f"{100 * left[most] / sum(moves):.0f} % moved to {where}"
