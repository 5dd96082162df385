"""Would the same segments be found again? Clusterwise bootstrap Jaccard, after Hennig (2007)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.contingency import Codes, Floats, best_jaccard, cross, label, sample, tidy
from shoal.intervals import interval
from shoal.summary import Interval, Verdict
from shoal.validate.verdict import judge

ROUNDS = 20
PEOPLE = 10_000
THREADS = 2
DISSOLVED = 0.5
RECOVERED = 0.75

Assign = Callable[[Codes], npt.ArrayLike]
Refit = Callable[[Codes, int], "npt.ArrayLike | Assign"]
"""`refit(rows, seed)` finds segments anew on these rows (drawn with replacement, so rows repeat) and gives either the
labels of all people, or a function from rows to their labels, which is asked for the sample's rows only."""


@dataclass(frozen=True)
class Stability:
    """How well each segment is found again; lists are in the order of the codes."""

    jaccard: tuple[Interval, ...]
    dissolved: tuple[int, ...]
    recovered: tuple[int, ...]
    sizes: tuple[int, ...]
    mean: float | None
    least: float | None
    rounds: int
    sampled: int
    people: int


def bootstrap(
    codes: npt.ArrayLike,
    refit: Refit,
    *,
    k: int | None = None,
    rounds: int = ROUNDS,
    people: int = PEOPLE,
    seed: int = 0,
) -> Stability:
    """Refits on bootstrap samples and compares each segment with the most similar one found again.

    After Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data Analysis 52,
    258-271: the clusterwise mean of the largest Jaccard similarity. Compared on all people of the bounded sample, drawn
    or not, as a segment is a rule that anybody can be put to. The interval holds the middle 95 % of the rounds.

    Args:
        codes: each person's segment, 0..k-1; negative is in none.
        refit: finds the segments anew, see `Refit`.
        k: how many segments there are, when the last may be empty.
        rounds: bootstrap samples, 20 to 30 are enough for a mean.
        people: bound on the sample that is drawn from, each segment in proportion.
        seed: every draw follows from it.

    >>> found = bootstrap([0, 0, 1, 1], lambda rows, seed: np.array([1, 1, 0, 0]))
    >>> [part.value for part in found.jaccard]
    [1.0, 1.0]
    """
    labels, count = tidy(codes, k)
    rows = sample(labels, people, seed=seed, floor=20)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    found = _rounds(labels, rows, count, refit, rounds, seed) if len(rows) and rounds > 0 else np.empty((0, count))
    parts = tuple(_middle(found[:, code]) for code in range(count))
    means = [part.value for part in parts if part.value is not None]
    return Stability(
        jaccard=parts,
        dissolved=tuple(int((found[:, code] <= DISSOLVED).sum()) for code in range(count)),
        recovered=tuple(int((found[:, code] > RECOVERED).sum()) for code in range(count)),
        sizes=tuple(int(size) for size in sizes),
        mean=float(np.mean(means)) if means else None,
        least=min(means) if means else None,
        rounds=len(found),
        sampled=len(rows),
        people=int(sizes.sum()),
    )


def stability_verdicts(found: Stability, names: Sequence[str]) -> list[Verdict]:
    """The verdict on each segment; one segment that holds everybody is trivially stable and says nothing."""
    sample_note = f" on a sample of {found.sampled:,} people" if found.sampled < found.people else ""
    filled = sum(size > 0 for size in found.sizes)
    verdicts = []
    for code, part in enumerate(found.jaccard):
        note = f"dissolved in {found.dissolved[code]} of {found.rounds} refits{sample_note}"
        name, size = label(names, code), found.sizes[code]
        if filled < 2:
            verdicts.append(judge("stability", name, None, n=size, note="there is only one segment"))
        else:
            verdicts.append(judge("stability", name, part.value, part.low, part.high, size, note))
    return verdicts


def _rounds(labels: Codes, rows: Codes, k: int, refit: Refit, rounds: int, seed: int) -> Floats:
    """Largest Jaccard similarities, rounds x segments; two rounds at a time."""
    draws = np.random.default_rng([seed, 1])
    before = labels[rows]
    drawn = [np.sort(draws.choice(rows, size=len(rows))) for _ in range(rounds)]

    def again(turn: int) -> Floats:
        answer = refit(drawn[turn], seed + turn + 1)
        after = answer(rows) if callable(answer) else np.asarray(answer)[rows]
        return best_jaccard(cross(before, after, k))

    with ThreadPoolExecutor(THREADS) as pool:
        return np.array(list(pool.map(again, range(rounds)))).reshape(rounds, k)


def _middle(found: Floats) -> Interval:
    known = found[np.isfinite(found)]
    if len(known) == 0:
        return interval(None)
    low, high = np.quantile(known, [0.025, 0.975])
    return interval(float(known.mean()), float(low), float(high))
