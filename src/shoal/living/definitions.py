"""What is computed for every person: by the last run, what people decided since, and the workspace's own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from shoal.live.definition import Definition, Rule
from shoal.releases import overlay
from shoal.settings import Settings
from shoal.store import releases
from shoal.store.database import Database
from shoal.store.runs import Run, Runs

if TYPE_CHECKING:
    from shoal.predict.apply import Scorer

ENDED = frozenset({"refused", "retired"})
PACKED = 200  # event names from which ready features are made before there is a run


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
    """What a workspace defines, looked at again and again: cheap where nothing changed."""

    folder: Path
    seen: Mapping[str, Any] = field(default_factory=dict)
    _print: Any = None
    _decided: list[summary.Release] = field(default_factory=list)
    _held: Definition | None = None

    def now(self, seen: Mapping[str, Any]) -> Definition:
        """The definition as the files, the last run and the decisions have it; the same object where nothing changed.

        `seen` is what the state knows of events where there is no run yet.
        """
        print_ = self._fingerprint(seen)
        if self._held is None or print_ != self._print:
            self._held = definition(self.folder, settings.load(self.folder), self._decided, seen)
            self._print = print_
        return self._held

    def _fingerprint(self, seen: Mapping[str, Any]) -> Any:
        watched = [self.folder / settings.FILE, self.folder / ".shoal" / "current"]
        watched += sorted((self.folder / "segments").glob("*.y*ml"))
        stamps = [(str(path), path.stat().st_mtime_ns) for path in watched if path.exists()]
        told = settings.load(self.folder)
        self._decided = releases.history(Database(self.folder, told.store))
        shape = None if Runs(self.folder).last() is not None else seen
        return stamps, [one.model_dump_json() for one in self._decided], shape


def definition(folder: Path, told: Settings, decided: Sequence[summary.Release], seen: Mapping[str, Any]) -> Definition:
    """What is computed for every person: by the last run, or before the first one by the workspace's own files."""
    run = Runs(folder).last()
    own = load_segments(folder)
    refresh = span(told.tracking.refresh)
    if run is None:
        return replace(_before_any_run(told, own, seen), refresh=refresh)
    return replace(_of_run(run, own, decided), refresh=refresh)


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
        seen=((run.read_part("unify") or {}).get("live") or {}).get("offset", 0),
    )
    last = summary.Run.model_validate(run.read_part("run"))
    rules = [_rule(one) for one in overlay(last.segments, decided)]
    return replace(made, rules=_readable(made, _with_own(made, rules, own)))


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


def _with_own(made: Definition, rules: Sequence[Rule], own: Sequence[SegmentFile]) -> list[Rule]:
    """The run's rules, and the workspace's own as its files have them by now.

    A file that was changed is a new version, a draft; a released version stays beside it until a person decides.
    """
    files = {one.name: one for one in own}
    kept = [
        one
        for one in rules
        if one.status not in ENDED and (one.kind != "rule" or one.name in files or one.status == "released")
    ]
    for name, file in files.items():
        versions = [one for one in rules if one.name == name]
        if file.budget is not None or any(one.rule == file.rule for one in versions):
            continue
        fresh = _own_rule(made, file, max((one.version for one in versions), default=0) + 1)
        if fresh is None or any(one.words == fresh.words for one in versions):
            continue
        kept = [one for one in kept if one.name != name or one.status == "released"]
        kept.append(fresh)
    return kept


def _own_rule(made: Definition, file: SegmentFile, version: int) -> Rule | None:
    """A rule of the workspace's own; None where it says a rank, which takes a run to tell."""
    try:
        expr = parse(file.rule, made.types, expect=Type.BOOL)
    except ExpressionError:
        return None
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
    names = sorted(seen.get("events", {}).items(), key=lambda one: (-one[1], one[0]))[:PACKED]
    known = Catalogue(
        events=dict(names),
        properties={name: kind.value for name, kind in kinds.items()},
        has_value=bool(seen.get("valued")),
        roles=told.events,
    )
    ready = {one.name: one for one in choose(known)} if names else {}
    columns = {"value": Type.NUMBER, **kinds}
    features = _compiled(features_from_yaml({name: one.definition for name, one in ready.items()}), told, columns)
    plan = compile_plan(features, columns, time_zone=told.time_zone)
    made = Definition(
        plan=plan,
        traits=dict(seen.get("traits", {})),
        hidden=frozenset(name for name, one in ready.items() if one.theme == "hidden"),
        labels={one.name: (one.words, one.unit or "") for one in features},
    )
    rules = [rule for one in own if one.budget is None and (rule := _own_rule(made, one, 1)) is not None]
    return replace(made, rules=tuple(rules))


def _compiled(ready: Sequence[Feature], told: Settings, columns: Mapping[str, Type]) -> list[Feature]:
    """The features that can be computed by now; one that reads a property which nobody sent yet waits for it."""
    own = features_from_yaml(told.features)
    mine = {one.name for one in own}
    features = [*(one for one in ready if one.name not in mine), *own]
    while True:
        try:
            compile_plan(features, columns, time_zone=told.time_zone)
        except SettingsError as error:
            wrong = {fault.where.split(".")[1] for fault in error.faults if fault.where.startswith("features.")}
            if not wrong & {one.name for one in features}:
                raise
            features = [one for one in features if one.name not in wrong]
        else:
            return features


def _schema(run: Run, name: str) -> pa.Schema:
    import pyarrow.parquet as pq

    schema: pa.Schema = pq.read_schema(run.path(name))
    return schema


def check(folder: Path) -> None:
    """Raises what is wrong with a workspace's definitions, all faults at once."""
    told = settings.load(folder)
    definition(folder, told, releases.history(Database(folder, told.store)), {})
