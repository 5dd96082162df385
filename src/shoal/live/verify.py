"""Proof that live equals batch: everybody computed anew from the log, all at once, and held against the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal import tables
from shoal.define.evaluate import Frame, Vector, load
from shoal.define.tree import Column, columns_of
from shoal.define.types import Type
from shoal.errors import Busy
from shoal.live.advance import Cleans, crowd
from shoal.live.bulk import Resolved, resolve
from shoal.live.definition import Definition
from shoal.live.evaluate import Evaluator
from shoal.live.event import Event
from shoal.live.gather import known
from shoal.live.kinds import as_kind
from shoal.live.log import Log
from shoal.live.record import unpack
from shoal.live.seed import Origin, profiles_of, told_when
from shoal.live.state import State, Txn, Words, due_at, person_key, person_of
from shoal.live.write import bits

SHOWN = 100  # differences that are listed
UNDER_WAY = (
    "the live state is being brought to new definitions. Rule: it is compared once everybody is. Remedy: try again "
    "in a moment"
)
CHUNK = 20_000


@dataclass
class Proof:
    """What was compared, as of an instant and an offset, and every difference up to a hundred, counted beyond."""

    as_of: str = ""
    offset: int = 0
    events: int = 0
    people: int = 0
    values: int = 0
    memberships: int = 0
    found: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, with `equal`."""
        return {"equal": not self.found, **asdict(self)}

    def differ(self, who: int, what: str, live: Any, batch: Any) -> None:
        """Notes a difference."""
        self.found += 1
        if len(self.differences) < SHOWN:
            shown = {"profile_id": tables.profile_id(who), "what": what, "live": live, "batch": batch}
            self.differences.append(shown)


class Verifier:
    """Holds one state against the batch answer, at one moment of it."""

    def __init__(
        self,
        state: State,
        log: Log,
        cleaner: Cleans,
        definition: Definition,
        origin: Origin | None,
        most: Callable[[str, str], int],
        tell: Callable[[str, float | None], None] = lambda _what, _done: None,
    ) -> None:
        self.state, self.log, self.cleaner, self.definition = state, log, cleaner, definition
        self.origin, self.most, self.tell = origin, most, tell
        self.proof = Proof()

    def verify(self) -> Proof:
        """Everybody's features, scores and memberships, live and anew.

        Raises Busy while people are being brought to the definition.
        """
        with self.state.reading() as txn:
            if not at_rest(txn, self.definition):
                raise Busy(UNDER_WAY)
            offset, clock = txn.meta("offset", 0), txn.meta("clock", 0)
            self.proof.as_of, self.proof.offset = tables.iso(clock), offset
            self.tell("verify: reading the log", 0.1)
            events = list(self._events(offset))
            self.proof.events = len(events)
            batch = self._batch(events, clock)
            self.tell("verify: comparing", 0.6)
            self._compare(txn, batch, clock)
        return self.proof

    def _events(self, offset: int) -> Iterator[Event]:
        """The events of the log that the state has seen, each message once, the first received."""
        after, seen = 0, set[str]()
        begin = self.origin.seen if self.origin is not None else 0
        for chunk in self.origin.messages() if self.origin is not None else ():
            seen.update(chunk)
        while entries := self.log.read(after):
            for place, entry in entries:
                if place > offset:
                    return
                for event in self.cleaner.clean(place, entry)[0]:
                    if event.event_id not in seen:
                        seen.add(event.event_id)
                        if place > begin:
                            yield event
                after = place

    def _batch(self, events: Sequence[Event], clock: int) -> pa.Table:
        """Everybody as a run would find them: one row a person, every column that rules read, and the rules."""
        profiles = list(profiles_of(self.origin)) if self.origin is not None else []
        guarded = self.origin.guarded if self.origin is not None else ()
        met = self.origin.met if self.origin is not None else ()
        resolved = resolve([one.identifiers for one in events], profiles, guarded, self.most, met)
        rows = self._rows(events, resolved)
        self.tell("verify: computing features", 0.3)
        plan = self.definition.plan
        found = pa.Table.from_batches(plan.run(rows.to_batches(), [clock]), schema=plan.schema)
        everybody = sorted({*resolved.people, *resolved.became.values()})
        table = _with_silent(found, np.array(everybody, np.int64), plan.empty(), clock)
        for name, expr in self.definition.derived_exprs.items():
            column = Frame(table, table.num_rows).full(expr).arrow(expr.type)
            table = table.append_column(name, column)
        for name, column in self._traits(events, resolved, table["person"].to_pylist()).items():
            if name not in table.column_names:
                table = table.append_column(name, column)
        return self._scored(table, rows, clock)

    def _rows(self, events: Sequence[Event], resolved: Resolved) -> pa.Table:
        """All events under their people of now, in the order of a run."""
        layout = self.definition.layout
        arrow = {"number": pa.float64(), "bool": pa.bool_(), "text": pa.string(), "key": pa.string()}
        arrow["time"] = tables.INSTANT
        columns: dict[str, Any] = {
            "person": pa.array(resolved.people, pa.int64()),
            "at": pa.array([one.at for one in events], pa.int64()).cast(tables.INSTANT),
            "event": pa.array([one.event for one in events], pa.string()),
            "event_id": pa.array([one.event_id for one in events], pa.string()),
        }
        for name, kind in layout.columns:
            columns[name] = pa.array([_cell(one, name, kind) for one in events], arrow[kind])
        parts = [pa.table(columns)]
        if self.origin is not None:
            for part in self.origin.events([*columns]):
                now = [resolved.became.get(one, one) for one in part["person"].to_pylist()]
                part = part.set_column(part.column_names.index("person"), "person", pa.array(now, pa.int64()))
                parts.append(_cast(part.select([*columns]), parts[0].schema))
        order = [("person", "ascending"), ("at", "ascending"), ("event_id", "ascending")]
        return pa.concat_tables(parts).sort_by(order).combine_chunks()

    def _traits(self, events: Sequence[Event], resolved: Resolved, people: Sequence[int]) -> dict[str, pa.Array]:
        """What was told last of each person."""
        told: dict[int, dict[str, tuple[int, str, Any]]] = {}
        if self.origin is not None:
            for chunk in self.origin.chunks():
                for who, (_, last, traits) in self.origin.told(chunk).items():
                    own = told.setdefault(resolved.became.get(who, who), {})
                    at, tie = told_when(who, last)
                    for name, value in traits.items():
                        if name not in own or own[name][:2] < (at, tie):
                            own[name] = (at, tie, value)
        for event, who in zip(events, resolved.people, strict=True):
            own = told.setdefault(who, {})
            for name, value in event.traits.items():
                if name not in own or own[name][:2] <= (event.at, event.event_id):
                    own[name] = (event.at, event.event_id, value)
        arrow = {"number": pa.float64(), "bool": pa.bool_(), "text": pa.string(), "time": pa.int64()}
        fits = {"number": (int, float), "bool": (bool,), "text": (str,), "time": (int,)}
        found = {}
        for name, kind in self.definition.traits.items():
            values = [told.get(who, {}).get(name, (0, "", None))[2] for who in people]
            good = [
                one if isinstance(one, fits[kind]) and (kind == "bool" or not isinstance(one, bool)) else None
                for one in values
            ]
            column = pa.array(good, arrow[kind])
            found[name] = column.cast(tables.INSTANT) if kind == "time" else column
        return found

    def _scored(self, table: pa.Table, rows: pa.Table, clock: int) -> pa.Table:
        scoring = self.definition.scoring
        if scoring is None or not scoring.columns:
            return table
        shown = table.append_column("profile_id", tables.profile_ids(table["person"].to_numpy()))
        events = None
        if scoring.needs_events:
            past = rows.filter(pa.array(rows["at"].cast(pa.int64()).to_numpy() <= clock))
            events = past.select(list(scoring.needs_events)).combine_chunks().to_batches()[0] if past.num_rows else None
        scores = scoring.score(shown, clock, events)
        for name, model in scoring.columns.items():
            column = pa.array(scores.get(model, np.full(table.num_rows, np.nan)), from_pandas=True)
            if name not in table.column_names:
                table = table.append_column(name, column)
            if f"score:{model}" not in table.column_names:
                table = table.append_column(f"score:{model}", column)
        return table

    def _compare(self, txn: Txn, batch: pa.Table, clock: int) -> None:
        words = Words()
        words.txn = txn
        evaluator = Evaluator(self.definition, words)
        place = {who: row for row, who in enumerate(batch["person"].to_pylist())}
        live = [person_of(bytes(key)) for key, _ in txn.cursor("people")]
        for who in place.keys() - set(live):
            self.proof.differ(who, "person", "absent", "present")
        for who in set(live) - place.keys():
            self.proof.differ(who, "person", "present", "absent")
        self.proof.people = len(live)
        known_by = {int(number): one for number, one in txn.meta("generations", {}).items()}
        both = [who for who in live if who in place]
        for start in range(0, len(both), CHUNK):
            self._compare_some(txn, both[start : start + CHUNK], batch, place, evaluator, clock, known_by)

    def _compare_some(
        self,
        txn: Txn,
        people: Sequence[int],
        batch: pa.Table,
        place: Mapping[int, int],
        evaluator: Evaluator,
        clock: int,
        known_by: Mapping[int, Mapping[str, Any]],
    ) -> None:
        works = [known(who, unpack(txn.get("people", person_key(who))), "time") for who in people]
        truth = evaluator.truth(crowd(works, self.definition), clock)
        rows = batch.take(pa.array([place[who] for who in people]))
        for name, vector in truth.computed.items():
            self._compare_column(people, name, vector, rows[name])
        frame = Frame(rows, rows.num_rows)
        for number, (rule, expr) in enumerate(zip(self.definition.rules, self.definition.exprs, strict=True)):
            anew = frame.mask(expr)
            self.proof.memberships += int(anew.sum())
            stale = self._reads_scores(number)
            for row, work in enumerate(works):
                keys = [f"{one['name']}@{one['version']}" for one in known_by[work.record.generation]["rules"]]
                now = bool(truth.holds[number][row]) if stale else rule.key in set(bits(work.record.mask, keys))
                if now != bool(anew[row]):
                    self.proof.differ(people[row], f"segment {rule.key}", now, bool(anew[row]))

    def _reads_scores(self, number: int) -> bool:
        return bool(columns_of(self.definition.inlined[number]) & set(self.definition.score_columns))

    def _compare_column(self, people: Sequence[int], name: str, live: Vector, batch: pa.ChunkedArray) -> None:
        """Equal to the bit, or unknown on both sides."""
        kind = dict(self.definition.computed)[name]
        other = load(batch, Column(name, Type(kind)))
        known_live = np.broadcast_to(live.valid, (len(people),))
        known_batch = np.broadcast_to(other.valid, (len(people),))
        if kind == "text":
            one, two = live.words[live.values], other.words[other.values]
        else:
            one, two = live.values, other.values
        differs = (known_live != known_batch) | (known_live & known_batch & (one != two))
        self.proof.values += len(people)
        for row in np.flatnonzero(differs).tolist():
            self.proof.differ(people[row], name, _shown(one, known_live, row), _shown(two, known_batch, row))


def at_rest(txn: Txn, made: Definition) -> bool:
    """Whether everybody is as of the state's instant and of a definition: no sweep goes on, nobody is due."""
    held = txn.meta("generations", {}).get(str(txn.meta("generation", 0)), {})
    cursor = txn.cursor("due")
    late = bool(cursor.first()) and due_at(cursor.key()) <= txn.meta("clock", 0)
    return held.get("version") == made.version and txn.meta("sweep") is None and not late


def _shown(values: NDArray[Any], known_: NDArray[np.bool_], row: int) -> Any:
    if not known_[row]:
        return None
    value = values[row]
    return value.item() if hasattr(value, "item") else value


def _cell(event: Event, name: str, kind: str) -> Any:
    """An event's value in a column, None where it is of another kind."""
    value = event.value if name == "value" else event.properties.get(name, event.traits.get(name))
    if value is None or kind == "time":
        return None
    return as_kind(value, "text" if kind == "key" else kind)  # type: ignore[arg-type]


def _cast(part: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for one in schema:
        column = part[one.name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns.append(column.cast(one.type, safe=False))
    return pa.table(columns, schema=schema)


def _with_silent(found: pa.Table, everybody: NDArray[np.int64], empty: Mapping[str, Any], clock: int) -> pa.Table:
    """The features with those of nothing for whoever has no event yet."""
    silent = np.setdiff1d(everybody, found["person"].to_numpy())
    if not len(silent):
        return found.sort_by("person")
    columns = {}
    for one in found.schema:
        if one.name == "person":
            columns[one.name] = pa.array(silent)
        elif one.name == "as_of":
            columns[one.name] = pa.array(np.full(len(silent), clock)).cast(one.type)
        else:
            columns[one.name] = pa.array([empty[one.name]] * len(silent), one.type)
    return pa.concat_tables([found, pa.table(columns, schema=found.schema)]).sort_by("person")
