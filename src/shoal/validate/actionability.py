"""Can somebody act on it? Readable rule, a strategy of its own, people who can be reached, and by what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.contingency import Codes
from shoal.define.protected import words_of
from shoal.intervals import wilson
from shoal.summary import Interval, Segment, Verdict
from shoal.validate.verdict import judge

Members = NDArray[np.bool_]
# The identifiers that lead somewhere; advertisers match audiences by hashed e-mail addresses and phones.
CHANNELS: Mapping[str, tuple[str, ...]] = {
    "e-mail": ("email",),
    "phone": ("phone",),
    "push": ("device_id",),
    "ads": ("email", "phone"),
    "in-app": ("user_id",),
}
PASSIVE = ("in-app",)
ADDRESSES = frozenset({"address", "addresses", "addr", "street"})
NO_ADDRESSES = frozenset(
    "email mail mails ip mac web url wallet state city town country region zip postcode type".split()  # noqa: SIM905
)

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


def channels(people: Codes, known: pa.Table, profiles: pa.Table) -> dict[str, Members]:
    """For each channel that leads to anybody, whom it leads to.

    Args:
        people: the 64-bit number of each person.
        known: identifiers, with `person` and `type`.
        profiles: one row a person with `person` and traits; an address that is not empty leads by post.

    >>> known = pa.table({"person": [1, 1, 2], "type": ["email", "user_id", "user_id"]})
    >>> found = channels(np.array([1, 2]), known, pa.table({"person": [2], "street": ["1 High St"]}))
    >>> {name: member.tolist() for name, member in found.items()}
    {'e-mail': [True, False], 'ads': [True, False], 'in-app': [True, True], 'post': [False, True]}
    """
    found = {
        name: np.isin(people, known.filter(pc.is_in(known["type"], pa.array(types, pa.string())))["person"].to_numpy())
        for name, types in CHANNELS.items()
    }
    posted = [_filled(profiles[name]) for name in profiles.column_names if is_address(name)]
    if posted:
        living = profiles["person"].to_numpy()[np.logical_or.reduce(posted)]
        found["post"] = np.isin(people, living)
    return {name: member for name, member in found.items() if member.any()}


def is_address(trait: str) -> bool:
    """Whether a trait's name speaks of where post is delivered.

    >>> [name for name in ("billing_address", "Street", "email_address", "ip_address", "city") if is_address(name)]
    ['billing_address', 'Street']
    """
    words = set(words_of(trait))
    return bool(words & ADDRESSES) and not words & NO_ADDRESSES


def _filled(column: pa.ChunkedArray) -> Members:
    texts = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    return np.asarray(pc.not_equal(texts, "").to_numpy(), dtype=bool)


def reach(member: Members, leads: Mapping[str, Members]) -> dict[str, Interval]:
    """The share of a segment's people that each channel leads to, with Wilson's interval.

    >>> reach(np.array([True, True, False]), {"phone": np.array([True, False, True])})["phone"].value
    0.5
    """
    size = int(member.sum())
    return {name: wilson(int((member & able).sum()), size) for name, able in leads.items()}


def reach_verdicts(members: Mapping[str, Members], leads: Mapping[str, Members]) -> list[Verdict]:
    """The verdict on each segment's share of people whom some channel leads to; none where no source has addresses.

    Messages in the app do not count: they find those alone who come by themselves.

    >>> everybody = np.ones(30, dtype=bool)
    >>> reach_verdicts({"Loyal": everybody}, {"e-mail": everybody})[0].result
    'pass'
    >>> reach_verdicts({"Loyal": everybody}, {})
    []
    """
    addressed = [able for name, able in leads.items() if name not in PASSIVE]
    if not addressed:
        return []
    some = np.logical_or.reduce(addressed)
    verdicts = []
    for name, member in members.items():
        size = int(member.sum())
        share = wilson(int((member & some).sum()), size)
        note = ", ".join(f"{way} {_percent(by.value)}" for way, by in reach(member, leads).items())
        verdicts.append(judge("reach", name, share.value, share.low, share.high, size, note))
    return verdicts


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


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
