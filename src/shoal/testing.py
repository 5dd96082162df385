"""Contract checks for what plugs into Shoal: run them on your own engine, recipe or learner, as we do on ours.

from shoal.testing import check_recipe
check_recipe(MyRecipe())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shoal.engine.protocol import Engine
from shoal.errors import NotFound, ShoalError, StoreError, suggest
from shoal.live.log import Log
from shoal.model.matrix import Matrix, build
from shoal.model.meta import describe
from shoal.model.recipe import Grouping, Recipe
from shoal.predict.calibrate import log_odds
from shoal.predict.learner import Array, Learner
from shoal.settings import Layout


class Broken(AssertionError):
    """A part breaks its contract; the message says which rule."""


def check_recipe(recipe: Recipe) -> None:
    """Holds a discovery recipe against its contract; raises Broken with the rule that it breaks.

    A recipe may leave people out (-1); people who do not differ, one person and fewer people than groups are no error.

    >>> from shoal.model.clusters import KMeansRecipe
    >>> check_recipe(KMeansRecipe())
    """
    _hold(bool(recipe.name), "a recipe has a name")
    for people, inputs in ((400, 6), (60, 1)):
        matrix = _people(people, inputs)
        for k in (2, 5):
            found = recipe.fit(matrix, k, seed=3)
            again = recipe.fit(matrix, k, seed=3)
            _check_groups(found, matrix, k)
            _hold(bool(np.array_equal(found.labels, again.labels)), "the same seed gives the same groups to the bit")
    alike = _people(50, 3)
    same = Matrix(alike.meta, np.zeros_like(alike.raw), np.zeros_like(alike.values), alike.rows, {})
    for odd in (same, alike.take(np.arange(1)), alike.take(np.arange(3))):
        _check_groups(recipe.fit(odd, 5, seed=0), odd, 5)


def _check_groups(found: Grouping, matrix: Matrix, k: int) -> None:
    people, inputs = matrix.values.shape
    _hold(found.labels.shape == (people,), "every person has a label")
    _hold(1 <= found.k <= k, "there is at least one group, and at most k")
    _hold(bool((found.labels >= -1).all() and (found.labels < found.k).all()), "labels are 0 to k-1, or -1 for none")
    _hold(bool((np.bincount(found.labels + 1, minlength=found.k + 1)[1:] > 0).all()), "no group is empty")
    _hold(found.centres.shape == (found.k, inputs), "centres are (groups, inputs)")
    _hold(bool(np.isfinite(found.centres).all()), "centres are numbers")


def check_model(learner: Learner) -> None:
    """Holds a learner against its contract; raises Broken with the rule that it breaks.

    A learner whose contributions do not add up to its log-odds says so by `additive = False`.

    >>> from shoal.predict.logistic import Logistic
    >>> check_model(Logistic())
    """
    _hold(bool(learner.name), "a learner has a name")
    for rows, inputs, holes in ((400, 4, True), (120, 1, False)):
        x, y, categories = _outcomes(rows, inputs, holes)
        fitted = learner.fit(x, y, categories=categories, seed=3)
        p = fitted.predict(x)
        _hold(p.shape == (rows,), "there is one probability a row")
        _hold(bool(np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()), "a probability is from 0 to 1")
        _hold(float(p[y > 0].mean()) > float(p[y == 0].mean()), "an outcome that the inputs tell is learned")
        again = learner.fit(x, y, categories=categories, seed=3).predict(x)
        _hold(bool(np.array_equal(p, again)), "the same seed gives the same model to the bit")
        files = fitted.to_files()
        _hold(all(isinstance(data, bytes) for data in files.values()) and bool(files), "a model is files of bytes")
        read = learner.load(files).predict(x)
        _hold(bool(np.array_equal(read, p)), "a model read from its files is the same to the bit")
        odd = fitted.predict(np.array([[np.nan] * inputs, [1e9] * inputs]))
        _hold(bool(np.isfinite(odd).all()), "rows without values, or unlike all others, have a probability")
        _hold(fitted.predict(x[:0]).shape == (0,), "no rows have no probabilities")
        _check_contributions(learner, fitted.contributions(x), p, x)
    alike, differing = np.ones((50, 2)), np.arange(100.0).reshape(50, 2)
    outcomes: list[list[float]] = [[0.0, 1.0] * 25, [1.0] * 50, [0.0] * 50]
    for x, known in ((alike, outcomes[0]), (differing, outcomes[1]), (differing, outcomes[2])):
        y = np.array(known, dtype=np.float64)
        p = learner.fit(x, y, categories=np.zeros(2, dtype=bool), seed=0).predict(x)
        _hold(bool(np.isfinite(p).all()), "inputs that do not differ, or one outcome only, are no error")


def _check_contributions(learner: Learner, found: Array, p: Array, x: Array) -> None:
    _hold(found.shape == x.shape and bool(np.isfinite(found).all()), "contributions are (rows, inputs)")
    if getattr(learner, "additive", True):
        inside = (p > 1e-9) & (p < 1 - 1e-9)
        rest = (log_odds(p) - found.sum(axis=1))[inside]
        _hold(float(np.ptp(rest)) < 1e-6, "contributions and one constant add up to the log-odds")


def _outcomes(rows: int, inputs: int, holes: bool) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Inputs of which the first tells the outcome; the second, if any, is a category; some values missing."""
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, inputs))
    y: Array = (x[:, 0] + rng.normal(size=rows) > 0).astype(np.float64)
    categories = np.arange(inputs) == 1
    x[:, categories] = rng.integers(0, 3, size=(rows, int(categories.sum())))
    if holes:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x, y, categories


def check_engine(make: Callable[[Path], Engine], folder: Path) -> None:
    """Holds an engine against the port; `make` opens one that may write below `folder`.

    Raises Broken with the rule that it breaks.
    """
    engine = make(folder / "scratch")
    try:
        _check_tables(engine, folder)
        _check_scan(engine, folder)
        try:
            engine.query("SELECT * FROM no_such_table")
        except Exception as error:  # noqa: BLE001 - any error will do, silence will not
            _hold(str(error) != "", "a query that cannot run says why")
        else:
            raise Broken("broken rule: a query that cannot run raises")
    finally:
        engine.close()


def _check_tables(engine: Engine, folder: Path) -> None:
    table = pa.table({"person": pa.array([3, 1, 2], pa.int64()), "name": ["c", "a", None]})
    engine.register("people", table)
    _hold(engine.query("SELECT * FROM people ORDER BY person").num_rows == 3, "a registered table can be queried")
    engine.execute('CREATE TEMP TABLE twice AS SELECT person * 2 AS "double" FROM people')
    sums = engine.query('SELECT sum("double") AS total FROM twice').to_pylist()
    _hold(sums == [{"total": 12}], "a table made by SQL can be queried")
    streamed = pa.Table.from_batches(list(engine.batches("SELECT person FROM people ORDER BY person", rows=2)))
    _hold(streamed["person"].to_pylist() == [1, 2, 3], "batches stream the whole result in order")
    rows = engine.write("SELECT * FROM people ORDER BY person", folder / "people.parquet")
    _hold(rows == 3, "write returns the number of rows")
    written = pq.read_table(folder / "people.parquet")
    _hold(written["name"].to_pylist() == ["a", None, "c"], "what is written can be read, nulls included")
    _hold(not list(folder.glob("*.part")), "nothing temporary is left beside a written table")
    engine.drop("twice")
    engine.drop("never_there")


def _check_scan(engine: Engine, folder: Path) -> None:
    path = folder / "orders.csv"
    path.write_text("who,when,total\nada,2024-01-01,3.5\nbob,2024-01-02\ncy,2024-01-03,1\n", encoding="utf-8")
    scan = engine.scan("orders", [path], Layout(), "csv")
    _hold(scan.read == 3, "rows read are those in the view and those rejected")
    _hold(scan.rejected == 1, "a line that cannot be cut into columns is rejected, not lost")
    raw = engine.query('SELECT * FROM orders ORDER BY "_row"').to_pylist()
    _hold([row["who"] for row in raw] == ["ada", "cy"], "the rows around a bad one are kept")
    _hold([row["_row"] for row in raw] == [1, 3], "rows keep their number in the file")
    refused = engine.query(f"SELECT * FROM {scan.rejects}").to_pylist()
    _hold(len(refused) == 1 and refused[0]["row"] == 2 and bool(refused[0]["reason"]), "a refused line says why")
    try:
        engine.scan("gone", [folder / "gone.csv"], Layout(), "csv")
    except ShoalError as error:
        _hold("gone.csv" in str(error), "a missing file is named")
    else:
        raise Broken("broken rule: a file that is not there raises")


class MemoryLog:
    """An event log that lasts as long as the object: for tests of what appends and of what reads.

    >>> log = MemoryLog()
    >>> log.append([b"one", b"two"]), log.read(1), log.last()
    (2, [(2, b'two')], 2)
    """

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def append(self, entries: Sequence[bytes]) -> int:
        """Keeps entries in order and returns the offset of the last."""
        self.entries.extend(entries)
        return len(self.entries)

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        """Offset and entry of at most `most` entries that follow `after`; StoreError where it never got that far."""
        if after > len(self.entries):
            raise StoreError(f"the log ends at {len(self.entries)}, but it has been read up to {after}")
        return list(enumerate(self.entries[after : after + max(most, 0)], after + 1))

    def last(self) -> int:
        """The offset of the last entry, 0 where there is none."""
        return len(self.entries)

    def close(self) -> None:
        """Nothing to end."""


def check_log(make: Callable[[], Log]) -> None:
    """Holds an event log against the port; `make` opens the same log, empty at first, as often as it is called.

    Raises Broken with the rule that it breaks.

    >>> log = MemoryLog()
    >>> check_log(lambda: log)
    """
    log, other = make(), make()
    try:
        _hold((log.last(), log.read(0)) == (0, []), "an empty log ends at 0 and has nothing to read")
        _hold(log.append([]) == 0, "an append of nothing changes nothing and returns the last offset")
        odd = [b"{}", '{"body": "\u2603 \U0001f40b"}'.encode(), b"", bytes(range(256)), b"x" * (4 << 20), b"end"]
        ends = [log.append(odd[:1]), log.append(odd[1:5]), other.append(odd[5:])]
        written = list(odd)
        for turn in range(3):
            ends += [log.append([f"{turn} {number}".encode() for number in range(40)]), other.append([b"other"])]
            written += [*(f"{turn} {number}".encode() for number in range(40)), b"other"]
        _check_entries(log, written, ends)
        _check_entries(other, written, ends)
    finally:
        log.close()
        other.close()
    again = make()
    try:
        _check_entries(again, written, ends)
        _hold(again.append([b"later"]) > ends[-1], "a log that is opened again goes on where it ended")
        _hold([entry for _, entry in again.read(ends[-1])] == [b"later"], "what is appended later is read later")
    finally:
        again.close()


def _check_entries(log: Log, written: list[bytes], ends: list[int]) -> None:
    found = log.read(0)
    offsets = [offset for offset, _ in found]
    _hold([entry for _, entry in found] == written, "every entry is read as it was appended, in order, once")
    _hold(offsets == sorted(set(offsets)) and offsets[0] > 0, "offsets grow, from above 0")
    _hold(set(ends) <= set(offsets) and log.last() == offsets[-1] == ends[-1], "an append returns its last offset")
    for place in (0, 3, 5, 20, len(found) - 1):
        rest = log.read(offsets[place], most=7)
        _hold(rest == found[place + 1 : place + 8], "reading begins after any entry, in the middle of a group too")
    _hold(log.read(0, most=0) == [] and log.read(offsets[-1]) == [], "where nothing is left, nothing is read")
    try:
        log.read(offsets[-1] + 100)
    except StoreError:
        return
    raise Broken("broken rule: who has read further than the log goes is told (StoreError), and misses nothing")


def _people(people: int, inputs: int) -> Matrix:
    """Two clouds of people, with inputs that differ."""
    rng = np.random.default_rng(people)
    side = np.arange(people) % 2
    columns = {f"feature_{i}": rng.normal(size=people) + 4 * side * (i % 2 == 0) for i in range(inputs)}
    table = pa.table({"person": np.arange(people), **columns})
    return build(table, {name: describe(name) for name in columns})


def _hold(holds: bool, rule: str) -> None:
    if not holds:
        raise Broken(f"broken rule: {rule}")


class MemoryView:
    """A fake of the server's port to the live state (`shoal.server.view.View`): people, segments and changes in memory.

    >>> view = MemoryView()
    >>> view.add("p0000000000000001", {"email": "ada@example.org"})
    >>> view.segment("Loyal"); view.enter("Loyal", "p0000000000000001")
    >>> view.profile("email:ada@example.org")["memberships"][0]["segment"], view.changes(0, 10)[0]["change"]
    ('Loyal', 'entered')
    """

    NOW = "2024-05-01T09:30:00+00:00"

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.stays: dict[str, dict[str, str]] = {}
        self.feed: list[dict[str, Any]] = []

    def add(self, profile_id: str, identifiers: Mapping[str, str], **more: Any) -> None:
        """A person; `more` are traits, features and so on."""
        parts: dict[str, Any] = {
            "traits": {},
            "features": {},
            "scores": [],
            "recommended": [],
            "next_best_action": None,
        }
        told = [{"type": kind, "value": value} for kind, value in identifiers.items()]
        times = {"first_seen": self.NOW, "last_seen": self.NOW, "as_of": self.NOW}
        self.people[profile_id] = {"profile_id": profile_id, **times, "identifiers": told, **parts, **more}

    def segment(self, name: str, *, status: str = "released", version: int = 1, rule: str = "orders >= 3") -> None:
        """A segment, without anybody in it."""
        told = {"name": name, "version": version, "kind": "rule", "status": status, "rule": rule, "words": rule}
        self.known[name], self.stays[name] = told, {}

    def enter(self, segment: str, profile_id: str) -> None:
        """Somebody enters; the feed has a change more."""
        self.stays[segment][profile_id] = self.NOW
        self._note("entered", segment, profile_id)

    def leave(self, segment: str, profile_id: str) -> None:
        """Somebody leaves."""
        del self.stays[segment][profile_id]
        self._note("left", segment, profile_id)

    def profile(self, id: str) -> dict[str, Any]:  # noqa: A002
        """One person, with the memberships as they are. Raises NotFound."""
        person = self.people[self._find(id)]
        stays = [
            {"segment": name, "version": one["version"], "entered_at": entered, "status": one["status"]}
            for name, one in self.known.items()
            if (entered := self.stays[name].get(person["profile_id"])) is not None
        ]
        return {**person, "memberships": stays}

    def segments(self) -> list[dict[str, Any]]:
        """Every segment with its size."""
        return [{**one, "size": len(self.stays[name])} for name, one in self.known.items()]

    def members(self, segment: str, after: str | None, limit: int) -> dict[str, Any]:
        """A page by profile id. Raises NotFound."""
        stays = self.stays[self._named(segment)]
        follow = sorted(who for who in stays if after is None or who > after)
        page = [{"profile_id": who, "entered_at": stays[who]} for who in follow[:limit]]
        return {"members": page, "next": page[-1]["profile_id"] if len(follow) > limit else None}

    def explain(self, segment: str, id: str) -> dict[str, Any]:  # noqa: A002
        """Whether somebody is in a segment. Raises NotFound."""
        name, who = self._named(segment), self._find(id)
        one, inside = self.known[name], who in self.stays[name]
        clause = {"words": one["words"], "rule": one["rule"], "holds": inside, "actual": {}, "parts": []}
        told = {key: one[key] for key in ("version", "rule", "words")}
        return {"segment": name, "profile_id": who, "at": self.NOW, "member": inside, "clauses": [clause], **told}

    def changes(self, after: int, limit: int) -> list[dict[str, Any]]:
        """The changes that follow a position."""
        return self.feed[after : after + limit]

    def status(self) -> dict[str, Any]:
        """Always ready."""
        place = len(self.feed)
        counts = {"people": len(self.people), "segments": len(self.known)}
        return {
            "offset": place, "log_last": place, "clock": self.NOW, "lag_s": 0.0, "ready": True, "definition": "1",
            **counts,
        }  # fmt: skip

    def _note(self, change: str, segment: str, profile_id: str) -> None:
        place, one = len(self.feed) + 1, self.known[segment]
        told = {
            "position": place,
            "id": f"{place:032x}",
            "change": change,
            "segment": segment,
            "version": one["version"],
        }
        why = {"cause": "event", "event": "Order Completed", "offset": place}
        self.feed.append({**told, "status": one["status"], "profile_id": profile_id, "at": self.NOW, "why": why})

    def _find(self, wanted: str) -> str:
        for who, person in self.people.items():
            told = person["identifiers"]
            if wanted == who or any(wanted in (one["value"], f"{one['type']}:{one['value']}") for one in told):
                return who
        raise NotFound(f"nobody has the id '{wanted}'. Remedy: a profile id, or an identifier such as email:ada@...")

    def _named(self, wanted: str) -> str:
        for name, one in self.known.items():
            if wanted.casefold() in (name.casefold(), f"{name}@{one['version']}".casefold()):
                return name
        raise NotFound(f"there is no segment '{wanted}'.{suggest(wanted, self.known)} Remedy: see /v1/segments")
