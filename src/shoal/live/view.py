"""Reading the live state: people, segments, members, changes, each from one consistent moment. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import pyarrow as pa

from shoal import tables
from shoal.errors import Busy, NotFound, StorageError, StoreError, suggest
from shoal.live import changes, members
from shoal.live.layout import seen_by_combination
from shoal.live.record import Rest, latest, rest_of, unpack
from shoal.live.state import IN_MEMORY, State, Txn, member_key, person_key, person_of, text_of
from shoal.live.write import entered

Identifiers = Callable[[Txn, int, Mapping[int, tuple[int, int]]], Sequence[Mapping[str, Any]]]
Find = Callable[[Txn, str, str], int | None]
Explain = Callable[..., Sequence[Any]]
HELD = ("released",)
NOT_YET = "the live state is being built. Rule: it needs one run, or one event. Remedy: try again in a moment"


class LiveView:
    """The state of a workspace as readers see it.

    `identified` lists a person's identifiers, `find` gives the person of a type and value, `explain` tells a rule
    clause by clause for a table of one row; `kinds` are the types that a bare value may have, `spoken` those by which a
    client may call another.
    """

    def __init__(
        self,
        folder: Path,
        identified: Identifiers,
        find: Find,
        explain: Explain,
        *,
        kinds: Sequence[str] = (),
        spoken: Mapping[str, str] | None = None,
        log_last: Callable[[], int] = lambda: 0,
    ) -> None:
        self.folder, self._identified, self._find, self._explain = folder, identified, find, explain
        self._kinds, self._spoken, self._log_last = kinds, dict(spoken or {}), log_last
        self._lock = RLock()
        self._state: State | None = None
        self._texts: dict[int, str] = {}
        self._shown: tuple[int, dict[int, dict[str, Any]]] | None = None

    def profile(self, id: str) -> dict[str, Any]:  # noqa: A002 - the word users know
        """One person, as of the last moment at which anything about them was computed.

        Raises NotFound when nobody has the id, or several people do.
        """
        with self._reading() as txn:
            person = self._person(txn, id)
            record, known = self._record(txn, person)
            computed = self._computed(record, txn)
            rest = rest_of(record)
            stays = self._stays(txn, person, known)
            times = seen_by_combination(record.rows, record.count)
            return {
                "profile_id": tables.profile_id(person),
                "first_seen": _iso(record.first_seen),
                "last_seen": _iso(record.last_seen),
                "as_of": _iso(record.as_of),
                "identifiers": [dict(one) for one in self._identified(txn, person, times)],
                "traits": {name: latest(told) for name, told in sorted(rest.traits.items())},
                "features": {name: value for name, value in computed.items() if not name.startswith("score:")},
                "scores": _scores(computed, known),
                "memberships": stays,
                "affinities": (liked := _liked(rest)),
                "recommended": [one for one in liked if one["new"]],
                "next_best_action": _action(stays, known),
            }

    def segments(self) -> list[dict[str, Any]]:
        """Every segment version that is evaluated, with its size by now."""
        with self._reading() as txn:
            known, sizes = self._definition(txn), txn.meta("sizes", {})
            people = max(txn.count("people"), 1)
            found = []
            for rule in known["rules"]:
                size = sizes.get(_key(rule), 0)
                shown = {name: rule[name] for name in ("name", "version", "kind", "status", "rule", "words")}
                found.append({**shown, "size": size, "share": size / people})
            return found

    def members(self, segment: str, after: str | None, limit: int) -> dict[str, Any]:
        """A page of a segment's members in the order of their ids; `next` is where the following one begins."""
        with self._reading() as txn:
            rule = _picked(self._definition(txn), segment)
            code = txn.meta("codes", {}).get(_key(rule), 0)
            page = members.page(txn, code, after, limit)
        found = [{"profile_id": tables.profile_id(who), "entered_at": tables.iso(since)} for who, since in page]
        return {"members": found, "next": found[-1]["profile_id"] if len(found) == limit else None}

    def explain(self, segment: str, id: str) -> dict[str, Any]:  # noqa: A002
        """Why a person is or is not in a segment, clause by clause."""
        with self._reading() as txn:
            person = self._person(txn, id)
            record, known = self._record(txn, person)
            rule = _picked(known, segment)
            row = self._row(record, known, txn)
            is_member = txn.get("members", member_key(txn.meta("codes")[_key(rule)], person)) is not None
        clauses = self._explain(rule["rule"], row, known["labels"])
        return {
            "segment": rule["name"],
            "version": rule["version"],
            "profile_id": tables.profile_id(person),
            "at": _iso(record.as_of),
            "member": is_member,
            "rule": rule["rule"],
            "words": rule["words"],
            "clauses": list(clauses),
        }

    def changes(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Membership changes that follow a position."""
        with self._reading() as txn:
            return changes.read(txn, after, limit)

    def status(self) -> dict[str, Any]:
        """How far the live side is, and what it counted."""
        last = self._log_last()
        try:
            return self._status(last)
        except Busy:
            nothing = dict.fromkeys(("clock", "people", "segments", "lag_s", "definition"))
            return {"ready": False, "offset": 0, "log_last": last, **nothing}

    def _status(self, last: int) -> dict[str, Any]:
        with self._reading() as txn:
            offset, clock = txn.meta("offset", 0), txn.meta("clock", 0)
            known = self._definition(txn)
            sweeping = txn.meta("sweep") is not None
            return {
                "ready": offset >= last and not sweeping,
                "offset": offset,
                "log_last": last,
                "behind": max(last - offset, 0),
                "clock": _iso(clock),
                "lag_s": max(time.time() - clock / 1e6, 0.0) if last > offset else 0.0,
                "people": txn.count("people"),
                "segments": len(known["rules"]),
                "definition": known["version"],
                "run_id": known["run_id"],
                "sweeping": sweeping,
                "counts": txn.meta("counts", {}),
                "position": txn.meta("position", 0),
                "sizes": txn.meta("sizes", {}),
            }

    def close(self) -> None:
        """Ends reading."""
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None

    @contextmanager
    def _reading(self) -> Iterator[Txn]:
        """One moment of the state. One thread at a time: another must not close what this one reads."""
        with self._lock, self._open().reading() as txn:
            yield txn

    def _open(self) -> State:
        """The state, opened anew where another one was put in its place."""
        marker = self.folder / "state" / "data.mdb"
        try:
            number = marker.stat().st_ino
        except (FileNotFoundError, NotADirectoryError):
            self.close()
            raise Busy(NOT_YET) from None
        if self._state is not None and self._shown is not None and self._shown[0] != number:
            self.close()
        if self._state is None:
            try:
                self._state = State(self.folder)
            except (StorageError, StoreError):
                raise Busy(NOT_YET) from None
            self._shown, self._texts = (number, {}), {}
        return self._state

    def _definition(self, txn: Txn) -> dict[str, Any]:
        return self._generation(txn, txn.meta("generation", 0))

    def _generation(self, txn: Txn, number: int) -> dict[str, Any]:
        """What a definition says, kept as long as the state is open."""
        held = self._shown[1] if self._shown is not None else {}
        if number not in held:
            known = txn.meta("generations", {})
            if str(number) not in known:
                raise Busy(NOT_YET)
            held[number] = known[str(number)]
        found: dict[str, Any] = held[number]
        return found

    def _person(self, txn: Txn, id: str) -> int:  # noqa: A002
        """The person behind a profile id, an identifier's value or `type:value`."""
        self._definition(txn)  # nobody is known to be nobody before there is any
        kind, _, value = id.partition(":")
        found = self._by_identifier(txn, self._spoken.get(kind, kind), value) if value else None
        if found is None and members.PROFILE.fullmatch(id):
            key = bytes.fromhex(id[1:])
            while (to := txn.get("aliases", key)) is not None and txn.get("people", key) is None:
                key = to
            found = person_of(key) if txn.get("people", key) is not None else None
        if found is None:
            people = {who for kind in self._kinds if (who := self._by_identifier(txn, kind, id)) is not None}
            if len(people) > 1:
                raise NotFound(f"'{id}' stands for {len(people)} people. Remedy: name its type, such as user_id:{id}")
            found = next(iter(people), None)
        if found is None:
            raise NotFound(
                f"nobody has the id '{id}'. Rule: a profile id, or an identifier such as user_id:42 or email:a@b.org. "
                "Remedy: see under which identifiers events arrive"
            )
        return found

    def _by_identifier(self, txn: Txn, kind: str, value: str) -> int | None:
        """The person of an identifier; an identifier that too many share may have been seen and be nobody's."""
        if kind not in self._kinds or not _is_text(value):
            return None
        who = self._find(txn, kind, value)
        return who if who is not None and txn.get("people", person_key(who)) is not None else None

    def _record(self, txn: Txn, person: int) -> tuple[Any, dict[str, Any]]:
        data = txn.get("people", person_key(person))
        if data is None:
            raise NotFound(f"nobody has the id '{tables.profile_id(person)}'")
        record = unpack(data)
        return record, self._definition(txn)

    def _computed(self, record: Any, txn: Txn) -> dict[str, Any]:
        """The values kept of a person, by name; hidden ones left out."""
        if not record.generation:
            return {}
        made_by = self._generation(txn, record.generation)
        values = np.frombuffer(record.values, np.float64)
        hidden = set(made_by["hidden"])
        return {
            name: self._value(txn, value, kind)
            for (name, kind), value in zip(made_by["computed"], values.tolist(), strict=True)
            if name not in hidden
        }

    def _value(self, txn: Txn, value: float, kind: str) -> Any:
        if value != value:
            return None
        if kind == "text":
            return self._text(txn, int(value))
        if kind == "bool":
            return bool(value)
        if kind == "time":
            return _iso(int(value))
        return int(value) if value == int(value) and abs(value) < 1e15 else value

    def _text(self, txn: Txn, code: int) -> str:
        """A word of the state; words never change."""
        found = self._texts.get(code)
        if found is None:
            if len(self._texts) >= IN_MEMORY:
                self._texts.clear()
            found = self._texts[code] = text_of(txn, code)
        return found

    def _row(self, record: Any, known: dict[str, Any], txn: Txn) -> pa.Table:
        """The columns that rules read, of one person."""
        arrow = {"number": pa.float64(), "text": pa.string(), "bool": pa.bool_(), "time": tables.INSTANT}
        made_by = self._generation(txn, record.generation) if record.generation else {"computed": []}
        values = np.frombuffer(record.values, np.float64).tolist()
        held: dict[str, Any] = {}
        for (name, kind), value in zip(made_by["computed"], values, strict=True):
            held[name] = None if value != value else int(value) if kind == "time" else self._value(txn, value, kind)
        traits = {name: latest(told) for name, told in rest_of(record).traits.items()}
        columns: dict[str, pa.Array] = {}
        for name, kind in known["columns"].items():
            model = known["scores"].get(name)
            value = record.as_of if name == "as_of" else held.get(name, traits.get(name))
            value = held.get(f"score:{model}", value) if model else value
            columns[name] = _cell(value, kind, arrow[kind])
        return pa.table(columns)

    def _stays(self, txn: Txn, person: int, known: dict[str, Any]) -> list[dict[str, Any]]:
        codes, found = txn.meta("codes", {}), []
        for rule in known["rules"]:
            since = txn.get("members", member_key(codes[_key(rule)], person))
            if since is not None:
                found.append(
                    {
                        "segment": rule["name"],
                        "version": rule["version"],
                        "status": rule["status"],
                        "entered_at": _iso(entered(since)),
                    }
                )
        return found


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8; half a character, as a broken client sends it, cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cell(value: Any, kind: str, arrow: pa.DataType) -> pa.Array:
    """A value as a column of one row; one of another kind is unknown."""
    good = {"number": (int, float), "text": (str,), "bool": (bool,), "time": (int,)}[kind]
    fits = isinstance(value, good) and (kind == "bool" or not isinstance(value, bool))
    if kind == "time":
        return pa.array([value if fits else None], pa.int64()).cast(arrow)
    return pa.array([value if fits else None], arrow)


def _scores(computed: Mapping[str, Any], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    models = {one["model"]: one for one in known["models"]}
    return [
        {
            "model": (model := name.removeprefix("score:")),
            "score": value,
            "low": None,
            "high": None,
            "version": models.get(model, {}).get("version"),
            "label": models.get(model, {}).get("label", model),
        }
        for name, value in computed.items()
        if name.startswith("score:") and value is not None
    ]


def _liked(rest: Rest) -> list[dict[str, Any]]:
    names = ("model", "rank", "item", "name", "new")
    return [dict(zip(names, one, strict=True)) for one in rest.liked]


def _action(stays: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first strategy of the person's first released segment, else of the first that has one."""
    plays = {_key(rule): rule["strategies"] for rule in known["rules"]}
    ranked = sorted(stays, key=lambda one: one["status"] not in HELD)
    for stay in ranked:
        strategies = plays.get(f"{stay['segment']}@{stay['version']}")
        if strategies:
            return {"segment": stay["segment"], "action": strategies[0], "why": f"in {stay['segment']}"}
    return None


def _picked(known: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """The rule that a name or `NAME@VERSION` means: the released version, else the newest."""
    rules = known["rules"]
    found = [one for one in rules if wanted.casefold() in (one["name"].casefold(), _key(one).casefold())]
    if not found:
        raise NotFound(f"there is no segment '{wanted}'.{suggest(wanted, [one['name'] for one in rules])}")
    best: dict[str, Any] = max(found, key=lambda one: (one["status"] in HELD, one["version"]))
    return best


def _key(rule: Mapping[str, Any]) -> str:
    return f"{rule['name']}@{rule['version']}"


def _iso(instant: int) -> str | None:
    return tables.iso(instant) if abs(instant) < 1 << 60 else None
