"""Can somebody act on it? Readable rule, a strategy of its own, people who can be reached."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shoal.contingency import label, tidy
from shoal.intervals import wilson
from shoal.summary import Segment, Verdict
from shoal.validate.verdict import judge

QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
CONNECTIVE = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
BETWEEN = re.compile(r"\bbetween\b", re.IGNORECASE)


def clauses(rule: str) -> int:
    """How many conditions a rule joins.

    >>> clauses("orders_90d >= 3 and recency_days between 2 and 20 and country = 'Trinidad and Tobago'")
    3
    >>> clauses("")
    0
    """
    bare = QUOTED.sub("''", rule)
    if not bare.strip():
        return 0
    return len(CONNECTIVE.findall(bare)) - len(BETWEEN.findall(bare)) + 1


def distinctness(strategies: Mapping[str, Sequence[str]]) -> dict[str, tuple[float | None, str]]:
    """Per segment the Jaccard distance of its strategies to those of the most similar other segment, and which that is.

    None where the segment, or every other one, has no strategies.

    >>> distinctness({"Loyal": ["upsell", "thank"], "Lapsed": ["win back"], "Asleep": ["win back"]})["Lapsed"]
    (0.0, 'Asleep')
    """
    found: dict[str, tuple[float | None, str]] = {}
    for name, own in strategies.items():
        apart = [
            (1 - len(set(own) & set(others)) / len(set(own) | set(others)), other)
            for other, others in strategies.items()
            if other != name and own and others
        ]
        found[name] = min(apart, default=(None, ""))
    return found


def reach_verdicts(codes: npt.ArrayLike, reachable: npt.ArrayLike, names: Sequence[str]) -> list[Verdict]:
    """The verdict on each segment's share of people with an e-mail address or phone; only where a source has any.

    >>> reach_verdicts([0] * 30, [True] * 30, ["Loyal"])[0].result
    'pass'
    >>> reach_verdicts([0] * 30, [False] * 30, ["Loyal"])
    []
    """
    labels, k = tidy(codes, len(names))
    can = np.asarray(reachable, dtype=bool)
    if not can.any():
        return []
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    reached = np.bincount(labels[can & (labels >= 0)], minlength=k)
    verdicts = []
    for code in range(k):
        share = wilson(int(reached[code]), int(sizes[code]))
        verdicts.append(judge("reach", label(names, code), share.value, share.low, share.high, int(sizes[code])))
    return verdicts


def action_verdicts(segments: Sequence[Segment]) -> list[Verdict]:
    """The verdicts on each segment's rule and, against the segments of the same kind, its strategies.

    The fidelity of a distilled rule to its cluster is judged too where there is one.
    """
    verdicts = [judge("readable", segment.name, clauses(segment.rule) or None) for segment in segments]
    verdicts += [
        judge("fidelity", segment.name, segment.fidelity) for segment in segments if segment.fidelity is not None
    ]
    for kind in dict.fromkeys(segment.kind for segment in segments):
        told = {segment.name: segment.brief.strategies for segment in segments if segment.kind == kind}
        for name, (apart, other) in distinctness(told).items():
            note = f"most like {other}" if other else "there are no strategies to compare"
            verdicts.append(judge("strategy", name, apart, note=note))
    return verdicts
