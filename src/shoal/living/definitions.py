"""What is computed for every person: by the last run, what people decided since, and the workspace's own files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import settings, summary
from shoal.define.feature import Feature, features_from_yaml, span
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue, choose
from shoal.define.parse import parse
from shoal.define.segment import SegmentFile, load_segments
from shoal.define.types import Type, type_of
from shoal.define.words import Label, to_words
from shoal.errors import ExpressionError, SettingsError
from shoal.live.definition import Definition, Rule, fingerprint
from shoal.plays import FILE as STRATEGIES
from shoal.releases import overlay
from shoal.settings import Settings, identifier_places
from shoal.store import releases
from shoal.store.database import FILE, Database
from shoal.store.runs import Run, Runs

if TYPE_CHECKING:
    from shoal.predict.apply import Scorer

ENDED = frozenset({"refused", "retired"})
PACKED = 200  # event names from which ready features are made before there is a run
LIVE = "live"  # the log as a source of a run
ASK = 5.0  # seconds between looks at decisions that a database elsewhere holds


@dataclass(frozen=True)
class Scores:
    """The models of a run, as the live side asks them."""

    scorer: Scorer

    @property
    def version(self) -> str:
        return self.scorer.version

    @property
    def columns(self) -> Mapping[str, str]:
        fresh = set(self.scorer.models)
        return {column: model for column, model in self.scorer.columns.items() if model in fresh}

    @property
    def needs_events(self) -> tuple[str, ...]:
        return self.scorer.needs_events

    def score(self, table: pa.Table, as_of: int, events: pa.RecordBatch | None) -> dict[str, NDArray[np.float64]]:
        given = None if events is None else [events]
        found = {}
        for one in self.scorer.score(table, as_of, events=given, bands=False):
            values = np.full(table.num_rows, np.nan)
            values[one.rows] = one.score
            found[one.model] = values
        return found


@dataclass
class Definitions:
    """What a workspace defines, looked at again and again: a few looks at files where nothing changed."""

    folder: Path
    _stamp: Any = None
    _shape: Any = None
    _held: Definition | None = None
    _by_url: bool = False

    def now(self, seen: Mapping[str, Any]) -> Definition:
        """The definition as the files, the last run and the decisions have it; the same object where nothing changed.

        `seen` is what the state knows of events where there is no run yet: names and kinds, whatever their numbers.
        """
        stamp, shape = self._stamped(), _shape(seen)
        if self._held is None or stamp != self._stamp or (not self._held.run_id and shape != self._shape):
            told = settings.load(self.folder)
            decided = releases.history(Database(self.folder, told.store))
            made = definition(self.folder, told, decided, seen)
            self._stamp, self._shape = stamp, shape
            self._by_url = told.store is not None
            if self._held is None or made.version != self._held.version or made.waiting != self._held.waiting:
                self._held = made
        return self._held

    def _stamped(self) -> Any:
        """What differs where a file does. Decisions in a database elsewhere are asked for every few seconds."""
        home = self.folder / ".shoal"
        files = [self.folder / settings.FILE, self.folder / STRATEGIES, home / "current"]
        files += sorted((self.folder / "segments").glob("*.y*ml"))
        decided = int(time.monotonic() / ASK) if self._by_url else [_stat(home / one) for one in (FILE, f"{FILE}-wal")]
        return [_stat(one) for one in files], decided


def _stat(path: Path) -> tuple[str, int, int, int] | None:
    """What tells a file's content from another's; None for one that is not there or empty."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (str(path), found.st_mtime_ns, found.st_size, found.st_ino) if found.st_size else None


def _shape(seen: Mapping[str, Any]) -> Any:
    names = list(seen.get("events", ()))[:PACKED]
    return names, dict(seen.get("kinds", {})), dict(seen.get("traits", {})), bool(seen.get("valued"))


def definition(folder: Path, told: Settings, decided: Sequence[summary.Release], seen: Mapping[str, Any]) -> Definition:
    """What is computed for every person: by the last run, or before the first one by the workspace's own files."""
    run = Runs(folder).last()
    own = load_segments(folder)
    made = _before_any_run(told, own, seen) if run is None else _of_run(run, own, decided)
    return replace(made, refresh=span(told.tracking.refresh), reading=_reading(told))


def _reading(told: Settings) -> str:
    """Names how messages are read and people joined: where it changes, everybody is made anew from the log."""
    tracking = told.tracking
    places = list(identifier_places(told).items())
    return fingerprint([places, tracking.value, tracking.earliest, told.unify.model_dump(), told.country])


def _of_run(run: Run, own: Sequence[SegmentFile], decided: Sequence[summary.Release]) -> Definition:
    from shoal.predict.run import scorer

    part = run.read_part("features")
    scores = Scores(scorer(run))
    schema = _schema(run, "features")
    kinds = {name: type_of(schema.field(name).type) for name in part["traits"] if name in schema.names}
    cards = [summary.ModelCard.model_validate(one) for one in (run.read_part("predict") or {}).get("models", [])]
    made = Definition(
        plan=scores.scorer.plan,
        derived=part["derived"],
        traits={name: kind.value for name, kind in kinds.items() if kind is not None},
        scoring=scores if scores.columns else None,
        hidden=frozenset(part["hidden"]) | {one.name for one in scores.scorer.extra},
        labels=_labels(part["meta"], scores, cards),
        models=_models(scores, cards),
        run_id=run.run_id,
        seen=_read_by(run),
    )
    last = summary.Run.model_validate(run.read_part("run"))
    rules, waiting = _with_own(made, [_rule(one) for one in overlay(last.segments, decided)], own)
    return replace(made, rules=_readable(made, rules), waiting=waiting)


def _read_by(run: Run) -> int:
    """The offset up to which a run has every event of the log: none where it left out those after its instant."""
    unified = run.read_part("unify") or {}
    left_out = any(one["later"] for one in unified.get("quality", ()) if one["source"] == LIVE)
    return 0 if left_out else (unified.get("live") or {}).get("offset", 0)


def _labels(meta: Mapping[str, Any], scores: Scores, cards: Sequence[summary.ModelCard]) -> dict[str, tuple[str, str]]:
    from shoal.model.scores import score_meta

    labels = {name: (one["label"], one["unit"]) for name, one in meta.items()}
    spoken = {name: one.spoken for name, one in score_meta(dict(scores.columns), cards).items()}
    return labels | {name: (one.text, one.unit or "") for name, one in spoken.items()}


def _models(scores: Scores, cards: Sequence[summary.ModelCard]) -> list[dict[str, Any]]:
    from shoal.model.scores import score_meta

    models = {model: model for model in scores.scorer.models}
    labels = score_meta(models, cards)
    versions = {name: way.use.version for way in scores.scorer.ways for name in way.models}
    return [{"model": one, "label": labels[one].label, "version": versions.get(one)} for one in models]


def _rule(one: summary.Segment) -> Rule:
    return Rule(one.name, one.version, one.kind, one.status, one.rule, one.words, tuple(one.brief.strategies))


def _with_own(made: Definition, rules: Sequence[Rule], own: Sequence[SegmentFile]) -> tuple[list[Rule], dict[str, str]]:
    """The run's rules, and the workspace's own as its files have them by now; and why some of these wait.

    A file that was changed is a new version, a draft; a released version stays beside it until a person decides.
    """
    files = {one.name: one for one in own}
    kept = [
        one
        for one in rules
        if one.status not in ENDED and (one.kind != "rule" or one.name in files or one.status == "released")
    ]
    waiting: dict[str, str] = {}
    for name, file in files.items():
        versions = [one for one in rules if one.name == name]
        if any(one.rule == file.rule for one in versions) or (file.budget is not None and versions):
            continue
        fresh = _own_rule(made, file, max((one.version for one in versions), default=0) + 1)
        if isinstance(fresh, str):
            waiting |= {} if versions else {name: fresh}
        elif not any(one.words == fresh.words for one in versions):
            kept = [one for one in kept if one.name != name or one.status == "released"]
            kept.append(fresh)
    return kept, waiting


def _own_rule(made: Definition, file: SegmentFile, version: int) -> Rule | str:
    """A rule of the workspace's own; where it cannot be evaluated yet, such as a rank, the reason."""
    if file.budget is not None:
        return "a budget takes a run to tell"
    try:
        expr = parse(file.rule, made.types, expect=Type.BOOL)
    except ExpressionError as error:
        return str(error)
    labels = {name: Label(words, unit or None) for name, (words, unit) in made.labels.items()}  # type: ignore[arg-type]
    return Rule(file.name, version, "rule", "draft", file.rule, to_words(expr, labels), tuple(file.strategies))


def _readable(made: Definition, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Without the rules that read what is not known live, such as the scores of a model that needs a whole run."""
    found = []
    for one in rules:
        try:
            parse(one.rule, made.types, expect=Type.BOOL)
        except ExpressionError:
            continue
        found.append(one)
    return tuple(found)


def _before_any_run(told: Settings, own: Sequence[SegmentFile], seen: Mapping[str, Any]) -> Definition:
    """The workspace's own features and rules, and the ready features of the events that came so far."""
    kinds = {name: Type(kind) for name, kind in seen.get("kinds", {}).items()}
    names = list(seen.get("events", ()))[:PACKED]  # the first that came: they stay the first
    known = Catalogue(
        events=dict.fromkeys(names, 1),
        properties={name: kind.value for name, kind in kinds.items()},
        has_value=bool(seen.get("valued")),
        roles=told.events,
    )
    ready = {one.name: one for one in choose(known)} if names else {}
    columns = {"value": Type.NUMBER, **kinds}
    offered = features_from_yaml({name: one.definition for name, one in ready.items()})
    features, waiting = _compiled(offered, told, columns)
    plan = compile_plan(features, columns, time_zone=told.time_zone)
    made = Definition(
        plan=plan,
        traits=dict(seen.get("traits", {})),
        hidden=frozenset(name for name, one in ready.items() if one.theme == "hidden"),
        labels={one.name: (one.words, one.unit or "") for one in features},
    )
    rules, held_up = _with_own(made, (), own)
    made = replace(made, rules=tuple(rules), waiting=waiting | held_up)
    # Of what people may be told to be, only what a rule reads is a column: there is no end of names.
    return replace(made, traits={name: kind for name, kind in made.traits.items() if name in made.read})


def _compiled(
    ready: Sequence[Feature], told: Settings, columns: Mapping[str, Type]
) -> tuple[list[Feature], dict[str, str]]:
    """The features that can be computed by now; one that reads a property which nobody sent yet waits for it."""
    own = features_from_yaml(told.features)
    mine = {one.name for one in own}
    features = [*(one for one in ready if one.name not in mine), *own]
    waiting: dict[str, str] = {}
    while True:
        try:
            compile_plan(features, columns, time_zone=told.time_zone)
        except SettingsError as error:
            wrong = {fault.where.split(".")[1] for fault in error.faults if fault.where.startswith("features.")}
            if not wrong & {one.name for one in features}:
                raise
            features = [one for one in features if one.name not in wrong]
            waiting |= {fault.where: fault.what for fault in error.faults if fault.where.split(".")[1] in mine}
        else:
            return features, waiting


def _schema(run: Run, name: str) -> pa.Schema:
    import pyarrow.parquet as pq

    schema: pa.Schema = pq.read_schema(run.path(name))
    return schema


def check(folder: Path) -> None:
    """Raises what is wrong with a workspace's definitions, all faults at once."""
    told = settings.load(folder)
    definition(folder, told, releases.history(Database(folder, told.store)), {})
