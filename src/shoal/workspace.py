"""The one object that users hold: a folder with definitions and the runs made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoal import pipeline, settings, summary
from shoal.errors import NotFound, UsageError, suggest
from shoal.releases import overlay, pick
from shoal.store import releases
from shoal.store.database import Database
from shoal.store.keys import Keys
from shoal.store.runs import Run, Runs

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from shoal.unify.propose import Proposal

Tell = Callable[[str, float | None], None]


def _silent(_what: str, _done: float | None = None) -> None:
    """Says nothing."""


class Table:
    """A table of the last good run, read when asked for."""

    def __init__(self, run: Run, name: str) -> None:
        self._run, self.name = run, name
        self.files = run.files(name)
        if not self.files:
            known = sorted(path.stem for path in run.folder.iterdir() if path.suffix != ".json")
            raise NotFound(f"run {run.run_id} has no table '{name}'.{suggest(name, known)}")

    def to_arrow(self) -> pa.Table:
        """The whole table in memory."""
        import pyarrow.dataset

        return pyarrow.dataset.dataset(self.files, format="parquet").to_table()

    def to_pandas(self) -> pd.DataFrame:
        """The whole table as a pandas frame (extra `shoal[pandas]`)."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> pl.LazyFrame:
        """A lazy polars frame over the files (extra `shoal[polars]`)."""
        import polars as pl

        return pl.scan_parquet(self.files)

    def sql(self, query: str) -> pa.Table:
        """A query over the run's tables, each by its name."""
        import tempfile

        from shoal import registry

        make = registry.load(registry.ENGINES, "duckdb")
        with tempfile.TemporaryDirectory() as scratch, make("2GB", None, Path(scratch) / "sql") as engine:
            for path in sorted(self._run.folder.iterdir()):
                files = self._run.files(path.stem) if path.suffix in ("", ".parquet") else []
                if files:
                    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
                    engine.execute(
                        f'CREATE VIEW "{path.stem}" AS FROM read_parquet([{listed}], hive_partitioning=false)'
                    )
            found: pa.Table = engine.query(query)
            return found

    def __len__(self) -> int:
        import pyarrow.parquet

        return sum(pyarrow.parquet.read_metadata(file).num_rows for file in self.files)

    def __repr__(self) -> str:
        return f"Table({self.name!r}, rows={len(self)}, run={self._run.run_id!r})"


class Workspace:
    """A folder with `shoal.yaml`; `shoal.open(dir)` gives one."""

    def __init__(self, folder: Path | str = ".") -> None:
        self.folder = Path(folder)
        self.runs = Runs(self.folder)

    @cached_property
    def settings(self) -> settings.Settings:
        """The checked `shoal.yaml`. Raises SettingsError with every fault."""
        return settings.load(self.folder)

    @staticmethod
    def init(folder: Path, files: Sequence[Path], *, force: bool = False) -> Proposal:
        """Looks at `files` and writes a commented `shoal.yaml` into `folder`."""
        from shoal.unify.propose import write

        return write(files, folder, force=force)

    @staticmethod
    def demo(folder: Path, *, data: str = "journey", people: int = 5_000, seed: int = 1) -> Workspace:
        """Makes a workspace with data: `journey` (a real grocery panel) or `shop` (simulated)."""
        from shoal.demo import journey, shop

        if data not in ("journey", "shop"):
            raise UsageError(f"unknown demo data '{data}'. Known: journey, shop.")
        if data == "journey":
            journey.write(folder)
        else:
            shop.write(folder, people=people, seed=seed)
        return Workspace(folder)

    @staticmethod
    def doctor(folder: Path) -> list[dict[str, Any]]:
        """What is wrong with a workspace and its machine, each with its remedy."""
        from shoal.unify.doctor import diagnose

        return [asdict(finding) for finding in diagnose(folder)]

    def run(self, *, as_of: str | None = None, only: str | None = None, tell: Tell = _silent) -> summary.Run:
        """Runs the pipeline as of an instant (ISO 8601; the last event's when left out)."""
        from shoal.live.logs import opened

        with opened(self.folder, self.settings.tracking.log) as logs:
            return pipeline.run(self.folder, self.settings, as_of=as_of, only=only, tell=tell, logs=logs)

    def table(self, name: str) -> Table:
        """A table of the last good run. Raises NotFound when there is none of that name."""
        return Table(self.runs.current(), name)

    def last_run(self) -> summary.Run:
        """What the last good run told, with what people decided of its segments since."""
        told = summary.Run.model_validate(self.runs.current().read_part("run"))
        decided = self.releases()
        return told.model_copy(update={"segments": overlay(told.segments, decided), "releases": decided})

    @property
    def segments(self) -> list[summary.Segment]:
        """The segments of the last good run."""
        return self.last_run().segments

    def segment(self, name: str) -> summary.Segment:
        """One segment by name: its released version, else the newest; `NAME@2` is version 2.

        Raises NotFound with the nearest name.
        """
        return pick(self.segments, name)

    def approve(
        self, segment: str, *, answer: str, by: str | None = None, note: str = "", despite: str = ""
    ) -> summary.Release:
        """Releases a segment as it stands: its newest version that is not released, or `NAME@VERSION`.

        `answer` says what would be done differently for it; `despite` why, where a gate stopped it.

        Raises NotFound, or Refused with what stands in the way.
        """
        from shoal.govern.release import approval, to_approve

        run = self.last_run()
        found = to_approve(run.segments, segment)
        about = [one for one in run.verdicts if one.subject == found.subject]
        record = approval(found, about, answer=answer, by=by, note=note, despite=despite, run_id=run.run_id)
        releases.add(self._store, record, {"verdicts": [one.model_dump(mode="json") for one in about]})
        return record

    def retire(self, segment: str, *, why: str, by: str | None = None) -> summary.Release:
        """Ends a segment, released or a draft: its memberships end with the next run.

        Raises NotFound, UsageError without a reason, or Refused when it is retired already.
        """
        from shoal.govern.release import retirement

        run = self.last_run()
        record = retirement(pick(run.segments, segment), why=why, by=by, run_id=run.run_id)
        releases.add(self._store, record)
        return record

    def releases(self) -> list[summary.Release]:
        """What people decided of segments, the oldest first."""
        return releases.history(self._store)

    @property
    def keys(self) -> Keys:
        """The API keys of `shoal serve`: `create(role)`, `all()`, `revoke(id)`."""
        return Keys(self._store)

    def verify(self, *, tell: Tell = _silent) -> dict[str, Any]:
        """Proves that the live state equals what a batch computes anew from the run and the log.

        Gives `equal`, what was compared, and the differences. Where no server runs, the state is brought up to date.
        """
        from shoal import living

        return living.verify(self.folder, tell=tell).to_dict()

    @property
    def _store(self) -> Database:
        told = self.settings.store if (self.folder / settings.FILE).exists() else None
        return Database(self.folder, told)

    @property
    def models(self) -> list[summary.ModelCard]:
        """The model cards of the last good run."""
        return self.last_run().models

    def model(self, name: str) -> summary.ModelCard:
        """One model's card, by its name or by that of a score it gives. Raises NotFound with the nearest name."""
        models = self.models
        for model in models:
            if name.casefold() in (known.casefold() for known in (model.name, *model.scores)):
                return model
        if not models:
            raise NotFound(
                f"there is no model '{name}': the last run predicted nothing. Remedy: name a `goal:` or `objectives:` "
                "in shoal.yaml and run again, see docs/predictions.md"
            )
        names = {known for model in models for known in (model.name, *model.scores)}
        raise NotFound(f"there is no model '{name}'.{suggest(name, names)}")

    def draft(self, text: str, *, model: bool = True) -> dict[str, Any]:
        """A rule for a segment in plain language, with why, size, examples and what was not understood.

        Where the settings name a language model it proposes a rule too, unless `model` is False. Nothing is saved.
        """
        from shoal.drafting import draft

        return draft(self.runs.current(), text, self.settings.language if model else None)

    def save_draft(self, name: str, told: dict[str, Any], *, of_model: bool = False) -> Path:
        """Writes a draft as `segments/NAME.yaml`, never over another; it takes part from the next run on."""
        from shoal.drafting import save

        return save(self.folder, name, told, of_model=of_model)

    def profile(self, id: str) -> dict[str, Any]:  # noqa: A002 - the word users know
        """One person: identifiers, traits, features, memberships, timeline."""
        from shoal.lookup import profile

        return profile(self.runs.current(), id)

    def explain(self, segment: str, id: str, *, at: str | None = None) -> dict[str, Any]:  # noqa: A002
        """Why a person is or is not in a segment, clause by clause."""
        from shoal.lookup import explain

        instant = pipeline.instant(at, self.settings.time_zone) if at is not None else None
        return explain(self.runs.current(), self.segment(segment), id, at=instant)
