"""A run arranged in the reader's order: numbered segments with their evidence, the finding, the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from shoal.report import checks, words
from shoal.report.charts import Plane, Whisker, Whiskers, plane, whiskers
from shoal.report.choice import Panel, panels
from shoal.report.contest import Contest
from shoal.report.heat import Row, heat
from shoal.report.makeup import Audit, audits
from shoal.report.nested import MICRO, Nest, nests
from shoal.report.numbers import compact, count, decimal, fixed, known, money, percent
from shoal.report.subgroup import Target
from shoal.report.tree import Streams, streams
from shoal.summary import Interval, KChoice, Result, Run, Segment, Verdict

COLOURS = 8
_SHARES = {
    *("retention", "retained", "size", "share", "explained", "staying", "difference"),
    *("strategy", "reach", "fidelity", "coverage", "actionability"),
}
_MEASURES = ("revenue", "activity", "retention", "retained")
_TELLING = ("stability", "contrast", "difference", "size")
_STABILITY = ("stability", "jaccard", "bootstrap")
_OWN = ("discovered", "predictive")
_SMALL = (MICRO, "subgroup")
_TRADITIONAL = ("rule", "rfm", "value", "lifecycle", "demographic", "intent")


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
    """Released and draft segments first, then niches, refused and retired ones; each by value, then by size."""
    last = {"niche": 1, "refused": 2, "retired": 3}
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
    def small(self) -> list[Segment]:
        """Segments that were found by their effect on a target."""
        return worth(s for s in self.run.segments if s.kind == "subgroup")

    @cached_property
    def traditional(self) -> dict[str, list[Segment]]:
        kinds = dict.fromkeys([*_TRADITIONAL, *(s.kind for s in self.run.segments)])
        others = [kind for kind in kinds if kind not in (*_OWN, *_SMALL)]
        groups = {kind: [s for s in self.run.segments if s.kind == kind] for kind in others}
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
    def counted(self) -> list[Verdict]:
        """The checks of the first lines."""
        return checks.counted(self.run)

    @cached_property
    def tally(self) -> dict[Result, int]:
        """How they came out."""
        return checks.tally(self.counted)

    @property
    def failed(self) -> str:
        """Which of them failed, '' where none did."""
        return checks.failed(self.counted)

    @property
    def sheets(self) -> list[checks.Sheet]:
        """Every check, a table a kind of subject."""
        return checks.sheets(self.run, self.subjects)

    @property
    def facts(self) -> list[Fact]:
        rows, revenue = self.run.rows, self.run.extra.get("revenue")
        micro = sum(s.kind == MICRO for s in self.run.segments)
        inside = words.plural(micro, "micro-segment") if micro else ""
        facts = [Fact("Segments", count(len(self.shown)), inside)]
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

    @property
    def further_outcome(self) -> str:
        """The sentences after the first."""
        return self.outcome.partition(". ")[2]

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
        return heat([s.segment for s in self.shown], spreads if isinstance(spreads, dict) else None, self.label)

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

    @cached_property
    def contest(self) -> Contest:
        """Recipes and traditional cuts, judged on the next period."""
        return Contest.of(self.run.comparison)

    @cached_property
    def many(self) -> Contest:
        """The same for many small segments."""
        return Contest.of_many(self.run.comparison)

    @cached_property
    def choices(self) -> list[KChoice]:
        """The numbers of segments that were tried, the smallest first."""
        return sorted(self.run.discovery.choices, key=lambda c: c.k) if self.run.discovery else []

    @property
    def panels(self) -> list[Panel]:
        return panels(self.choices)

    @cached_property
    def nests(self) -> list[Nest]:
        """The macro segments that open, in the order of `shown`."""
        return nests(self.run.segments, [s.segment.name for s in self.shown])

    @property
    def whole(self) -> list[str]:
        """Segments that do not open, where others do."""
        return [s.segment.name for s in self.shown if not self.nest(s.segment.name)] if self.nests else []

    def nest(self, name: str) -> Nest | None:
        return next((nest for nest in self.nests if nest.name == name), None)

    @cached_property
    def nested_measure(self) -> str:
        """The next-period measure that micro-segments are told by; '' where they have none."""
        return next(iter(telling_measures(n for nest in self.nests for s in nest.inside for n in s.next_period)), "")

    @cached_property
    def nested_axis(self) -> Whiskers:
        """Each micro-segment's next period on one axis for all of them."""
        name, inside = self.nested_measure, [s for nest in self.nests for s in nest.inside]
        rows = [(s.name, i, s.next_period.get(name, Interval(value=None))) for i, s in enumerate(inside)]
        return whiskers(rows, self._axis(name))

    @cached_property
    def nested_rows(self) -> dict[str, Whisker]:
        """A micro-segment's place on that axis, by name."""
        return {row.label: row for row in self.nested_axis.rows}

    @cached_property
    def proposed(self) -> list[Segment]:
        """The segments of the set that explains the next period best, where it is not the discovered one."""
        return [s for s in worth(self.run.segments) if s.proposed and s.kind not in (*_OWN, *_SMALL)]

    @property
    def released(self) -> list[Segment]:
        """What people approved and did not retire."""
        return [s for s in worth(self.run.segments) if s.status == "released"]

    @cached_property
    def targets(self) -> list[Target]:
        """What the search for subgroups found, a target each."""
        return [Target.of(found, self.run.currency) for found in self.run.subgroups]

    @cached_property
    def audit(self) -> list[Audit]:
        """The audit by protected traits, one each."""
        return audits(self.run.fairness) if self.run.fairness else []

    @property
    def since(self) -> str:
        """What changes are held against: an instant, or '' where it is not known."""
        return next((change.since for change in self.run.changes if change.since), "")
