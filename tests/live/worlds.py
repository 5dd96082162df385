"""A live side in small: a log, a clock and a worker's state, which are checked against the batch answer at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.live.histories import DERIVED, FEATURES, TRAITS, Restart, Rules, Send, Step, Tick

from shoal import pipeline
from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.types import Type
from shoal.live import changes, members
from shoal.live.advance import Advancer, crowd
from shoal.live.definition import Definition, Rule
from shoal.live.evaluate import Evaluator
from shoal.live.gather import known
from shoal.live.identity import Guards, Resolver
from shoal.live.layout import seen_by_combination
from shoal.live.log import Log
from shoal.live.nodes import LmdbNodes
from shoal.live.reading import everybody, identifiers
from shoal.live.record import Record, unpack
from shoal.live.seed import Origin
from shoal.live.state import State, Txn, Words, due_at, person_of
from shoal.live.verify import Proof, Verifier
from shoal.live.write import Step as Done
from shoal.live.write import bits
from shoal.settings import Settings
from shoal.tables import profile_id

COLUMNS = {"value": Type.NUMBER, "item": Type.TEXT, "page": Type.TEXT}
NEVER = int(np.iinfo(np.int64).max)


class MemoryLog:
    """A log in memory."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def append(self, entries: Sequence[bytes]) -> int:
        self.entries += entries
        return len(self.entries)

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        return list(enumerate(self.entries[after : after + most], after + 1))

    def last(self) -> int:
        return len(self.entries)

    def close(self) -> None:
        pass


class Model:
    """A model that scores buyers: a straight formula of features and of what they bought last."""

    columns: Mapping[str, str] = {"score": "buy"}

    def __init__(self, version: int = 0) -> None:
        self.version = f"model {version}"
        self._weight = 0.2 + 0.2 * version

    needs_events = ("person", "at", "event", "value")

    def score(self, table: pa.Table, as_of: int, events: pa.RecordBatch | None) -> dict[str, Any]:
        del as_of
        orders, recency = (table[name].to_numpy(zero_copy_only=False).astype(float) for name in ("orders", "recency"))
        spent = {}
        if events is not None:
            for who, value in zip(events["person"].to_pylist(), events["value"].to_pylist(), strict=True):
                spent[who] = value or 0.0
        last = np.array([spent.get(who, 0.0) for who in table["person"].to_pylist()])
        score = 1 / (1 + np.exp(recency - self._weight * orders - last / 50))
        return {"buy": np.where(orders > 0, score, np.nan)}


def definition(rules: Sequence[Rule] = (), model: int = 0, features: Mapping[str, Any] | None = None) -> Definition:
    """Features, formulas, traits, a model and some rules."""
    plan = compile_plan(features_from_yaml(FEATURES if features is None else features), COLUMNS)
    if features is not None:
        return Definition(plan, {}, dict(TRAITS), tuple(rules))
    return Definition(plan, dict(DERIVED), dict(TRAITS), tuple(rules), Model(model), refresh=10**15)


class World:
    """One worker over one state."""

    def __init__(self, folder: Path, made: Definition, *, guards: Guards | None = None, log: Log | None = None) -> None:
        self.folder, self.definition = folder, made
        self.guards = guards or Guards(max_shared=4, max_users=3)
        self.log: Log = log if log is not None else MemoryLog()
        self.now = 0
        self.origin: Origin | None = None
        self.cleaner = pipeline.cleaner(Settings())
        self.evaluated = 0
        self.reopen()

    def _advancer(self) -> Advancer:
        return Advancer(self.state, self.definition, self.cleaner, Resolver(self.guards, remembered=20))

    def close(self) -> None:
        self.state.close()

    def take(self, step: Step) -> None:
        """One step of a history."""
        if isinstance(step, Send):
            self.log.append(step.entries)
        elif isinstance(step, Rules):
            made = definition(step.rules, step.model)
            self.definition = replace(made, refresh=self.definition.refresh)
            self.advancer.redefine(self.definition)
        elif isinstance(step, Restart):
            self.restart()
        else:
            assert isinstance(step, Tick)
            self.now = step.now
            self.drain(step.entries)

    def restart(self) -> None:
        """Ends and begins again from what is on disk."""
        self.state.close()
        self.reopen()

    def reopen(self) -> None:
        """Begins again after `close`."""
        self.state = State(self.folder, write=True)
        with self.state.reading() as txn:
            self.offset: int = txn.meta("offset", 0)
            self.now = max(self.now, txn.meta("clock", 0))
        self.advancer = self._advancer()

    def step(self, now: int | None = None, most: int = 1_000) -> Done:
        """One step of the worker."""
        self.now = self.now if now is None else now
        entries = self.log.read(self.offset, most)
        done = self.advancer.step(entries, self.now)
        if entries:
            self.offset = entries[-1][0]
        self.evaluated += done.evaluated
        return done

    def drain(self, most: int = 1_000) -> None:
        """Steps until nothing is waiting."""
        for _ in range(10_000):
            done = self.step(most=most)
            if not done.pending and self.offset >= self.log.last():
                return
        raise AssertionError("the worker does not come to rest")

    def verify(self) -> Proof:
        """The state against the batch answer."""
        return Verifier(self.state, self.log, self.cleaner, self.definition, self.origin, self.guards.most).verify()

    def check(self) -> None:
        """Everything that must hold of a state at rest."""
        proof = self.verify()
        assert not proof.found, proof.differences[:5]
        with self.state.reading() as txn:
            check_consistent(txn, self.definition)
            check_as_of_each(txn, self.definition)

    def people(self) -> dict[int, Record]:
        with self.state.reading() as txn:
            return people(txn)

    def members(self, segment: str) -> set[str]:
        """Profile ids of a segment version's members; `NAME@VERSION`."""
        with self.state.reading() as txn:
            code = txn.meta("codes", {}).get(segment)
            return {profile_id(who) for who, _ in members.walk(txn, code)} if code else set()

    def changes(self) -> list[dict[str, Any]]:
        with self.state.reading() as txn:
            return changes.read(txn, 0, 1_000_000)

    def due(self) -> list[int]:
        """The instants at which somebody is looked at again."""
        with self.state.reading() as txn:
            return [due_at(bytes(key)) for key in txn.cursor("due").iternext(values=False)]


def people(txn: Txn) -> dict[int, Record]:
    """Everybody's record."""
    return {person_of(bytes(key)): unpack(value) for key, value in txn.cursor("people")}


def digest(txn: Txn, made: Definition) -> dict[int, Any]:
    """What a state says of everybody as of its clock, whatever order it came in; entry instants left out."""
    found = {}
    words = Words()
    words.txn = txn
    evaluator, clock = Evaluator(made, words), txn.meta("clock")
    nodes = LmdbNodes(txn.raw, txn.dbs["nodes"])
    keys = [rule.key for rule in made.rules]
    for who, record in people(txn).items():
        work = known(who, record, "time")
        truth = evaluator.truth(crowd([work], made), clock)
        values = {name: vector.arrow(Type(dict(made.computed)[name])) for name, vector in truth.computed.items()}
        seen = (record.first_seen, record.last_seen, record.count)
        named = identifiers(nodes, who, seen_by_combination(record.rows, record.count))
        plain = {name: value.to_pylist()[0] for name, value in values.items()}
        found[who] = (plain, sorted(bits(record.mask, keys)), work.traits(), seen, sorted(named, key=repr))
    return found


def check_consistent(txn: Txn, made: Definition) -> None:
    """The tables of a state agree with one another."""
    records = people(txn)
    identified = dict(everybody(LmdbNodes(txn.raw, txn.dbs["nodes"])))
    assert records.keys() <= identified.keys()
    # an identifier that too many share joins nobody, so nothing that happened may be its own
    assert all(one.guarded for who in identified.keys() - records.keys() for one in identified[who])
    clock = txn.meta("clock")
    due = {(due_at(bytes(key)), person_of(bytes(key))) for key in txn.cursor("due").iternext(values=False)}
    assert due == {(record.due, who) for who, record in records.items() if record.due < NEVER}
    assert all(at > clock for at, _ in due)
    codes = {code: key for key, code in txn.meta("codes", {}).items()}
    stays = {
        (codes[int.from_bytes(bytes(key)[:4], "big")], person_of(bytes(key)[4:])) for key, _ in txn.cursor("members")
    }
    generations = txn.meta("generations")
    assert all(record.generation == txn.meta("generation") for record in records.values())
    rules = generations[str(txn.meta("generation"))]["rules"]
    keys = [f"{one['name']}@{one['version']}" for one in rules]
    assert stays == {(key, who) for who, record in records.items() for key in bits(record.mask, keys)}
    sizes = {key: sum(1 for one, _ in stays if one == key) for key, _ in stays}
    assert sizes == txn.meta("sizes", {})
    check_feed(txn, {(key, profile_id(who)) for key, who in stays})
    for key, value in txn.cursor("aliases"):
        target = bytes(value)
        while txn.get("people", target) is None:
            further = txn.get("aliases", target)
            assert further is not None, f"nobody is behind {bytes(key).hex()}"
            target = further
    dtype = made.layout.dtype
    for record in records.values():
        rows = np.frombuffer(record.rows, dtype)
        assert len(rows) == record.count
        assert list(zip(rows["at"], rows["tie"], strict=True)) == sorted(zip(rows["at"], rows["tie"], strict=True))


def check_feed(txn: Txn, stays: set[tuple[str, str]]) -> None:
    """Positions have no gap, no change has the id of another, and who follows the feed knows who is a member."""
    feed = changes.read(txn, 0, 1_000_000)
    assert [one["position"] for one in feed] == list(range(1, txn.meta("position", 0) + 1))
    assert len({one["id"] for one in feed}) == len(feed)
    followed: set[tuple[str, str]] = set()
    for one in feed:
        stay = (f"{one['segment']}@{one['version']}", one["profile_id"])
        assert (stay in followed) == (one["change"] == "left"), one
        (followed.remove if one["change"] == "left" else followed.add)(stay)
    assert followed == stays


def check_as_of_each(txn: Txn, made: Definition) -> None:
    """Each record says what was true at its own instant, scores and what follows from them included."""
    words = Words()
    words.txn = txn
    evaluator = Evaluator(made, words)
    keys = [rule.key for rule in made.rules]
    for who, record in people(txn).items():
        truth = evaluator.truth(crowd([known(who, record, "time")], made), record.as_of)
        holds = {key for key, mask in zip(keys, truth.holds, strict=True) if mask[0]}
        assert holds == set(bits(record.mask, keys)), who
