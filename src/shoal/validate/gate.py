"""What may be released: every verdict of a segment and of its set, combined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shoal.releases import HELD
from shoal.summary import Result, Segment, Verdict
from shoal.validate.verdict import CHECKS

SET = "set:"
WORST: tuple[Result, ...] = ("fail", "warn", "not enough data", "pass")


@dataclass(frozen=True)
class Decision:
    """What the checks make of one segment: `draft` may be released, `refused` and `niche` may not.

    `reasons` say what stopped it; `doubts` what warned, failed without stopping it, or could not be told.
    """

    segment: str
    status: str
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def decide(verdicts: Iterable[Verdict], kinds: Mapping[str, str]) -> dict[str, Decision]:
    """Each segment's decision from its own verdicts and those of its set.

    Only a `fail` of a check that refuses stops a segment; a failed check of size makes it niche; "not enough data" is
    a doubt and stops nothing.

    Args:
        verdicts: of segments (by name) and of sets (`set:KIND`).
        kinds: each segment's name (`Segment.subject`) and kind.

    >>> from shoal.validate.verdict import judge
    >>> decide([judge("stability", "Loyal", 0.4, n=500)], {"Loyal": "discovered"})["Loyal"].status
    'refused'
    """
    by_subject: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_subject.setdefault(verdict.subject, []).append(verdict)
    return {
        name: _decision(name, [*by_subject.get(name, []), *by_subject.get(f"{SET}{kind}", [])])
        for name, kind in kinds.items()
    }


def gated(segments: Sequence[Segment], verdicts: Iterable[Verdict]) -> list[Segment]:
    """The segments with the status that the verdicts give them; a refused one stays in the report.

    What a person released or retired stays so, whatever the verdicts are by now: they are shown beside it.

    >>> gated([], [])
    []
    """
    decisions = decide(verdicts, {segment.subject: segment.kind for segment in segments})
    return [
        segment if segment.status in HELD else segment.model_copy(update={"status": decisions[segment.subject].status})
        for segment in segments
    ]


def worst(verdicts: Iterable[Verdict]) -> Result:
    """The result that a set of verdicts comes to: fail, else warn, else not enough data, else pass.

    >>> worst([])
    'not enough data'
    """
    results = {verdict.result for verdict in verdicts}
    return next((result for result in WORST if result in results), "not enough data")


def _decision(name: str, verdicts: Sequence[Verdict]) -> Decision:
    stops = {verdict.check: _effect(verdict) for verdict in verdicts if _effect(verdict)}
    reasons = tuple(_reason(verdict) for verdict in verdicts if _effect(verdict))
    doubts = tuple(_reason(verdict) for verdict in verdicts if verdict.result != "pass" and not _effect(verdict))
    status = "refused" if "refused" in stops.values() else "niche" if stops else "draft"
    return Decision(name, status, reasons, doubts)


def _effect(verdict: Verdict) -> str:
    check = CHECKS.get(verdict.check)
    return check.on_fail if check is not None and verdict.result == "fail" else ""


def _reason(verdict: Verdict) -> str:
    who = "the set" if verdict.subject.startswith(SET) else "the segment"
    value = "" if verdict.value is None else f" {verdict.value:.3g}"
    note = f" ({verdict.note})" if verdict.note else ""
    return f"{verdict.check} of {who}: {verdict.result}{value}; {verdict.rule}{note}"
