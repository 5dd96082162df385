"""A source mapping in the making: what will be written, with the evidence for each line."""

from __future__ import annotations

from dataclasses import dataclass, field

from shoal.unify.guess import Table
from shoal.unify.values import Column


@dataclass(frozen=True)
class Line:
    """An expression and why it was chosen."""

    text: str
    why: str = ""


@dataclass
class Draft:
    """One source of the settings to be proposed."""

    name: str
    path: str
    table: Table
    kind: str = "events"
    columns: dict[str, str] = field(default_factory=dict)
    event: Line | None = None
    event_column: Line | None = None
    event_names: dict[str, str] = field(default_factory=dict)
    returns: Line | None = None
    returned: str = "Order Refunded"
    id: Line | None = None
    at: Line | None = None
    at_format: str | None = None
    identifiers: dict[str, Line] = field(default_factory=dict)
    value: Line | None = None
    currency: Line | None = None
    where: Line | None = None
    keep: str = ""
    properties: dict[str, Line] = field(default_factory=dict)
    traits: dict[str, Line] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)
    questions: list[tuple[str, str]] = field(default_factory=list)
    held: str = ""

    def ask(self, setting: str, question: str) -> None:
        """Leaves a question at a setting."""
        self.questions.append((setting, one_line(question)))

    def hold(self, setting: str, why: str) -> None:
        """Writes the source commented out, with the question that stands in its way."""
        self.held = why
        self.ask(setting, why)

    def called(self, column: Column) -> str:
        """The column's name in the settings: an invented one where the file has none."""
        return self.columns.get(column.name, column.name)

    def events(self) -> list[str]:
        """Names of the events that this source gives."""
        found = [self.event.text] if self.event and self.at else []
        if self.event_column:
            raw = self.table.sample[next(g.column.name for g in self.table.guesses.values() if g.role == "event")]
            found = [self.event_names.get(name, name) for name, _ in raw.counts.most_common(200)]
        return [*found, self.returned] if self.returns else found


def evidence(column: Column, *, private: bool = False) -> str:
    """What a column holds, in a few words; without examples where they would name people."""
    share = "" if column.filled > 0.995 else f", on {max(1, round(100 * column.filled))} % of rows"
    if column.distinct == 1 and not private:
        return f"always {_short(next(iter(column.counts)))}{share}"
    if private or column.length > 60:
        return f"{column.distinct:,} values{share}"
    if column.numeric and column.distinct > 12 and not column.whole:
        known = [value for value in column.numbers if value is not None]
        return f"{min(known):g} to {max(known):g}{share}"
    common = [_short(value) for value, _ in column.counts.most_common(3)]
    more = ", ..." if column.distinct > 3 else ""
    return f"{column.distinct:,} value{'s' if column.distinct != 1 else ''}: {', '.join(common)}{more}{share}"


def one_line(text: str) -> str:
    """A text fit for a comment: on one line, nothing unprintable.

    >>> one_line("a\\n b\\x01")
    'a b'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _short(value: str) -> str:
    line = one_line(value)
    return line if len(line) <= 24 else line[:21] + "..."
