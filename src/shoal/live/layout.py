"""How a person's history lies in the state: rows of fixed width, one an event, with the columns that the plan reads.

Numbers, times and yes-or-no values are kept as they are; a text is a code into the state's words. A text that is only
counted (`distinct: order_id`) is kept as a 64-bit hash, so that order numbers never fill the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoal.define.evaluate import Vector
from shoal.define.kernel import Plan
from shoal.define.plan import event_columns
from shoal.define.textual import objects
from shoal.define.tree import Column
from shoal.define.types import Type
from shoal.live.kinds import as_kind

Rows = NDArray[Any]
STANDING = [("at", "<i8"), ("tie", "S16"), ("event", "<u4"), ("combination", "<u4")]
FORMATS = {"number": "<f8", "bool": "u1", "time": "<i8", "text": "<u4", "key": "<u8"}
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Layout:
    """The columns of a history: name and kind (`number`, `bool`, `time`, `text`, or `key` for a hashed text)."""

    columns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, plan: Plan, beside: Iterable[str] = ()) -> Layout:
        """What a plan reads of the events, and the standing columns `beside`."""
        over = [step for step in plan.steps.values() if step.feature.operation != "formula"]
        counted = {
            step.field.name
            for step in over
            if step.operation == "distinct" and isinstance(step.field, Column) and step.field.type is Type.TEXT
        }
        others = [step for step in over if not (step.operation == "distinct" and isinstance(step.field, Column))]
        read = {name for step in over if step not in others for name in event_columns([_only_selected(step)])}
        read |= set(event_columns(others))
        kinds = dict(plan.columns) | ({"value": "number"} if "value" in beside else {})
        return cls(
            tuple(
                (name, "key" if name in counted - read else kinds[name])
                for name in sorted(kinds)
                if name not in ("at", "event", "person")
            )
        )

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The type of one row."""
        return np.dtype([*STANDING, *((f"c{place}", FORMATS[kind]) for place, (_, kind) in enumerate(self.columns))])

    @cached_property
    def _readers(self) -> tuple[tuple[str, Callable[[Any, Callable[[str], int]], Any], Any], ...]:
        missing = {"number": np.nan, "bool": 0, "time": NO_TIME, "text": 0, "key": 0}
        return tuple((name, _READ[kind], missing[kind]) for name, kind in self.columns)

    def cells(self, value: float | None, told: Mapping[str, Any], code: Callable[[str], int]) -> tuple[Any, ...]:
        """An event's cells after the standing ones; `code` numbers texts, a value of another kind is unknown."""
        found = []
        for name, read, missing in self._readers:
            given = value if name == "value" else told.get(name)
            found.append(missing if given is None else read(given, code))
        return tuple(found)

    def vectors(self, rows: Rows, text: Callable[[int], str]) -> dict[str, Vector]:
        """The columns of many rows as the kernel takes them; only the words that occur are looked up."""
        found = {"event": _words(rows["event"], text), "at": Vector(rows["at"], np.ones(len(rows), bool))}
        for place, (name, kind) in enumerate(self.columns):
            column = np.ascontiguousarray(rows[f"c{place}"])
            if kind == "number":
                known = np.isfinite(column)
                found[name] = Vector(np.where(known, column, 0.0), known)
            elif kind == "bool":
                found[name] = Vector(column == 2, column > 0)
            elif kind == "time":
                found[name] = Vector(column, column != NO_TIME)
            elif kind == "text":
                found[name] = _words(column, text)
            else:
                used, places = np.unique(column, return_inverse=True)
                found[name] = Vector(places.astype(np.int32), column != 0, np.empty(len(used), object))
        return found


def _only_selected(step: Any) -> Any:
    """The step without its field: what remains is read by its selection."""
    from dataclasses import replace

    return replace(step, field=None)


def _words(codes: NDArray[Any], text: Callable[[int], str]) -> Vector:
    used, places = np.unique(codes, return_inverse=True)
    return Vector(places.astype(np.int32), codes != 0, objects([text(int(one)) if one else "" for one in used]))


def key_of(text: str) -> int:
    """The 64-bit hash by which a counted text is kept; never 0, which means unknown."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1


def _number(value: Any, _: Callable[[str], int]) -> float:
    fits = as_kind(value, "number")
    return np.nan if fits is None else float(fits)


def _bool(value: Any, _: Callable[[str], int]) -> int:
    return (2 if value else 1) if isinstance(value, bool) else 0


def _time(value: Any, _: Callable[[str], int]) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else NO_TIME


def _text(value: Any, code: Callable[[str], int]) -> int:
    return code(value if isinstance(value, str) else str(as_kind(value, "text")))


def _key(value: Any, _: Callable[[str], int]) -> int:
    return key_of(value if isinstance(value, str) else str(as_kind(value, "text")))


_READ: dict[str, Callable[[Any, Callable[[str], int]], Any]] = {
    "number": _number,
    "bool": _bool,
    "time": _time,
    "text": _text,
    "key": _key,
}


def ordered(person: NDArray[np.int64], rows: Rows, fresh: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The order (person, at, tie) of rows of which the old ones of each person are in order already.

    Args:
        person: place of each row's person, from 0.
        rows: structured rows.
        fresh: which rows are new; only ties with one of them are looked at.
    """
    at = rows["at"]
    order = np.lexsort((fresh, at, person))
    one, two = order[:-1], order[1:]
    tied = (person[one] == person[two]) & (at[one] == at[two]) & (fresh[one] | fresh[two])
    if not tied.any():
        return order
    return np.lexsort((np.arange(len(rows)), rows["tie"], at, person))


def tie(event_id: str) -> bytes:
    """What decides the order of events of one instant: the beginning of the event's id, as bytes."""
    return event_id.encode("utf-8", "surrogatepass")[:16]


def seen_by_combination(rows: bytes, count: int) -> dict[int, tuple[int, int]]:
    """First and last instant of each combination of identifiers in a history, whatever its columns are."""
    if not count:
        return {}
    names, formats = ["at", "combination"], ["<i8", "<u4"]
    offsets = [np.dtype(STANDING).fields[name][1] for name in names]  # type: ignore[index]
    kind = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": len(rows) // count})
    heads = np.frombuffer(rows, kind)
    used, first = np.unique(heads["combination"], return_index=True)
    last = count - 1 - np.unique(heads["combination"][::-1], return_index=True)[1]
    spans = zip(used.tolist(), heads["at"][first].tolist(), heads["at"][last].tolist(), strict=True)
    return {one: (begin, end) for one, begin, end in spans}
