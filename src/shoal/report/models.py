"""Models in the terminal: what `shoal models` and `shoal model NAME` print, and the overview's predictions.

Every function returns a renderable and prints nothing, like those of `terminal.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from shoal.report import card as told
from shoal.report import gauges, numbers, skills, words
from shoal.report.console import STYLES, WIDE, grid, heading, say
from shoal.report.skillcharts import axis
from shoal.summary import ModelCard, Skill

ROOM = 16  # letters that an estimate with its interval takes
VERSION = 12  # letters of a version in the list
NARROW = 72  # fewer columns take a line a model
WIDER = 120  # columns in which every estimate stands on one line
RESTS = 8  # features or audiences that a card names


def mark(card: ModelCard, *, plain: bool) -> Text:
    """The sign of a model's status."""
    result = told.result(card)
    return Text((words.PLAIN_MARKS if plain else words.MARKS)[result], style=STYLES[result])


def _status(card: ModelCard, *, plain: bool) -> Text:
    return Text.assemble(mark(card, plain=plain), f" {told.status(card)}")


@dataclass(frozen=True)
class Predictions:
    """A line a model, for the overview of a run."""

    cards: Sequence[ModelCard]
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table, wide = grid("left", "left", "fold"), options.max_width >= WIDE
        for card in told.ordered(self.cards):
            table.add_row(mark(card, plain=options.ascii_only), say(card.name, "bold"), self._line(card, wide))
        yield table

    def _line(self, card: ModelCard, wide: bool) -> Text:
        mine, plain = (skills.success(card, skill) for skill in (skills.chosen(card), skills.to_beat(card)))
        line = say(told.headline(card))
        if mine is None:
            return Text.assemble(line, say(f": {told.status(card)}", "dim"))
        name = card.metric
        called = skills.success_name(card) if card.kind == "value" else skills.metric(name)
        how = f": {called} {skills.reading(name, mine.value, self.currency)}"
        if plain is not None:
            rival = f" ({card.baseline})" if wide else ""
            how += f" against {skills.reading(name, plain.value, self.currency)}{rival}"
        normal = card.status == "used" and not card.stands_in
        left_out = "" if normal else f"; {told.status(card)}"
        return Text.assemble(line, say(how, "dim"), say(left_out, "red" if card.status == "not used" else "dim"))


def listing(cards: Sequence[ModelCard], currency: str | None) -> RenderableType:
    """What `shoal models` prints: every model with its status and how it was judged."""
    if not cards:
        return say(told.SILENT)
    return Group(Models(cards, currency), say("One in full: shoal model NAME", "dim"))


@dataclass(frozen=True)
class Models:
    """The models as a table of two lines each: what and how good, by which way and against what."""

    cards: Sequence[ModelCard]
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        if options.max_width < NARROW:
            yield Predictions(self.cards, self.currency)
            return
        widths = {
            "Status": 19 if wide else 17,
            "On the test, baseline": 36 if options.max_width >= WIDER else 24,
            "People": 8,
        }
        if wide:
            widths["Version"] = VERSION
        rest = options.max_width - sum(widths.values()) - 3 * len(widths) - 2
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
        table.add_column("Model", overflow="fold", width=rest)
        for name, letters in widths.items():
            table.add_column(name, overflow="fold", width=letters, justify="right" if name == "People" else "left")
        for card in told.ordered(self.cards):
            table.add_row(*self._row(card, wide, options))
        yield table

    def _row(self, card: ModelCard, wide: bool, options: ConsoleOptions) -> list[Text]:
        mine, plain = (skills.success(card, skill) for skill in (skills.chosen(card), skills.to_beat(card)))
        name = Text.assemble(say(card.name, "bold"), "\n", say(told.headline(card)))
        judged = Text("not judged", style="dim")
        if mine is not None:
            judged = say(f"{skills.success_name(card)} {skills.estimate(card.metric, mine, self.currency)}")
        against = f"{card.baseline} {skills.reading(card.metric, plain.value, self.currency)}" if plain else ""
        scored, horizon = card.rows.get("scored"), card.horizon_days
        cells = [
            name,
            Text.assemble(_status(card, plain=options.ascii_only), "\n", say(_first(card.algorithm), "dim")),
            Text.assemble(judged, "\n", say(against, "dim")),
            Text.assemble(
                numbers.count(scored), "\n", say(numbers.days(horizon) if numbers.known(horizon) else "", "dim")
            ),
        ]
        return [*cells, say((card.version or numbers.NOT_KNOWN)[:VERSION], "dim")] if wide else cells


def _first(algorithm: str) -> str:
    """The beginning of a way's name: what it is blended of and how it is calibrated stand on its card."""
    return skills.way(algorithm.split(":")[0].split(";")[0]).split(",")[0].split(" (")[0]


def whole(card: ModelCard, currency: str | None) -> RenderableType:
    """What `shoal model NAME` prints: the whole card."""
    parts: list[RenderableType] = [Opening(card, currency), _pairs(told.about(card, currency))]
    parts += _section("How good, on the test", [SkillTable(card, currency)] if card.skills else [])
    parts += _section("Predicted, and what came true", [Calibration(card, currency)] if card.calibration else [])
    parts += _section("Tenths of the tested people, highest scores first", [Tenths(card, currency)], card.deciles)
    parts += _section("Audience by size", [_reach(card)], told.reach(card))
    parts += _section("What it rests on", [Rests(card)], card.importances)
    parts += _section(
        "Left out", [_bullets([f"{what}: {why}" for why, what in told.left_out(card).items()])], card.dropped
    )
    parts += _section("Limits", [_bullets(card.limits)], card.limits)
    parts += _section("Notes", [_bullets(card.notes)], card.notes if card.status == "used" else [])
    parts += _section(
        "Back-tests: earlier predictions that have come due", [_backtests(card, currency)], card.backtests
    )
    parts += _section("Champion and challenger", [_contest(card, currency)], card.contest)
    return Group(*parts)


def _section(title: str, drawn: Sequence[RenderableType], had: object = True) -> list[RenderableType]:
    return [heading(title), *drawn] if had and drawn else []


@dataclass(frozen=True)
class Opening:
    """Name, status, the question it answers, how good it is, and why it is not used where it is not."""

    card: ModelCard
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        card = self.card
        version = f", version {card.version}" if card.version else ""
        yield Text.assemble(say(card.name, "bold"), "  ", _status(card, plain=options.ascii_only), say(version, "dim"))
        yield say(f"{told.headline(card)}.", "bold")
        for line in (told.verdict(card, self.currency), told.standing(card, self.currency), told.used_instead(card)):
            if line:
                yield say(line)
        if card.status != "used":
            for note in card.notes:
                yield say(note, "yellow")
        yield Text()


def _pairs(found: dict[str, str]) -> Table:
    table = grid("left", "fold")
    for name, what in found.items():
        table.add_row(say(name, "dim"), say(what))
    return table


def _bullets(lines: Sequence[str]) -> Table:
    table = grid("left", "fold")
    for line in lines:
        table.add_row(say("-", "dim"), say(line))
    return table


@dataclass(frozen=True)
class SkillTable:
    """Every way that was tried and every baseline, wins and losses alike; as many measures a table as fit."""

    card: ModelCard
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for name, measures in skills.groups(self.card).items():
            if name:
                yield say(name, "dim")
            most = max(1, (options.max_width - 24) // (ROOM + 2))
            for start in range(0, len(measures), most):
                yield self._table(measures[start : start + most], name)

    def _table(self, measures: Sequence[str], group: str) -> Table:
        called = skills.short if group else skills.metric
        table = grid("fold", *["right"] * len(measures), header=["", *(called(name) for name in measures)])
        best = {name: skills.best(self.card, name) for name in measures}
        for skill in skills.measured(self.card, skills.groups(self.card)[group]):
            table.add_row(self._way(skill, group), *(self._cell(skill, name, best[name]) for name in measures))
        return table

    def _way(self, skill: Skill, group: str) -> Text:
        role = skills.role(self.card, skill, group)
        name = say(skills.way(skill.name), "bold" if role in ("chosen", "tried") else "")
        return Text.assemble(name, "\n", say(role, "dim"))

    def _cell(self, skill: Skill, name: str, best: str) -> Text:
        interval = skill.metrics.get(name)
        figure = skills.reading(name, interval.value if interval else None, self.currency)
        style = "bold green" if skill.name == best else ""
        return Text.assemble(say(figure, style), "\n", say(skills.span(name, interval, self.currency), "dim"))


@dataclass(frozen=True)
class Calibration:
    """People with scores alike: the prediction, what came true with its interval, and both on one axis."""

    card: ModelCard
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain, along = options.ascii_only, axis(self.card)
        table = grid("right", "right", "right", "left", "right", header=["Predicted", "Came true", "", "", "People"])
        for one in self.card.calibration:
            numbers_of = (one.predicted, one.observed, one.low, one.high)
            drawn = ""
            if all(numbers.known(value) for value in numbers_of):
                drawn = gauges.track(*map(along.place, numbers_of), plain=plain)
            predicted, observed, low, high = (told.quantity(self.card, value, self.currency) for value in numbers_of)
            table.add_row(
                predicted, say(observed, "bold"), say(f"{low} to {high}", "dim"), drawn, numbers.count(one.people)
            )
        yield table
        line, dot = ("|", "o") if plain else ("│", "●")
        yield say(f"{line} predicted, {dot} came true with its 95% interval; together where they are the same", "dim")


@dataclass(frozen=True)
class Tenths:
    """What came true of each tenth of the tested people, and how many times everybody's that is."""

    card: ModelCard
    currency: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        deciles = self.card.deciles
        top = max((one.observed for one in deciles if numbers.known(one.observed)), default=0) or 1
        table = grid("right", "right", "right", "right", "left", header=["Tenth", "Predicted", "Came true", "Lift", ""])
        for one in deciles:
            share = one.observed / top if numbers.known(one.observed) else 0
            table.add_row(
                say(one.decile, "dim"),
                told.quantity(self.card, one.predicted, self.currency),
                say(told.quantity(self.card, one.observed, self.currency), "bold"),
                skills.reading("lift", one.lift),
                say(gauges.bar(share, plain=options.ascii_only), "cyan"),
            )
        yield table


@dataclass(frozen=True)
class Rests:
    """The features on which most of the judgement rests."""

    card: ModelCard

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        found = self.card.importances
        top = max((one.share for one in found if numbers.known(one.share)), default=0) or 1
        table = grid("right", "left", "fold")
        for one in found[:RESTS]:
            drawn = gauges.bar(one.share / top if numbers.known(one.share) else 0, 16, plain=options.ascii_only)
            table.add_row(numbers.percent(one.share), say(f"{drawn:16}", "cyan"), say(one.words or one.feature))
        if len(found) > RESTS:
            rest = words.plural(len(found) - RESTS, "more feature")
            table.add_row(numbers.percent(sum(one.share for one in found[RESTS:])), "", say(rest, "dim"))
        yield table


def _reach(card: ModelCard) -> Table:
    table = grid("right", "right", "right", header=["People", "Similarity of the last", "Held-out seed found"])
    for row in told.reach(card, RESTS):
        similarity, recall = row.get("similarity"), row.get("recall")
        table.add_row(numbers.count(row["size"]), numbers.fixed(similarity), numbers.percent(recall))
    return table


def _backtests(card: ModelCard, currency: str | None) -> Table:
    header = ["Predicted on", "Came due", "People", "Predicted", "Came true", skills.metric(card.metric)]
    table = grid("left", "left", "right", "right", "right", "right", header=header)
    for one in card.backtests:
        interval = one.metrics.get(card.metric)
        figure = skills.reading(card.metric, interval.value if interval else None, currency)
        table.add_row(
            say(numbers.instant(one.made_at)),
            say(numbers.instant(one.until)),
            numbers.count(one.people),
            told.quantity(card, one.predicted, currency),
            told.quantity(card, one.observed, currency),
            Text.assemble(say(figure), "\n", say(skills.span(card.metric, interval, currency), "dim")),
        )
    return table


def _contest(card: ModelCard, currency: str | None) -> RenderableType:
    contest = card.contest
    if contest is None:
        return Text()
    found = {
        "Champion": contest.champion or "",
        "Challenger": contest.challenger,
        "In use now": contest.winner,
        "Better by": f"{skills.estimate(contest.metric, contest.gain, currency)} ({skills.metric(contest.metric)})",
    }
    if contest.gain is None:
        del found["Better by"]
    if contest.champion is None:
        found = {}
    return Group(say(contest.words), _pairs(found))
