"""The live side as code: joins the stages for events that arrive, as `pipeline.py` does for a run.

A definition is made of the last run, of what people decided since, and of the workspace's own rules; the state begins
with the run's people and goes on with the log from where the run stopped reading.
"""

from __future__ import annotations

import fcntl
import math
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal import pipeline, settings, summary, tables
from shoal.define.feature import Feature, features_from_yaml, span
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue, choose
from shoal.define.parse import parse
from shoal.define.segment import SegmentFile, load_segments
from shoal.define.types import Type, type_of
from shoal.define.words import Label, to_words
from shoal.errors import Busy, ExpressionError, SettingsError, ShoalError
from shoal.live.advance import Advancer
from shoal.live.definition import Definition, Rule, fingerprint
from shoal.live.identity import Guards, Resolver
from shoal.live.log import Log
from shoal.live.reconcile import carry
from shoal.live.seed import Liked, Origin, seed
from shoal.live.state import State, Txn
from shoal.live.worker import Worker
from shoal.releases import overlay
from shoal.plays import FILE as STRATEGIES
from shoal.settings import Settings, identifier_places
from shoal.store import releases
from shoal.store.database import FILE, Database
from shoal.store.runs import Run, Runs, is_served, storage

if TYPE_CHECKING:
    from shoal.live.verify import Proof
    from shoal.live.view import LiveView
    from shoal.predict.apply import Scorer

ENDED = frozenset({"refused", "retired"})
PACKED = 200  # event names from which ready features are made before there is a run
MOST_LIKED = 5  # items of a model that are kept of each person
LIVE = "live"  # the log as a source of a run
NEXT, OLD, BEGUN = "live.next", "live.old", "live.begun"  # beside the state: being built, being replaced, that one was
ASK = 5.0  # seconds between looks at decisions that a database elsewhere holds
PATIENCE = 60.0  # seconds in which a server must have brought everybody to new definitions
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
    """What a workspace defines, looked at again and again: a few looks at files where nothing changed."""

    folder: Path
    _stamp: Any = None
    _shape: Any = None
    _held: Definition | None = None

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

    _by_url: bool = False

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
    return replace(made, rules=tuple(rules), waiting=waiting | held_up)


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
        liked=_recommended(run),
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


def _recommended(run: Run) -> Callable[[NDArray[np.int64]], dict[int, list[Liked]]]:
    """The items recommended to some people, best first, five of a model."""
    if not run.files("affinities"):
        return lambda _: {}
    table = run.table("affinities")
    table = table.filter(pc.less_equal(table["rank"], MOST_LIKED))
    person = _numbers(table["profile_id"])
    order = np.argsort(person, kind="stable")
    person, table = person[order], table.take(pa.array(order))
    if "name" not in table.column_names:
        table = table.append_column("name", pa.nulls(table.num_rows, pa.string()))

    def liked(people: NDArray[np.int64]) -> dict[int, list[Liked]]:
        places = np.flatnonzero(np.isin(person, people))
        some = table.take(pa.array(places))
        columns = [some[one].to_pylist() for one in ("model", "rank", "item", "name", "new")]
        found: dict[int, list[Liked]] = {}
        for who, *told in zip(person[places].tolist(), *columns, strict=True):
            found.setdefault(who, []).append(tuple(told))
        return {who: sorted(items, key=lambda one: one[:2]) for who, items in found.items()}

    return liked


def _numbers(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """The numbers behind profile ids."""
    from shoal.lookup import number

    plain = ids.cast(pa.string()).combine_chunks().dictionary_encode()
    known = np.array([number(one) for one in plain.dictionary.to_pylist()], np.int64)
    found: NDArray[np.int64] = known[np.asarray(plain.indices)] if len(known) else known
    return found


class OfRun:
    """The open stays of a run: twenty bytes each."""

    def __init__(self, run: Run) -> None:
        table = run.table("memberships")
        table = table.filter(pc.is_null(table["left_at"]))
        person = _numbers(table["profile_id"])
        order = np.argsort(person.astype(np.uint64), kind="stable")  # as the state's keys are
        self._person, table = person[order], table.take(pa.array(order))
        self._entered = np.asarray(table["entered_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
        keys = pc.binary_join_element_wise(table["segment"].cast(pa.string()), table["version"].cast(pa.string()), "@")
        self._key = np.asarray(keys.combine_chunks().dictionary_encode().indices)
        self._keys = {
            key: place for place, key in enumerate(keys.combine_chunks().dictionary_encode().dictionary.to_pylist())
        }

    def keys(self) -> Collection[str]:
        """As `reconcile.Before`."""
        return self._keys.keys()

    def of(self, key: str) -> Iterable[tuple[int, int]]:
        """As `reconcile.Before`."""
        some = np.flatnonzero(self._key == self._keys.get(key, -1))
        return zip(self._person[some].tolist(), self._entered[some].tolist(), strict=True)


class Living:
    """A workspace's live worker and what it is made of. Only one at a time may be open for writing.

    Raises Busy when there is another.
    """

    def __init__(self, folder: Path, *, tell: Tell = _silent, watch: Watch = lambda _: None) -> None:
        self.folder, self.tell = folder, tell
        self.settings = settings.load(folder)
        self._lock = _locked(folder)
        self.definitions = Definitions(folder)
        self._told: set[str] = set()
        self._rests = -math.inf
        with ExitStack() as undo:
            undo.callback(self._lock.close)
            self.log = open_log(folder, self.settings)
            undo.callback(self.log.close)
            self.worker = Worker(self.log, self._begin(), self._renewed, tell=watch)
            undo.pop_all()

    def close(self) -> None:
        """Ends the worker's state and log."""
        self.worker.advancer.state.close()
        self.log.close()
        self._lock.close()

    def settle(self) -> None:
        """Steps until the state has all of the log and is as the workspace defines it by now."""
        while True:
            self.worker.drain()
            before = self.worker.advancer, self.worker.advancer.generation
            self._rests = -math.inf
            self.worker.look()
            if (self.worker.advancer, self.worker.advancer.generation) == before:
                return

    def _begin(self) -> Advancer:
        """The state as it was left, or a new one where there is none that fits the definition."""
        _finish_swap(home(self.folder))
        state = State(home(self.folder), write=True)
        try:
            with state.reading() as txn:
                known, seen = txn.meta("history"), txn.meta("seen", {})
            made = self.definitions.now(seen)
            self._say_waiting(made)
            if known == made.history:
                return self._advancer(state, made)
            return self._rebuilt(state if known is not None else None, state, made)
        except BaseException:
            state.close()
            raise

    def _renewed(self, advancer: Advancer) -> Advancer | None:
        """Heeds what changed in the workspace; a new state only where histories must be others."""
        try:
            made = self.definitions.now(advancer.seen.to_dict())
        except (ShoalError, OSError) as error:  # what was defined before goes on until the files are mended
            self._say(f"live: the definitions stay as they were: {error}")
            return None
        if made is not advancer.definition:
            self._say_waiting(made)
        if made.version == advancer.definition.version:
            return None
        if made.history == advancer.definition.history:
            advancer.redefine(made)
            return None
        if made.run_id == advancer.definition.run_id and time.monotonic() < self._rests:
            return None
        return self._rebuilt(advancer.state, advancer.state, made)

    def _say(self, what: str) -> None:
        """Says something once, until it has gone away and come back."""
        if what not in self._told:
            self._told = {what}
            self.tell(what, None)

    def _say_waiting(self, made: Definition) -> None:
        if made.waiting:
            several = "; ".join(f"{name}: {why}" for name, why in sorted(made.waiting.items()))
            self._say(f"live: cannot be evaluated yet: {several}")
        else:
            self._told = set()

    def _advancer(self, state: State, made: Definition, *, silent: bool = False) -> Advancer:
        cleaner, resolver = pipeline.cleaner(self.settings), Resolver(guards(self.settings))
        return Advancer(state, made, cleaner, resolver, silent=silent)

    def _rebuilt(self, old: State | None, held: State, made: Definition) -> Advancer:
        """A state made anew beside the one before, which readers keep until the new one has caught up.

        What has to be made anew all the time, as names of properties keep coming, may take a tenth of the time.
        """
        self.tell("live: building the state", 0.0)
        began = time.monotonic()
        self.settings = settings.load(self.folder)
        place, aside = home(self.folder), home(self.folder).with_name(NEXT)
        shutil.rmtree(aside, ignore_errors=True)
        state = State(aside, write=True)
        try:
            begin = origin(self.folder, made)
            if begin is not None:
                seed(state, begin, made.layout)
            with state.writing() as txn:
                txn.set_meta("history", made.history)
            Worker(self.log, self._advancer(state, made, silent=True)).drain()
            run = Run(made.run_id, Runs(self.folder).runs / made.run_id) if made.run_id else None
            stays = OfRun(run) if old is None and run is not None else None
            carry(state, old, stays, again=place.with_name(BEGUN).exists())
            place.with_name(BEGUN).touch()
        finally:
            state.close()
        held.close()
        _swap(aside, place)
        self._rests = time.monotonic() + 10 * (time.monotonic() - began)
        return self._advancer(State(place, write=True), made)


def _locked(folder: Path) -> IO[bytes]:
    """Holds the right to write a workspace's live state, until it is closed or the process ends.

    Raises Busy when another has it.
    """
    path = folder / ".shoal" / "live.lock"
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Busy(
            f"{folder}: another process writes the live state. Rule: one at a time; any number may read. "
            "Remedy: wait until it ends, or stop the server"
        ) from None
    return file


def _swap(aside: Path, place: Path) -> None:
    """Puts a finished state in the place of another; killed halfway, one of both is found by `_finish_swap`."""
    old = place.with_name(OLD)
    shutil.rmtree(old, ignore_errors=True)
    place.rename(old)
    aside.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _finish_swap(place: Path) -> None:
    old = place.with_name(OLD)
    if old.exists() and not place.exists():
        old.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def view(folder: Path, told: Settings, log: Log | None = None) -> LiveView:
    """What is known of people now, for readers."""
    from shoal.live import reading
    from shoal.live.nodes import LmdbNodes
    from shoal.live.view import LiveView
    from shoal.lookup import told_clause
    from shoal.model.rules import explain
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
    told = settings.load(folder)
    if not is_served(folder):
        living = Living(folder, tell=tell)
        try:
            living.settle()
        finally:
            living.close()
    log = open_log(folder, told)
    try:
        until = time.monotonic() + PATIENCE
        while True:  # a server may just be bringing the state to new definitions
            try:
                return _verified(folder, told, log, tell)
            except Busy:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
    finally:
        log.close()


def _verified(folder: Path, told: Settings, log: Log, tell: Tell) -> Proof:
    from shoal.live.verify import Verifier

    if not (home(folder) / "state").exists():
        raise Busy(NOT_YET)
    state = State(home(folder))
    try:
        with state.reading() as txn:
            seen = txn.meta("seen", {})
        made = Definitions(folder).now(seen)
        verifier = Verifier(state, log, pipeline.cleaner(told), made, origin(folder, made), guards(told).most, tell)
        return verifier.verify()
    finally:
        state.close()
