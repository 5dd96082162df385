"""A run in the terminal: what `shoal run` and `shoal segments` print.

Every function returns a renderable and prints nothing. Data only enters as `Text`, so markup in it stays text, and
control characters are taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shoal.releases import pick
from shoal.report import numbers, words
from shoal.report.view import Fact, Shown, View, amount, grade, span
from shoal.summary import Comparison, Run, Segment, SourceQuality, Verdict

STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "not enough data": "dim"}
WIDE = 100
DOUBTS = 5  # a result, in the terminal


def say(text: object, style: str = "") -> Text:
    """Data as text: no markup, no control characters."""
    return Text(words.plain(text), style=style)


def heading(text: str) -> Text:
    """A section's title with a blank line before it."""
    return Text(f"\n{words.plain(text)}", style="bold")


def grid(*columns: str, header: Sequence[str] = ()) -> Table:
    """A table without lines; `columns` are justifications, 'fold' for the one that takes the remaining width."""
    table = Table(box=box.SIMPLE_HEAD if header else None, show_header=bool(header), pad_edge=False, padding=(0, 1))
    for place, justify in enumerate(columns):
        name = header[place] if header else ""
        if justify == "fold":
            table.add_column(name, overflow="fold", ratio=None)
        else:
            table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    return table


def overview(run: Run, report: str = "") -> RenderableType:
    """What `shoal run` prints: segments, comparison, checks, data, and where `report` (a path) is."""
    view = View(run)
    parts: list[RenderableType] = [_title(view), Text()]
    if view.shown:
        parts += [SegmentTable(view), *_who(view.shown)]
    else:
        parts.append(say(f"{view.finding}.", "yellow"))
    parts += [*_predictive(view), *_released(run)]
    if view.traditional:
        kinds = ", ".join(f"{words.kind(kind)} ({len(group)})" for kind, group in view.traditional.items())
        parts += [Text(), say(f"Beside them: {kinds}. See: shoal segments", "dim")]
    if run.models:
        from shoal.report.models import Predictions

        parts += [heading("Predictions"), Predictions(run.models, run.currency), say("See: shoal models", "dim")]
    parts += [heading("Against the traditional segments"), say(view.outcome)]
    if run.verdicts:
        parts += [heading("Checks"), Tally(view), _doubts(view)]
    if run.quality:
        parts += [heading("Data"), _sources(run.quality)]
    parts += [*_list("Questions to answer in shoal.yaml", run.questions), *_list("Notes", run.notes)]
    if report:
        parts += [Text(), Text.assemble("Report: ", say(report, "bold cyan"))]
    return Group(*parts)


def listing(run: Run) -> RenderableType:
    """What `shoal segments` prints: all segments by kind, the discovered first, then the predictive."""
    view = View(run)
    if not run.segments:
        return say("No segments in the last run.", "yellow")
    parts: list[RenderableType] = []
    if view.shown:
        parts += [Text(words.kind("discovered"), style="bold"), SegmentTable(view), *_who(view.shown)]
    parts += [*_predictive(view), *_released(run), Text()]
    for kind, segments in view.traditional.items():
        parts += [say(words.kind(kind), "bold"), Traditional(segments, run.currency), Text()]
    return Group(*parts)


def _predictive(view: View) -> list[RenderableType]:
    """The segments by what people will do next; nothing where no model is in use."""
    if not view.predictive:
        return []
    return [heading(words.kind("predictive")), Traditional(view.predictive, view.run.currency)]


def _released(run: Run) -> list[RenderableType]:
    """What people approved, and what changed since."""
    from shoal.report.released import standing

    return [*standing(run.segments), *_list("What changed", [one.words for one in run.changes])]


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


def marks(verdicts: Iterable[Verdict], options: ConsoleOptions) -> Text:
    """How many checks came out how: `7✓ 1!`."""
    verdicts = list(verdicts)
    signs = words.PLAIN_MARKS if options.ascii_only else words.MARKS
    counts = [(result, sum(v.result == result for v in verdicts)) for result in words.RESULTS]
    parts = [Text(f"{number}{signs[result]}", style=STYLES[result]) for result, number in counts if number]
    return Text(" ").join(parts) if parts else Text(numbers.NOT_KNOWN, style="dim")


@dataclass(frozen=True)
class SegmentTable:
    """The discovered segments with their numbers; intervals too where the terminal is wide."""

    view: View

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        measures = list(dict.fromkeys(name for shown in self.view.shown for name in shown.measures))[:2]
        valued = any(shown.segment.value_share is not None for shown in self.view.shown)
        names = [words.upcoming(name) if wide else _SHORT.get(name, words.title(name)) for name in measures]
        header = ["", "Segment", "People", "Share", *(["Value"] if valued else []), *names, "Checks"]
        table = grid("right", "fold", *["right"] * (len(header) - 3), "left", header=header)
        for shown in self.view.shown:
            table.add_row(*self._row(shown, measures, valued, wide, options))
        yield table

    def _row(
        self, shown: Shown, measures: Sequence[str], valued: bool, wide: bool, options: ConsoleOptions
    ) -> list[Text]:
        segment = shown.segment
        name = say(segment.name, "bold")
        if segment.status != "draft":
            name = Text.assemble(name, say(f" ({segment.status})", "red" if segment.status == "refused" else "yellow"))
        cells = [Text(str(shown.number), style="cyan"), name, Text(numbers.count(segment.size))]
        cells.append(Text(numbers.percent(segment.share)))
        if valued:
            cells.append(Text(numbers.percent(segment.value_share)))
        return [*cells, *(self._measure(shown, name, wide) for name in measures), marks(shown.verdicts, options)]

    def _measure(self, shown: Shown, name: str, wide: bool) -> Text:
        interval, currency = shown.measures.get(name), self.view.run.currency
        if interval is None or not numbers.known(interval.value):
            return Text(numbers.NOT_KNOWN, style="dim")
        text = Text(amount(name, interval.value, currency))
        if wide and (width := span(name, interval, currency)):
            text.append(f"  {width}", style="dim")
        return text


_SHORT = {"revenue": "Next", "retention": "Back", "retained": "Back", "activity": "Next"}


def _who(shown: Sequence[Shown]) -> list[RenderableType]:
    """Each segment's rule in words and the first thing to do."""
    table = grid("right", "fold")
    for one in shown:
        line = say(one.segment.words or one.segment.rule)
        for strategy in one.segment.brief.strategies[:1]:
            line = Text.assemble(line, "\n", say(f"> {strategy}", "dim"))
        table.add_row(Text(str(one.number), style="cyan"), line)
    return [table]


@dataclass(frozen=True)
class Traditional:
    """One kind of segments, without their checks; their rules in words where the terminal is wide."""

    segments: Sequence[Segment]
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        header = ["Segment", "People", "Share", "Value", "Next", *(["Rule"] if wide else [])]
        table = grid("fold", "right", "right", "right", "right", *(["fold"] if wide else []), header=header)
        for segment in self.segments:
            revenue = segment.next_period.get("revenue")
            cells = [
                say(segment.subject),
                Text(numbers.count(segment.size)),
                Text(numbers.percent(segment.share)),
                Text(numbers.percent(segment.value_share)),
                Text(amount("revenue", revenue.value if revenue else None, self.currency)),
            ]
            table.add_row(*cells, *([say(segment.words or segment.rule, "dim")] if wide else []))
        yield table


@dataclass(frozen=True)
class Tally:
    """All checks counted by result."""

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
    """What failed, then what warned, of the discovered segments and the sets; the report has them all."""
    table = grid("left", "fold")
    traditional = {one.name for group in view.traditional.values() for one in group}
    mine = [verdict for verdict in view.run.verdicts if verdict.subject not in traditional]
    for result in ("fail", "warn"):
        found = [verdict for verdict in mine if verdict.result == result]
        for verdict in found[:DOUBTS]:
            number = amount(verdict.check, verdict.value, view.run.currency)
            said = f"{words.subject(verdict.subject)}: {words.title(verdict.check).lower()} {number}"
            why = f" ({verdict.note or verdict.rule})" if verdict.note or verdict.rule else ""
            table.add_row(say(result, STYLES[result]), Text.assemble(say(said), say(why, "dim")))
        if len(found) > DOUBTS:
            table.add_row("", say(f"and {len(found) - DOUBTS} more: see the report", "dim"))
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


def _list(title: str, items: Sequence[str]) -> list[RenderableType]:
    if not items:
        return []
    return [heading(title), *(Padding(say(item), (0, 0, 0, 2)) for item in items)]


def contest(comparison: Comparison) -> RenderableType:
    """The out-of-time comparison as a table of its leading scores."""
    view = View(Run(run_id="", workspace="", as_of="", rows={}, segments=[], verdicts=[], comparison=comparison))
    names = view.leading
    table = grid("fold", "right", *["right"] * len(names), header=["", "Segments", *(words.score(n) for n in names)])
    for contender in comparison.contenders:
        scores = [contender.scores.get(name) for name in names]
        cells = [Text(grade(n, s.value if s else None)) for n, s in zip(names, scores, strict=True)]
        style = "bold green" if view.won(contender) else ""
        table.add_row(say(contender.name, style), Text(str(contender.segments)), *cells)
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
    parts: list[RenderableType] = [
        Text.assemble(
            say(found.name, "bold"), say(f"  {words.kind(found.kind)}, {found.status}, v{found.version}", "dim")
        ),
        say(told.headline),
        heading("Rule"),
        say(found.words or found.rule),
        say(found.rule, "dim"),
        heading("Numbers"),
        _numbers(shown, run.currency),
    ]
    parts += _list("What sets it apart", [trait.words for trait in told.traits])
    parts += _list("What to do", told.strategies)
    parts += _list("What could go wrong", told.risks)
    parts += _list("What it is worth", [told.value] if told.value else [])
    return Group(*parts, heading("Evidence"), Evidence(shown.verdicts, run.currency))


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
