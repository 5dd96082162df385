"""What is wrong with a workspace and its machine, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from shoal import settings
from shoal.errors import SettingsError, SourceError, suggest
from shoal.settings import Settings, Source

ASKED = re.compile(r"^\s*# \? (\S.*?)\s*$", re.MULTILINE)
NEEDED = ("duckdb", "pyarrow", "numpy", "scipy", "scikit-learn", "sqlglot", "pydantic", "phonenumbers")
ENGINES = {"duckdb": "duckdb"}
DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg", "mysql": "pymysql", "sqlite": ""}
GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it is, and the remedy where it is not well."""

    severity: Literal["ok", "warn", "error"]
    where: str
    what: str
    remedy: str = ""


def questions(settings_text: str) -> list[str]:
    """The open questions in a `shoal.yaml`: its comments that begin with `# ?`.

    >>> questions("sources:\\n# ? sources.orders.value: is it net?\\n  orders: {}")
    ['sources.orders.value: is it net?']
    """
    return ASKED.findall(settings_text)


def diagnose(folder: Path) -> list[Finding]:
    """Looks at a workspace's settings, sources, folder and machine; never raises for what it finds."""
    found = [*_machine(), *_folder(folder)]
    try:
        current = settings.load(folder)
    except SettingsError as error:
        faults = [Finding("error", _place(fault.line, fault.where), fault.what, fault.remedy) for fault in error.faults]
        return [*faults, *found]
    except OSError as error:
        return [Finding("error", settings.FILE, f"cannot be read ({error.strerror})", "mend its permissions"), *found]
    text = (folder / settings.FILE).read_text(encoding="utf-8")
    well = [Finding("ok", settings.FILE, f"{len(current.sources)} sources, no fault")]
    if not current.sources:
        well = [
            Finding(
                "error", "sources", "there is no source", "run `shoal init FILE... --force`, or answer the questions"
            )
        ]
    asked = [_asked(question) for question in questions(text)]
    return [*well, *_sources(current, folder), *asked, *_room(current, folder), *_engine(current), *found]


def _place(line: int | None, where: str) -> str:
    return f"{settings.FILE}:{line}: {where}" if line else where


def _asked(question: str) -> Finding:
    where, mark, what = question.partition(": ")
    remedy = "correct the line below the question, or delete the question when the guess is right"
    return Finding("warn", where if mark else settings.FILE, what if mark else where, remedy)


def _sources(current: Settings, folder: Path) -> Iterator[Finding]:
    for name, source in current.sources.items():
        place = f"sources.{name}"
        if source.sql is not None:
            yield from _database(place, source)
            continue
        paths = files(source, folder)
        if not paths:
            yield Finding("error", f"{place}.path", f"no file matches {source.path}", _nearest(source, folder))
        for path in paths[:20]:
            yield from _file(place, source, path)


def files(source: Source, folder: Path) -> list[Path]:
    """The files of a source that are there."""
    if source.path is None:
        return []
    path = folder / source.path
    if path.is_file() or not GLOB.search(source.path):
        return [path] if path.exists() else []
    root = Path(source.path).anchor
    pattern = source.path.removeprefix(root)
    return sorted(found for found in (Path(root) if root else folder).glob(pattern) if found.is_file())


def _nearest(source: Source, folder: Path) -> str:
    path = folder / (source.path or "")
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = suggest(path.name, beside[:1000]).strip() if beside else f"There is no folder {path.parent}."
    return f"{hint} Put the file there or correct `path`".strip()


def _file(place: str, source: Source, path: Path) -> Iterator[Finding]:
    """A file's readability, and the mapping held against its columns."""
    from shoal.unify.check import columns_of, faults
    from shoal.unify.sniff import sniff

    try:
        sample = sniff(path)
    except SourceError as error:
        what, _, remedy = str(error).partition(" Remedy: ")
        yield Finding("error", f"{place}.path", what, remedy or "replace the file")
        return
    wrong = faults(source, columns_of(sample, source))
    for setting, what in wrong:
        yield Finding("error", f"{place}.{setting}", f"{what} (in {path.name})", "correct the expression")
    if source.csv.header and not sample.dialect.header and sample.format == "csv":
        yield Finding(
            "warn", f"{place}.csv", f"{path.name} seems to have no header", "set `csv: {header: false, columns: [...]}`"
        )
    declared = sample.format == "csv" and source.csv.encoding.lower() == sample.dialect.encoding
    for note in (note for note in sample.notes if not (declared and note.startswith("read as"))):
        yield Finding("warn", place, f"{path.name}: {note}", "mend the file or its `csv:` settings, or accept the loss")
    if not wrong:
        yield Finding("ok", place, f"{path.name}: {len(sample.columns)} columns, mapping fits")


def _database(place: str, source: Source) -> Iterator[Finding]:
    url = source.url or ""
    missing = [name for name in re.findall(r"\$\{(\w+)\}", url) if name not in os.environ]
    for name in missing:
        yield Finding("error", f"{place}.url", f"the environment has no {name}", f"export {name}=... before the run")
    scheme = re.split(r"[:+]", url)[0]
    driver = DRIVERS.get(scheme)
    if driver and _version(driver) is None:
        yield Finding("error", f"{place}.url", f"{scheme} needs the package {driver}", f"pip install {driver}")


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info >= (3, 11)
    yield Finding("ok" if well else "error", "python", python, "" if well else "Shoal needs Python 3.11 or later")
    for name in NEEDED:
        found = _version(name)
        if found is None:
            yield Finding("error", name, "is not installed", f"pip install {name}")
        else:
            yield Finding("ok", name, found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _folder(folder: Path) -> Iterator[Finding]:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".shoal-"):
            yield Finding("ok", "folder", f"{folder} can be written")
    except OSError as error:
        yield Finding("error", "folder", f"{folder} cannot be written ({error.strerror})", "run where you may write")


def _room(current: Settings, folder: Path) -> Iterator[Finding]:
    """Disk and memory against what the sources and settings ask for."""
    sizes = [path.stat().st_size * (6 if path.suffix == ".gz" else 1) for path in _all_files(current, folder)]
    need, free = 3 * sum(sizes) + 200_000_000, shutil.disk_usage(folder).free
    shown = f"{free / 1e9:.1f} GB free, a run may need {need / 1e9:.1f} GB"
    remedy = "free some space, or move the workspace to a larger disk"
    yield Finding("ok", "disk", shown) if free > need else Finding("warn", "disk", shown, remedy)
    bound, there = _bytes(current.memory), _memory()
    if there is not None:
        shown = f"{there / 1e9:.1f} GB in the machine, bound for the engine {current.memory}"
        tight = bound > 0.8 * there
        yield (
            Finding("warn", "memory", shown, "lower `memory` in shoal.yaml")
            if tight
            else Finding("ok", "memory", shown)
        )


def _all_files(current: Settings, folder: Path) -> list[Path]:
    return [path for source in current.sources.values() for path in files(source, folder)]


def _bytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"MB": 1e6, "GB": 1e9, "MiB": 2**20, "GiB": 2**30}[unit]


def _memory() -> int | None:
    """Bytes of memory: the machine's, or the container's where that is less."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    limit = Path("/sys/fs/cgroup/memory.max")
    bound = limit.read_text().strip() if limit.is_file() else ""
    return min(there, int(bound)) if bound.isdigit() else there


def _engine(current: Settings) -> Iterator[Finding]:
    package = ENGINES.get(current.engine)
    if package is None:
        yield Finding(
            "error", "engine", f"unknown engine '{current.engine}'.{suggest(current.engine, ENGINES)}", "use duckdb"
        )
    zone = current.time_zone
    yield Finding("ok", "time_zone", f"{zone}: hours, weekdays and days are counted in it")
