"""Who explains the next period best: discovered segments beside the traditional ones, in honest words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shoal.intervals import interval
from shoal.summary import Comparison, Contender, Interval, Verdict
from shoal.validate.explained import Scores
from shoal.validate.verdict import CHECKS, judge

DISCOVERED = "discovered"
BASELINE = Contender(name="Everybody alike", kind="baseline", segments=1, scores={})
TIE, NOBODY, UNKNOWN = "tie", "nobody", "not enough data"


def compare(scores: Scores, *, as_of: str, until: str, horizon_days: float) -> Comparison:
    """The comparison with its winner: the cut whose lead over every other one has an interval above 0.

    `winner` is that cut's name, else `tie` (of those that are not worse than the best), `nobody` (no cut explains
    anything) or `not enough data`. A plain baseline, everybody alike, scores 0 (AUC 0.5).

    >>> import numpy as np
    >>> from shoal.validate.explained import explained
    >>> from shoal.validate.outcome import Cut, Outcome
    >>> spent = Outcome("log_revenue", "next-period revenue (log)", np.repeat([1.0, 9.0], 200) + np.tile([0, 1.0], 200))
    >>> good, poor = Cut("RFM", "rfm", np.repeat([0, 1], 200)), Cut("Value tiers", "value", np.tile([0, 0, 1, 1], 100))
    >>> compare(explained([good, poor], [spent]), as_of="2011-06-09", until="2011-09-07", horizon_days=90).winner
    'RFM'
    """
    contenders = [
        Contender(
            name=cut.name,
            kind=cut.kind,
            segments=cut.segments,
            scores={metric: scores.interval(metric, place) for metric in scores.table},
        )
        for place, cut in enumerate(scores.cuts)
    ]
    plain = {metric: interval(0.5 if metric == "auc" else 0.0) for metric in scores.table}
    return Comparison(
        as_of=as_of,
        until=until,
        horizon_days=horizon_days,
        people=scores.people,
        contenders=[*contenders, BASELINE.model_copy(update={"scores": plain})],
        winner=winner(scores),
        words=words(scores, horizon_days),
    )


def winner(scores: Scores) -> str:
    """The winner's name, `tie`, `nobody` or `not enough data`."""
    ranked = _ranked(scores)
    if not ranked or scores.people < CHECKS["difference"].least:
        return UNKNOWN
    best = scores.interval(scores.primary, ranked[0])
    if best.low is None:
        return UNKNOWN
    if best.low <= 0:
        return NOBODY
    return TIE if len(_tied(scores, ranked)) > 1 else scores.cuts[ranked[0]].name


def words(scores: Scores, horizon_days: float) -> str:
    """The comparison in at most three sentences: who explains how much and wins, what turns out otherwise, and on whom.

    A further outcome is told only where another cut wins it, or none; numbers of segments only where they differ.
    """
    ranked = _ranked(scores)
    verdict = winner(scores)
    if verdict == UNKNOWN:
        return (
            f"Not enough data to compare the cuts on the next {horizon_days:g} days: "
            f"{scores.people:,} people, {CHECKS['difference'].least} are needed, and they must differ in what they did."
        )
    if verdict == NOBODY:
        best = scores.interval(scores.primary, ranked[0])
        return (
            f"No cut explains what people did in the next {horizon_days:g} days: the best, {_name(scores, ranked[0])}, "
            f"explains {percent(best.value)} (95 % interval {percent(best.low)} to {percent(best.high)})."
        )
    one, other = _pair(scores, ranked)
    if other is None:
        found = scores.interval(scores.primary, one)
        share = f"{percent(found.value)} of {_plainly(scores, scores.primary)}"
        return (
            f"{_start(_name(scores, one))} explain {share} over the next {horizon_days:g} days "
            f"(95 % interval {percent(found.low)} to {percent(found.high)}); "
            "there is nothing to compare them with."
        )
    first = f"over the next {horizon_days:g} days, {_told(scores, scores.primary, one, other)}"
    usual = _result(scores, scores.primary, one, other)
    unlike = [metric for metric in _telling(scores) if _result(scores, metric, one, other) != usual]
    parts = [[first], [_told(scores, metric, one, other) for metric in unlike], _tail(scores, ranked, (one, other))]
    return " ".join(f"{_start('; '.join(part))}." for part in parts if part)


def difference_verdicts(scores: Scores) -> list[Verdict]:
    """The verdicts on each set: how much of the next period it explains, and discovery's lead over tradition."""
    note = scores.words[scores.primary] + (f", the {scores.parts}" if scores.parts else "")
    if scores.sampled < scores.people:
        note += f"; on a sample of {scores.sampled:,} people"
    verdicts = []
    for place, cut in enumerate(scores.cuts):
        found = scores.interval(scores.primary, place)
        verdicts.append(judge("difference", f"set:{cut.kind}", found.value, found.low, found.high, scores.people, note))
    ranked = _ranked(scores)
    mine, rival = _of_kind(scores, ranked, discovered=True), _of_kind(scores, ranked, discovered=False)
    if mine is not None and rival is not None:
        lead = scores.lead(scores.primary, mine, rival)
        note = f"{_start(_name(scores, mine))} against {_name(scores, rival)} in {note}"
        verdicts.append(judge("advantage", f"set:{DISCOVERED}", lead.value, lead.low, lead.high, scores.people, note))
    return verdicts


def percent(value: float | None) -> str:
    """A share in words: no decimals from 10 %, one below, one digit when it is tiny.

    >>> percent(0.234), percent(0.0312), percent(-0.0004), percent(0.0), percent(None)
    ('23 %', '3.1 %', '-0.04 %', '0 %', 'unknown')
    """
    return "unknown" if value is None else f"{_hundred(value)} %"


def _hundred(value: float) -> str:
    size = abs(100 * value)
    digits = 0 if size >= 9.95 else 1 if size >= 0.095 else 2
    text = f"{100 * value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{100 * value:.0f}"
    return "0" if text in ("", "-", "-0") else text


def _explained(value: float | None) -> str:
    return percent(value) if value is None or value > 0 else f"nothing ({percent(value)})"


def _ranked(scores: Scores) -> list[int]:
    """Cuts with a score, best first; equal ones in the order given."""
    found = scores.table[scores.primary][:, 0]
    return sorted((place for place in range(len(found)) if found[place] == found[place]), key=lambda i: -found[i])


def _tied(scores: Scores, ranked: Sequence[int]) -> list[int]:
    """The best cut and those it does not beat beyond doubt."""
    best = ranked[0]
    return [best, *(other for other in ranked[1:] if (scores.lead(scores.primary, best, other).low or 0.0) <= 0)]


def _of_kind(scores: Scores, ranked: Sequence[int], *, discovered: bool) -> int | None:
    return next((place for place in ranked if (scores.cuts[place].kind == DISCOVERED) == discovered), None)


def _pair(scores: Scores, ranked: Sequence[int]) -> tuple[int, int | None]:
    """The two cuts that the words are about: discovery against the best tradition, else the best against the next."""
    mine, rival = _of_kind(scores, ranked, discovered=True), _of_kind(scores, ranked, discovered=False)
    if mine is not None and rival is not None:
        return mine, rival
    return ranked[0], ranked[1] if len(ranked) > 1 else None


def _telling(scores: Scores) -> list[str]:
    """The further scores that are worth a sentence: log revenue, or else activity; behaviour beside value."""
    wanted = ("log_revenue", "log_activity", "behaviour")
    return [
        metric
        for metric in wanted
        if metric in scores.table
        and metric != scores.primary
        and (scores.table[metric][:, 0] == scores.table[metric][:, 0]).all()
    ]


def _told(scores: Scores, metric: str, one: int, other: int) -> str:
    """How much two cuts explain of an outcome, and what that comes to."""
    mine, rival = scores.interval(metric, one), scores.interval(metric, other)
    shares = f"{_explained(mine.value)} of {_plainly(scores, metric)} against {_explained(rival.value)}"
    told = _outcome(scores, scores.lead(metric, one, other), one, other)
    return f"{_name(scores, one)} explain {shares} for {_name(scores, other)}: {told}"


def _result(scores: Scores, metric: str, one: int, other: int) -> int | None:
    """The cut that wins an outcome beyond doubt; None for a tie."""
    lead = scores.lead(metric, one, other)
    if lead.low is None or lead.high is None or lead.low <= 0 <= lead.high:
        return None
    return one if lead.low > 0 else other


def _plainly(scores: Scores, metric: str) -> str:
    """An outcome's words where the period is told already."""
    return scores.words[metric].replace("next-period ", "")


def _outcome(scores: Scores, lead: Interval, one: int, other: int) -> str:
    if lead.value is None or lead.low is None or lead.high is None:
        return "the difference has no interval"
    low, high = lead.low, lead.high
    if low <= 0 <= high:
        return f"a tie (95 % interval of the difference {_hundred(low)} to {_hundred(high)} points)"
    ahead, low, high = (one, low, high) if low > 0 else (other, -high, -low)
    return (
        f"{_name(scores, ahead)} win by {_hundred(abs(lead.value))} points "
        f"(95 % interval of the difference {_hundred(low)} to {_hundred(high)})"
    )


def _tail(scores: Scores, ranked: Sequence[int], pair: Collection[int]) -> list[str]:
    """Who else is tied at the top, unequal numbers of segments, and the sample."""
    told = []
    tied = _tied(scores, ranked)
    if len(tied) > 1 and not set(tied) <= set(pair):
        names = _listed([_name(scores, place) for place in tied])
        told.append(f"of all {len(ranked)} cuts, {names} are tied at the top")
    if len({cut.segments for cut in scores.cuts}) > 1:
        counts = (f"{_name(scores, place)} {cut.segments}" for place, cut in enumerate(scores.cuts))
        told.append(f"numbers of segments differ: {', '.join(counts)}")
    if scores.sampled < scores.people:
        told.append(f"measured on a sample of {scores.sampled:,} of {scores.people:,} people")
    return told


def _name(scores: Scores, place: int) -> str:
    """A cut's name within a sentence: small, but for what is an abbreviation."""
    name = scores.cuts[place].name
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
