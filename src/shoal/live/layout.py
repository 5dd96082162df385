"""How a person's history lies in the state: rows of fixed width, one an event, with the columns that the plan reads.

Numbers, times and yes-or-no values are kept as they are; a text is a code into the state's words. A text that is only
counted (`distinct: order_id`) is kept as a 64-bit hash, so that order numbers never fill the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from shoal.live.event import Event
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

    def rows(self, events: Sequence[Event], combinations: Sequence[int], code: Callable[[str], int]) -> Rows:
        """Events as rows, in their order; `code` numbers texts. A value that its column cannot hold is unknown."""
        rows = np.empty(len(events), self.dtype)
        rows["at"] = [event.at for event in events]
        rows["tie"] = [tie(event.event_id) for event in events]
        rows["event"] = [code(event.event) for event in events]
        rows["combination"] = combinations
        told = [{**event.traits, **event.properties} if event.traits else event.properties for event in events]
        for place, (name, kind) in enumerate(self.columns):
            given = [event.value for event in events] if name == "value" else [one.get(name) for one in told]
            rows[f"c{place}"] = _CELLS[kind](given, code)
        return rows

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


def _numbers(given: Sequence[Any], _: Callable[[str], int]) -> list[float]:
    return [one if type(one) is float else np.nan for one in given]


def _bools(given: Sequence[Any], _: Callable[[str], int]) -> list[int]:
    return [(2 if one else 1) if type(one) is bool else 0 for one in given]


def _times(given: Sequence[Any], _: Callable[[str], int]) -> list[int]:
    return [NO_TIME] * len(given)  # JSON has no times, and a text is none


def _texts(given: Sequence[Any], code: Callable[[str], int]) -> list[int]:
    return [0 if one is None else code(one if type(one) is str else str(as_kind(one, "text"))) for one in given]


def _keys(given: Sequence[Any], _: Callable[[str], int]) -> list[int]:
    return _texts(given, key_of)


_CELLS: dict[str, Callable[[Sequence[Any], Callable[[str], int]], list[Any]]] = {
    "number": _numbers,
    "bool": _bools,
    "time": _times,
    "text": _texts,
    "key": _keys,
}


def ordered(person: NDArray[np.int64], rows: Rows, fresh: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The order (person, at, tie) of rows of which the old ones of each person are in order already, old before new.

    Events mostly come in order: None says that these did, and else only the people of whom they did not are sorted.

    Args:
        person: place of each row's person, from 0, in order.
        rows: structured rows.
        fresh: which rows are new; ties among old ones are left as they are.
    """
    at = np.ascontiguousarray(rows["at"])
    same = person[1:] == person[:-1]
    wrong = same & ((at[1:] < at[:-1]) | ((at[1:] == at[:-1]) & (fresh[1:] | fresh[:-1])))
    if not wrong.any():
        return None
    some = np.flatnonzero(np.isin(person, person[1:][wrong]))
    part = rows[some]
    inner = np.lexsort((np.arange(len(some)), part["tie"], at[some], person[some]))
    order = np.arange(len(rows))
    order[some] = some[inner]
    return order


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
