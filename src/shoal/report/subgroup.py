"""Subgroups arranged for reading: effects before and after adjustment on one axis, in the target's own unit."""

from __future__ import annotations

from dataclasses import dataclass

from shoal.report.charts import Whiskers, whiskers
from shoal.report.numbers import count, decimal, known, money, percent
from shoal.report.words import plural, title
from shoal.summary import Interval, Subgroup, Subgroups

UNCONFIRMED = 3  # shown of a target; the others are folded
NAMES = {"value": "Value", "churn": "Leaving", "growth": "Growth"}


@dataclass(frozen=True)
class Target:
    """One target with its subgroups; two rows of the axis each, raw and adjusted."""

    found: Subgroups
    axis: Whiskers
    currency: str | None

    @classmethod
    def of(cls, found: Subgroups, currency: str | None) -> Target:
        one = cls(found, Whiskers([], []), currency)
        effects = [(i, effect) for i, group in enumerate(found.found) for effect in (group.raw, group.adjusted)]
        drawn = whiskers([(found.found[i].words, i, effect) for i, effect in effects], one.short)
        return cls(found, drawn, currency)

    @property
    def title(self) -> str:
        return NAMES.get(self.found.target, title(self.found.target))

    @property
    def valued(self) -> bool:
        return any(known(group.value_share) for group in self.found.found)

    @property
    def is_rate(self) -> bool:
        """Whether it is a share of people, so that effects are points; told by its means, which lie in 0 to 1."""
        if self.found.target == "value":
            return False
        groups = self.found.found
        told = [n for g in groups for n in (g.inside, g.outside) if n is not None and known(n)]
        effects = [n for g in groups for i in (g.raw, g.adjusted) for n in (i.value, i.low, i.high) if n is not None]
        return bool(told) and all(0 <= n <= 1 for n in told) and all(abs(n) <= 1 for n in effects if known(n))

    def level(self, value: float | None) -> str:
        """The target's mean in its unit."""
        if value is None or not known(value):
            return decimal(value)
        if self.is_rate:
            return percent(value)
        if self.currency and "revenue" in self.found.words:
            return money(round(value) if abs(value) >= 10 else value, self.currency)
        return decimal(value)

    def short(self, value: float) -> str:
        """An effect as the axis writes it; that of rates in points, which the heading says."""
        return decimal(value * 100) if self.is_rate else self.level(value) if value else "0"

    def effect(self, value: float | None) -> str:
        """A difference with its sign; that of rates in points."""
        if value is None or not known(value):
            return decimal(value)
        sign = "+" if value > 0 else ""
        if self.is_rate:
            return f"{sign}{decimal(value * 100, 2)} points"
        return f"{sign}{self.level(value)}"

    def span(self, interval: Interval) -> str:
        """Its interval in words, '' where there is none."""
        if not (known(interval.low) and known(interval.high)):
            return ""
        return f"{self.effect(interval.low)} to {self.effect(interval.high)}".replace(" points", "")

    @property
    def groups(self) -> tuple[list[tuple[int, Subgroup]], list[tuple[int, Subgroup]]]:
        """The subgroups with their places on the axis: those shown, and those folded."""
        placed = list(enumerate(self.found.found))
        doubtful = [i for i, group in placed if not group.confirmed][UNCONFIRMED:]
        return [p for p in placed if p[0] not in doubtful], [p for p in placed if p[0] in doubtful]

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """How many were left after each step of the search: number, what, and how; nothing where none was made."""
        found = self.found
        if not found.looked_at:
            return []
        return [
            (count(found.looked_at), "looked at", f"made of {plural(found.selectors, 'condition')}, on one half"),
            (count(found.tested), "tested", "on the other half"),
            (count(found.confirmed_raw), "held before adjustment", f"false discoveries at most {percent(found.rate)}"),
            (count(found.confirmed), "held after adjustment", "beyond what their past tells"),
        ]


def short(found: Subgroups) -> str:
    """A target's result in a few words.

    >>> short(Subgroups(target="value", words="", tested=30, confirmed_raw=30, confirmed=2))
    '2 of 30 confirmed (30 before adjustment)'
    """
    if not found.tested:
        return "nothing to test" if found.people else "not enough data"
    return f"{found.confirmed} of {found.tested} confirmed ({found.confirmed_raw} before adjustment)"
