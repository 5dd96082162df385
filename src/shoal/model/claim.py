"""What the search for subgroups says, in sentences with their numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from shoal.define.words import Unit, amount
from shoal.model.boxes import ABOVE_ZERO
from shoal.model.meta import FeatureMeta
from shoal.model.selectors import Condition
from shoal.model.targets import Target

STRIKING = 2.0  # times their share of people that a group's share of revenue is worth a word
SAID = {"recency_days": "recency", "orders": "frequency", "tenure_days": "tenure"}
LARGE = 0.05  # share of revenue that is worth a word
_HEAD = re.compile(r"(?: (?:in|of|per|with|by|on|at|from|to|that|who)\b).*")


@dataclass(frozen=True)
class Past:
    """What the target was adjusted for, in words; `names` empty for nothing."""

    names: tuple[str, ...]
    value: bool

    @classmethod
    def of(cls, plain: Sequence[str], meta: Mapping[str, FeatureMeta]) -> Past:
        """`value` is whether the columns are those of a value model: then they are called past value."""
        return cls(tuple(SAID.get(name, meta[name].label) for name in plain), "recency_days" in plain)

    @property
    def listed(self) -> str:
        """The columns, as in `last order, orders and revenue`."""
        return _listed(self.names)

    @property
    def beside(self) -> str:
        """The word before the second number: `against` is for other people, what was expected is told otherwise."""
        return "instead of" if self.names else "against"

    def says(self) -> str:
        """As in: worth more than THEIR PAST VALUE SAYS."""
        if not self.names:
            return "everybody else"
        return "their past value says" if self.value else f"their {self.listed} {'say' if self.names[1:] else 'says'}"


@dataclass(frozen=True)
class Numbers:
    """An effect as it is told: the mean inside, what is expected of the past, and shares or points with their ends."""

    inside: float
    expected: float
    effect: float
    low: float
    high: float


def people(
    conditions: Sequence[Condition],
    meta: Mapping[str, FeatureMeta],
    spoken: Callable[[str], str] = str,
    whole: Collection[str] = (),
) -> str:
    """Whom a conjunction selects: `people with at least 3 orders and share at weekends of at least 50%`.

    `spoken` tells the rule of a value in words; of the columns in `whole` there are only whole numbers, so that under
    1 is none.

    >>> from shoal.model.meta import describe
    >>> people([Condition("orders", low=3)], {"orders": describe("orders")})
    'people with at least 3 orders'
    """
    bounds: dict[str, tuple[float, float]] = {}
    levels = []
    for one in conditions:
        if one.level:
            levels.append(spoken(one.rule))
        else:
            low, high = bounds.get(one.column, (-math.inf, math.inf))
            bounds[one.column] = max(low, one.low), min(high, one.high)
    said = [_bounded(meta[name], low, high, name in whole) for name, (low, high) in bounds.items()]
    parts = [f"with {_listed(said)}"] * bool(said) + [f"whose {_listed(levels)}"] * bool(levels)
    return f"people {' and '.join(parts)}"


def _bounded(meta: FeatureMeta, low: float, high: float, whole: bool) -> str:
    counted = meta.unit == "count"
    if counted and whole and (low < 0 < high <= 1 or 0 <= low == high - 1):
        return f"no {singular(meta.label)}" if low <= 0 else f"exactly {_times(low, meta)}"
    unit: Unit | None = meta.unit if meta.unit in ("days", "money", "share", "count") else None  # type: ignore[assignment]
    if meta.unit == "ago":
        unit = "days"
    least, most = (amount(one, unit) if abs(one) < math.inf else "" for one in (low, high))
    if low == ABOVE_ZERO:
        least = ""
        if most:
            return f"{meta.label} above 0 and under {most}"
        return f"some {meta.label}" if counted else f"{meta.label} above 0"
    if high == ABOVE_ZERO:
        return f"no {singular(meta.label)}" if counted else f"{meta.label} of 0"
    if meta.unit == "ago":
        span = f"from {least} to under {most}" if least and most else f"at least {least}" if least else f"under {most}"
        return f"{meta.label} {span} ago"
    if least and most:
        return f"from {least} to under {most} {meta.label}" if counted else f"{meta.label} from {least} to under {most}"
    if least:
        return f"at least {_times(low, meta)}" if counted else f"{meta.label} of at least {least}"
    return f"under {_times(high, meta)}" if counted else f"{meta.label} under {most}"


def _times(count: float, meta: FeatureMeta) -> str:
    return f"{amount(count, 'count')} {singular(meta.label) if count == 1 else meta.label}"


def singular(label: str) -> str:
    """A label that counts, for one of it: the last plural before what it is counted in.

    >>> singular("active days in 30 days"), singular("e-mails opened"), singular("searches"), singular("categories")
    ('active day in 30 days', 'e-mail opened', 'search', 'category')
    """
    head = _HEAD.sub("", label)
    words = head.split(" ")
    places = [place for place, word in enumerate(words) if word.endswith("s") and not word.endswith(("ss", "us", "is"))]
    if not places or "and" in words:
        return label
    word = words[places[-1]]
    if word.endswith("ies") and not word.endswith("vies"):
        one = word[:-3] + "y"
    else:
        one = word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
    words[places[-1]] = one
    return " ".join(words) + label[len(head) :]


def claim(target: Target, whom: str, numbers: Numbers, past: Past, share: float, value_share: float | None) -> str:
    """The claim in a sentence, and one of how much of revenue they bring where that is striking."""
    who = whom[:1].upper() + whom[1:]
    text = _worth(target, who, numbers, past) if target.kind == "amount" else _rate(target, who, numbers, past)
    if value_share is not None and value_share >= max(STRIKING * share, LARGE):
        text += f" They are {percent(share)} of people and brought {percent(value_share)} of past revenue."
    return text


def _worth(target: Target, who: str, told: Numbers, past: Past) -> str:
    more = "more" if told.effect >= 0 else "less"
    sign = 1 if told.effect >= 0 else -1
    ends = sorted((sign * told.low, sign * told.high))
    unit = f" {target.currency}" if target.currency else ""
    return (
        f"{who} {target.verb} {percent(abs(told.effect))} {more} "
        f"({span(ends[0], ends[1])}){target.over} than {past.says()}: "
        f"{plain_number(told.inside)} {past.beside} {plain_number(told.expected)}{unit} a person."
    )


def _rate(target: Target, who: str, told: Numbers, past: Past) -> str:
    more, sign = ("more", 1) if told.effect >= 0 else ("fewer", -1)
    low, high = (_points(end) for end in sorted((sign * told.low, sign * told.high)))
    points = f"{_points(abs(told.effect))} points {more}, {low} to {high}"
    without = percent(told.expected)
    if not target.verb:
        told_past = f" instead of the {without} that {past.says()}"
        other = told_past if past.names else f", against {without} of everybody else"
        return f"{who}: {target.words} for {percent(told.inside)} of them{other} ({points})."
    often = "more often" if sign > 0 else "less often"
    both = f"{percent(told.inside)} {past.beside} {without}"
    return f"{who} {target.verb} {often}{target.over} than {past.says()}: {both} ({points})."


def percent(share: float) -> str:
    """A share in percent: whole from 10 on, else with one digit.

    >>> percent(0.434), percent(0.0312)
    ('43%', '3.1%')
    """
    hundred = 100 * share
    return f"{hundred:.0f}%" if abs(hundred) >= 10 else f"{hundred:.1f}".removesuffix(".0") + "%"


def span(low: float, high: float) -> str:
    """Two ends in percent.

    >>> span(0.12, 0.7)
    '12 to 70%'
    """
    return f"{percent(low).removesuffix('%')} to {percent(high)}"


def _points(share: float) -> str:
    return percent(share).removesuffix("%")


def plain_number(value: float) -> str:
    """An amount as people read it: whole from 100 on, else with one digit, or two significant ones.

    >>> plain_number(31.24), plain_number(1234.5), plain_number(0.0456)
    ('31.2', '1,234', '0.046')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def _listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
