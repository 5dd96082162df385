"""A run arranged in the reader's order: numbered segments with their evidence, the finding, the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from shoal.report import words
from shoal.report.charts import Curves, Plane, Whiskers, curves, plane, whiskers
from shoal.report.heat import Row, heat
from shoal.report.numbers import compact, count, decimal, fixed, known, money, percent
from shoal.report.tree import Streams, streams
from shoal.summary import Contender, Interval, Result, Run, Segment, Verdict

COLOURS = 8
_SHARES = {
    *("retention", "retained", "size", "share", "explained", "staying", "difference"),
    *("strategy", "reach", "fidelity", "coverage", "actionability"),
}
_MEASURES = ("revenue", "activity", "retention", "retained")
_LEADING = ("overall", "value", "behaviour", "auc")
_TELLING = ("stability", "contrast", "difference", "size")
_STABILITY = ("stability", "jaccard", "bootstrap")
_OWN = ("discovered", "predictive")
_TRADITIONAL = ("rule", "rfm", "value", "lifecycle", "intent")


@dataclass(frozen=True)
class Shown:
    """A discovered segment with the number and colour that stand for it everywhere."""

    number: int
    segment: Segment
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def colour(self) -> int:
        return (self.number - 1) % COLOURS + 1

    @property
    def revenue(self) -> Interval | None:
        return self.segment.next_period.get("revenue") or self.segment.brief.expected_revenue

    @property
    def telling(self) -> list[Verdict]:
        """What did not pass, then the checks that say most; the others are in the list of all."""
        failed = [v for v in self.verdicts if v.result != "pass"]
        telling = [v for v in self.verdicts if v.result == "pass" and v.check in _TELLING]
        return [*failed, *telling] if len(self.verdicts) > 6 else self.verdicts

    @property
    def measures(self) -> dict[str, Interval]:
        """Its next-period measures in the reader's order."""
        revenue = {"revenue": self.revenue} if self.revenue else {}
        found = {**revenue, **self.segment.next_period}
        return {name: found[name] for name in telling_measures(found)}

    @property
    def headline_measures(self) -> dict[str, Interval]:
        """The two that stand on its card."""
        return dict(list(self.measures.items())[:2])


@dataclass(frozen=True)
class Fact:
    name: str
    value: str
    detail: str = ""


def worth(segments: Iterable[Segment]) -> list[Segment]:
    """Released and draft segments first, then niches, then refused ones; each by value, then by size."""
    last = {"niche": 1, "refused": 2}
    return sorted(segments, key=lambda s: (last.get(s.status, 0), -(s.value_share or 0.0), -s.size))


def telling_measures(names: Iterable[str]) -> list[str]:
    """Next-period measures in the reader's order; those on another scale of the same amount are for the statistics.

    >>> telling_measures(["basket", "log_revenue", "retained", "capped_revenue", "revenue"])
    ['revenue', 'retained', 'basket']
    """
    shown = [name for name in dict.fromkeys(names) if not name.startswith(("log_", "capped_"))]
    return sorted(shown, key=lambda name: _MEASURES.index(name) if name in _MEASURES else len(_MEASURES))


def amount(name: str, value: float | None, currency: str | None) -> str:
    """A number in the unit of the measure or check that it belongs to.

    >>> amount("retention", 0.581, "GBP"), amount("revenue", 128.4, "GBP"), amount("silhouette", 0.2134, "GBP")
    ('58%', '£128', '0.213')
    >>> amount("stability", 0.9, None), amount("size", 512, None)
    ('0.90', '512')
    """
    if name in _SHARES and value is not None and abs(value) <= 1:
        return percent(value)
    if name == "revenue":
        return money(round(value) if value is not None and known(value) and abs(value) >= 10 else value, currency)
    return fixed(value) if _is_stability(name) else decimal(value)


def _is_stability(check: str) -> bool:
    return any(word in check.lower() for word in _STABILITY)


def grade(name: str, value: float | None) -> str:
    """A comparison's score: AUC as it is, the share of variance explained in percent.

    >>> grade("auc", 0.74), grade("overall", 0.2314), grade("overall", None)
    ('0.740', '23.1%', '–')
    """
    if name == "auc" or value is None or not known(value):
        return fixed(value, 3)
    return f"{value * 100:.1f}%"


def span(name: str, interval: Interval | Verdict, currency: str | None) -> str:
    """The interval behind an estimate, '' where there is none."""
    if not (known(interval.low) and known(interval.high)):
        return ""
    return f"{amount(name, interval.low, currency)} to {amount(name, interval.high, currency)}"


@dataclass(frozen=True)
class View:
    run: Run

    @cached_property
    def shown(self) -> list[Shown]:
        found = worth(s for s in self.run.segments if s.kind == "discovered" and not s.carried)
        return [Shown(i, s, self.about(s.name)) for i, s in enumerate(found, start=1)]

    @cached_property
    def traditional(self) -> dict[str, list[Segment]]:
        kinds = dict.fromkeys([*_TRADITIONAL, *(s.kind for s in self.run.segments)])
        groups = {kind: [s for s in self.run.segments if s.kind == kind] for kind in kinds if kind not in _OWN}
        return {kind: segments for kind, segments in groups.items() if segments}

    @cached_property
    def predictive(self) -> list[Segment]:
        return [s for s in self.run.segments if s.kind == "predictive"]

    @cached_property
    def measures(self) -> list[str]:
        """The next-period measures that any of the traditional or predictive segments has."""
        groups = [*self.traditional.values(), self.predictive]
        return telling_measures(n for group in groups for s in group for n in s.next_period)[:2]

    def label(self, feature: str) -> str:
        """A feature in plain words where the run knows them."""
        labels = self.run.extra.get("labels")
        known_label = labels.get(feature) if isinstance(labels, dict) else None
        return str(known_label) if known_label else words.title(feature)

    def about(self, subject: str) -> list[Verdict]:
        return [v for v in self.run.verdicts if v.subject == subject]

    def number(self, name: str | None) -> Shown | None:
        return next((s for s in self.shown if s.segment.name == name), None)

    @cached_property
    def subjects(self) -> dict[str, list[Verdict]]:
        """Every verdict by its subject: the discovered set, its segments as numbered, then the others."""
        first = ["set:discovered", *(s.segment.name for s in self.shown)]
        names = dict.fromkeys([*first, *(v.subject for v in self.run.verdicts)])
        return {name: about for name in names if (about := self.about(name))}

    @cached_property
    def tally(self) -> dict[Result, int]:
        results: tuple[Result, ...] = ("pass", "warn", "fail", "not enough data")
        return {result: sum(v.result == result for v in self.run.verdicts) for result in results}

    @property
    def facts(self) -> list[Fact]:
        rows, revenue = self.run.rows, self.run.extra.get("revenue")
        facts = [Fact("Segments", count(len(self.shown)))]
        facts += [
            Fact(name, count(rows[t])) for name, t in (("People", "profiles"), ("Events", "events")) if rows.get(t)
        ]
        if isinstance(revenue, int | float):
            facts.append(
                Fact("Revenue", money(revenue, self.run.currency, short=True), money(revenue, self.run.currency))
            )
        read = [q for q in self.run.quality if not q.error]
        if self.run.quality:
            failed = len(self.run.quality) - len(read)
            facts.append(Fact("Sources", str(len(read)), f"{failed} could not be read" if failed else ""))
        return facts

    @property
    def finding(self) -> str:
        """The run in one sentence: the segment that brings most beyond its numbers, or how many were found."""
        if not self.shown:
            return "No segment was discovered in this run"
        top = max(self.shown, key=lambda s: (s.segment.value_share or 0) - s.segment.share).segment
        if top.value_share is not None and top.value_share > top.share:
            return f"{top.name}: {percent(top.share)} of people, {percent(top.value_share)} of revenue"
        people = self.run.rows.get("profiles")
        among = f" among {words.plural(people, 'person', 'people')}" if people else ""
        return f"{words.plural(len(self.shown), 'segment')} found{among}"

    @property
    def outcome(self) -> str:
        """Whether the discovered segments won the out-of-time comparison."""
        comparison = self.run.comparison
        if comparison is None:
            return "Discovered and traditional segments were not compared: there is no later period to judge them on."
        return comparison.words or f"{comparison.winner} explains the next period best."

    @property
    def short_outcome(self) -> str:
        """The first sentence of the outcome."""
        first = self.outcome.split(". ")[0]
        return first if first.endswith(".") else f"{first}."

    def won(self, contender: Contender) -> bool:
        return self.run.comparison is not None and self.run.comparison.winner in (contender.name, contender.kind)

    @property
    def standing(self) -> Literal["won", "lost", "open"]:
        """How the discovered segments came out of the comparison; open is a tie, no winner, or none held."""
        contenders = self.run.comparison.contenders if self.run.comparison else []
        winner = next((c for c in contenders if self.won(c)), None)
        if winner is None:
            return "open"
        return "won" if winner.kind == "discovered" else "lost"

    @cached_property
    def plane(self) -> list[Plane]:
        """The map for wide and for narrow screens; nothing without value shares."""
        points = [
            (s.number, s.segment.name, s.segment.share, s.segment.value_share)
            for s in self.shown
            if s.segment.value_share is not None
        ]
        return [plane(points), plane(points, width=340, height=330)] if points else []

    @cached_property
    def heat(self) -> list[Row]:
        """The heat map's rows, cells in the order of `shown`."""
        spreads = self.run.extra.get("spreads")
        return heat([s.segment for s in self.shown], spreads if isinstance(spreads, dict) else None)

    @property
    def crowded(self) -> bool:
        """Whether there are too many segments to name each one in every drawing."""
        return len(self.shown) > COLOURS

    @property
    def streams(self) -> Streams | None:
        tree = self.run.discovery.tree if self.run.discovery else None
        return streams(tree) if tree is not None and tree.branches else None

    @cached_property
    def next_period(self) -> dict[str, Whiskers]:
        """One axis of dots and intervals per measure of the next period."""
        names = dict.fromkeys(name for s in self.shown for name in s.measures)
        return {
            name: whiskers(
                [(s.segment.name, s.number, s.measures.get(name, Interval(value=None))) for s in self.shown],
                self._axis(name),
            )
            for name in names
        }

    def _axis(self, name: str) -> Callable[[float], str]:
        if name == "revenue":
            return lambda at: money(at, self.run.currency, short=True) if at else "0"
        return percent if name in _SHARES else compact

    @cached_property
    def stability(self) -> Whiskers | None:
        rows = [
            (s.segment.name, s.number, Interval(value=v.value, low=v.low, high=v.high))
            for s in self.shown
            for v in s.verdicts
            if _is_stability(v.check)
        ]
        return whiskers(rows, decimal, ends=(0.0, 1.0)) if rows else None

    @property
    def scores(self) -> list[str]:
        """The comparison's scores, the summaries first."""
        contenders = self.run.comparison.contenders if self.run.comparison else []
        names = dict.fromkeys(name for c in contenders for name in c.scores)
        return sorted(names, key=lambda name: _LEADING.index(name) if name in _LEADING else len(_LEADING))

    @property
    def leading(self) -> list[str]:
        """The scores to draw: the summaries, or else the first few."""
        return [name for name in self.scores if name in _LEADING] or self.scores[:3]

    @cached_property
    def contest(self) -> dict[str, Whiskers]:
        """One axis per score of the comparison, a row per contender."""
        contenders = self.run.comparison.contenders if self.run.comparison else []
        return {
            name: whiskers(
                [(c.name, i, c.scores.get(name, Interval(value=None))) for i, c in enumerate(contenders)],
                decimal if name == "auc" else percent,
                ends=(0.5,) if name == "auc" else (0.0,),
            )
            for name in self.leading
        }

    @cached_property
    def choices(self) -> list[Curves]:
        """Stability and silhouette over the number of segments tried, for wide and for narrow screens."""
        tried = sorted(self.run.discovery.choices, key=lambda c: c.k) if self.run.discovery else []
        lines: list[tuple[str, list[float | None]]] = [
            ("Mean stability", [c.jaccard_mean for c in tried]),
            ("Least stable", [c.jaccard_min for c in tried]),
            ("Silhouette", [c.silhouette for c in tried]),
        ]
        chosen = next((c.k for c in tried if c.chosen), None)
        return [curves([c.k for c in tried], lines, chosen, width) for width in (500, 340) if tried]
