"""How well the segments separate the people in the inputs they were found in: silhouette, within and between, size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.contingency import Codes, Floats, label, sample, tidy
from shoal.intervals import Z, interval
from shoal.summary import Interval, Verdict
from shoal.validate.verdict import CHECKS, judge

SILHOUETTE_PEOPLE = 5_000
DISTANCE_PEOPLE = 100_000
BLOCK = 500


@dataclass(frozen=True)
class Separation:
    """How far apart the segments lie; shares are of 1, lists are in the order of the codes.

    `within` is the mean distance of two people of one segment, `between` that of two people of different ones.
    """

    people: int
    sizes: tuple[int, ...]
    silhouettes: tuple[Interval, ...]
    silhouette: Interval
    explained: float | None
    ratios: tuple[float | None, ...]
    sampled: int
    within: float | None = None
    between: float | None = None


def separation(matrix: npt.ArrayLike, codes: npt.ArrayLike, *, k: int | None = None, seed: int = 0) -> Separation:
    """Silhouette, share of variance between segments, and distance to the own and the nearest other centre.

    Args:
        matrix: people x inputs, scaled as they were for discovery; what is not finite counts as the input's mean.
        codes: each person's segment, 0..k-1; negative is in none and left out.
        k: how many segments there are, when the last may be empty.
        seed: of the samples, 5,000 people for the silhouette and 100,000 for distances to centres.

    >>> found = separation([[0.0], [0.1], [9.0], [9.1]], [0, 0, 1, 1])
    >>> found.silhouette.value > 0.98, found.explained > 0.99
    (True, True)
    """
    labels, count = tidy(codes, k)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    rows = sample(labels, DISTANCE_PEOPLE, seed=seed, floor=100)
    filled = _filled(np.asarray(matrix, dtype=np.float64)[rows])
    explained, ratios = _centres(filled, labels[rows], count)
    fewer = sample(labels[rows], SILHOUETTE_PEOPLE, seed=seed + 1, floor=100)
    scores, apart = _pairwise(filled[fewer], labels[rows][fewer], count)
    within, between = _apart(apart, sizes)
    parts = tuple(_mean(scores[labels[rows][fewer] == code]) for code in range(count))
    return Separation(
        people=int(sizes.sum()),
        sizes=tuple(int(size) for size in sizes),
        silhouettes=parts,
        silhouette=_weighted(parts, sizes),
        explained=explained,
        ratios=ratios,
        sampled=len(fewer),
        within=within,
        between=between,
    )


def silhouettes(points: Floats, codes: Codes) -> Floats:
    """Each person's silhouette (Rousseeuw 1987, J. Comp. Appl. Math. 20, 53-65), Euclidean.

    (b - a) / max(a, b) with a the mean distance to the own segment's others and b to the nearest other segment's
    people; 0 for a person alone in a segment, NaN for all where there are fewer than two segments.

    >>> silhouettes(np.array([[0.0], [1.0], [5.0]]), np.array([0, 0, 1])).tolist()
    [0.8, 0.75, 0.0]
    """
    return _pairwise(points, codes, int(codes.max(initial=-1)) + 1)[0]


def _pairwise(points: Floats, codes: Codes, k: int) -> tuple[Floats, Floats]:
    """Each person's silhouette, and the k x k mean distances of a person of one segment and another of another."""
    members, place = np.unique(codes, return_inverse=True)
    apart = np.full((k, k), np.nan)
    if len(members) < 2:
        return np.full(len(codes), np.nan), apart
    member = np.zeros((len(codes), len(members)))
    member[np.arange(len(codes)), place] = 1.0
    counts = member.sum(axis=0)
    sums = np.concatenate([_distances(block, points) @ member for block in _blocks(points)])
    pairs = np.outer(counts, counts) - np.diag(counts)
    apart[np.ix_(members, members)] = np.divide(
        member.T @ sums, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0
    )
    own = np.arange(len(codes)), place
    alone = counts[place] == 1
    a = sums[own] / np.maximum(counts[place] - 1, 1)
    means = sums / counts
    means[own] = np.inf
    b = means.min(axis=1)
    larger = np.maximum(a, b)
    return np.where(alone | (larger == 0), 0.0, (b - a) / np.where(larger > 0, larger, 1.0)), apart


def _apart(apart: Floats, sizes: npt.NDArray[np.int64]) -> tuple[float | None, float | None]:
    """Mean distance of two people of one segment, and of different ones, by the segments' true sizes."""
    pairs = np.outer(sizes, sizes).astype(np.float64)
    np.fill_diagonal(pairs, sizes * (sizes - 1.0))
    known = np.isfinite(apart)
    same = np.eye(len(sizes), dtype=bool)
    found = []
    for chosen in (known & same, known & ~same):
        total = float(pairs[chosen].sum())
        found.append(float((pairs * np.where(known, apart, 0.0))[chosen].sum()) / total if total else None)
    return found[0], found[1]


def quality_verdicts(found: Separation, names: Sequence[str], kind: str = "discovered") -> list[Verdict]:
    """The verdicts on silhouette, separation and explained variance, of each segment and of the set."""
    note = "" if found.sampled >= found.people else f"on a sample of {found.sampled:,} people"
    subject = f"set:{kind}"
    score = found.silhouette
    verdicts = [
        judge("set silhouette", subject, score.value, score.low, score.high, found.people, note),
        judge("explained", subject, found.explained, n=found.people),
        _distance_verdict(found, subject, note),
    ]
    for code, (size, score, ratio) in enumerate(zip(found.sizes, found.silhouettes, found.ratios, strict=True)):
        name = label(names, code)
        verdicts.append(judge("silhouette", name, score.value, score.low, score.high, size, note))
        verdicts.append(judge("separation", name, ratio, n=size))
    return verdicts


def _distance_verdict(found: Separation, subject: str, note: str) -> Verdict:
    """Similarity within against difference between, as one figure."""
    if found.within is None or not found.between:
        return judge("distances", subject, None, n=found.people, note=note)
    said = f"two people of one segment lie {found.within:.3g} apart, two of different ones {found.between:.3g}"
    return judge(
        "distances", subject, found.within / found.between, n=found.people, note="; ".join(filter(None, (said, note)))
    )


def size_verdicts(
    sizes: Sequence[int], names: Sequence[str], people: int, *, floor: float = CHECKS["share"].passes
) -> list[Verdict]:
    """The verdicts on each segment's size in persons and as a share of all `people` against the workspace's floor.

    >>> [verdict.result for verdict in size_verdicts([900, 10], ["Loyal", "Whales"], 1000)]
    ['pass', 'pass', 'fail', 'fail']
    """
    share = replace(CHECKS["share"], passes=floor, warns=floor)
    return [
        verdict
        for name, size in zip(names, sizes, strict=True)
        for verdict in (
            judge("size", name, size),
            judge(share, name, size / people if people else None),
        )
    ]


def _filled(points: Floats) -> Floats:
    """Centred, with the mean where there is no finite number."""
    known = np.isfinite(points)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, points, 0.0)
    return np.asarray(np.where(known, centred - centred.sum(axis=0) / counts, 0.0))


def _centres(points: Floats, codes: Codes, k: int) -> tuple[float | None, tuple[float | None, ...]]:
    """Share of variance between segments, and per segment the distance to its own centre over the nearest other."""
    counts = np.bincount(codes, minlength=k)
    filled = np.flatnonzero(counts)
    if len(filled) < 2:
        return (0.0 if len(filled) and float((points**2).sum()) > 0 else None), (None,) * k
    sums = np.stack([np.bincount(codes, weights=column, minlength=k) for column in points.T], axis=1)
    centres = sums[filled] / counts[filled, None]
    far = np.concatenate([_distances(block, centres) for block in _blocks(points, 50_000)])
    place = np.searchsorted(filled, codes)
    rows = np.arange(len(codes))
    own = far[rows, place]
    far[rows, place] = np.inf
    nearest = far.min(axis=1)
    total = float(((points - points.mean(axis=0)) ** 2).sum())
    explained = 1 - float((own**2).sum()) / total if total > 0 else None
    near, other = (np.bincount(codes, weights=part, minlength=k) for part in (own, nearest))
    return explained, tuple(float(n / o) if o > 0 else None for n, o in zip(near, other, strict=True))


def _distances(a: Floats, b: Floats) -> Floats:
    """Euclidean distances between rows; what is 0 but for rounding is 0."""
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * (a @ b.T)
    noise = 1e-14 * max(float((a**2).sum(axis=1).max(initial=0)), float((b**2).sum(axis=1).max(initial=0)))
    return np.asarray(np.sqrt(np.where(square > noise, square, 0.0)))


def _blocks(points: Floats, size: int = BLOCK) -> list[Floats]:
    return [points[start : start + size] for start in range(0, len(points), size)]


def _mean(scores: Floats) -> Interval:
    if len(scores) == 0 or not np.isfinite(scores).all():
        return interval(None)
    mean = float(scores.mean())
    if len(scores) < 2:
        return interval(mean)
    spread = Z * float(scores.std(ddof=1)) / len(scores) ** 0.5
    return interval(mean, max(mean - spread, -1.0), min(mean + spread, 1.0))


def _weighted(parts: Sequence[Interval], sizes: npt.NDArray[np.int64]) -> Interval:
    """The set's mean silhouette: the segments' means by their true shares, intervals as of independent samples."""
    known = [(part, int(size)) for part, size in zip(parts, sizes, strict=True) if part.value is not None and size]
    people = sum(size for _, size in known)
    if not people:
        return interval(None)
    mean = sum((part.value or 0.0) * size for part, size in known) / people
    spread = sum((((part.high or 0.0) - (part.low or 0.0)) / 2 * size / people) ** 2 for part, size in known) ** 0.5
    return interval(mean, mean - spread, mean + spread)
