"""A run in the terminal: what `shoal run` and `shoal segments NAME` print.

Every function returns a renderable and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from shoal.releases import pick
from shoal.report import digest, numbers, released, words
from shoal.report.console import STYLES, grid, heading, listed, say
from shoal.report.contest import Contest, grade
from shoal.report.listing import SegmentTable, hint, predictive, who
from shoal.report.models import Predictions
from shoal.report.nested import nests
from shoal.report.view import Fact, Shown, View, amount, span
from shoal.summary import Comparison, Interval, Run, SourceQuality, Verdict

DOUBTS = 5  # warnings in the terminal; failures are all there


def overview(run: Run, report: str = "") -> RenderableType:
    """What `shoal run` prints: segments, comparison, checks, data, and where `report` (a path) is."""
    view = View(run)
    parts: list[RenderableType] = [_title(view), Text()]
    if view.shown:
        parts += [SegmentTable(view), *who(view.shown)]
    else:
        parts.append(say(f"{view.finding}.", "yellow"))
    parts += [*predictive(view), *released.count(run.segments)]
    if view.traditional:
        kinds = ", ".join(f"{words.kind(kind)} ({len(group)})" for kind, group in view.traditional.items())
        parts += [Text(), say(f"Beside them: {kinds}. See: shoal segments", "dim")]
    parts += hint(view)
    if run.models:
        parts += [heading("Predictions"), Predictions(run.models, run.currency), say("See: shoal models", "dim")]
    parts += [*digest.contest(view), *digest.subgroups(run.subgroups), *digest.changes(view)]
    if run.verdicts:
        parts += [heading("Checks"), Tally(view), _doubts(view)]
    if run.quality:
        parts += [heading("Data"), _sources(run.quality)]
    parts += [*listed("Questions to answer in shoal.yaml", run.questions), *listed("Notes", run.notes)]
    if report:
        parts += [Text(), Text.assemble("Report: ", say(report, "bold cyan"))]
    return Group(*parts)


def _title(view: View) -> Text:
    facts = " · ".join(f"{fact.value} {_noun(fact)}" for fact in view.facts)
    return Text.assemble(
        say(view.run.workspace, "bold"), say(f" as of {numbers.instant(view.run.as_of)}", "dim"), "\n", say(facts)
    )


def _noun(fact: Fact) -> str:
    return (
        {"Sources": "source", "Segments": "segment"}.get(fact.name, fact.name.lower())
        if fact.value == "1"
        else fact.name.lower()
    )


@dataclass(frozen=True)
class Tally:
    """The checks of the first lines counted by result."""

    view: View

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = words.PLAIN_MARKS if options.ascii_only else words.MARKS
        told = {"pass": "passed", "warn": "warned", "fail": "failed"}
        parts = [
            Text(f"{signs[result]} {number} {told.get(result, result)}", style=STYLES[result])
            for result, number in self.view.tally.items()
            if number
        ]
        yield Text("   ").join(parts)


def _doubts(view: View) -> Table:
    """What failed, then what warned, of the checks that are counted; the report has them all."""
    table = grid("left", "fold")
    for result in ("fail", "warn"):
        found = [verdict for verdict in view.counted if verdict.result == result]
        shown = found if result == "fail" else found[:DOUBTS]
        for verdict in shown:
            number = amount(verdict.check, verdict.value, view.run.currency)
            said = f"{words.subject(verdict.subject)}: {words.title(verdict.check).lower()} {number}"
            why = f" ({verdict.note or verdict.rule})" if verdict.note or verdict.rule else ""
            table.add_row(say(result, STYLES[result]), Text.assemble(say(said), say(why, "dim")))
        if len(found) > len(shown):
            table.add_row("", say(f"and {len(found) - len(shown)} more: see the report", "dim"))
    return table


def _sources(sources: Sequence[SourceQuality]) -> Table:
    table = grid("fold", "fold")
    for source in sources:
        table.add_row(say(source.source, "bold"), _source(source))
    return table


def _source(source: SourceQuality) -> Text:
    if source.error:
        return Text.assemble(say("not read. ", "red"), say(source.error))
    facts = [f"{numbers.count(source.read)} rows read", f"{numbers.count(source.loaded)} loaded"]
    if source.quarantined:
        worst = max(source.reasons, key=lambda reason: source.reasons[reason], default="")
        facts.append(f"{numbers.count(source.quarantined)} quarantined" + (f" (most: {worst})" if worst else ""))
    if source.duplicates:
        facts.append(f"{numbers.count(source.duplicates)} duplicates")
    if source.match_rate is not None:
        facts.append(f"{numbers.percent(source.match_rate)} with a profile")
    return say(", ".join(facts))


def contest(comparison: Comparison) -> RenderableType:
    """The contest as a table: leading scores, and stability where it was measured; best first."""
    arranged = Contest.of(comparison)
    steady = arranged.has("stability")
    scores = [words.score(name).removesuffix(" explained").removeprefix("Explained ") for name in arranged.leading]
    header = ["Explained of the next period", *map(words.title, scores), *(["Stability"] if steady else []), "Segments"]
    table = grid("fold", *["right"] * (len(header) - 1), header=header)
    for contender in arranged.contenders:
        said = "".join(f" ({one})" for one in arranged.stands(contender))
        name = Text.assemble(say(contender.name), say(said, "bold green"))
        found = [contender.scores.get(score) or Interval(value=None) for score in arranged.leading]
        cells = [Text(grade(score, one.value)) for score, one in zip(arranged.leading, found, strict=True)]
        stable = contender.stability.value if contender.stability else None
        steadiness = [Text(numbers.fixed(stable))] if steady else []
        table.add_row(name, *cells, *steadiness, Text(str(contender.segments)))
    return table


def brief(run: Run, name: str) -> RenderableType:
    """What `shoal segments NAME` prints: one segment in full; `NAME@2` is version 2.

    Raises:
        NotFound: the run has no segment of that name.
    """
    found = pick(run.segments, name)
    view = View(run)
    numbered = view.number(found.name) if not found.carried else None
    shown = numbered or Shown(0, found, view.about(found.subject))
    told = found.brief
    status = f"{found.status}, proposed" if found.proposed else found.status
    parts: list[RenderableType] = [
        Text.assemble(
            say(found.name, "bold"),
            say(f"  {words.kind(found.kind)}, {status}, v{found.version}", "dim"),
        ),
        *([say(f"Inside {found.parent}", "dim")] if found.parent else []),
        say(told.headline),
        heading("Rule"),
        say(found.words or found.rule),
        say(found.rule, "dim"),
        heading("Numbers"),
        _numbers(shown, run.currency),
    ]
    parts += listed("What sets it apart", [trait.words for trait in told.traits])
    parts += listed("What to do", told.strategies)
    parts += listed("What could go wrong", told.risks)
    parts += listed("What it is worth", [told.value] if told.value else [])
    parts += [heading("Evidence"), Evidence(shown.verdicts, run.currency)]
    nest = next((one for one in nests(run.segments) if one.name == found.name), None)
    if nest:
        parts += [Text(), say(f"It {nest.says}. See: shoal segments '{found.name}' --inside", "dim")]
    return Group(*parts)


def _numbers(shown: Shown, currency: str | None) -> Table:
    segment, table = shown.segment, grid("left", "right", "fold")
    table.add_row("People", numbers.count(segment.size), say(numbers.percent(segment.share), "dim"))
    if segment.value_share is not None:
        table.add_row("Share of past revenue", numbers.percent(segment.value_share))
    for name, interval in shown.measures.items():
        table.add_row(
            say(words.upcoming(name)),
            amount(name, interval.value, currency),
            say(span(name, interval, currency), "dim"),
        )
    if segment.fidelity is not None:
        table.add_row("Rule agrees with cluster", numbers.percent(segment.fidelity))
    return table


@dataclass(frozen=True)
class Evidence:
    """The verdicts on one subject, a line each."""

    verdicts: Sequence[Verdict]
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = words.PLAIN_MARKS if options.ascii_only else words.MARKS
        if not self.verdicts:
            yield say("No check was made on it.", "dim")
            return
        table = grid("left", "left", "right", "fold")
        for v in self.verdicts:
            number = v.result if v.result == "not enough data" else amount(v.check, v.value, self.currency)
            rule = say(v.rule + (f". {v.note}" if v.note else ""), "dim")
            table.add_row(Text(signs[v.result], style=STYLES[v.result]), say(words.title(v.check)), number, rule)
        yield table
