"""The model stage: events to features, features to segments. Its story is `features`, then `segments`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shoal import summary, tables
from shoal.define.feature import Feature
from shoal.define.kernel import Plan, compile_plan
from shoal.define.packs import Catalogue, main_events
from shoal.define.segment import SegmentFile
from shoal.define.stream import drawn
from shoal.define.types import Type
from shoal.engine.protocol import Engine
from shoal.errors import suggest
from shoal.model import brief as briefs
from shoal.model import (
    discover,
    history,
    intent,
    lessons,
    lifecycle,
    lineage,
    plain,
    record,
    released,
    rfm,
    tiers,
    traits,
)
from shoal.model.arena import Arena
from shoal.model.business import business
from shoal.model.change import changes
from shoal.model.clusters import KMeansRecipe
from shoal.model.contest import PEOPLE, Contest, Judge, contest, recipes
from shoal.model.derived import LABELS, derivations, derive
from shoal.model.features import DAY, define, horizon, outcomes
from shoal.model.levels import basis, behaviour
from shoal.model.matrix import Matrix, numbers
from shoal.model.meta import FeatureMeta
from shoal.model.portrait import Crowd, crowd, portrait
from shoal.model.predictive import forecast, predictive
from shoal.model.proposal import drafts, inside, marked, proposal
from shoal.model.prose import Rewritten, Voice
from shoal.model.rivals import Board
from shoal.model.rules import Cut, select
from shoal.model.scores import ScoreMeta, score_meta, unreadable
from shoal.model.sides import Part, Side
from shoal.model.stays import memberships
from shoal.model.subgroup import subgroups
from shoal.model.targets import answers, targets
from shoal.plays import Business
from shoal.releases import standing
from shoal.settings import Settings
from shoal.store.runs import Run

Tell = Callable[[str, float | None], None]
Read = Callable[..., Iterator[pa.RecordBatch]]
KINDS = frozenset({Type.NUMBER, Type.TEXT, Type.BOOL, Type.TIME})  # of properties that features can read
LEVELLED = ("category", "channel", "platform")
THREADS = 2
LONGEST_LEVEL = 100  # characters of a value that gets a feature of its own
CLOCKS = 3  # times of day that a file of bare dates can have: midnight, in and out of daylight saving time
SEED = 1
TRADITIONAL = (rfm.rfm, tiers.tiers, lifecycle.lifecycle, intent.intent)
Assign = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def features(settings: Settings, engine: Engine, run: Run, read: Read, tell: Tell) -> None:
    """Writes `features` as of the run's instant, `features_before` one period earlier, `outcomes` of that period.

    Both have the traits of profile sources too, but for those of before that are times.
    """
    unified = run.read_part("unify")
    as_of: int = unified["as_of"]
    files = run.files("events")
    known = _catalogue(engine, files, settings)
    defined = define(known, settings.features, events=settings.tells_events)
    days = horizon(known.span_days) if settings.tells_events else None
    columns = known.columns
    tell("features", 0.45)
    plan = compile_plan(defined.features, columns, time_zone=settings.time_zone)
    after = compile_plan(outcomes(known, days), columns, time_zone=settings.time_zone) if days else None
    before = as_of - days * DAY if days else None
    profiles = pq.read_table(run.path("profiles"))
    told = traits.told(profiles, settings.told_traits, {*plan.names, *LABELS})
    now = _compute(files, read, plan, after, as_of, before, told, run, tell)
    if after is not None and days:
        cutoffs = lessons.instants(known.first, as_of, days)
        _write_lessons(files, read, plan, after, cutoffs, days, lessons.share(profiles.num_rows), run)
    now = _with_silent(now, run, plan, as_of)
    formulas = derivations(now, defined.meta)
    with _Writer(run, "features") as everybody:
        everybody.write(told.beside(derive(now, formulas), told.names))
    notes = [*told.notes, *_without_events(settings, defined.features, known.events)]
    if not settings.tells_events:
        notes.append("no source tells what people did: segments are of traits, and no next period can judge them")
    elif before is None:
        notes.append("the data span less than eight days: there is no next period to judge segments by")
    run.write_part(
        "features",
        {
            "as_of": as_of,
            "as_of_text": tables.iso(as_of),
            "before": before,
            "before_text": tables.iso(before) if before is not None else None,
            "horizon_days": days,
            "meta": {
                **{
                    name: {"label": one.label, "unit": one.unit, "theme": one.theme}
                    for name, one in defined.meta.items()
                },
                **told.described(),
            },
            "hidden": sorted(defined.hidden),
            "traits": told.names,
            "has_value": known.has_value,
            "catalogue": asdict(known),
            "derived": formulas,
            "plan": plan.to_dict(),
            "notes": notes,
            "extra": {"span_days": known.span_days, "horizon_days": days, "plan": plan.version},
        },
    )


def _without_events(settings: Settings, defined: Sequence[Feature], events: Mapping[str, int]) -> list[str]:
    """Own features that wait for an event nobody has done: perhaps its name is written otherwise."""
    return [
        f"features.{one.name}: no event is called '{name}'.{suggest(name, events)}"
        for one in defined
        if one.name in settings.features
        for name in one.events
        if name not in events
    ]


def _catalogue(engine: Engine, files: Sequence[Path], settings: Settings) -> Catalogue:
    """What the events contain."""
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    source = f"read_parquet([{listed}], hive_partitioning = false)"
    counted = engine.query(
        'SELECT event, count(*) AS n, epoch_us(min("at")) AS first, epoch_us(max("at")) AS last, '
        f'count(*) FILTER (value <> 0) AS valued, count(DISTINCT epoch_us("at") % {DAY}) AS clocks '
        f"FROM {source} GROUP BY event ORDER BY n DESC, event"
    ).to_pylist()
    if not counted:
        return Catalogue({}, has_clock=False, span_days=0.0, roles=settings.events)
    struct = pq.read_schema(files[0]).field("properties").type
    properties = {field.name: _kind(field.type) for field in struct if _kind(field.type)}
    levels = {name: _levels(engine, source, name, rows) for name in LEVELLED if properties.get(name) == "text"}
    known = Catalogue(
        events={one["event"]: one["n"] for one in counted},
        properties=properties,
        levels=levels,
        has_value=any(one["valued"] for one in counted),
        span_days=(max(one["last"] for one in counted) - min(one["first"] for one in counted)) / DAY,
        first=min(one["first"] for one in counted),
        roles=settings.events,
    )
    main = main_events(known)
    return replace(known, has_clock=any(one["clocks"] > CLOCKS for one in counted if one["event"] in main))


def _kind(arrow: pa.DataType) -> str:
    from shoal.define.types import type_of

    found = type_of(arrow)
    return found.value if found in KINDS else ""


def _levels(engine: Engine, source: str, name: str, rows: int) -> list[str]:
    """The most frequent values that at least one event in a hundred has; a longer one is text and names nothing."""
    found = engine.query(
        f'SELECT properties."{name}" AS level, count(*) AS n FROM {source} WHERE length(level) <= {LONGEST_LEVEL} '
        f"GROUP BY level HAVING n >= {max(rows // 100, 1)} ORDER BY n DESC, level LIMIT 8"
    )
    levels: list[str] = found["level"].to_pylist()
    return levels if len(levels) > 1 else []


def _compute(
    files: Sequence[Path],
    read: Read,
    plan: Plan,
    after: Plan | None,
    as_of: int,
    before: int | None,
    told: traits.Told,
    run: Run,
    tell: Tell,
) -> pa.Table:
    """One pass over the events, bucket by bucket: features as of now; what was before and happened since is written."""
    instants = [as_of] if before is None else [before, as_of]
    needed = sorted(set(plan.event_columns) | set(after.event_columns if after else ()) - {"person"})

    def bucket(file: Path) -> tuple[pa.Table, pa.Table | None, pa.Table | None]:
        batches = list(read([file], needed))
        found = pa.Table.from_batches(plan.run(batches, instants), schema=plan.schema)
        at = found["as_of"].cast(pa.int64()).to_numpy()
        now = found.filter(pa.array(at == as_of)).combine_chunks()
        if before is None or after is None:
            return now, None, None
        earlier = found.filter(pa.array(at == before))
        happened = pa.Table.from_batches(after.run(batches, [as_of]), schema=after.schema)
        return now, earlier, _rows_of(happened, earlier)

    parts = []
    with ExitStack() as stack:
        past, since = (stack.enter_context(_Writer(run, name)) for name in ("features_before", "outcomes"))
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        for done, (now, earlier, happened) in enumerate(pool.map(bucket, files), 1):
            parts.append(now)
            if earlier is not None and happened is not None:
                past.write(told.beside(earlier, told.lasting))
                since.write(happened)
            tell("features", 0.45 + 0.25 * done / len(files))
    return pa.concat_tables(parts)


def _write_lessons(
    files: Sequence[Path],
    read: Read,
    plan: Plan,
    after: Plan,
    cutoffs: Sequence[int],
    days: int,
    share: float,
    run: Run,
) -> None:
    """Writes `lessons`: what a share of the people did in the period after each of the cut-offs, and what they were."""
    needed, period = sorted({*plan.event_columns, *after.event_columns, "person"}), days * DAY
    instants = sorted(cutoffs)
    if not cutoffs:
        return

    def bucket(file: Path) -> pa.Table:
        batches = [batch for batch in (drawn(one, share) for one in read([file], needed)) if len(batch)]
        now = pa.Table.from_batches(plan.run(batches, instants), schema=plan.schema)
        ends = [at + period for at in instants]
        happened = pa.Table.from_batches(after.run(batches, ends), schema=after.schema)
        return lessons.joined(now, happened, instants, period)

    with ThreadPoolExecutor(THREADS) as pool:
        made = pa.concat_tables(pool.map(bucket, files))
    pq.write_table(made, run.path("lessons"), compression="zstd", compression_level=1)


def _rows_of(table: pa.Table, people: pa.Table) -> pa.Table:
    """The rows of `table` for the people of another, in their order; both are sorted by person."""
    rows = np.searchsorted(table["person"].to_numpy(), people["person"].to_numpy())
    return table.take(pa.array(rows))


def _with_silent(now: pa.Table, run: Run, plan: Plan, as_of: int) -> pa.Table:
    """Adds the profiles that have no event yet, with each feature's default."""
    everybody = pq.read_table(run.path("profiles"), columns=["person"])["person"].to_numpy()
    silent = np.setdiff1d(everybody, now["person"].to_numpy())
    if not len(silent):
        return now
    defaults: Mapping[str, Any] = plan.empty()
    rows = {
        name: pa.array(silent)
        if name == "person"
        else pa.repeat(pa.scalar(as_of), len(silent)).cast(now.schema.field(name).type)
        if name == "as_of"
        else pa.repeat(pa.scalar(defaults[name], now.schema.field(name).type), len(silent))
        for name in now.column_names
    }
    return pa.concat_tables([now, pa.table(rows, schema=now.schema)]).sort_by("person")


class _Writer:
    """Writes a table of people, part by part, with its public `profile_id` first; no part, no file."""

    def __init__(self, run: Run, name: str) -> None:
        self._path = run.path(name)
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, table: pa.Table) -> None:
        ids = tables.profile_ids(table["person"].to_numpy())
        rest = [column for column in table.column_names if column not in ("person", "as_of")]
        shown = pa.table(
            [ids, table["as_of"].cast(tables.INSTANT), *(table[column] for column in rest), table["person"]],
            names=["profile_id", "as_of", *rest, "person"],
        )
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, shown.schema, compression="zstd", compression_level=1)
        self._file.write_table(shown)


@dataclass(frozen=True)
class Features:
    """The features table as of one instant with a column a score, what the columns mean, and the models behind them.

    Where no source tells what people did, common values of their traits are columns too.
    """

    table: pa.Table
    meta: dict[str, FeatureMeta]
    models: tuple[summary.ModelCard, ...] = ()
    events: bool = True

    @classmethod
    def read(cls, run: Run, settings: Settings, name: str = "features") -> Features:
        """Reads a run's table; what serves only as a part of other features stays out."""
        part = run.read_part("features")
        meta = {one: FeatureMeta(one, **described) for one, described in part["meta"].items()}
        meta |= {one: FeatureMeta(one, label, "", "lifecycle") for one, label in LABELS.items()}
        models = model_cards(run)
        meta |= score_meta(run.score_columns(), models)
        table = run.people(name).drop_columns(part["hidden"])
        if not settings.tells_events:
            predicted = traits.outcomes(settings.objectives, table.schema)
            table, meta = traits.numbered(table, meta, part["traits"], predicted)
        return cls(table, meta, tuple(models), settings.tells_events)

    @property
    def unscored(self) -> pa.Table:
        """The table without the scores."""
        scores = [name for name in self.table.column_names if isinstance(self.meta.get(name), ScoreMeta)]
        return self.table.drop_columns(scores)

    @property
    def behaviour(self) -> pa.Table:
        """What people did, without scores and traits: what the traditional segments may read."""
        return behaviour(self.unscored, self.meta)

    @property
    def inputs(self) -> pa.Table:
        """The columns that discovery may use, not those derived from everybody's.

        They are features of behaviour; traits only where there is no behaviour.
        """
        table = self.behaviour if self.events else self.unscored
        return table.drop_columns([name for name in LABELS if name in table.column_names])


def model_cards(run: Run) -> list[summary.ModelCard]:
    """The cards of the run's models, used or not."""
    part = run.read_part("predict") or {}
    return [summary.ModelCard.model_validate(one) for one in part.get("models", [])]


def segments(
    settings: Settings,
    own: Sequence[SegmentFile],
    run: Run,
    before: Run | None,
    tell: Tell,
    judge: Callable[[], Judge],
    releases: Sequence[summary.Release] = (),
    voice: Voice | None = None,
) -> None:
    """Writes `segments` and `memberships`: discovered, micro, predictive, traditional, and the workspace's own.

    `judge` knows what people did in the period since the features of before; `releases` are all decisions of people so
    far: what they approved stays as it is. `voice` is a language model that may name what was never named before.
    """
    known = Features.read(run, settings)
    whole = run.people()
    mine, notes = record.own_cuts(own, whole, known.models)
    tell("model: the contest", 0.72)
    arena = _arena(run, settings, known)
    fought = _contest(settings, run, known, arena, judge)
    tell("model: discovering", 0.76)
    everybody = crowd(known.inputs, known.meta, seed=SEED, business=_business(settings, run))
    traditional = [cut for make in TRADITIONAL for cut in make(known.behaviour, known.meta)]
    traditional += proposal(fought, known.behaviour, known.meta)
    taken = [cut.name for cut in (*traditional, *mine)]
    ahead = predictive(known.table, known.meta, known.models, floor=settings.segments.floor, taken=taken)
    found = discover.discover(
        known.inputs,
        known.meta,
        budget=settings.segments.budget,
        k=fought.k if fought else None,
        floor=settings.segments.floor,
        seed=SEED,
        recipe=recipes(settings.segments.recipes)[fought.key] if fought else None,
        taken=[*taken, *(cut.name for cut in ahead)],
        everybody=everybody,
        arena=arena,
        choices=fought.choices if fought else (),
    )
    as_of = run.read_part("features")["as_of"]
    earlier, decided = _earlier(before, as_of), standing(releases)
    names = history.names(found.cuts, earlier, decided, whole, everybody, [*taken, *(cut.name for cut in ahead)])
    discovered = lineage.rename(found.cuts, names)
    known_names = {one["name"] for one in _segments_before(before)}
    heard = _heard(discovered, known_names, known, everybody, settings, found.discovery.inputs, voice, run, before)
    names = {given: heard.renamed.get(name, name) for given, name in names.items()}
    discovered = lineage.rename(found.cuts, names)
    searched = _subgroups(settings, run, known)
    micro = inside(discovered, found.distilled, arena.matrix, settings.segments.micro, whole, known.meta)
    held = released.hold(
        record.named([*discovered, *ahead, *traditional, *mine, *micro, *drafts(searched, known.table, known.meta)]),
        decided,
        whole,
    )
    cuts = list(held.cuts)
    members = [select(cut.rule, whole) for cut in cuts]
    kept = [
        place
        for place, member in enumerate(members)
        if member.any() or cuts[place].kind == "rule" or cuts[place].status == "released"
    ]
    cuts, members = [cuts[place] for place in kept], [members[place] for place in kept]
    tell("model: memberships", 0.78)
    drawn = record.draw(cuts, members, whole, known.meta, everybody, settings, own, found.discovery.inputs)
    drawn = released.versions(drawn, _segments_before(before), releases, earlier.stays)
    drawn = marked(drawn, fought)
    _write_segments(run, drawn)
    stays = memberships(whole["profile_id"], drawn, members, as_of, earlier.stays, held.stay)
    pq.write_table(stays, run.path("memberships"), compression="zstd", compression_level=1)
    changed = _changes(run, before, earlier, releases, drawn, Side(whole, everybody), known.meta, settings)
    tree = lineage.retitled(found.discovery.tree, names) if found.discovery.tree else None
    labels = {name: one.spoken for name, one in known.meta.items()}
    discovery = found.discovery.model_copy(update={"tree": record.spoken(tree, known.table, labels) if tree else None})
    run.write_part(
        "model",
        {
            "segments": [one.model_dump(mode="json") for one in drawn],
            "discovery": discovery.model_dump(mode="json"),
            "rows": {"features": whole.num_rows, "segments": len(drawn), "memberships": stays.num_rows},
            "notes": [
                *([found.reason] if found.reason else []),
                *unreadable(run.score_columns(), known.models),
                *notes,
                *held.notes,
                *heard.notes,
            ],
            "subgroups": [one.model_dump(mode="json") for one in searched],
            "changes": [one.model_dump(mode="json") for one in changed],
            "comparison": fought.comparison.model_dump(mode="json") if fought else None,
            "verdicts": [one.model_dump(mode="json") for one in fought.verdicts] if fought else [],
            "recipe": fought.key if fought else "",
            "phrases": {cut.name: dict(cut.phrases) for cut in cuts if cut.phrases},
            "revenue": float(everybody.worth.sum()) if run.read_part("features")["has_value"] else None,
            "spreads": record.spreads(known.table, found.discovery.inputs),
            "labels": {name: known.meta[name].label for name in found.discovery.inputs},
        },
    )


def seeds(settings: Settings, own: Sequence[SegmentFile], run: Run, before: Run | None) -> dict[str, str]:
    """The rules by name that lookalikes may start from: own segments, traditional ones, and those of the run before.

    Own ones over scores have the rule of the run before, or their own words: there are no scores yet.
    """
    known = Features.read(run, settings)
    last = sorted(_segments_before(before), key=lambda one: one["status"] == "released")
    earlier = {one["name"]: one["rule"] for one in last}
    cut = {cut.name: cut.rule for make in TRADITIONAL for cut in make(known.behaviour, known.meta)}
    mine = {one.name: plain for one in own if (plain := record.plain(one, run.people())) is not None}
    said = {one.name: one.rule for one in own}
    return {**said, **earlier, **cut, **mine}


def complete(
    settings: Settings, run: Run, judged: Sequence[summary.Segment], voice: Voice | None = None
) -> tuple[list[summary.Segment], list[str]]:
    """The segments with their briefs told again, now that their stability and next period are known, and notes.

    A language model, where there is one, may tell them in its words.
    """
    known = Features.read(run, settings)
    whole = run.people()
    everybody = crowd(known.inputs, known.meta, seed=SEED, business=_business(settings, run))
    stable = {
        verdict["subject"]: verdict["value"]
        for verdict in run.read_part("validate")["verdicts"]
        if verdict["check"] == "stability"
    }
    told = []
    for one in judged:
        expected = one.next_period.get("revenue")
        member = select(one.rule, whole)
        ahead = forecast(one.rule, member, whole, known.meta, settings.currency)
        brief = briefs.brief(
            everybody,
            portrait(everybody, member),
            stability=stable.get(one.subject),
            fidelity=one.fidelity,
            expected=expected,
            floor=settings.segments.floor,
            currency=settings.currency,
            lead=ahead.lead,
            worth=ahead.worth,
            ahead=ahead.tags,
            plays=settings.strategies,
        )
        told.append(
            one.model_copy(update={"brief": record.own_brief(brief, one.brief) if one.kind in record.SAID else brief})
        )
    if voice is None:
        return told, []
    done = voice.tells(told, run.read_part("language") or {}, settings.currency)
    run.write_part("language", done.known)
    return done.segments, done.notes


def _heard(
    discovered: Sequence[Cut],
    named_before: Collection[str],
    known: Features,
    everybody: Crowd,
    settings: Settings,
    inputs: Sequence[str],
    voice: Voice | None,
    run: Run,
    before: Run | None,
) -> Rewritten:
    """What a language model would call the discovered segments; those that were there before keep their names."""
    if voice is None:
        return Rewritten([], [], {})
    members = [select(cut.rule, known.table) for cut in discovered]
    drawn = record.draw(discovered, members, known.table, known.meta, everybody, settings, (), inputs)
    answers = (before.read_part("language") or {}) if before is not None else {}
    done = voice.names(drawn, answers, settings.currency, named_before)
    run.write_part("language", done.known)
    return done


def _subgroups(settings: Settings, run: Run, now: Features) -> list[summary.Subgroups]:
    """Micro-segments by their effect on the period since, or on a label where no source tells events."""
    if run.files("features_before"):
        then, days = Features.read(run, settings, "features_before"), run.read_part("features")["horizon_days"]
        found = basis(then.behaviour)
        wanted = targets(then.inputs, run.table("outcomes"), found, days=days, currency=settings.currency)
        worth = None if found.monetary is None else numbers(then.inputs, found.monetary)
        return subgroups(
            then.inputs, then.meta, wanted, plain=plain.columns(then.inputs, found), worth=worth, seed=SEED
        )
    wanted = answers(settings.objectives, run.people())
    columns = plain.columns(now.inputs, basis(now.behaviour))
    return subgroups(now.inputs, now.meta, wanted, plain=columns, seed=SEED)


def _business(settings: Settings, run: Run) -> Business | None:
    return business(settings, run.read_part("features")["catalogue"]["events"])


def refit(run: Run, settings: Settings) -> tuple[Matrix, Callable[[NDArray[np.int64], int], Assign]]:
    """The discovery's design matrix, and the whole recipe (outlook, groups, rules) on drawn people."""
    arena = _arena(run, settings, Features.read(run, settings))
    key, choices = run.read_part("model")["recipe"], run.read_part("model")["discovery"]["choices"]
    k = next(one["k"] for one in choices if one["chosen"])
    recipe = recipes(settings.segments.recipes)[key] if key else KMeansRecipe()

    def again(rows: NDArray[np.int64], seed: int) -> Assign:
        tree = arena.refit(recipe, k, rows, seed)
        return lambda wanted: tree.route(arena.matrix.raw[wanted])

    return arena.matrix, again


def _contest(settings: Settings, run: Run, now: Features, today: Arena, judge: Callable[[], Judge]) -> Contest | None:
    """The contest on the period since the features of before; None without such a period, or with too few people."""
    if not run.files("features_before"):
        return None
    part, then = run.read_part("features"), Features.read(run, settings, "features_before")
    table = run.people("features_before")
    return contest(
        Board(table, then.inputs, then.behaviour, then.meta),
        Board(run.people(), now.inputs, now.behaviour, now.meta),
        _arena(run, settings, then, part["before"]),
        today,
        recipes(settings.segments.recipes),
        judge(),
        budget=settings.segments.budget,
        micro=settings.segments.micro,
        traits=[name for name in part["traits"] if name in table.column_names],
        seed=SEED,
    )


def _arena(run: Run, settings: Settings, known: Features, until: int | None = None, most: int | None = None) -> Arena:
    """The people of an instant with what could be learned by then; the run's where `until` is left out."""
    part, learned = run.read_part("features"), None
    if run.files("lessons"):
        learned = lessons.lessons(
            run.table("lessons"),
            known.meta,
            until=(part["as_of"] if until is None else until) - part["horizon_days"] * DAY,
            inputs=known.inputs.column_names,
            parts=part["hidden"],
        )
    most = PEOPLE if run.files("features_before") else None
    return Arena.of(known.inputs, known.meta, learned, floor=settings.segments.floor, seed=SEED, most=most)


def _segments_before(before: Run | None) -> list[dict[str, Any]]:
    part = before.read_part("run") if before is not None else None
    return part["segments"] if part else []


def _earlier(before: Run | None, as_of: int) -> history.Earlier:
    """What is known of the run before, where it is a past of this one."""
    stays = _stays_before(before, as_of)
    if before is None or stays is None:
        return history.Earlier()
    people = pq.read_table(before.path("features"), columns=["profile_id"])["profile_id"]
    return history.Earlier(_segments_before(before), stays, people)


def _changes(
    run: Run,
    before: Run | None,
    earlier: history.Earlier,
    releases: Sequence[summary.Release],
    drawn: Sequence[summary.Segment],
    now: Side,
    meta: Mapping[str, FeatureMeta],
    settings: Settings,
) -> list[summary.Change]:
    """What is new since the last decision, or since the run before; the state of then goes from run to run."""
    since = (before.read_part("features") or {}).get("as_of_text", "") if before is not None else ""
    told = before.read_part("reference") if before is not None else None
    found = history.reference(earlier, since, told, standing(releases), releases)
    if before is None or found is None:
        return []
    reference, last = found
    run.write_part("reference", reference.to_dict())
    for table in ("features", "scores"):
        run.adopt(before, table if last else f"{table}_then", f"{table}_then")
    then = run.people("features_then")
    measured = crowd(then.select([name for name in then.column_names if name in now.crowd.meta]), meta, seed=SEED)
    today = [Part(one.name, one.kind, one.rule) for one in drawn if one.kind in history.KINDS and not one.carried]
    return changes(
        today, reference.parts, now, Side(then, measured), floor=settings.segments.floor, since=reference.since
    )


def _stays_before(before: Run | None, as_of: int) -> pa.Table | None:
    """The memberships to continue: a run that looked at a later instant is no past of this one."""
    if before is None or not before.files("memberships"):
        return None
    then = (before.read_part("features") or {}).get("as_of")
    return pq.read_table(before.path("memberships")) if then is not None and then <= as_of else None


def _write_segments(run: Run, drawn: Sequence[summary.Segment]) -> None:
    rows = [{name: getattr(one, name) for name in tables.SEGMENTS.names} for one in drawn]
    pq.write_table(pa.Table.from_pylist(rows, schema=tables.SEGMENTS), run.path("segments"), compression="zstd")
