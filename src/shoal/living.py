"""The live side as code: joins the stages for events that arrive, as `pipeline.py` does for a run.

A definition is made of the last run, of what people decided since, and of the workspace's own rules; the state begins
with the run's people and goes on with the log from where the run stopped reading.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import pipeline, settings, summary, tables
from shoal.define.feature import Feature, features_from_yaml, span
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue, choose
from shoal.define.parse import parse
from shoal.define.segment import SegmentFile, load_segments
from shoal.define.types import Type, type_of
from shoal.define.words import Label, to_words
from shoal.errors import ExpressionError, SettingsError, ShoalError
from shoal.live.advance import Advancer
from shoal.live.definition import Definition, Rule
from shoal.live.identity import Guards, Resolver
from shoal.live.log import Log
from shoal.live.reconcile import carry, stays
from shoal.live.seed import Origin, seed
from shoal.live.state import State, Txn
from shoal.live.worker import Worker
from shoal.releases import overlay
from shoal.settings import Settings
from shoal.store import releases
from shoal.store.database import Database
from shoal.store.runs import Run, Runs, is_served

if TYPE_CHECKING:
    from shoal.live.verify import Proof
    from shoal.live.view import LiveView
    from shoal.predict.apply import Scorer

ENDED = frozenset({"refused", "retired"})
PACKED = 200  # event names from which ready features are made before there is a run
Tell = Callable[[str, float | None], None]
Watch = Callable[[Mapping[str, Any]], None]


def _silent(_what: str, _done: float | None = None) -> None:
    """Says nothing."""


def home(folder: Path) -> Path:
    """Where the live state of a workspace lies."""
    return folder / ".shoal" / "live"


def guards(told: Settings) -> Guards:
    """When an identifier joins nobody."""
    return Guards(told.unify.max_shared, told.unify.max_users)


def open_log(folder: Path, told: Settings) -> Log:
    """The log of a workspace."""
    from shoal.live.logs import open_log as opened

    return opened(folder, told.tracking.log)


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


def origin(folder: Path, made: Definition) -> Origin | None:
    """The run that a state begins with, None before the first one."""
    if not made.run_id:
        return None
    run = Run(made.run_id, Runs(folder).runs / made.run_id)
    identifiers = run.table("identifiers")
    profiles = run.table("profiles")
    features = run.table("features")
    for name in made.traits:
        if name not in profiles.column_names and name in features.column_names:
            rows = np.searchsorted(features["person"].to_numpy(), profiles["person"].to_numpy())
            profiles = profiles.append_column(name, features[name].take(pa.array(rows)))
    standing = {"profile_id", "person", "first_seen", "last_seen"}
    return Origin(
        run_id=run.run_id,
        seen=made.seen,
        profiles=profiles,
        identifiers=_numbered(identifiers),
        events=lambda columns: _events(run, columns),
        traits=[name for name in profiles.column_names if name not in standing],
        liked=_liked(run),
        guarded=_listed(run, "guarded", ("type", "value")),
        met=_listed(run, "met", ("type", "value", "other_type", "other_value")),
    )


def _numbered(identifiers: pa.Table) -> pa.Table:
    """With each identifier's person as a number."""
    if "person" in identifiers.column_names:
        return identifiers
    from shoal.lookup import number

    return identifiers.append_column("person", pa.array([number(one) for one in identifiers["profile_id"].to_pylist()]))


def _events(run: Run, columns: Sequence[str]) -> Iterator[pa.Table]:
    from shoal.define.stream import join
    from shoal.unify.events import batches

    for file in run.files("events"):
        pieces = list(batches([file], columns))
        if pieces:
            yield join(pieces)


def _listed(run: Run, name: str, columns: Sequence[str]) -> list[Any]:
    """A small table's rows as tuples; none where an earlier version of the program made the run."""
    if not run.files(name):
        return []
    table = run.table(name)
    return list(zip(*(table[one].to_pylist() for one in columns), strict=True))


def _liked(run: Run) -> dict[int, list[tuple[str, int, str, str | None, bool]]]:
    """The items recommended to each person, best first, five of a model."""
    from shoal.lookup import number

    if not run.files("affinities"):
        return {}
    found: dict[int, list[tuple[str, int, str, str | None, bool]]] = {}
    table = run.table("affinities")
    names = table["name"].to_pylist() if "name" in table.column_names else [None] * table.num_rows
    rows = zip(*(table[one].to_pylist() for one in ("profile_id", "model", "rank", "item", "new")), names, strict=True)
    for who, model, rank, item, new, name in rows:
        if rank <= 5:
            found.setdefault(number(who), []).append((model, rank, item, name, new))
    return {who: sorted(liked, key=lambda one: one[:2]) for who, liked in found.items()}


def _stays(run: Run) -> dict[str, dict[int, int]]:
    """Open stays of a run, by segment version and person."""
    from shoal.lookup import number

    found: dict[str, dict[int, int]] = {}
    table = run.table("memberships")
    table = table.filter(pa.compute.is_null(table["left_at"]))
    columns = [table[one].to_pylist() for one in ("segment", "version", "profile_id")]
    for name, version, who, since in zip(*columns, table["entered_at"].cast(pa.int64()).to_pylist(), strict=True):
        found.setdefault(f"{name}@{version}", {})[number(who)] = since
    return found


class Living:
    """A workspace's live worker and what it is made of. Only one at a time may be open for writing."""

    def __init__(self, folder: Path, *, tell: Tell = _silent, watch: Watch = lambda _: None) -> None:
        self.folder, self.tell = folder, tell
        self.settings = settings.load(folder)
        self.log = open_log(folder, self.settings)
        self.definitions = Definitions(folder)
        self._faulty = ""
        self.worker = Worker(self.log, self._begin(), self._renewed, tell=watch)

    def close(self) -> None:
        """Ends the worker's state and log."""
        self.worker.advancer.state.close()
        self.log.close()

    def _begin(self) -> Advancer:
        """The state as it was left, or a new one where there is none that fits the definition."""
        state = State(home(self.folder), write=True)
        with state.reading() as txn:
            known, seen = txn.meta("history"), txn.meta("seen", {})
        made = self.definitions.now(seen)
        if known == made.history:
            return self._advancer(state, made)
        return self._rebuilt(state if known is not None else None, state, made)

    def _renewed(self, advancer: Advancer) -> Advancer | None:
        """Heeds what changed in the workspace; a new state only where histories must be others."""
        try:
            made = self.definitions.now(advancer.seen.to_dict())
        except ShoalError as error:  # what was defined before goes on until the files are mended
            if str(error) != self._faulty:
                self._faulty = str(error)
                self.tell(f"live: the definitions stay as they were: {error}", None)
            return None
        self._faulty = ""
        if made.version == advancer.definition.version:
            return None
        if made.history == advancer.definition.history:
            advancer.redefine(made)
            return None
        self.settings = settings.load(self.folder)
        return self._rebuilt(advancer.state, advancer.state, made)

    def _advancer(self, state: State, made: Definition, *, silent: bool = False) -> Advancer:
        cleaner, resolver = pipeline.cleaner(self.settings), Resolver(guards(self.settings))
        return Advancer(state, made, cleaner, resolver, silent=silent)

    def _rebuilt(self, old: State | None, held: State, made: Definition) -> Advancer:
        """A state made anew beside the one before, which readers keep until the new one has caught up."""
        self.tell("live: building the state", 0.0)
        aside = home(self.folder).with_name("live.next")
        shutil.rmtree(aside, ignore_errors=True)
        state = State(aside, write=True)
        begin = origin(self.folder, made)
        if begin is not None:
            seed(state, begin, made.layout)
        with state.writing() as txn:
            txn.set_meta("history", made.history)
        Worker(self.log, self._advancer(state, made, silent=True)).drain()
        carry(state, old, self._before(old, made))
        state.close()
        held.close()
        shutil.rmtree(home(self.folder), ignore_errors=True)
        aside.rename(home(self.folder))
        return self._advancer(State(home(self.folder), write=True), made)

    def _before(self, old: State | None, made: Definition) -> dict[str, dict[int, int]]:
        """Who was in which segment until now: by the state before, else by the run."""
        if old is not None:
            return stays(old)
        return _stays(Run(made.run_id, Runs(self.folder).runs / made.run_id)) if made.run_id else {}


def view(folder: Path, told: Settings, log: Log | None = None) -> LiveView:
    """What is known of people now, for readers."""
    from shoal.live import reading
    from shoal.live.nodes import LmdbNodes
    from shoal.live.view import LiveView
    from shoal.lookup import told_clause
    from shoal.model.rules import explain
    from shoal.settings import identifier_places
    from shoal.unify.identifiers import TYPES
    from shoal.unify.spelling import normaliser

    normalise = normaliser(told.unify.placeholders, told.country)
    places = identifier_places(told)
    spoken = {"user_id": next((kind for kind, place in places.items() if place == "userId"), "user_id")}

    def identified(txn: Txn, person: int, times: reading.Times) -> list[dict[str, Any]]:
        found = reading.identifiers(LmdbNodes(txn.raw, txn.dbs["nodes"]), person, times)
        return [
            {
                "type": one.type,
                "value": one.value,
                "first_seen": None if one.first_seen is None else tables.iso(one.first_seen),
                "last_seen": None if one.last_seen is None else tables.iso(one.last_seen),
            }
            for one in found
        ]

    def find(txn: Txn, kind: str, value: str) -> int | None:
        spelt = normalise(kind, value)
        return None if spelt is None else reading.find(LmdbNodes(txn.raw, txn.dbs["nodes"]), kind, spelt)

    def clauses(rule: str, row: pa.Table, labels: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        said = {name: Label(one[0], one[1] or None) for name, one in labels.items()}  # type: ignore[arg-type]
        return [told_clause(one) for one in explain(rule, row, said)]

    own = [kind for source in told.sources.values() for kind in source.identifiers]
    kinds = list(dict.fromkeys([*places, *own, *TYPES]))
    last = log.last if log is not None else (lambda: 0)
    return LiveView(home(folder), identified, find, clauses, kinds=kinds, spoken=spoken, log_last=last)


def verify(folder: Path, *, tell: Tell = _silent) -> Proof:
    """Rebuilds everybody from the run and the log, and holds the live state against it.

    Where no server runs, the state is first brought up to date with the log.
    """
    from shoal.live.verify import Verifier

    told = settings.load(folder)
    if not is_served(folder):
        living = Living(folder, tell=tell)
        try:
            living.worker.drain()
        finally:
            living.close()
    log, state = open_log(folder, told), State(home(folder))
    try:
        with state.reading() as txn:
            seen = txn.meta("seen", {})
        made = Definitions(folder).now(seen)
        verifier = Verifier(state, log, pipeline.cleaner(told), made, origin(folder, made), guards(told).most, tell)
        return verifier.verify()
    finally:
        state.close()
        log.close()
