"""Who is like a seed of people: ranks the rest, says how far one reaches, lets the seed grow. See `lookalikes`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shoal.errors import UsageError
from shoal.intervals import wilson
from shoal.predict.blend import Blend
from shoal.predict.heldout import Mask, auc_of, auc_parts, difference, interval_of, recall_at
from shoal.predict.learner import Array
from shoal.predict.similar import Scored, blended, boosted, centroid, folds, logistic, ranks
from shoal.summary import Importance, Interval, Skill

FEWEST_SEED, LARGEST_SHARE = 30, 0.5
TWIN = 0.99  # an input that alone tells the seed this well says again what the seed's rule says
WAYS = {"LightGBM": boosted, "logistic regression": logistic}


@dataclass(frozen=True)
class Reach:
    """A point of the similarity-reach curve: `people` outside the seed are at least this alike.

    `recall` is the share of the seed's members, each held out, that stand there too.
    """

    people: int
    similarity: float
    recall: float


@dataclass(frozen=True)
class Expansion:
    """The rows (mask) outside the seed that join it, and the similarity of the least alike of them."""

    rows: Mask
    similarity: float | None

    @property
    def size(self) -> int:
        return int(self.rows.sum())


@dataclass(frozen=True)
class LookalikeResult:
    """How like the seed everybody is, and how well that finds members who were held out.

    `similarity` (rows) is the share of the held-out members of the seed whose score is no higher: 0.5 is as alike as
    the middle member, 0 less alike than any. It is not a probability. `score` orders people whose similarity is
    equal. Members' own are out of fold. `gain` is AUC against the best plain way; positive is better. `folds` are the
    models of each fold, over the places of the inputs.
    """

    status: Literal["used", "not used", "not enough data"]
    seed: Mask
    reason: str = ""
    similarity: Array | None = None
    score: Array | None = None
    algorithm: str = ""
    baseline: str = ""
    skills: list[Skill] = field(default_factory=list)
    gain: Interval | None = None
    curve: list[Reach] = field(default_factory=list)
    importances: list[Importance] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folds: tuple[Blend, ...] = ()

    def expand(self, *, size: int | None = None, similarity: float | None = None) -> Expansion:
        """The `size` people most alike outside the seed, or all at least this `similarity`; give one of the two.

        Raises UsageError when both or neither is given, out of range, or nothing was learned.
        """
        if self.similarity is None or self.score is None:
            raise UsageError(f"this seed cannot be expanded: {self.reason}")
        if (size is None) == (similarity is None):
            raise UsageError("expand by either `size` or `similarity`, exactly one of them")
        if (size is not None and size < 0) or (similarity is not None and not 0 <= similarity <= 1):
            raise UsageError("`size` is a number of people, at least 0; `similarity` lies between 0 and 1")
        outside = np.flatnonzero(~self.seed)
        if similarity is not None:
            chosen = outside[self.similarity[outside] >= similarity]
        else:
            chosen = outside[np.argsort(-self.score[outside], kind="stable")[:size]]
        rows = np.zeros(len(self.seed), bool)
        rows[chosen] = True
        return Expansion(rows, float(self.similarity[chosen].min()) if len(chosen) else None)


def lookalikes(
    x: Array,
    seed: Mask,
    names: Sequence[str],
    *,
    rule_columns: Collection[str] = (),
    categories: Mask | None = None,
    baselines: Mapping[str, Array] | None = None,
    draw: int = 0,
    fold: NDArray[np.int8] | None = None,
) -> LookalikeResult:
    """Ranks everybody by how alike they are to the people of `seed` (rows), from `x` (rows, inputs; NaN is missing).

    `names` (inputs) says which feature an input is of; `categories` (inputs) which are codes without order.
    `rule_columns` are the features that the seed's own rule reads: they are left out, and so is any input that alone
    tells the seed with an AUC of 0.99, because a model that sees the rule finds nobody but the seed. `baselines` are
    further plain scores (rows), larger is more alike, such as an RFM score. `draw` seeds all chance. `fold` (rows; 0 to
    4) says whom to leave out together; drawn when left out.
    Every member is scored by models that never saw them: the mean of LightGBM and logistic regression, or one of them
    where its AUC is clearly better. Raises UsageError when sizes differ.
    """
    seed = np.asarray(seed, bool)
    categories = np.zeros(len(names), bool) if categories is None else np.asarray(categories, bool)
    baselines = baselines or {}
    lengths = {len(seed), *map(len, baselines.values())}
    if x.shape != (len(seed), len(names)) or categories.shape != (len(names),) or len(lengths) > 1:
        raise UsageError(f"{len(seed)} people and {len(names)} inputs do not fit a table of shape {x.shape}")
    rows = {"people": len(seed), "seed": int(seed.sum())}
    reason = hopeless(rows["seed"], rows["people"])
    if reason:
        return LookalikeResult("not enough data", seed, reason, rows=rows)
    x = np.where(np.isfinite(x), x, np.nan)
    kept, dropped = _usable(x, seed, names, rule_columns, categories)
    if not len(kept):
        reason = "not enough data: no input is left besides those that the seed's own rule reads"
        return LookalikeResult("not enough data", seed, reason, rows=rows, dropped=dropped)
    result = LookalikeResult("used", seed, rows=rows, dropped=dropped, notes=_notes(dropped))
    fold = folds(seed, draw) if fold is None else fold
    told = _learned(result, x[:, kept], [names[place] for place in kept], categories[kept], baselines, draw, fold)
    return replace(told, folds=tuple(_at(one, kept) for one in told.folds))


def _at(blend: Blend, places: NDArray[np.int64]) -> Blend:
    """The same over a table of more inputs, of which it takes those at these places."""
    return replace(blend, parts=tuple(replace(part, inputs=tuple(places.tolist())) for part in blend.parts))


def hopeless(members: int, people: int) -> str:
    """Why nothing can be learned from a seed, with what would be needed; empty where it can."""
    if members < FEWEST_SEED:
        return f"not enough data: the seed has {members} people, at least {FEWEST_SEED} are needed"
    if members >= LARGEST_SHARE * people:
        return f"not enough data: the seed is {members} of {people} people, it must be less than {LARGEST_SHARE:.0%}"
    return ""


def _learned(
    result: LookalikeResult,
    x: Array,
    names: Sequence[str],
    categories: Mask,
    baselines: Mapping[str, Array],
    draw: int,
    fold: NDArray[np.int8],
) -> LookalikeResult:
    seed, rows, ranked = result.seed, result.rows, ranks(x)
    best, chosen = _chosen({name: way(x, ranked, categories, seed, fold, draw) for name, way in WAYS.items()}, seed)
    plain = {name: np.where(np.isnan(score), -np.inf, score) for name, score in baselines.items()}
    if not categories.all():
        plain["nearness to the seed's middle"] = centroid(x, ranked, categories, seed, fold, draw).score
    parts = {name: auc_parts(score, seed) for name, score in {best: chosen.score, **plain}.items()}
    rival = max(plain, key=lambda name: parts[name][0].mean(), default="")
    chance = (np.full(rows["seed"], 0.5), np.full(rows["people"] - rows["seed"], 0.5))
    gain = difference(parts[best], parts.get(rival, chance))
    skills = [_skill(best, "model", chosen.score, seed)]
    skills += [_skill(name, "baseline", score, seed) for name, score in plain.items()]
    luck = {"auc": Interval(value=0.5), "recall": Interval(value=round(float(seed.mean()), 6))}
    skills.append(Skill(name="random", kind="baseline", metrics=luck))
    similarity = similarity_of(chosen.score, seed)
    won = gain.low is not None and gain.low > 0
    reason = "" if won else f"AUC on held-out members is not clearly above that of {rival or 'chance'}"
    return replace(
        result, status="used" if won else "not used", reason=reason, similarity=similarity, score=chosen.score,
        algorithm=best, baseline=rival or "random", skills=skills, gain=gain, curve=curve(similarity, seed),
        importances=_importances(chosen, names), folds=tuple(one.blend for one in chosen.folds),
    )  # fmt: skip


def _chosen(scored: dict[str, Scored], seed: Mask) -> tuple[str, Scored]:
    """The mean of both ways, unless one of them alone is better by an interval that excludes zero.

    A choice by the mere best of noisy figures would flatter the figures that are then reported.
    """
    name, both = " and ".join(scored), blended(*scored.values())
    parts = auc_parts(both.score, seed)
    gains = {one: difference(auc_parts(way.score, seed), parts).low or 0.0 for one, way in scored.items()}
    best = max(gains, key=lambda one: gains[one])
    return (best, scored[best]) if gains[best] > 0 else (name, both)


def similarity_of(score: Array, seed: Mask) -> Array:
    """The share of the seed's members whose score is no higher than each row's.

    >>> similarity_of(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, False, True])).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    members = np.sort(score[seed])
    return np.asarray(np.searchsorted(members, score, side="right") / len(members))


def curve(similarity: Array, seed: Mask, points: int = 50) -> list[Reach]:
    """How many people outside the seed each similarity reaches, from the most alike to everybody."""
    outside, members = np.sort(similarity[~seed]), np.sort(similarity[seed])
    found = []
    for bar in np.unique(np.quantile(members, np.linspace(0, 1, points), method="inverted_cdf"))[::-1]:
        people = len(outside) - int(np.searchsorted(outside, bar))
        recall = 1 - int(np.searchsorted(members, bar)) / len(members)
        found.append(Reach(people, round(float(bar), 6), round(recall, 6)))
    if not found or found[-1].people < len(outside):
        found.append(Reach(len(outside), 0.0, 1.0))
    return found


def _skill(name: str, kind: Literal["model", "baseline"], score: Array, seed: Mask) -> Skill:
    hits = recall_at(score, seed)
    metrics = {
        "auc": interval_of(auc_parts(score, seed), crossed=kind == "model"),
        "recall": wilson(int(hits.sum()), len(hits)),
    }
    return Skill(name=name, kind=kind, metrics=metrics)


def _usable(
    x: Array, seed: Mask, names: Sequence[str], rule_columns: Collection[str], categories: Mask
) -> tuple[NDArray[np.int64], dict[str, str]]:
    """Places of the inputs to learn from, and why the others are left out."""
    kept, dropped = [], {}
    for place, name in enumerate(names):
        column = x[:, place]
        known = column[np.isfinite(column)]
        if name in rule_columns:
            dropped[name] = "the seed's own rule reads it"
        elif not len(known) or (len(known) == len(column) and known.min() == known.max()):
            dropped.setdefault(name, "is the same for everybody")
        elif _twin(column, seed, bool(categories[place])):
            dropped[name] = (
                f"alone tells the seed with an AUC of at least {TWIN}: it says again what the seed's rule says"
            )
        else:
            kept.append(place)
    return np.array(kept, np.int64), dropped


def _twin(column: Array, seed: Mask, category: bool) -> bool:
    """Whether one input alone tells the seed, in either direction, missing values lowest or highest."""
    if category:
        codes, row = np.unique(column, return_inverse=True)
        share = np.bincount(row, weights=seed) / np.maximum(np.bincount(row), 1)
        return len(codes) <= len(seed) / 10 and auc_of(share[row], seed) >= TWIN
    for missing in (-np.inf, np.inf):
        auc = auc_of(np.where(np.isnan(column), missing, column), seed)
        if max(auc, 1 - auc) >= TWIN:
            return True
    return False


def _importances(scored: Scored, names: Sequence[str]) -> list[Importance]:
    shares: dict[str, float] = {}
    for name, share in zip(names, scored.shares, strict=True):
        shares[name] = shares.get(name, 0.0) + float(share)
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Importance(feature=name, words=name, share=round(share, 6)) for name, share in ranked]


def _notes(dropped: Mapping[str, str]) -> list[str]:
    notes = ["similarity is the share of held-out seed members who are no more alike; it is not a probability"]
    twins = sorted(name for name, why in dropped.items() if why.startswith("alone"))
    if twins:
        notes.append(f"left out, as they say again what the seed's rule says: {', '.join(twins)}")
    return notes
