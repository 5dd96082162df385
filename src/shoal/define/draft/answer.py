"""What a phrase comes to: a clause with the reason for its threshold, or why the data cannot say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shoal.define.draft.known import Known, Measure, Spoken
from shoal.define.draft.topics import TOPICS, Topic
from shoal.define.parse import parse
from shoal.define.tree import Call
from shoal.define.types import Type
from shoal.define.words import number_text, quoted, to_text

MARGIN = 0.2  # of a trend: a third less, or half as much again
CLOSE = 0.08  # windows that differ less than this are the same to people (a year of 360 days, a month of 31)
_TURNED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True)
class Other:
    """Another way to read a phrase."""

    rule: str
    says: str


@dataclass(frozen=True)
class Answer:
    """A clause of the rule language, why it is so, and what else it might mean.

    `exact` is False where the data have only something near. `loose` is the clause without its word on how recently,
    for where another phrase says that.
    """

    rule: str
    why: str
    exact: bool = True
    others: tuple[Other, ...] = ()
    loose: str = ""


@dataclass(frozen=True)
class Cannot:
    """Why the data cannot say a phrase, and the clause that comes nearest, if any."""

    why: str
    near: Answer | None = None


@dataclass(frozen=True)
class Quantity:
    """A number that was named: `op` is empty where only the number was."""

    op: str
    low: float
    high: float | None = None
    percent: bool = False
    unit: float = 0.0  # days that the unit of time has which was named, if any


@dataclass(frozen=True)
class Window:
    """So many days back; `op` compares a time that has passed (`for more than 60 days`)."""

    days: float
    said: str
    op: str = ""


Found = Answer | Cannot


def turned(found: Found, known: Known) -> Found:
    """The opposite of a phrase."""
    if isinstance(found, Cannot):
        return replace(found, near=turned(found.near, known) if found.near else None)  # type: ignore[arg-type]
    text = found.rule
    expr = parse(text, known.types) if " in top " not in text and " in bottom " not in text else None
    if isinstance(expr, Call) and expr.function in _TURNED:
        rule = to_text(Call(_TURNED[expr.function], expr.args, expr.type))
    elif isinstance(expr, Call) and expr.function == "not":
        rule = to_text(expr.args[0])
    else:
        rule = f"not ({text})"
    return replace(found, rule=rule, loose="", others=())


def topic_of(name: str, known: Known) -> Topic:
    """A topic by its name; `main` is what the rhythm is about."""
    return TOPICS[known.main if name == "main" else name]


def measure_of(topic: Topic, known: Known) -> Measure | None:
    """What counts a topic in these data."""
    measures = known.measures
    for key in topic.measures:
        if key in measures:
            return measures[key]
        if known.aliases.get(key) in measures:
            return measures[known.aliases[key]]
    return None


def missing(topic: Topic, near: Found | None) -> Cannot:
    """What to say where the data have nothing of a topic."""
    return Cannot(f"the data have no {topic.needs or 'such events'}", near if isinstance(near, Answer) else None)


def is_main(measure: Measure, known: Known) -> bool:
    """Whether `recency_days` tells of this measure."""
    same = {known.main, *(("events", "logins", "sessions", "active_days") if known.main != "orders" else ())}
    return (measure.key in same or (known.sole and measure.key in ("active_days", "events"))) and bool(
        known.has("recency_days")
    )


def done(measure: Measure, window: Window | None, known: Known, *, never: bool = False) -> Answer:
    """Who did it within a window, or did not."""
    if window is not None and is_main(measure, known):
        days = number_text(window.days)
        if never:
            op = window.op if window.op in (">", ">=") else ">"
            other = Other(f"recency_days {op} {days} or recency_days is null", "with those who never did it at all")
            return Answer(f"recency_days {op} {days}", f"the last time is more than {days} days ago", others=(other,))
        return Answer(f"recency_days <= {days}", f"the last time is at most {days} days ago")
    column, note, exact = column_for(measure, window, known)
    rule = f"{quoted(column.name)} {'=' if never else '>'} 0"
    if column.type is Type.NUMBER and column.whole and not never:
        rule = f"{quoted(column.name)} >= 1"
    said = f"{'no' if never else 'some'} {column.label}"
    return Answer(rule, note or said, exact)


def column_for(measure: Measure, window: Window | None, known: Known) -> tuple[Spoken, str, bool]:
    """The column that comes nearest to a window, what to say of it, and whether it is the one asked for."""
    if window is None:
        if 0 in measure.columns:
            return measure.columns[0], "", True
        days = max(measure.columns)
        return measure.columns[days], f"no window was named: {days} days is the longest that is computed", True
    if not [days for days in measure.columns if days]:
        column = measure.columns[0]
        return (
            column,
            f"{column.label} is not computed by windows, so it is over all time{_remedy(measure, window, known)}",
            False,
        )
    days = min((one for one in measure.columns if one), key=lambda one: abs(math.log(one / window.days)))
    column = measure.columns[days]
    if abs(days - window.days) <= CLOSE * days:
        return column, "" if days == window.days else f"{window.said} is read as {days} days", True
    asked = number_text(window.days)
    return (
        column,
        f"{days} days is the nearest window to {asked} that is computed{_remedy(measure, window, known)}",
        False,
    )


def _remedy(measure: Measure, window: Window, known: Known) -> str:
    """How to have the very window: a line for shoal.yaml."""
    base = known.definitions.get(measure.key)
    if not base or "formula" in base or window.days != int(window.days):
        return ""
    inside = ", ".join(
        f"{key}: {value if not isinstance(value, list) or len(value) > 1 else value[0]}"
        for key, value in base.items()
        if key not in ("label", "unit", "within", "default")
    )
    days = int(window.days)
    return f"; for that exactly, put `{measure.key}_{days}d: {{{inside}, within: {days}d}}` under `features:`"


def counted(measure: Measure, asked: Quantity, window: Window | None, known: Known) -> Answer:
    """A measure held against a number."""
    if asked.op in ("", ">=") and asked.low == 1 and asked.high is None and window and is_main(measure, known):
        return done(measure, window, known)
    column, note, exact = column_for(measure, window, known)
    return replace(compared(column, asked), exact=exact) if not note else _noted(compared(column, asked), note, exact)


def _noted(answer: Answer, note: str, exact: bool) -> Answer:
    return replace(answer, why=f"{answer.why}; {note}", exact=exact)


def compared(column: Spoken, asked: Quantity) -> Answer:
    """A column held against a number, in its own unit."""
    name, scale, notes = quoted(column.name), 1.0, []
    if column.share and (asked.percent or asked.low > 1):
        scale = 0.01
    elif asked.percent:
        notes.append(f"{column.label} is no share, so the number is taken without %")
    if asked.unit and column.days:
        scale = asked.unit
    elif asked.unit:
        notes.append(f"in what unit {column.label} is recorded is not known; the number is taken as it is")
    low = _tidy(asked.low * scale)
    if asked.high is not None:
        low, high = sorted((low, _tidy(asked.high * scale)))
        return Answer(
            f"{name} between {number_text(low)} and {number_text(high)}", _because("both ends as asked", notes)
        )
    op = asked.op or ("=" if asked.low == 1 and column.unit == "count" else ">=")
    others: tuple[Other, ...] = ()
    why = "as asked"
    if not asked.op and op == ">=":
        why = "a number alone is read as at least"
        others = (Other(f"{name} = {number_text(low)}", "exactly so many"),)
    elif not asked.op:
        why = "once is read as exactly once"
        others = (Other(f"{name} >= {number_text(low)}", "at least so many"),)
    return Answer(f"{name} {op} {number_text(low)}", _because(why, notes), others=others)


def _because(why: str, notes: Sequence[str]) -> str:
    return "; ".join([why, *notes])


def _tidy(number: float) -> float:
    return float(f"{number:.12g}")


def vague(column: Spoken, percentile: float, said: str = "") -> Found:
    """Much or little of a column, by the data: `percentile` is negative for little of it."""
    if not column.marks:
        return Cannot(f"nobody has any {column.label}")
    edge, name = column.at(abs(percentile)), quoted(column.name)
    if percentile > 0 and edge <= 0:
        return Cannot(f"nearly nobody has any {column.label}")
    share = "a fifth" if abs(percentile) in (20, 80) else f"{100 - abs(percentile):g}%"
    those = " of those with any"
    start = f"{said or 'how much'} was left open: "
    if percentile < 0:
        why = f"{start}{share}{those} have at most {number_text(edge)}"
        return Answer(f"{name} <= {number_text(edge)}", why)
    other = Other(f"{name} in top {100 - percentile:g}%", f"the top {100 - percentile:g}% of everybody, by rank")
    why = f"{start}{share}{those} have at least {number_text(edge)}"
    return Answer(f"{name} >= {number_text(edge)}", why, others=(other,))


def stopped(measure: Measure, window: Window | None, known: Known) -> Found:
    """Did it before and does it no more: none within a window, some before."""
    windows = sorted(days for days in measure.columns if days)
    if not windows:
        if window or known.rhythm:
            days = window.days if window else known.rhythm.lapsed if known.rhythm else 90
            if is_main(measure, known):
                return Answer(f"recency_days > {number_text(days)}", f"none within {number_text(days)} days")
        return Cannot(f"{measure.first.label} is not computed by windows, so it is not known who stopped")
    if window is None:
        least = known.rhythm.engaged if known.rhythm else 60
        days = next((one for one in windows if one >= min(least, 90)), windows[-1])
        window, why = Window(days, ""), f"how long was left open: {days} days are longer than most pauses"
        if known.rhythm is None:
            why = f"how long was left open: none in {days} days"
    else:
        why = ""
    column, note, exact = column_for(measure, window, known)
    days = next(one for one, spoken in measure.columns.items() if spoken is column)
    before, ever = measure.before.get(days), measure.columns.get(0)
    none = f"{quoted(column.name)} = 0"
    if ever is None:
        longest = measure.columns[windows[-1]]
        if longest is column:
            return Cannot(f"{measure.first.label} is computed over one window only, so it is not known who stopped")
        ever = longest
    others = (
        ()
        if before is None
        else (Other(f"{none} and {quoted(before.name)} >= 1", f"stopped lately: some in the {days} days before"),)
    )
    why = "; ".join(part for part in (why, f"some {ever.label}, none in {days} days", note) if part)
    return Answer(f"{quoted(ever.name)} >= 1 and {none}", why, exact, others)


def changed(measure: Measure, known: Known, window: Window | None, *, less: bool) -> Found:
    """Does it less, or more, than before: at least a third less, or half as much again."""
    how = "at least a third less" if less else "at least half as much again"
    windows = sorted(days for days in measure.columns if days)
    wanted = window.days if window else 90
    for days in sorted(
        (days for days in windows if f"trend_{days}d" in known.columns), key=lambda one: abs(one - wanted)
    ):
        formula = str(known.definitions.get(f"trend_{days}d", {}).get("formula", f"{measure.key}_{days}d "))
        if f"{measure.key}_{days}d " in formula:
            edge = f"<= -{MARGIN}" if less else f">= {MARGIN}"
            exact = window is None or days == window.days
            return Answer(f"trend_{days}d {edge}", f"{how} in {days} days than in the {days} days before", exact)
    for days in sorted(measure.before, key=lambda one: abs(one - wanted)):
        now, then = quoted(measure.columns[days].name), quoted(measure.before[days].name)
        rule = f"{now} <= {then} * 2 / 3 and {then} > 0" if less else f"{now} >= {then} * 3 / 2 and {now} > 0"
        return Answer(rule, f"{how} in {days} days than in the {days} days before")
    pairs = [(one, other) for one in windows for other in windows if other >= 2 * one]
    if not pairs:
        return Cannot(f"{measure.first.label} is not computed for two windows, so no change of it is known")
    days, whole = min(pairs, key=lambda pair: abs(pair[0] - wanted) - pair[1] / 1000)
    now, then = quoted(measure.columns[days].name), quoted(measure.columns[whole].name)
    times = number_text(round((whole - days) / days))
    usual = f"({then} - {now}) / {times}" if times != "1" else f"({then} - {now})"
    rule = f"{now} <= {usual} * 2 / 3 and {then} > {now}" if less else f"{now} >= {usual} * 3 / 2 and {now} > 0"
    return Answer(rule, f"{how} in {days} days than was usual in the {whole} days up to then")
