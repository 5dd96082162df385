"""How the live benchmarks tell what they found: rows with a target beside what was measured, as JSON and Markdown."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("uvicorn", "uvloop", "httptools", "msgspec", "lmdb", "numpy", "lightgbm")


@dataclass(frozen=True)
class Row:
    """One figure: what, the target, what was measured, what belongs to it; `met` is None where there is no target."""

    what: str
    target: str
    measured: str
    more: str = ""
    met: bool | None = None
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What one part found, on which machine, with the load averages before and after."""

    part: str
    title: str
    rows: list[Row]
    notes: list[str]
    machine: str
    when: str
    load: list[list[float]]


def machine() -> str:
    """The machine in words."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{system}, {packages}"


def load_now() -> list[float]:
    """The load averages of 1, 5 and 15 minutes."""
    return [round(value, 1) for value in os.getloadavg()]


def found(part: str, title: str, rows: Sequence[Row], notes: Sequence[str], before: list[float]) -> Found:
    """What a part found, as of now."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    return Found(part, title, list(rows), list(notes), machine(), when, [before, load_now()])


def keep(folder: Path, one: Found) -> None:
    """Writes a part's JSON into the results folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(one), indent=1, ensure_ascii=False, default=float)
    (folder / f"{one.part}.json").write_text(text + "\n", encoding="utf-8")


def kept(folder: Path, part: str) -> Found | None:
    """What a part found last, None where it has not run."""
    path = folder / f"{part}.json"
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return Found(**{**told, "rows": [Row(**row) for row in told["rows"]]})


def lines(one: Found) -> list[str]:
    """A part as Markdown."""
    before, after = ("/".join(map(str, load)) for load in one.load)
    table = ["| what | target | measured | met | more |", "| --- | --- | --: | --- | --- |"]
    mark = {True: "yes", False: "**no**", None: ""}
    table += [f"| {row.what} | {row.target} | {row.measured} | {mark[row.met]} | {row.more} |" for row in one.rows]
    notes = ["", *one.notes] if one.notes else []
    return [f"### {one.title}", "", *table, *notes, "", f"*{one.when} UTC, load {before} before, {after} after.*"]


def ms(seconds: float) -> str:
    """Seconds as milliseconds in words.

    >>> ms(0.0123), ms(0.25)
    ('12 ms', '250 ms')
    """
    return "no answer" if seconds != seconds else f"{seconds * 1_000:.{1 if seconds < 0.01 else 0}f} ms"


def per_second(events: float | None) -> str:
    """A rate in words.

    >>> per_second(40_000)
    '40,000/s'
    """
    return f"{events or 0:,.0f}/s"
