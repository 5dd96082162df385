"""What everything printed in the terminal is made of: data as text, headings, tables without lines.

Data only enters as `Text`, so markup in it stays text, and control characters are taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shoal.report import numbers, words
from shoal.summary import Verdict

STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "not enough data": "dim"}
WIDE = 100


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


def listed(title: str, items: Sequence[str]) -> list[RenderableType]:
    """A titled list, a line or more an item; nothing where there is none."""
    if not items:
        return []
    return [heading(title), *(Padding(say(item), (0, 0, 0, 2)) for item in items)]


def marks(verdicts: Iterable[Verdict], options: ConsoleOptions) -> Text:
    """How many checks came out how: `7✓ 1!`."""
    verdicts = list(verdicts)
    signs = words.PLAIN_MARKS if options.ascii_only else words.MARKS
    counts = [(result, sum(v.result == result for v in verdicts)) for result in words.RESULTS]
    parts = [Text(f"{number}{signs[result]}", style=STYLES[result]) for result, number in counts if number]
    return Text(" ").join(parts) if parts else Text(numbers.NOT_KNOWN, style="dim")
