"""The story as code: unify, features, predict, model, validate, report, in order, over one run's folder.

Each stage reads tables and leaves tables. What a stage needs of another is handed to it here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shoal import registry, summary, tables
from shoal.define.segment import SegmentFile, load_segments
from shoal.engine.protocol import Engine
from shoal.errors import Fault, NotFound, SettingsError, ShoalError, StorageError, UsageError, suggest
from shoal.releases import overlay
from shoal.settings import FILE, Settings, identifier_places
from shoal.store import releases
from shoal.store.database import Database
from shoal.store.runs import Run, Runs, write_text

if TYPE_CHECKING:
    from shoal.live.log import Log
    from shoal.live.message import Cleaner
    from shoal.live.replay import Replayed
    from shoal.model.contest import Judge
    from shoal.model.prose import Voice
    from shoal.unify.stream import Kind, Replay

UNPROVEN = "these segments are not validated. Remedy: `shoal run --only validate`"
Tell = Callable[[str, float | None], None]


@dataclass
class Work:
    """What every stage is given: the settings, the run's folder, the one before it, the engine."""

    folder: Path
    settings: Settings
    run: Run
    before: Run | None
    engine: Engine
    tell: Tell
    as_of: int | None = None
    own: list[SegmentFile] = field(default_factory=list)
    logs: Sequence[Log] = ()
    releases: list[summary.Release] = field(default_factory=list)


def _unify(work: Work) -> None:
    from shoal.unify.run import unify

    log = _replays(work.settings, work.logs)
    unify(work.folder, work.settings, work.engine, work.run, work.before, work.as_of, work.tell, log)


def cleaner(settings: Settings, partition: int = 0) -> Cleaner:
    """What cleans the messages of one partition of a workspace's log, the same live and in a run."""
    from shoal.live.message import Cleaner
    from shoal.unify.identifiers import rank
    from shoal.unify.spelling import normaliser

    places = identifier_places(settings)
    ranked = {kind: places[kind] for kind in sorted(places, key=rank)}
    return Cleaner(settings.tracking, normaliser(settings.unify.placeholders, settings.country), ranked, partition)


def _replays(settings: Settings, logs: Sequence[Log]) -> Replay | None:
    """The log, one a partition, as the source `live`, up to what it holds now; None where it is empty.

    Raises SettingsError when another source has that name.
    """
    from shoal.live.message import TELLS
    from shoal.live.replay import SOURCE, entries, replay

    ends = [log.last() for log in logs]
    if not any(ends):
        return None
    for name in settings.sources:
        if name.casefold() == SOURCE:
            what = "is the name of what arrives over HTTP, and the log has events"
            raise SettingsError([Fault(FILE, None, f"sources.{name}", what, "call the source something else")])

    def read(folder: Path, known: Mapping[str, Kind]) -> Replayed:
        parts = enumerate(zip(logs, ends, strict=True))
        cleaned = [(entries(log, end), cleaner(settings, number)) for number, (log, end) in parts]
        return replay(cleaned, folder, tells=TELLS, known=known)

    return read


def _features(work: Work) -> None:
    from shoal.model.run import features
    from shoal.unify.events import batches

    features(work.settings, work.engine, work.run, batches, work.tell)


def _predict(work: Work) -> None:
    from shoal.model.run import seeds
    from shoal.predict.run import predict
    from shoal.unify.events import batches

    def rules() -> Mapping[str, str]:
        return seeds(work.settings, work.own, work.run, work.before)

    predict(work.settings, work.run, work.before, batches, rules, work.tell)


def _model(work: Work) -> None:
    from shoal.model.run import segments
    from shoal.validate.run import jury

    def judge() -> Judge:
        return jury(work.run)

    voice, _ = _voice(work.settings)
    segments(work.settings, work.own, work.run, work.before, work.tell, judge, work.releases, voice)


def _validate(work: Work) -> None:
    from shoal.model.derived import derive
    from shoal.model.run import complete, refit
    from shoal.validate.run import validate

    validate(work.settings, work.run, refit=refit, derive=derive, tell=work.tell)
    part = work.run.read_part("validate")
    judged = [summary.Segment.model_validate(one) for one in part["segments"]]
    voice, why_not = _voice(work.settings)
    told, notes = complete(work.settings, work.run, judged, voice)
    kept = {"segments": [one.model_dump(mode="json") for one in told], "notes": [*part["notes"], *why_not, *notes]}
    work.run.write_part("validate", {**part, **kept})


def _voice(settings: Settings) -> tuple[Voice | None, list[str]]:
    """The language model that the settings name, if any; and why it cannot be asked."""
    if settings.language is None:
        return None, []
    from shoal.language import connect
    from shoal.model.prose import Voice

    try:
        port = connect(**settings.language.model_dump())
    except ShoalError as error:
        return None, [f"the language model was not asked: {error}"]
    return Voice(port.ask, port.model), []


def _report(work: Work) -> None:
    from shoal.report.html import render

    told = assemble(work.folder, work.settings, work.run, work.releases)
    work.run.write_part("run", told.model_dump(mode="json"))
    write_text(work.run.folder / "report.html", render(told))


STAGES: Mapping[str, Callable[[Work], None]] = {
    "unify": _unify,
    "features": _features,
    "predict": _predict,
    "model": _model,
    "validate": _validate,
    "report": _report,
}
WRITTEN: Mapping[str, tuple[str, ...]] = {
    "unify": ("events", "profiles", "identifiers", "quarantine", "guarded", "met"),
    "features": ("features", "features_before", "outcomes", "lessons"),
    "predict": ("scores", "scores_before", "affinities", "pending", "unseen"),
    "model": ("segments", "memberships", "features_then", "scores_then"),
    "validate": ("verdicts",),
    "report": (),
}
BEFORE_EVIDENCE = ("unify", "features", "predict", "model")
SHARE = {"unify": 0.0, "features": 0.4, "predict": 0.55, "model": 0.75, "validate": 0.85, "report": 0.97}


def run(
    folder: Path,
    settings: Settings,
    *,
    as_of: str | None = None,
    only: str | None = None,
    tell: Tell,
    logs: Sequence[Log] = (),
) -> summary.Run:
    """Runs every stage, or one over the last run's tables, and publishes the result whole.

    `as_of` is ISO 8601, in the workspace's zone where it names none; nothing later is used. `logs` hold what arrived
    over HTTP, one a partition; their events are the source `live`.

    Raises UsageError, SettingsError, DataError, Busy or StorageError; the last good run then stays as it was.
    """
    if only is not None and only not in STAGES:
        raise UsageError(f"unknown stage '{only}'.{suggest(only, STAGES)}")
    cutoff = instant(as_of, settings.time_zone) if as_of is not None else None
    own = load_segments(folder)
    decided = releases.history(Database(folder, settings.store))
    runs = Runs(folder)
    before = runs.last()
    with runs.begin(settings.keep_runs) as draft:
        make = registry.load(registry.ENGINES, settings.engine)
        if only is not None:
            _carry_over(before, draft, folder)
            _drop(draft, WRITTEN[only])
            if only in BEFORE_EVIDENCE:
                _drop_evidence(draft)
        timings = dict(draft.read_part("timings") or {})
        for name, stage in STAGES.items():
            if only is not None and name not in (only, "report"):
                continue
            began = perf_counter()
            tell(name, SHARE[name])
            draft.write_part("timings", timings)
            # Each stage has an engine of its own, so that none leaves its tables in memory for the next.
            with make(settings.memory, None, draft.folder / "scratch") as engine:
                stage(Work(folder, _told(settings, draft), draft, before, engine, tell, cutoff, own, logs, decided))
            timings[name] = round(perf_counter() - began, 3)
        draft.write_part("timings", timings)
        html = (draft.folder / "report.html").read_text(encoding="utf-8")
        told = summary.Run.model_validate(draft.read_part("run"))
    try:
        write_text(folder / "report.html", html)
    except OSError as error:
        raise StorageError(
            f"run {draft.run_id} is finished and kept, but {folder / 'report.html'} could not be written "
            f"({error.strerror}). Remedy: free some space or mend its rights; "
            f"the report also is {runs.runs / draft.run_id / 'report.html'}"
        ) from None
    return told.model_copy(update={"timings": timings})


def _told(settings: Settings, run: Run) -> Settings:
    """The settings, which do not name the source `live`, with what this run has of its events."""
    live = (run.read_part("unify") or {}).get("live", {})
    return settings.with_live(live.get("traits", ())) if live.get("events") else settings


def instant(text: str, time_zone: str) -> int:
    """Microseconds since 1970 of an ISO 8601 text; a date alone is its midnight in `time_zone`.

    >>> instant("1970-01-02", "UTC")
    86400000000
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is not an instant. Rule: ISO 8601. Remedy: such as 2011-06-09T12:00") from None
    if not 1900 <= at.year < 3000:
        raise UsageError(f"'{text}' is out of range. Rule: years 1900 to 2999. Remedy: such as 2011-06-09T12:00")
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(time_zone))
    return tables.microseconds(at)


def assemble(folder: Path, settings: Settings, run: Run, decided: Sequence[summary.Release] = ()) -> summary.Run:
    """The run's summary from the parts that the stages left, with what people `decided` so far."""
    unified = run.read_part("unify") or {}
    predicted = run.read_part("predict") or {}
    modelled = run.read_part("model") or {}
    validated = run.read_part("validate") or {}
    featured = run.read_part("features") or {}
    name = settings.name if settings.name != "shop" else folder.resolve().name or "shop"
    return summary.Run(
        run_id=run.run_id,
        workspace=name,
        as_of=featured.get("as_of_text", ""),
        currency=settings.currency,
        rows={
            **unified.get("rows", {}),
            **predicted.get("rows", {}),
            **modelled.get("rows", {}),
            **validated.get("rows", {}),
        },
        segments=overlay(
            [summary.Segment.model_validate(one) for one in validated.get("segments") or modelled.get("segments", [])],
            decided,
        ),
        verdicts=[summary.Verdict.model_validate(one) for one in validated.get("verdicts", [])],
        models=predicted.get("models", []),
        comparison=modelled.get("comparison"),
        discovery=modelled.get("discovery"),
        subgroups=modelled.get("subgroups", []),
        fairness=validated.get("fairness"),
        changes=modelled.get("changes", []),
        releases=list(decided),
        quality=unified.get("quality", []),
        timings=run.read_part("timings") or {},
        questions=unified.get("questions", []),
        notes=[
            *unified.get("notes", []),
            *featured.get("notes", []),
            *predicted.get("notes", []),
            *modelled.get("notes", []),
            *(validated["notes"] if validated else [UNPROVEN]),
        ],
        extra={
            **featured.get("extra", {}),
            "revenue": modelled.get("revenue"),
            "spreads": modelled.get("spreads", {}),
            "labels": {
                **{feature: one["label"] for feature, one in featured.get("meta", {}).items()},
                **modelled.get("labels", {}),
            },
        },
    )


def _carry_over(before: Run | None, draft: Run, folder: Path) -> None:
    """Starts from the last run's files, without copying what is on the same disk."""
    if before is None:
        raise NotFound(f"{folder}: there is no run to take the other stages from. Remedy: `shoal run` first")
    for path in before.folder.rglob("*"):
        target = draft.folder / path.relative_to(before.folder)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif path.suffix == ".parquet":
            _link(path, target)
        else:
            shutil.copyfile(path, target)


def _drop(draft: Run, names: Sequence[str]) -> None:
    """Unlinks what a stage writes anew: the last run's files may be the very same ones on disk."""
    for path in (draft.path(name) for name in names):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def _drop_evidence(draft: Run) -> None:
    """What was proven of the last run's segments says nothing of those made from other tables."""
    for path in (draft.path("verdicts"), draft.folder / "validate.json"):
        path.unlink(missing_ok=True)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
