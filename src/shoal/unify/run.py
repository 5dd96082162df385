"""The unify stage: raw sources to events, profiles, identifiers and a quarantine. Its story is `unify`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shoal import tables
from shoal.engine.protocol import Engine
from shoal.errors import DataError, SettingsError
from shoal.errors import Fault as SettingsFault
from shoal.settings import FILE, Settings
from shoal.store.runs import Run
from shoal.summary import SourceQuality
from shoal.unify import doctor, identifiers, link, merge, read, resolve
from shoal.unify.events import Written, check_names, write_events
from shoal.unify.reasons import nothing
from shoal.unify.stream import Replay, read_log

Tell = Callable[[str, float | None], None]
GUARDED = "SELECT type, value FROM link_identity WHERE guarded ORDER BY kind, value"


def unify(
    folder: Path,
    settings: Settings,
    engine: Engine,
    run: Run,
    before: Run | None,
    as_of: int | None,
    tell: Tell,
    log: Replay | None = None,
) -> None:
    """Writes `events`, `profiles`, `identifiers` and `quarantine`; a source that cannot be read loses no other.

    `as_of` (microseconds) is the instant after which nothing is used; when None the last event's, and where there is
    no event the day on which the files were last written. Where every source is a table of customers, there need be
    no event: `events` is then empty. `log` gives what was logged, the source `live`, where there is any.

    Raises SettingsError without sources, DataError when no source gave a row.
    """
    if not settings.sources and log is None:
        raise SettingsError(
            [
                SettingsFault(
                    FILE, None, "sources", "names no source", "answer the questions in it, or run `shoal init FILE...`"
                )
            ]
        )
    quality: list[SourceQuality] = []
    refusals: list[str] = []
    feeds: list[link.Feed] = []
    for place, name in enumerate(settings.sources):
        tell(f"unify: reading {name}", 0.25 * place / len(settings.sources))
        found = read.read_source(engine, name, settings, folder, _normalise(settings), rows=_rows)
        if found.quarantine is not None:
            refusals.append(found.quarantine)
        if found.clean is not None:
            later = _cut(engine, name, as_of)
            quality.append(_without(found.quality, later))
            feeds.append(link.feed(engine, name, settings.sources[name].kind))
        else:
            quality.append(found.quality)
    streamed = read_log(engine, log, run.folder / "scratch" / "live", feeds) if log is not None else None
    if streamed is not None:
        refusals.append(streamed.quarantine)
        quality.append(_without(streamed.quality, _cut(engine, "live", as_of) if streamed.feed else 0))
    if not any(one.loaded for one in quality):
        raise DataError(nothing(quality, as_of))
    feeds = list(link.standardise_phones(engine, feeds, settings.country, settings.unify.placeholders).sources)
    if streamed is not None and streamed.feed is not None:
        feeds.append(streamed.feed)  # its numbers are standardised already
    check_names(feeds)
    refused = [link.unidentified(engine, feed) for feed in feeds]
    tell("unify: joining people", 0.25)
    links = link.link(engine, feeds, settings.unify.max_shared, settings.unify.max_users)
    known = _memory(before)
    resolved = resolve.resolve(engine, links.kinds, known)
    tell("unify: sorting events", 0.3)
    own_ids = {name for name, source in settings.sources.items() if source.id}
    events = write_events(engine, feeds, links.kinds, run.path("events"), own_ids=own_ids)
    merged = merge.merge(engine, feeds, links.kinds, events, run.path("profiles"), run.path("identifiers"))
    quarantined = _quarantine(engine, refusals, refused, run.path("quarantine"))
    offsets = list(streamed.offsets) if streamed is not None else []
    guarded = engine.write(GUARDED, run.path("guarded"))
    engine.write(link.met(feeds), run.path("met"))
    quality = [_judged(one, refused, merged.shared) for one in quality]
    told = settings.tells_events or (streamed is not None and streamed.feed is not None)
    if not (events.rows if told else merged.profiles):
        raise DataError(nothing(quality, as_of))
    run.write_part(
        "unify",
        {
            "as_of": as_of if as_of is not None else _last(events) if events.rows else _written(quality),
            "quality": [one.model_dump(mode="json") for one in quality],
            "rows": {
                "events": events.rows,
                "profiles": merged.profiles,
                "identifiers": merged.identifiers,
                "quarantine": quarantined,
            },
            "live": {
                "offset": max(offsets, default=0),
                "offsets": offsets,
                "events": quality[-1].loaded if streamed is not None else 0,
                "traits": sorted(streamed.feed.traits) if streamed is not None and streamed.feed is not None else [],
            },
            "guarded": guarded,
            "people": {"kept": resolved.kept, "new": resolved.new, "merged": resolved.merged, "split": resolved.split},
            "questions": doctor.questions((folder / FILE).read_text(encoding="utf-8")),
            "notes": [*links.report.notes, *events.notes, *_shared_rows(engine, feeds)],
        },
    )


def _memory(before: Run | None) -> Path | None:
    """The identifiers of the run before, by which people keep their ids."""
    if before is None or not before.files("identifiers"):
        return None
    path = before.path("identifiers")
    try:
        pq.read_metadata(path)
    except pa.ArrowException:
        raise before.damaged(path) from None
    return path


def _normalise(settings: Settings) -> Callable[[str, str], str]:
    placeholders = settings.unify.placeholders

    def normalise(kind: str, sql: str) -> str:
        return identifiers.normalise_sql(kind, sql, placeholders)

    return normalise


def _rows(url: str, sql: str) -> Any:
    from shoal.store.query import batches

    return batches(url, sql)


def _cut(engine: Engine, source: str, as_of: int | None) -> int:
    """Hides the rows later than `as_of` from everything that follows; returns how many."""
    if as_of is None:
        return 0
    moment = datetime.fromtimestamp(as_of / 1e6, UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    late = f"\"at\" > TIMESTAMP '{moment}'"
    engine.execute(
        f"ALTER VIEW clean_{source} RENAME TO whole_{source}; "
        f"CREATE TEMP VIEW clean_{source} AS SELECT * FROM whole_{source} WHERE NOT coalesce({late}, false)"
    )
    count: int = engine.query(f"SELECT count(*) AS n FROM whole_{source} WHERE {late}")["n"][0].as_py()
    return count


def _without(quality: SourceQuality, later: int) -> SourceQuality:
    if not later:
        return quality
    note = f"{later:,} rows are later than the instant asked for and were not used"
    return quality.model_copy(
        update={"later": later, "loaded": quality.loaded - later, "notes": [*quality.notes, note]}
    )


def _judged(quality: SourceQuality, refused: Sequence[pa.Table], shared: Mapping[str, float | None]) -> SourceQuality:
    """A source's quality with what linking found out: rows that nobody is left in, and how well it joins."""
    count = sum(table.num_rows for table in refused if table.num_rows and table["source"][0].as_py() == quality.source)
    reasons = dict(quality.reasons)
    if count:
        reasons["no_identifier"] = reasons.get("no_identifier", 0) + count
    used = quality.read - quality.later
    return quality.model_copy(
        update={
            "loaded": quality.loaded - count,
            "quarantined": quality.quarantined + count,
            "reasons": reasons,
            "match_rate": (quality.loaded - count) / used if used and not quality.error else None,
            "shared_rate": shared.get(quality.source),
        }
    )


def _quarantine(engine: Engine, refusals: Sequence[str], refused: Sequence[pa.Table], path: Path) -> int:
    """Writes the quarantine table; returns its number of rows."""
    found = [engine.query(f"SELECT * FROM {name} ORDER BY row") for name in refusals]
    whole = [tables.conform(table, tables.QUARANTINE) for table in (*found, *refused)]
    table = pa.concat_tables([tables.QUARANTINE.empty_table(), *whole])
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def _shared_rows(engine: Engine, feeds: Sequence[link.Feed]) -> list[str]:
    """Tables of customers in which several rows have the same identifiers, where no time says which is later."""
    notes = []
    for feed in (feed for feed in feeds if feed.kind == "profiles"):
        found = engine.query(
            f'SELECT sum("rows" - 1)::BIGINT AS n FROM {feed.combos} WHERE "rows" > 1 AND last_seen IS NULL'
        )
        if count := found["n"][0].as_py():
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            notes.append(
                f"source {feed.name}: {rows} the identifiers of an earlier one; of each trait the last value counts"
            )
    return notes


def _written(quality: Sequence[SourceQuality]) -> int:
    """The start of the day, UTC, on which the newest file was last written; of today, where rows came from a query."""
    files = [Path(file) for one in quality if one.loaded for file in one.files]
    times = [file.stat().st_mtime for file in files if file.is_file()]
    at = datetime.fromtimestamp(max(times), UTC) if times else datetime.now(UTC)
    return tables.microseconds(min(at, datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0))


def _last(events: Written) -> int:
    """The last event's instant in microseconds, from the files' footers."""
    latest = []
    for file in events.files:
        footer = pq.read_metadata(file)
        at = next(place for place in range(footer.num_columns) if footer.schema.column(place).path == "at")
        latest += [footer.row_group(group).column(at).statistics.max for group in range(footer.num_row_groups)]
    return tables.microseconds(max(latest)) if latest else 0
