"""Measures Shoal against its named peers in one sitting and writes docs/benchmarks.md.

python benchmarks/run.py                 100,000 people, 2 million events: minutes
python benchmarks/run.py --full          1,000,000 people, 20 million events
python benchmarks/run.py --only startup  one or more of: loop, features, retail, startup, objectives, propensity,
                                         lifetime, affinity, discovery, subgroups, live
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq

import live as live_parts
from agree import disagreements
from measure import ROOT, Cost, median_of, python, run, shoal, text

PAGE = ROOT / "docs" / "benchmarks.md"
PERIOD = 90 * 86_400 * 1_000_000
Section = tuple[str, list[str]]


CHOICES = (
    "The script writes what `shoal run` writes: column quality, quarantine, sorted events, profiles, identifiers,",
    "features at two instants, memberships, a report. It fits k-means to everybody and takes 10,000 people for",
    "silhouette and bootstrap; it keeps no identity from run to run, reads no dirty values and explains no rule.",
)


def loop(base: Path, people: int) -> Section:
    """The whole loop against the analyst's script and a mere scan."""
    mine = run(shoal("run", "-w", base, "--json"))
    script = run(python("peer_pandas.py", base, base / "script"), one_thread=True)
    scan = run(python("peer_duckdb.py", "scan", base / "data"))
    rows = _rows(base / "data")
    table = _table(
        [
            ("`shoal run`: unify, features, discover, validate, report", mine),
            ("pandas + scikit-learn script (`peer_pandas.py`), same outputs", script),
            ("DuckDB merely reading every value of the same Parquet", scan),
        ]
    )
    steps = [("Shoal", mine), ("script", script)]
    lines = [f"{people:,} people, {rows:,} events.", "", *table, "", *CHOICES, "", "Seconds by step:", ""]
    for name, cost in steps:
        timings = cost.told.get("timings", {})
        lines.append(
            f"* {name}: " + (", ".join(f"{step} {seconds:.1f}" for step, seconds in timings.items()) or "none")
        )
    return "The whole loop", lines


def features(base: Path, people: int) -> Section:
    """The kernel against one-pass SQL over the same sorted events, at two cut-offs."""
    events, whose = _sorted_events(base), "as `shoal run` wrote them"
    if events is None:
        events, whose = base / "sorted", "the benchmark sorted them (there is no run)"
        run(python("peer_duckdb.py", "sort", base / "data", events))
    rows = _rows(events)
    last = _last(base / "data")
    cutoffs = (last, last - PERIOD)
    kernel = run(python("kernel.py", events, base / "kernel.parquet", *cutoffs))
    sql = run(python("peer_duckdb.py", "features", events, base / "sql.parquet", *cutoffs))
    count = sql.told.get("features", "?")
    lines = [
        f"{count} features of {people:,} people at two cut-offs, in one pass over {rows:,} sorted events: {whose}.",
        "",
        *_table([("Shoal's kernel, one thread", kernel), ("one-pass DuckDB SQL written by hand", sql)], by="cpu"),
        "",
    ]
    if not kernel.error and not sql.error:
        compared, differing = disagreements(base / "kernel.parquet", base / "sql.parquet", cutoffs)
        lines.append(f"{compared:,} values compared; " + (_list(differing) if differing else "all agree to 1e-9."))
    return "Features: kernel against SQL", lines


def retail(base: Path, _people: int) -> Section:
    """UCI Online Retail, from raw CSV to report."""
    folder = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data")) / "online_retail"
    packed = folder / "online_retail.csv.gz"
    if not packed.exists():
        return "Online Retail", ["Not measured: the data is not present."]
    work = base / "retail"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    raw = work / "online_retail.csv"
    with gzip.open(packed) as source, raw.open("wb") as target:
        shutil.copyfileobj(source, target)
    begun = run(shoal("init", raw, "-w", work, "--json"))
    mine = run(shoal("run", "-w", work, "--json"))
    script = run(python("peer_pandas.py", "--retail", raw, work / "script"), one_thread=True)
    both = Cost(
        begun.wall + mine.wall, begun.cpu + mine.cpu, max(begun.peak_mb, mine.peak_mb), {}, begun.error or mine.error
    )
    lines = [
        "541,909 invoice lines, from the raw CSV to the report.",
        "",
        *_table(
            [
                ("`shoal init` and `shoal run`", both),
                ("`shoal run` alone", mine),
                ("pandas + scikit-learn script", script),
            ]
        ),
    ]
    return "UCI Online Retail", lines


def startup(_base: Path, _people: int) -> Section:
    """How long a command takes that does nothing."""
    rows = [
        ("`shoal --help`", median_of(7, shoal("--help"))),
        ("`pip --version`", median_of(7, [sys.executable, "-m", "pip", "--version"])),
        ("`python -c 'import shoal'`", median_of(7, [sys.executable, "-c", "import shoal"])),
        ("`python -c 'import pandas'`", median_of(7, [sys.executable, "-c", "import pandas"])),
        ("`python -c pass`", median_of(7, [sys.executable, "-c", "pass"])),
    ]
    return "Starting", ["Medians of seven.", "", *_table(rows, digits=3)]


def objectives(_base: Path, _people: int) -> Section:
    """Yes-or-no questions over events, through the commands."""
    lines = ["As `shoal run` judged itself: later than all it learned from, intervals by people.", ""]
    return "Predictions over events, out of time", [*lines, *text(python("objectives.py"))]


def propensity(_base: Path, _people: int) -> Section:
    """Labelled tables, and what learning and scoring cost."""
    return "Predictions over tables, and what they cost", text(python("propensity.py"))


def lifetime(_base: Path, _people: int) -> Section:
    """Lifetime value beside `lifetimes`, `clvkit` and the past rate."""
    return "Lifetime value", text(python("lifetime.py", "--people", 1_000_000))


def affinity(_base: Path, _people: int) -> Section:
    """Recommendations and lookalikes."""
    return "Affinity and lookalikes", text(python("affinity.py"))


def discovery(_base: Path, _people: int) -> Section:
    """Segments beside the traditional ways, segmtree and pycaret; the contest on every data set; a million people."""
    peer = os.environ.get("SHOAL_PEERS", sys.executable)
    return "Discovery", text(python("discovery.py", "--peer", peer, "--only", "retail,grocery,others,cost"))


def subgroups(_base: Path, _people: int) -> Section:
    """Subgroup search beside pysubgroup."""
    return "Subgroup discovery", text(python("subgroups.py"))


def live(base: Path, _people: int) -> Section:
    """Events to memberships: each part of `live.py` in a process of its own, with a million people in the state."""
    results, work = base / "live-results", base / "live"
    for part in live_parts.PARTS:
        done = run(python("live.py", part, "--folder", work, "--results", results))
        if done.error:
            print(f"live {part}: {done.error}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    return "Live", live_parts.page(results)


SECTIONS: dict[str, Callable[[Path, int], Section]] = {
    "loop": loop,
    "features": features,
    "retail": retail,
    "startup": startup,
    "objectives": objectives,
    "propensity": propensity,
    "lifetime": lifetime,
    "affinity": affinity,
    "discovery": discovery,
    "subgroups": subgroups,
    "live": live,
}


def _table(rows: list[tuple[str, Cost]], by: str = "wall", digits: int = 1) -> list[str]:
    """A Markdown table of costs; ratios are against the first row."""
    first = getattr(rows[0][1], by)
    what = "wall" if by == "wall" else "CPU"
    lines = [f"| what | wall s | CPU s | peak MB | {what} against the first |", "| --- | --: | --: | --: | --: |"]
    for name, cost in rows:
        if cost.error:
            lines.append(f"| {name} | failed: {cost.error[:120]} | | | |")
            continue
        ratio = f"{getattr(cost, by) / first:.2f}" if first and not rows[0][1].error else ""
        lines.append(f"| {name} | {cost.wall:.{digits}f} | {cost.cpu:.{digits}f} | {cost.peak} | {ratio} |")
    return lines


def _list(differing: dict[str, int]) -> str:
    return "these differ: " + ", ".join(f"{name} ({count:,})" for name, count in differing.items()) + "."


def _rows(folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def _last(data: Path) -> int:
    """The latest event, in microseconds since 1970."""
    latest = 0
    for path in data.glob("*.parquet"):
        footer = pq.read_metadata(path)
        column = footer.schema.names.index("at")
        for group in range(footer.num_row_groups):
            moment = footer.row_group(group).column(column).statistics.max
            latest = max(latest, int(moment.timestamp()) * 1_000_000 + moment.microsecond)
    return latest


def _sorted_events(base: Path) -> Path | None:
    current = base / ".shoal" / "current"
    if not current.exists():
        return None
    events = base / ".shoal" / "runs" / current.read_text().strip() / "events"
    return events if events.is_dir() else None


def machine() -> str:
    """The machine, the versions that matter, and how busy it is."""
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "numpy", "pandas", "scikit-learn", "lightgbm")
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{system}, {packages}. Load average when it began: {load}."


def _kept() -> dict[str, list[str]]:
    """The sections that the page has."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []:
        if line.startswith("## "):
            title = line.removeprefix("## ")
            found[title] = []
        elif title:
            found[title].append(line)
    return {title: "\n".join(lines).strip("\n").split("\n") for title, lines in found.items()}


def write(sections: list[Section], machine: str) -> None:
    """Writes the page; sections that were not measured now stay as they are."""
    measured = {title: [*body, "", f"*Measured on {machine}*"] for title, body in sections}
    lines = [
        "<!-- Generated by `make bench`; edit benchmarks/ instead. -->",
        "",
        "# Benchmarks",
        "",
        "Every row is a process of its own, the rows of a table one after the other: compare those, not two tables.",
        "A ratio above 1 means that Shoal, the first row, is ahead. Other work on the machine slows everything:",
        "the load is noted. The peers are in `benchmarks/`; the script has one OpenMP thread, which is faster for it.",
    ]
    for title, body in {**_kept(), **measured}.items():
        lines += ["", f"## {title}", "", *body]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--full", action="store_true", help="1,000,000 people")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument(
        "--folder", type=Path, help="where to work, and leave the data; a temporary folder when left out"
    )
    parser.add_argument("--print", action="store_true", help="print only, leave docs/benchmarks.md as it is")
    asked = parser.parse_args()
    chosen = asked.only.split(",")
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"unknown section {', '.join(unknown)}; known: {', '.join(SECTIONS)}")
    people = 1_000_000 if asked.full else asked.people
    on = machine()
    print(on)
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as scratch:
        base = asked.folder or Path(scratch)
        if {"loop", "features"} & set(chosen):
            made = run(python("generate.py", base, "--people", people))
            print(f"data made in {made.wall:.1f} s, {made.peak_mb:,.0f} MB {made.error}")
        sections = []
        for name in chosen:
            sections.append(SECTIONS[name](base, people))
            print(f"\n## {sections[-1][0]}\n", *sections[-1][1], sep="\n", flush=True)
    if not asked.print:
        write(sections, on)
    return int(any("failed: " in line for _, body in sections for line in body))


if __name__ == "__main__":
    sys.exit(main())
