"""The predict stage: objectives to models, models to scores. Its story is `predict`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shoal import tables
from shoal.define.kernel import Plan
from shoal.define.packs import Catalogue
from shoal.define.types import types_of
from shoal.define.words import Label
from shoal.errors import Fault, SettingsError, StorageError
from shoal.predict import backtest, cutoffs, objective, propensity, vault
from shoal.predict.apply import Scorer, assemble
from shoal.predict.asked import asked, nothing, over_traits, unfit
from shoal.predict.faults import faults, unheeded
from shoal.predict.found import SCHEMA, UNSEEN, Found
from shoal.predict.items import LISTED, affinity, favourites, lookalike
from shoal.predict.known import Known
from shoal.predict.objective import Task, Unfit
from shoal.predict.past import Past, Read
from shoal.predict.ratios import LABELS, with_ratios
from shoal.predict.register import Champion, Entry
from shoal.predict.tabular import answer_table, labels_of
from shoal.predict.use import Use
from shoal.predict.worth import value
from shoal.settings import Objective, Settings
from shoal.store.runs import Run
from shoal.summary import Backtest, ModelCard

Tell = Callable[[str, float | None], None]
THREADS = 2
Asked = tuple[Objective, Task]


def predict(
    settings: Settings,
    run: Run,
    before: Run | None,
    read: Read,
    seeds: Callable[[], Mapping[str, str]],
    tell: Tell,
) -> None:
    """Writes `scores`, `affinities` and the models of every objective of the workspace, or of its goal.

    `read` streams the events; `seeds` gives the rules of the segments that lookalikes may start from, by name.

    Raises SettingsError when an objective names what is not there.
    """
    known = _known(settings, run, read)
    wanted = objective.chosen(settings.goal, settings.objectives, known.catalogue)
    register = _Register(run, before)
    with _one_thread():
        everything = _everything(wanted, known, settings, run, seeds, register, tell)
    _write(run, everything, known)
    register.write(everything)
    run.write_part(
        "predict",
        {
            "models": [one.card.model_dump(mode="json") for one in everything],
            "entries": [entry.to_dict() for entry in register.entries(everything)],
            "uses": [one.use.to_dict() for one in everything if one.use is not None],
            "rows": {name: pq.read_metadata(run.path(name)).num_rows for name in ("scores", "affinities")},
            "notes": [] if wanted else [nothing(settings.goal)],
        },
    )


def scorer(run: Run) -> Scorer:
    """Every model in use of a finished run, to score people with again.

    Raises StorageError when a part of the run is missing, was changed, or was written by an earlier version.
    """
    told, featured = (_part(run, name) for name in ("predict", "features"))
    if "uses" not in told and any(one["status"] == "used" for one in told["models"]):
        raise StorageError(f"run {run.run_id} was made before models could be applied again. Remedy: `shoal run`")
    catalogue = Catalogue(**featured["catalogue"])
    uses = [Use.from_dict(one) for one in told.get("uses", [])]
    if any(one.way == "table" for one in uses):
        _there(run, "unseen")
    return assemble(
        uses,
        lambda one: vault.load(run.folder / "models" / one.name, one.version),
        run.table("unseen") if run.files("unseen") else UNSEEN.empty_table(),
        plan=Plan.from_dict(featured["plan"]),
        events=catalogue.columns if catalogue.events else {},
        features=types_of(pq.read_schema(_there(run, "features"))),
        columns=run.score_columns(),
        stale=[one["name"] for one in told["models"] if (one["kind"], one["status"]) == ("affinity", "used")],
    )


def _part(run: Run, name: str) -> Any:
    part = run.read_part(name)
    if part is None:
        raise StorageError(f"{run.folder}: has no {name}.json. Remedy: bring the folder back, or `shoal run`")
    return part


def _there(run: Run, table: str) -> Path:
    path = run.path(table)
    if not path.exists():
        raise StorageError(f"{path}: is missing. Remedy: bring the file back, or `shoal run`")
    return path


def _one_thread() -> AbstractContextManager[Any]:
    """One BLAS thread for the whole stage: its bound is the process's, so models side by side must not each lift it."""
    import scipy.linalg  # noqa: F401 - a library that is loaded later would not be bound
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _everything(
    wanted: Sequence[Objective],
    known: Known,
    settings: Settings,
    run: Run,
    seeds: Callable[[], Mapping[str, str]],
    register: _Register,
    tell: Tell,
) -> list[Found]:
    """What came of each objective, in their order."""
    found: dict[str, list[Found]] = {}
    questions: list[Asked] = []
    wrong: dict[str, Sequence[Fault]] = {}
    columns, features = known.past.columns if known.past else {}, types_of(known.features.schema)
    with ThreadPoolExecutor(1) as beside:  # those that are no questions over events are answered beside those that are
        waiting: dict[str, Future[list[Found]]] = {}
        for one in wanted:
            if faulty := faults(one, columns, features):
                wrong[one.name] = faulty
                continue
            try:
                questions += asked(one, known)
                waiting[one.name] = beside.submit(_at_once, one, known, settings, run, seeds, register)
            except Unfit as error:
                found[one.name] = [unfit(one, str(error))]
            except SettingsError as error:
                wrong[one.name] = error.faults
        tell("predict: learning", 0.55)
        answered = [] if wrong else list(_answered(questions, known, register, tell))
        for one in wanted:
            try:
                found[one.name] = waiting[one.name].result() if one.name in waiting else found.get(one.name, [])
            except Unfit as error:
                found[one.name] = [unfit(one, str(error))]
            except SettingsError as error:
                wrong[one.name] = error.faults
    if wrong:
        raise SettingsError([fault for one in wanted for fault in wrong.get(one.name, [])])
    for name, one_found in answered:
        found[name].append(one_found)
    ignored = {one.name: unheeded(one, traits=over_traits(one, known)) for one in wanted}
    return [one.with_limits(ignored[name]) for name, listed in found.items() for one in listed]


def _known(settings: Settings, run: Run, read: Read) -> Known:
    part = run.read_part("features")
    catalogue = Catalogue(**part["catalogue"])
    plan = Plan.from_dict(part["plan"])
    features = run.table("features")
    timeless = {
        name for one in settings.sources.values() if one.kind == "profiles" for name, said in one.traits.items() if said
    }
    traits = [name for name in part.get("traits", []) if name in timeless]
    past = None
    if catalogue.events:
        known = features.select(["person", *traits]) if traits else None
        past = Past(tuple(run.files("events")), read, plan, catalogue.columns, known)
    earlier = with_ratios(run.table("features_before")) if run.files("features_before") else None
    return Known(
        as_of=part["as_of"],
        days=part["horizon_days"],
        catalogue=catalogue,
        features=with_ratios(features) if catalogue.events else features,
        before=earlier,
        before_at=part["before"],
        traits=tuple(traits),
        hidden=tuple(part["hidden"]),
        derived=tuple(part["derived"]),
        labels={**LABELS, **{name: Label(one["label"], one["unit"] or None) for name, one in part["meta"].items()}},
        past=past,
    )


def _at_once(
    one: Objective,
    known: Known,
    settings: Settings,
    run: Run,
    seeds: Callable[[], Mapping[str, str]],
    register: _Register,
) -> list[Found]:
    """The objectives that are no yes-or-no question over events."""
    if over_traits(one, known):
        y, columns = labels_of(one, known)
        return [answer_table(known, one, y, columns, register.champion(one.name), run.run_id)]
    if one.kind == "lookalike":
        return [lookalike(known, one, seeds())]
    if one.kind not in ("value", "affinity"):
        return []
    if known.past is None:
        raise Unfit("needs events: this workspace has customers only")
    if one.kind == "value":
        return [value(known, one, known.past, settings.time_zone, register.champion(one.name), run.run_id)]
    return [affinity(known, one, known.past)]


def _answered(questions: Sequence[Asked], known: Known, register: _Register, tell: Tell) -> Iterable[tuple[str, Found]]:
    """Every question over events answered: one pass over the events for all, then models side by side."""
    if not questions or known.past is None:
        return
    tasks = [task for _, task in questions]
    planned = {
        task.horizon: cutoffs.plan(known.catalogue.first, known.as_of, task.horizon, known.people) for task in tasks
    }
    fit = {horizon: cuts for horizon, cuts in planned.items() if not isinstance(cuts, str)}
    for one, task in questions:
        short = planned[task.horizon]
        if isinstance(short, str):
            yield one.name, unfit(one.model_copy(update={"name": task.name}), short)
    answerable = [(one, task) for one, task in questions if task.horizon in fit]
    if not answerable:
        return
    tasks = [task for _, task in answerable]
    matured = {task.name: backtest.due(register.pending, task, known.as_of) for task in tasks}
    instants = {horizon: list(cuts.all) for horizon, cuts in fit.items()}
    for task in tasks:
        instants[task.horizon] = sorted({*instants[task.horizon], *matured[task.name]})
    grouped: dict[int, list[Task]] = {}
    for task in tasks:
        grouped.setdefault(task.horizon, []).append(task)
    share = min(cuts.share for cuts in fit.values())
    past = known.past.extended(tasks)
    labelled = past.labelled(instants, grouped, share)
    now, earlier = known.everybody(tasks), known.everybody(tasks, earlier=True)
    if now is None:
        return

    def answer(pair: Asked) -> Found:
        task, cuts = pair[1], fit[pair[1].horizon]
        rows = labelled[task.horizon]
        learned_from = _rows_at(rows, cuts.all)
        found = propensity.answer(
            known, task, learned_from, cuts, now, earlier, register.champion(task.name), register.run.run_id
        )
        return _remembered(found, task, rows, matured[task.name], register)

    with ThreadPoolExecutor(THREADS) as pool:
        for done, ((one, _), found) in enumerate(zip(answerable, pool.map(answer, answerable), strict=True), 1):
            tell(f"predict: {found.card.name}", 0.6 + 0.15 * done / len(answerable))
            yield one.name, found


def _rows_at(table: pa.Table, instants: Sequence[int]) -> pa.Table:
    return table.filter(pc.is_in(table["as_of"].cast(pa.int64()), pa.array(instants)))


def _remembered(found: Found, task: Task, rows: pa.Table, matured: Sequence[int], register: _Register) -> Found:
    """The card with the back-tests of what was predicted earlier; and what is predicted now, kept for later."""
    fresh = []
    for made_at in matured:
        person, outcome = propensity.outcomes(task, rows, made_at)
        judged = backtest.judge(register.pending, task, made_at, person, outcome, propensity.measured)
        if judged is not None:
            fresh.append(judged)
    register.remember(task, found)
    earlier = register.backtests(task.name)
    return found.with_backtests(backtest.merge(earlier, fresh))


class _Register:
    """The models on record: those of the run before, and this run's."""

    def __init__(self, run: Run, before: Run | None) -> None:
        self.run = run
        self.as_of: int = run.read_part("features")["as_of"]
        self.before = before if before is not None and before.folder != run.folder else None
        part = (self.before.read_part("predict") if self.before is not None else None) or {}
        self._entries = {one["name"]: Entry(**one) for one in part.get("entries", [])}
        self._cards = {one["name"]: ModelCard.model_validate(one) for one in part.get("models", [])}
        self.pending = self._read_pending()
        self._new: list[tuple[Task, Found]] = []

    def _read_pending(self) -> pa.Table:
        files = self.before.files("pending") if self.before is not None else []
        return pq.read_table(files[0]) if files else backtest.PENDING.empty_table()

    def champion(self, name: str) -> Champion | None:
        """The version of a model that was in use before this run; None where there was none."""
        entry = self._entries.get(name)
        if entry is None or self.before is None:
            return None
        try:
            return Champion(entry, vault.load(self.before.folder / "models" / name, entry.version))
        except StorageError as error:
            return Champion(entry, {}, str(error))

    def backtests(self, name: str) -> list[Backtest]:
        """What is on record of earlier predictions, as far as it was known at this run's instant."""
        card = self._cards.get(name)
        known = tables.iso(self.as_of)
        return [one for one in card.backtests if one.until <= known] if card is not None else []

    def entries(self, everything: Sequence[Found]) -> list[Entry]:
        """The versions in use; where a model could not be made anew, the earlier one is kept for the next run."""
        made = {one.entry.name: one.entry for one in everything if one.entry is not None}
        asked = {one.card.name for one in everything}
        return [*made.values(), *(one for name, one in self._entries.items() if name in asked - set(made))]

    def remember(self, task: Task, found: Found) -> None:
        self._new.append((task, found))

    def write(self, everything: Sequence[Found]) -> None:
        """Keeps this run's models, and the predictions that wait for their outcome."""
        home, as_of = self.run.folder / "models", self.as_of
        shutil.rmtree(home, ignore_errors=True)  # a stage run alone starts with a copy of the last run's
        for one in everything:
            for files in one.files.values():
                vault.save(files, home / one.card.name)
        made = {one.entry.name for one in everything if one.entry is not None}
        for entry in self.entries(everything):
            champion = self.champion(entry.name) if entry.name not in made else None
            if champion is not None and champion.files:
                vault.save(champion.files, home / entry.name)
        pending = backtest.waiting(self.pending, as_of)
        for task, found in self._new:
            for scores in found.scores:
                pending = backtest.note(pending, task, scores.person, scores.score, version=scores.version, as_of=as_of)
        pq.write_table(pending, self.run.path("pending"), compression="zstd")


def _write(run: Run, everything: Sequence[Found], known: Known) -> None:
    """The tables: everybody's scores now and one period earlier, and the items that people like."""
    now = [scores.table(known.as_of) for one in everything for scores in one.scores]
    _write_table(run, "scores", now, SCHEMA)
    _write_table(run, "unseen", [one.unseen for one in everything if one.unseen is not None], UNSEEN)
    if known.before_at is not None:
        earlier = [scores.table(known.before_at) for one in everything for scores in one.before]
        if earlier:
            _write_table(run, "scores_before", earlier, SCHEMA)
    liked = [one.affinities for one in everything if one.affinities is not None]
    _write_table(run, "affinities", liked, LISTED)
    if liked:
        _add_favourites(run, pa.concat_tables(liked))


def _add_favourites(run: Run, liked: pa.Table) -> None:
    """Each person's best item, and the best that is new to them, as features beside their traits."""
    part, table = run.read_part("features"), run.table("features")
    found = favourites(liked, table["profile_id"])
    table = table.drop_columns([name for name in found if name in part["traits"]])
    for name, column in found.items():
        if name not in table.column_names:
            table = table.append_column(name, column.values)
            part["meta"][name] = {"label": column.label, "unit": "", "theme": "trait"}
            part["traits"] = [*(one for one in part["traits"] if one != name), name]
    run.path("features").unlink()  # the file may be the last run's too
    pq.write_table(table, run.path("features"), compression="zstd", compression_level=1)
    run.write_part("features", part)


def _write_table(run: Run, name: str, parts: list[Any], schema: pa.Schema) -> None:
    pq.write_table(pa.concat_tables(parts) if parts else schema.empty_table(), run.path(name), compression="zstd")
