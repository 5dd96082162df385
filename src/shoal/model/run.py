"""The model stage: events to features, features to segments. Its story is `features`, then `segments`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shoal import tables
from shoal.define.kernel import Plan, compile_plan
from shoal.define.packs import Catalogue, main_events
from shoal.define.types import Type
from shoal.engine.protocol import Engine
from shoal.errors import DataError
from shoal.model.features import DAY, Defined, define, horizon, outcomes
from shoal.settings import Settings
from shoal.store.runs import Run

Tell = Callable[[str, float | None], None]
Read = Callable[..., Iterator[pa.RecordBatch]]
KINDS = {"number": Type.NUMBER, "text": Type.TEXT, "bool": Type.BOOL, "time": Type.TIME}
LEVELLED = ("category", "channel", "platform")
THREADS = 2


def features(settings: Settings, engine: Engine, run: Run, read: Read, tell: Tell) -> None:
    """Writes `features` (as of the run's instant), `features_before` (one period earlier) and `outcomes` (of the period)."""
    unified = run.read_part("unify")
    as_of: int = unified["as_of"]
    files = run.files("events")
    known = _catalogue(engine, files, settings)
    defined = define(known, settings.features)
    days = horizon(known.span_days)
    columns = {"at": Type.TIME, "event": Type.TEXT, "value": Type.NUMBER}
    columns |= {name: KINDS[kind] for name, kind in known.properties.items()}
    plan = compile_plan(defined.features, columns, time_zone=settings.time_zone)
    after = compile_plan(outcomes(known, days), columns, time_zone=settings.time_zone) if days else None
    before = as_of - days * DAY if days else None
    now, earlier, happened = _compute(files, read, plan, after, as_of, before, tell)
    _write(run, "features", _with_silent(now, run, plan, as_of))
    notes = []
    if earlier is not None and happened is not None:
        _write(run, "features_before", earlier)
        _write(run, "outcomes", happened)
    else:
        notes.append("the data span less than eight days: there is no next period to judge segments by")
    run.write_part(
        "features",
        {
            "as_of": as_of,
            "as_of_text": _text(as_of),
            "before": before,
            "before_text": _text(before) if before is not None else None,
            "horizon_days": days,
            "definitions": {one.name: one.to_yaml() for one in defined.features},
            "meta": {
                name: {"label": one.label, "unit": one.unit, "theme": one.theme} for name, one in defined.meta.items()
            },
            "hidden": sorted(defined.hidden),
            "columns": {name: kind.value for name, kind in columns.items()},
            "main_events": main_events(known),
            "events": dict(known.events),
            "has_value": known.has_value,
            "plan": plan.version,
            "notes": notes,
            "extra": {"span_days": known.span_days, "horizon_days": days, "plan": plan.version},
        },
    )


def _catalogue(engine: Engine, files: Sequence[Path], settings: Settings) -> Catalogue:
    """What the events contain."""
    if not files or not (rows := sum(pq.read_metadata(file).num_rows for file in files)):
        raise DataError(
            "no row of any source became an event, so there is nothing to segment. "
            "Remedy: look at the quarantine table's reasons in `report.html`, mend `shoal.yaml`, run again"
        )
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    source = f"read_parquet([{listed}])"
    counted = engine.query(f"SELECT event, count(*) AS n FROM {source} GROUP BY event ORDER BY n DESC, event")
    totals = engine.query(
        f"SELECT epoch_us(min(at)) AS first, epoch_us(max(at)) AS last, "
        f"count(*) FILTER (value <> 0) AS valued, count(DISTINCT epoch_us(at) % {DAY}) AS clocks FROM {source}"
    ).to_pylist()[0]
    struct = pq.read_schema(files[0]).field("properties").type
    properties = {field.name: _kind(field.type) for field in struct if _kind(field.type)}
    levels = {name: _levels(engine, source, name, rows) for name in LEVELLED if properties.get(name) == "text"}
    return Catalogue(
        events=dict(zip(counted["event"].to_pylist(), counted["n"].to_pylist(), strict=True)),
        properties=properties,
        levels=levels,
        has_value=totals["valued"] > 0,
        has_clock=totals["clocks"] > 3,
        span_days=(totals["last"] - totals["first"]) / DAY,
        roles=settings.events,
    )


def _kind(arrow: pa.DataType) -> str:
    from shoal.define.types import type_of

    found = type_of(arrow)
    return found.value if found is not None and found.value in KINDS else ""


def _levels(engine: Engine, source: str, name: str, rows: int) -> list[str]:
    """The most frequent values that at least one event in a hundred has."""
    found = engine.query(
        f'SELECT properties."{name}" AS level, count(*) AS n FROM {source} WHERE level IS NOT NULL '
        f"GROUP BY level HAVING n >= {max(rows // 100, 1)} ORDER BY n DESC, level LIMIT 8"
    )
    levels: list[str] = found["level"].to_pylist()
    return levels if len(levels) > 1 else []


def _compute(
    files: Sequence[Path], read: Read, plan: Plan, after: Plan | None, as_of: int, before: int | None, tell: Tell
) -> tuple[pa.Table, pa.Table | None, pa.Table | None]:
    """One pass over the events: features at both instants, and the period between them; bucket by bucket."""
    instants = [as_of] if before is None else [before, as_of]
    needed = sorted(set(plan.event_columns) | set(after.event_columns if after else ()) - {"person"})
    done = 0

    def bucket(file: Path) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
        nonlocal done
        batches = list(read([file], needed))
        found = list(plan.run(batches, instants)), list(after.run(batches, [as_of]) if after else ())
        done += 1
        tell("features", 0.45 + 0.25 * done / len(files))
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(bucket, files))
    computed = pa.Table.from_batches([batch for one, _ in parts for batch in one])
    at = computed["as_of"].cast(pa.int64()).to_numpy()
    now = computed.filter(pa.array(at == as_of))
    if before is None or after is None:
        return now, None, None
    earlier = computed.filter(pa.array(at == before))
    happened = pa.Table.from_batches([batch for _, one in parts for batch in one])
    return now, earlier, _rows_of(happened, earlier)


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
        else pa.array([as_of] * len(silent), now.schema.field(name).type)
        if name == "as_of"
        else pa.repeat(pa.scalar(defaults[name], now.schema.field(name).type), len(silent))
        for name in now.column_names
    }
    return pa.concat_tables([now, pa.table(rows, schema=now.schema)]).sort_by("person")


def _write(run: Run, name: str, table: pa.Table) -> None:
    """Writes a table of people with its public `profile_id` first."""
    ids = tables.profile_ids(table["person"].to_numpy())
    rest = [column for column in table.column_names if column not in ("person", "as_of")]
    shown = pa.table(
        [ids, table["as_of"].cast(tables.INSTANT), *(table[column] for column in rest), table["person"]],
        names=["profile_id", "as_of", *rest, "person"],
    )
    pq.write_table(shown, run.path(name), compression="zstd", compression_level=1)


def _text(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1e6, UTC).isoformat()
