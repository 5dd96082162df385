"""Segments as lists: what `shoal segments` prints, and one opened with `--inside`.

Every function returns a renderable and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from shoal.report import numbers, words
from shoal.report.console import WIDE, grid, heading, marks, say
from shoal.report.nested import Nest, apart
from shoal.report.released import standing
from shoal.report.view import Shown, View, amount, span, telling_measures
from shoal.summary import Run, Segment

_SHORT = {"revenue": "Next", "retention": "Back", "retained": "Back", "activity": "Next"}
_STATUS = {"refused": "red", "released": "green", "proposed": "green"}


def titled(segment: Segment, style: str = "", *, proposed: bool = True, name: str = "") -> Text:
    """A segment's name, or `name` for it, with its status beyond a draft, and whether it is `proposed`."""
    told = say(name or segment.subject, style)
    said = [*([segment.status] if segment.status != "draft" else [])]
    said += ["proposed"] if proposed and segment.proposed else []
    for one in said:
        told = Text.assemble(told, say(f" ({one})", _STATUS.get(one, "yellow")))
    return told


def listing(run: Run) -> RenderableType:
    """What `shoal segments` prints: all segments by kind, the discovered first; micro-segments are only counted."""
    view = View(run)
    if not run.segments:
        return say("No segments in the last run.", "yellow")
    parts: list[RenderableType] = []
    if view.shown:
        parts += [Text(words.kind("discovered"), style="bold"), SegmentTable(view), *who(view.shown)]
    parts += [*hint(view), *predictive(view), *standing(run.segments)]
    if view.small:
        parts += [heading(words.kind("subgroup")), Traditional(view.small, run.currency)]
    parts.append(Text())
    for kind, segments in view.traditional.items():
        parts += [say(words.kind(kind), "bold"), Traditional(segments, run.currency), Text()]
    return Group(*parts)


def hint(view: View) -> list[RenderableType]:
    """How many micro-segments there are and how to see them; nothing where there are none."""
    number = sum(len(nest.inside) for nest in view.nests)
    if not number:
        return []
    return [say(f"{words.plural(number, 'micro-segment')} inside. See: shoal segments [NAME] --inside", "dim")]


def inside(run: Run, opened: Sequence[Nest]) -> RenderableType:
    """What `shoal segments [NAME] --inside` prints: macro segments, each with its micro-segments."""
    view = View(run)
    if not opened:
        return say("No segment of the last run opens: it has no micro-segments.", "yellow")
    parts: list[RenderableType] = []
    for nest in opened:
        facts = f"  {nest.says}"
        if nest.macro:
            macro = nest.macro
            valued = f", {numbers.percent(macro.value_share)} of revenue" if macro.value_share is not None else ""
            facts = (
                f"  {words.plural(macro.size, 'person', 'people')}, {numbers.percent(macro.share)}{valued}; {nest.says}"
            )
        title = Text.assemble(say(nest.name or "In no segment", "bold"), say(facts, "dim"))
        parts += [title, Inside(view, nest), Text()]
    return Group(*parts, say("One in full: shoal segments NAME", "dim"))


@dataclass(frozen=True)
class Inside:
    """The micro-segments of one segment as twigs: what sets each apart, and its numbers."""

    view: View
    nest: Nest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        measure = next(iter(telling_measures(n for s in self.nest.inside for n in s.next_period)), "revenue")
        told = words.upcoming(measure) if wide else _SHORT.get(measure, words.title(measure))
        header = ["", "Micro-segment", "People", "Of it", "Value", told, "Checks"]
        table = grid("left", "fold", "right", "right", "right", "right", "left", header=header)
        twig, last = ("|", "`") if options.ascii_only else ("├", "└")
        for place, segment in enumerate(self.nest.inside, 1):
            interval = segment.next_period.get(measure)
            number = Text(amount(measure, interval.value if interval else None, self.view.run.currency))
            if wide and interval and (width := span(measure, interval, self.view.run.currency)):
                number.append(f"  {width}", style="dim")
            told_of = titled(segment, "bold", name=apart(segment, self.nest.macro))
            if apart(segment, self.nest.macro) == segment.name:
                told_of = Text.assemble(told_of, "\n", say(segment.words or segment.rule, "dim"))
            table.add_row(
                Text(twig if place < len(self.nest.inside) else last, style="dim"),
                told_of,
                Text(numbers.count(segment.size)),
                Text(numbers.percent(self.nest.part(segment))),
                Text(numbers.percent(segment.value_share)),
                number,
                marks(self.view.about(segment.name), options),
            )
        yield table


def predictive(view: View) -> list[RenderableType]:
    """The segments by what people will do next; nothing where no model is in use."""
    if not view.predictive:
        return []
    return [heading(words.kind("predictive")), Traditional(view.predictive, view.run.currency)]


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
        segment, some = shown.segment, not all(one.segment.proposed for one in self.view.shown)
        cells = [
            Text(str(shown.number), style="cyan"),
            titled(segment, "bold", proposed=some),
            Text(numbers.count(segment.size)),
        ]
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


def who(shown: Sequence[Shown]) -> list[RenderableType]:
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
                titled(segment),
                Text(numbers.count(segment.size)),
                Text(numbers.percent(segment.share)),
                Text(numbers.percent(segment.value_share)),
                Text(amount("revenue", revenue.value if revenue else None, self.currency)),
            ]
            table.add_row(*cells, *([say(segment.words or segment.rule, "dim")] if wide else []))
        yield table
