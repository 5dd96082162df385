"""The thresholds of every check, as a table, and the one function that holds a number against it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from shoal.errors import UsageError, suggest
from shoal.intervals import clean
from shoal.summary import Result, Verdict

End = Literal["value", "low", "high"]
Unit = Literal["share", "number", "people", "SD", "points", "clauses"]


@dataclass(frozen=True)
class Check:
    """One check: what is measured and the limits it is held against.

    `passes` and `warns` are compared with the estimate or with an end of its 95 % interval (`passes_on`,
    `warns_on`). Where the verdict would be `fail` but the interval still reaches `undecided`, the data cannot tell.
    `worst` is what else a failure is called: some checks only ask that somebody look.
    """

    name: str
    subject: Literal["segment", "set"]
    measures: str
    passes: float
    warns: float
    least: int = 0
    unit: Unit = "number"
    better: Literal["higher", "lower"] = "higher"
    passes_on: End = "value"
    warns_on: End = "value"
    undecided: float | None = None
    on_fail: Literal["", "refused", "niche"] = ""
    worst: Literal["fail", "warn"] = "fail"
    why: str = ""

    @property
    def rule(self) -> str:
        """The rule in words with its numbers.

        >>> CHECKS["stability"].rule
        'mean bootstrap Jaccard at least 0.75 passes, at least 0.6 warns, else fails; needs 20 people'
        """
        word = "at least" if self.better == "higher" else "at most"
        text = f"{self._end(self.passes_on)} {word} {show(self.passes, self.unit)} passes"
        if (self.warns, self.warns_on) != (self.passes, self.passes_on):
            end = "" if self.warns_on == self.passes_on else f"{self._end(self.warns_on)} "
            text += f", {end}{word} {show(self.warns, self.unit)} warns"
        text += f", else {self.worst}s"
        if self.undecided is not None:
            text += f"; not enough data while the interval reaches {show(self.undecided, self.unit)}"
        return text + (f"; needs {self.least:,} people" if self.least else "")

    def _end(self, end: End) -> str:
        return self.measures if end == "value" else f"{'lower' if end == 'low' else 'upper'} end of {self.measures}"


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check("size", "segment", "people in the segment", 100, 50, unit="people", on_fail="niche",
              why="100 people know a retention rate to within 10 points, 50 to within 14 (Wilson, p = 0.5)"),
        Check("share", "segment", "share of the people", 0.02, 0.02, unit="share", on_fail="niche",
              why="`segments.floor` of shoal.yaml"),
        Check("silhouette", "segment", "mean silhouette", 0.25, 0.0, least=20,
              why="below 0.25 is no substantial structure (Kaufman & Rousseeuw 1990); below 0 is misplaced"),
        Check("set silhouette", "set", "mean silhouette", 0.25, 0.0, least=100,
              why="Rousseeuw 1987; customers are mostly a continuum, so it advises and never refuses"),
        Check("separation", "segment", "distance to own centre over distance to the nearest other", 0.8, 1.0, least=20,
              better="lower", why="above 1 the members lie nearer to another segment's centre than to their own"),
        Check("explained", "set", "share of the inputs' variance between segments", 0.25, 0.1, least=100, unit="share",
              why="within and between sums of squares; 5 even cuts of one of four independent inputs give about 0.24"),
        Check("distances", "set", "mean distance within segments over that between them", 0.8, 0.95, least=100,
              better="lower", why="1 is what chance gives: people of one segment as far apart as people of two"),
        Check("stability", "segment", "mean bootstrap Jaccard", 0.75, 0.6, least=20, on_fail="refused",
              why="Hennig 2007: 0.75 is stable, below 0.6 not to be trusted"),
        Check("persistence", "set", "adjusted Rand of the same people a period later", 0.3, 0.01, least=100,
              warns_on="low", why="0 is what chance gives; people do move, so it advises and never refuses"),
        Check("staying", "segment", "share of members still in it a period later", 0.5, 0.0, least=20, unit="share",
              why="a passing segment (new, at risk) is no fault, but campaigns must know it: it warns at most"),
        Check("difference", "set", "share of next-period variance explained", 0.01, 0.001, least=200, unit="share",
              passes_on="low", warns_on="low", undecided=0.05, on_fail="refused",
              why="scored on people the segment means were not learned from; random segments explain nothing"),
        Check("advantage", "set", "lead over the best traditional cut", 0.0, 0.0, least=200, unit="points",
              passes_on="low", warns_on="high", why="paired by person; an interval that includes 0 is a tie"),
        Check("contrast", "segment", "largest next-period difference from the rest", 0.1, 0.01, least=30, unit="SD",
              passes_on="low", warns_on="low", undecided=0.2,
              why="0.2 standard deviations is a small effect (Cohen 1988); intervals adjusted for all comparisons"),
        Check("confirmed", "segment", "difference on the other half in what differed most on one half", 0.1, 0.01,
              least=30, unit="SD", passes_on="low", warns_on="low", undecided=0.2,
              why="the largest of many differences flatters; people who had no part in choosing it do not"),
        Check("neighbour", "segment", "largest next-period difference from the most similar segment", 0.1, 0.01,
              least=30, unit="SD", passes_on="low", warns_on="low", undecided=0.2,
              why="two segments that behave alike are one; intervals adjusted for all comparisons"),
        Check("readable", "segment", "clauses in the rule", 8, 12, unit="clauses", better="lower",
              why="a depth-4 tree's leaf has at most 8 after merging"),
        Check("strategy", "segment", "share of strategies that the most similar segment lacks", 0.3, 0.01, unit="share",
              why="a segment that is treated like another needs no name of its own"),
        Check("reach", "segment", "share with an address for some channel", 0.5, 0.2, least=20, unit="share",
              why="a campaign that reaches fewer cannot be told from none"),
        Check("fidelity", "segment", "Jaccard overlap of the rule with its cluster", 0.75, 0.6,
              why="the rule is the segment; the scale is that of stability, the measure being the same"),
        Check("set fidelity", "set", "people whose rule and cluster agree", 0.9, 0.75, unit="share",
              why="below 0.9 the rules tell another story than the clusters; judged on people the tree has not seen"),
        Check("reach parity", "segment", "a protected group's rate of being in it over that of the group reached most",
              0.8, 0.8, least=30, undecided=0.8, worst="warn",
              why="the four-fifths rule (29 CFR 1607.4 D); a difference is no fault by itself, but must be looked at"),
        Check("proxy", "segment", "AUC with which one clause of the rule tells a protected group", 0.65, 0.65, least=30,
              better="lower", passes_on="low", warns_on="low", worst="warn",
              why="0.5 is not at all, 0.65 a clause that holds 30 points more often in the group than outside it"),
    )
}  # fmt: skip


def judge(
    check: str | Check,
    subject: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    note: str = "",
) -> Verdict:
    """Holds one number against its rule.

    Args:
        check: a name in `CHECKS`, or a Check with limits of your own (`dataclasses.replace`).
        subject: a segment's name, or `set:KIND`.
        value, low, high: the estimate and its 95 % interval in the check's unit; None or NaN where unknown.
        n: people the estimate rests on; fewer than the check needs is "not enough data".
        note: said beside the verdict.

    Raises:
        UsageError: there is no such check.

    >>> judge("stability", "Loyal", 0.82, 0.7, 0.9, n=400).result
    'pass'
    >>> judge("stability", "Loyal", 0.82, n=12).note
    'rests on 12 people, needs 20'
    """
    held = _find(check)
    ends = {"value": clean(value), "low": clean(low), "high": clean(high)}
    result, lacking = _result(held, ends, n)
    return Verdict(
        subject=subject,
        check=held.name,
        result=result,
        value=ends["value"],
        low=ends["low"],
        high=ends["high"],
        rule=held.rule,
        note="; ".join(part for part in (lacking, note) if part),
    )


def reference() -> str:
    """The table of checks as Markdown, for docs/validation.md."""
    effects = {"": "no", "refused": "refuses", "niche": "makes niche"}
    rows = [
        f"| `{check.name}` | {check.subject} | {check.rule} | {effects[check.on_fail]} | {check.why} |"
        for check in CHECKS.values()
    ]
    head = ["| check | of a | rule | does a fail stop release? | why |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def show(value: float, unit: Unit) -> str:
    """A number in its unit, in words.

    >>> show(0.25, "share"), show(1.0, "number"), show(1200, "people"), show(-0.012, "points")
    ('25 %', '1', '1,200', '-1.2 points')
    """
    match unit:
        case "share":
            return f"{100 * value:.3g} %"
        case "points":
            return f"{100 * value:.3g} points"
        case "people" | "clauses":
            return f"{value:,.0f}"
        case "SD":
            return f"{value:.3g} SD"
        case _:
            return f"{value:.3g}"


def _find(check: str | Check) -> Check:
    if isinstance(check, Check):
        return check
    if check not in CHECKS:
        raise UsageError(f"unknown check '{check}'.{suggest(check, CHECKS)}")
    return CHECKS[check]


def _result(check: Check, ends: dict[str, float | None], n: int | None) -> tuple[Result, str]:
    """The verdict, and what is lacking when the data cannot tell."""
    if n is not None and n < check.least:
        return "not enough data", f"rests on {n:,} people, needs {check.least:,}"
    if ends["value"] is None:
        return "not enough data", "could not be measured"
    if (passing := ends[check.passes_on]) is None or (warning := ends[check.warns_on]) is None:
        return "not enough data", "has no interval: too few people, or all alike"
    if _holds(check, passing, check.passes):
        return "pass", ""
    if _holds(check, warning, check.warns):
        return "warn", ""
    if check.undecided is not None and ends["high"] is not None and ends["high"] >= check.undecided:
        return "not enough data", _wanted(check, ends, n)
    return check.worst, ""


def _holds(check: Check, value: float, limit: float) -> bool:
    return value >= limit if check.better == "higher" else value <= limit


def _wanted(check: Check, ends: dict[str, float | None], n: int | None) -> str:
    """About how many people would settle it: an interval's width falls with the root of n."""
    text = "the interval is too wide to tell"
    value, low, high = ends["value"], ends["low"], ends["high"]
    if n is None or value is None or low is None or high is None or check.undecided is None:
        return text
    ways = [
        min(spread / room, 1e100) ** 2
        for spread, room in ((value - low, value - check.warns), (high - value, check.undecided - value))
        if room > 0
    ]
    times = min(ways, default=math.inf)
    if not 1 < times <= 1000:
        return text
    people = math.ceil(n * times)
    digits = max(len(str(people)) - 2, 0)
    return f"{text}: about {math.ceil(people / 10**digits) * 10**digits:,} people would, if the estimate holds"
