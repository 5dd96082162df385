"""One person in the terminal: what `shoal profile` and `shoal explain` print, and `shoal doctor`'s findings.

All take plain dictionaries, as `--json` prints them, and leave out what is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shoal.report import numbers, words
from shoal.report.console import grid, heading, say

Fields = Mapping[str, Any]
REASONS = 3  # a score, in the terminal
DRAWN = 5  # items a model, in the terminal


def show(value: object) -> str:
    """A value of any type as people read it.

    >>> show(3.14159), show(True), show(None), show(["a", "b"]), show("x"), show(12000)
    ('3.14', 'yes', '–', 'a, b', 'x', '12,000')
    """
    if value is None or value == "":
        return numbers.NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return numbers.count(value)
    if isinstance(value, float):
        return numbers.decimal(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(show(item) for item in value) or numbers.NOT_KNOWN
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={show(item)}" for key, item in value.items() if item is not None)
    return str(value)


def profile(person: Fields) -> RenderableType:
    """A person from `profile_id, first_seen, last_seen, identifiers, traits, features, scores, memberships, timeline`.

    `traits` and `features` are mappings; `identifiers` have `type, value, source`; `scores` have
    `model, label, unit, score, low, high, reasons`; `affinities` have `model, rank, item, name, new`;
    `memberships` have `segment, entered_at, left_at`; `timeline` has `at, event, value, source, properties`, newest
    first.
    """
    times = [person.get(name) for name in ("first_seen", "last_seen")]
    seen = f"  {' to '.join(map(numbers.instant, times))}" if any(times) else ""
    parts: list[RenderableType] = [Text.assemble(say(person.get("profile_id", ""), "bold"), say(seen, "dim"))]
    parts += _section("Identifiers", _rows(person.get("identifiers", ()), "type", "value", "source"))
    parts += _section("Traits", _pairs(person.get("traits") or {}))
    parts += _section("Segments", _memberships(person.get("memberships", ())))
    if person.get("scores"):
        parts += _section("Scores", _scores(person["scores"], person.get("currency")))
    for title, drawn in _affinities(person.get("affinities") or ()).items():
        parts += _section(title, drawn)
    parts += _section("Features", _pairs(_labelled(person)))
    parts += _section("Timeline", _timeline(person.get("timeline", ()), person.get("currency")))
    return Group(*parts)


def _section(title: str, table: Table) -> list[RenderableType]:
    return [heading(title), table if table.row_count else say("  none", "dim")]


def _rows(items: Sequence[Fields], *names: str) -> Table:
    table = grid("left", "fold", *["left"] * (len(names) - 2))
    for item in items:
        first, *others = (show(item.get(name)) for name in names)
        table.add_row(say(first, "dim"), *(say(other) for other in others))
    return table


def _pairs(values: Fields) -> Table:
    table = grid("left", "fold")
    for name, value in values.items():
        table.add_row(say(name, "dim"), say(show(value)))
    return table


def _memberships(items: Sequence[Fields]) -> Table:
    table = grid("fold", "left")
    for item in items:
        left = item.get("left_at")
        stay = f"since {numbers.instant(item.get('entered_at'))}"
        if left:
            stay = f"{numbers.instant(item.get('entered_at'))} to {numbers.instant(left)}"
        table.add_row(say(item.get("segment", ""), "dim" if left else "bold"), say(stay, "dim"))
    return table


def _scores(items: Sequence[Fields], currency: str | None) -> Table:
    """Each score with its interval, and below it the reasons that weigh most."""
    table = grid("fold", "right", "left")
    for item in items:
        unit = str(item.get("unit") or "")
        low, high = item.get("low"), item.get("high")
        between = f"{_amount(low, unit, currency)} to {_amount(high, unit, currency)}" if _both(low, high) else ""
        name = say(item.get("label") or item.get("model", ""))
        for reason in _telling(item.get("reasons") or ()):
            name = Text.assemble(name, "\n", say(f"  {reason}", "dim"))
        table.add_row(name, _amount(item.get("score"), unit, currency), say(between, "dim"))
    return table


def _affinities(items: Sequence[Fields]) -> dict[str, Table]:
    """The best items a model, and the best that the person never had; nothing where there are none."""
    found: dict[str, Table] = {}
    several = len({item.get("model") for item in items}) > 1
    for title, news in (("Drawn to", False), ("New for them", True)):
        table = grid("left", "fold")
        for model in dict.fromkeys(item.get("model", "") for item in items):
            mine = [one for one in items if one.get("model", "") == model and bool(one.get("new")) is news]
            best = sorted(mine, key=lambda one: one.get("rank") or 0)[:DRAWN]
            for place, one in enumerate(best):
                table.add_row(
                    say(model if several and not place else "", "dim"), say(show(one.get("name") or one.get("item")))
                )
        if table.row_count:
            found[title] = table
    return found


def _telling(reasons: Sequence[Fields]) -> list[str]:
    """The reasons in words, strongest first, with the direction in which each moves the score."""
    known = [one for one in reasons if one.get("words")]
    ordered = sorted(known, key=lambda one: -abs(one.get("effect") or 0.0))[:REASONS]
    return [f"{'+' if (one.get('effect') or 0.0) >= 0 else '-'} {one['words']}" for one in ordered]


def _both(low: object, high: object) -> bool:
    return isinstance(low, int | float) and isinstance(high, int | float)


def _amount(value: object, unit: str, currency: str | None) -> str:
    if not isinstance(value, int | float):
        return numbers.NOT_KNOWN
    if unit == "share":
        return numbers.percent(value)
    return numbers.money(value, currency) if unit == "money" else numbers.decimal(value)


def _timeline(items: Sequence[Fields], currency: str | None) -> Table:
    table = grid("left", "left", "right", "fold")
    for item in items:
        value = item.get("value")
        worth = numbers.money(value, currency) if isinstance(value, int | float) else ""
        table.add_row(
            say(numbers.instant(item.get("at")), "dim"),
            say(item.get("event", "")),
            worth,
            say(show(item.get("properties") or {}) if item.get("properties") else "", "dim"),
        )
    return table


_HOLDS = {True: ("✓", "green"), False: ("✕", "red"), None: (numbers.NOT_KNOWN, "dim")}


def _labelled(person: Fields) -> dict[str, Any]:
    """The features under their names in words, where `labels` has them."""
    labels = person.get("labels") or {}
    return {labels.get(name, name): value for name, value in (person.get("features") or {}).items()}


def explanation(answer: Fields) -> RenderableType:
    """Why a person is or is not in a segment, clause by clause.

    `answer` has `segment, profile_id, at, member` and `clauses`, each with `text, words, holds, actual`; `holds` is
    None where a value is not known, which does not select.
    """
    member = answer.get("member")
    is_in = "is in" if member else "is not in"
    parts: list[RenderableType] = [
        Text.assemble(
            say(answer.get("profile_id", ""), "bold"),
            say(f" {is_in} ", "green" if member else "red"),
            say(answer.get("segment", ""), "bold"),
            say(f"  at {numbers.instant(answer.get('at'))}", "dim"),
        ),
        Text(),
    ]
    table = grid("left", "fold", "right", header=["", "Clause", "Actual"])
    for clause in answer.get("clauses", ()):
        sign, style = _HOLDS[clause.get("holds")]
        actual = clause.get("actual")
        table.add_row(Text(sign, style=style), say(clause.get("words") or clause.get("text", "")), say(show(actual)))
    return Group(*parts, table if table.row_count else say("The rule has no clauses.", "dim"))


def proposed(path: str, questions: Sequence[str], notes: Sequence[str]) -> RenderableType:
    """What `shoal init` prints: where the settings are, what is left to answer, and what to do next."""
    parts: list[RenderableType] = [Text.assemble("Wrote ", say(path, "bold cyan"))]
    for title, lines in (("Questions to answer in it", questions), ("Notes", notes)):
        if lines:
            parts.append(heading(title))
            parts.extend(say(f"- {line}") for line in lines)
    folder = Path(path).parent
    place = "" if folder == Path() else f" -w {folder}"
    return Group(*parts, Text.assemble("\nNext: ", say(f"shoal run{place}", "bold")))


_LEVELS = {"error": ("✕", "red"), "warn": ("!", "yellow"), "question": ("?", "cyan"), "ok": ("✓", "green")}


def findings(found: Sequence[Fields]) -> RenderableType:
    """What `shoal doctor` prints: `severity` (error, warn, question, ok), `where`, `what`, `remedy`; worst first."""
    order = list(_LEVELS)
    table = grid("left", "fold")
    for item in sorted(found, key=lambda item: order.index(_severity(item))):
        sign, style = _LEVELS[_severity(item)]
        where = f"{item['where']}: " if item.get("where") else ""
        text = Text.assemble(say(where, "bold"), say(item.get("what", "")))
        if item.get("remedy"):
            text = Text.assemble(text, "\n", say(item["remedy"], "dim"))
        table.add_row(Text(sign, style=style), text)
    faults = sum(_severity(item) == "error" for item in found)
    end = "Nothing is wrong." if not faults else f"{words.plural(faults, 'fault')} to mend."
    return Group(*([table] if table.row_count else []), Text(f"\n{end}", style="red" if faults else "green"))


def _severity(item: Fields) -> str:
    severity = str(item.get("severity", ""))
    return severity if severity in _LEVELS else "warn"
