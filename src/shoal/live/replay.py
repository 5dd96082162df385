"""The log as a source of a run: every entry cleaned, as Parquet files with a column for each property.

Memory stays bounded however long the log is. Entries are cleaned once, into drafts that hold properties as JSON; when
all have been seen it is known which names are columns and of which kind, and the drafts become the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from shoal.live.event import Event, Refused
from shoal.live.kinds import Kind, Kinds, as_kind
from shoal.live.log import Log
from shoal.tables import INSTANT, QUARANTINE

MOST = 300  # properties that become columns
TRACKED = 100_000  # names that are counted; a name first seen after so many others is no column
ROWS = 20_000  # events in a file
SOURCE = "live"
AT_ONCE = 200  # entries read from a log together
SHOWN = 5
ARROW: Mapping[Kind, pa.DataType] = {"number": pa.float64(), "bool": pa.bool_(), "text": pa.string()}


class Cleans(Protocol):
    """The part of a Cleaner that a replay needs."""

    @property
    def cut(self) -> int: ...
    def clean(self, offset: int, entry: bytes) -> tuple[list[Event], list[Refused]]: ...


@dataclass
class Replayed:
    """What a replay left.

    `files` hold the events in the order in which they were received, duplicates too: `row` (the message's number in the
    log, from 1), `event_id, event, at, value`, `id_*` and `p_*`. `refused` are files of the quarantine's columns.
    `offsets` are the last that were read, one a log; `read` counts messages, `traits` are the properties that are
    traits as well, told by events called one of `tells`.
    """

    files: list[Path] = field(default_factory=list)
    refused: list[Path] = field(default_factory=list)
    identifiers: tuple[str, ...] = ()
    properties: dict[str, Kind] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    offsets: list[int] = field(default_factory=list)
    read: int = 0
    events: int = 0
    notes: list[str] = field(default_factory=list)


def replay(
    logs: Sequence[tuple[Iterable[tuple[int, bytes]], Cleans]],
    folder: Path,
    *,
    tells: Sequence[str] = (),
    known: Mapping[str, Kind] | None = None,
    most: int = MOST,
    rows: int = ROWS,
) -> Replayed:
    """Cleans the entries (offset, bytes) of logs into files in `folder`, each log's by its own cleaner.

    `known` are the kinds of the columns that other sources have, so that values are written alike; a property that
    differs from one of them in capitals only takes its spelling. Of more than `most` properties the commonest become
    columns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = _Seen(folder, set(tells))
    offsets = [0] * len(logs)
    for number, (found, cleaner) in enumerate(logs):
        for offset, entry in found:
            seen.take(offset, *cleaner.clean(offset, entry))
            offsets[number] = offset
            if len(seen.events) + len(seen.refused) >= rows:
                seen.flush()
    seen.flush()
    columns = seen.columns(known or {}, most)
    files = [_finished(draft, columns, seen.identifiers) for draft in seen.drafts]
    names = {name: column for name, (column, _) in columns.items()}
    return Replayed(
        files,
        seen.refused_files,
        seen.identifiers,
        dict(columns.values()),
        tuple(names[name] for name in names if name in seen.traits),
        tuple(tells),
        offsets,
        seen.row,
        seen.count,
        [*_left_out(seen.named, columns), *_cut(sum(cleaner.cut for _, cleaner in logs))],
    )


def entries(log: Log, until: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Every entry of a log in order, up to and with the offset `until`."""
    after = 0
    while found := log.read(after, AT_ONCE):
        for offset, entry in found:
            if until is not None and offset > until:
                return
            yield offset, entry
        after = found[-1][0]


class _Seen:
    """What was seen so far, and the events that are not yet on disk."""

    def __init__(self, folder: Path, tells: set[str]) -> None:
        self.folder, self.tells = folder, tells
        self.kinds = Kinds()
        self.named: Counter[str] = Counter()
        self.traits: set[str] = set()
        self.types: dict[str, None] = {}
        self.row = self.count = 0
        self.drafts: list[Path] = []
        self.refused_files: list[Path] = []
        self.events: list[tuple[int, Event]] = []
        self.refused: list[dict[str, Any]] = []

    @property
    def identifiers(self) -> tuple[str, ...]:
        return tuple(self.types)

    def take(self, offset: int, events: Sequence[Event], refused: Sequence[Refused]) -> None:
        bad = {one.place: one for one in refused}
        good = iter(events)
        for place in range(len(events) + len(refused)):
            self.row += 1
            if (one := bad.get(place)) is None:
                self.events.append((self.row, next(good)))
                continue
            where = f"{one.detail}; offset {offset} of the log, message {place + 1}"
            self.refused.append(
                {"source": SOURCE, "row": self.row, "reason": one.reason, "detail": where, "raw": one.raw}
            )

    def flush(self) -> None:
        """Writes what is held to disk."""
        from pyarrow import parquet

        if self.events:
            self.count += len(self.events)
            self._count()
            self.drafts.append(self.folder / f"draft-{len(self.drafts):05d}.parquet")
            parquet.write_table(_draft(self.events, self.identifiers), self.drafts[-1], compression="lz4")
            self.events = []
        if self.refused:
            self.refused_files.append(self.folder / f"refused-{len(self.refused_files):05d}.parquet")
            parquet.write_table(pa.Table.from_pylist(self.refused, schema=QUARANTINE), self.refused_files[-1])
            self.refused = []

    def _count(self) -> None:
        for _, event in self.events:
            self.types.update(dict.fromkeys(kind for kind, _ in event.identifiers))
            if event.event in self.tells:
                self.traits.update(event.traits)
        fresh: Counter[str] = Counter()
        for _, event in self.events:
            fresh.update(event.properties.keys())
        room = TRACKED - len(self.named)
        for name, count in fresh.items():
            if name in self.named or room > 0:
                room -= name not in self.named
                self.named[name] += count
        found = Kinds.of(event.properties for _, event in self.events)
        self.kinds |= Kinds({name: kind for name, kind in found.kinds.items() if name in self.named})

    def columns(self, known: Mapping[str, Kind], most: int) -> dict[str, tuple[str, Kind]]:
        """Each property that becomes a column, with the column's name and kind; the commonest first."""
        spelt = {name.lower(): name for name in known}
        kinds = self.kinds | Kinds({name.lower(): kind for name, kind in known.items()})
        common = sorted(self.named, key=lambda name: (-self.named[name], name))[:most]
        return {name: (spelt.get(name, name), kinds.kinds[name]) for name in common}


def _draft(events: Sequence[tuple[int, Event]], types: Sequence[str]) -> pa.Table:
    """Events with their properties as JSON."""
    encode = msgspec.json.encode
    places = {kind: place for place, kind in enumerate(types)}
    ids: list[list[str | None]] = [[None] * len(events) for _ in types]
    for row, (_, event) in enumerate(events):
        for kind, value in event.identifiers:
            ids[places[kind]][row] = value
    columns: dict[str, pa.Array] = {
        "row": pa.array([row for row, _ in events], pa.int64()),
        "event_id": pa.array([event.event_id for _, event in events], pa.string()),
        "event": pa.array([event.event for _, event in events], pa.string()),
        "at": pa.array([event.at for _, event in events], pa.int64()).cast(INSTANT),
        "value": pa.array([event.value for _, event in events], pa.float64()),
    }
    columns |= {f"id_{kind}": pa.array(values, pa.string()) for kind, values in zip(types, ids, strict=True)}
    return pa.table(columns | {"properties": pa.array([encode(event.properties) for _, event in events], pa.binary())})


def _finished(draft: Path, columns: Mapping[str, tuple[str, Kind]], types: Sequence[str]) -> Path:
    """Makes a draft's JSON columns; the draft goes."""
    from pyarrow import parquet

    table = parquet.read_table(draft)
    decode = msgspec.json.Decoder(dict[str, str | bool | float]).decode
    made: dict[str, list[Any]] = {name: [None] * table.num_rows for name in columns}
    for row, text in enumerate(table["properties"].to_pylist()):
        for name, value in decode(text).items():
            if name in made:
                made[name][row] = as_kind(value, columns[name][1])
    whole = {one: table[one] for one in ("row", "event_id", "event", "at", "value")}
    for one in (f"id_{kind}" for kind in types):
        whole[one] = table[one] if one in table.column_names else pa.nulls(table.num_rows, pa.string())
    for name, (column, kind) in columns.items():
        whole[f"p_{column}"] = pa.array(made[name], ARROW[kind])
    path = draft.with_name(draft.name.replace("draft", "events"))
    parquet.write_table(pa.table(whole), path, compression="lz4")
    draft.unlink()
    return path


def _left_out(named: Counter[str], columns: Mapping[str, Any]) -> Iterator[str]:
    rest = sorted((name for name in named if name not in columns), key=lambda name: (-named[name], name))
    if rest:
        shown = ", ".join(rest[:SHOWN]) + (", ..." if len(rest) > SHOWN else "")
        yield (
            f"{len(rest):,} rare properties were left out, such as {shown}: the {len(columns):,} commonest "
            "have columns. Send what varies without end as a value, not as a name"
        )


def _cut(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} text{'s were' if count > 1 else ' was'} longer than 1,000 characters and lost the rest"
