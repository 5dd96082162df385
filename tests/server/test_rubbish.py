"""Bad input against the real server: a clear answer or a quarantined row, never a 500, never a lost neighbour."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from server.asking import Asking
from server.real import basic, serving, workspace
from server.running import Running, until
from shoal.workspace import Workspace

SETTINGS = """
sources: {}
features:
  events: {count: events}
"""
NOBODY = b"{" * 20_000
DEEP = b'{"a":' * 1_000 + b"1" + b"}" * 1_000


@dataclass(frozen=True)
class Bad:
    """A message; `told` is in the answer's reason where it is refused at once, `reason` the quarantine's."""

    name: str
    raw: bytes
    told: str = ""
    reason: str = ""


def _track(**more: Any) -> bytes:
    message = {"type": "track", "event": "Seen", "userId": "bad", "messageId": f"bad-{json.dumps(more)[:99]}"}
    return json.dumps({name: value for name, value in {**message, **more}.items() if value != "absent"}).encode()


BAD = (
    Bad("half of a surrogate pair", _track(properties={"a": "?"}).replace(b"?", b"\\ud83d"), "surrogate", "malformed"),
    Bad("a byte outside UTF-8", _track(properties={"a": "?"}).replace(b"?", b"\xff"), "UTF-8", "malformed"),
    Bad("40 KB", _track(properties={"text": "x" * 40_000}), "40,", "too_large"),
    Bad("nested 1,000 deep", _track(properties="?").replace(b'"?"', DEEP), "nested deeper", "malformed"),
    Bad("no ids", _track(userId="absent"), "userId and anonymousId are missing", "no_identifier"),
    Bad("an id that is an object", _track(userId={"id": 7}), "userId is an object", "malformed"),
    Bad("an id that is a list", _track(userId=[7]), "userId is a list", "malformed"),
    Bad("an id that is true", _track(userId=True), "userId is", "malformed"),
    Bad("an id without end", _track(userId="u" * 5_000), "", "malformed"),
    Bad("an id that is a placeholder", _track(userId="null"), "", "no_identifier"),
    Bad("an unknown type", _track(type="alert"), "type is 'alert'", "bad_type"),
    Bad("a type that is a number", _track(type=7), "type is", "bad_type"),
    Bad("no event", _track(event="absent"), "event is missing", "no_event"),
    Bad("an event that is an object", _track(event={"name": "Seen"}), "event is an object", "no_event"),
    Bad("1969", _track(timestamp="1969-12-31T23:59:59Z"), "", "bad_time"),
    Bad("1970", _track(timestamp=0), "", "bad_time"),
    Bad("2999", _track(timestamp="2999-01-01T00:00:00Z"), "", "future_time"),
    Bad("no instant", _track(timestamp="yesterday"), "", "bad_time"),
    Bad("less than nothing", _track(properties={"total": -5}), "", "negative_value"),
    Bad("all the money", _track(properties={"total": 1e30}), "", "bad_value"),
    Bad("properties that are a list", _track(properties=[1, 2]), "", "malformed"),
    Bad("a text", b'"hello"', "is text", "malformed"),
    Bad("nothing", b"null", "is missing", "malformed"),
)
MENDED = (_track(properties="?", messageId="nan").replace(b'"?"', b'{"total": NaN, "b": Infinity, "c": -Infinity}'),)


@dataclass
class Sending:
    """What one test sends: `good` are the neighbours of what is bad, messages of one person."""

    server: Running
    folder: Path
    write: dict[str, str]
    asking: Asking
    who: str = "neighbour"
    good: list[str] = field(default_factory=list)

    def between(self, *raws: bytes) -> tuple[int, Any]:
        """Sends messages with good ones before, between and behind them."""
        pieces = [self._neighbour()]
        for raw in raws:
            pieces += [raw, self._neighbour()]
        return self.post("/v1/batch", b'{"batch": [' + b", ".join(pieces) + b"]}")

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        status, answer = self.server.ask("POST", path, body, **{**self.write, **headers})
        return status, json.loads(answer)

    def _neighbour(self) -> bytes:
        self.good.append(f"{self.who}-{len(self.good)}")
        return _track(userId=self.who, messageId=self.good[-1])

    def check(self) -> None:
        """Every neighbour is there once, nothing failed, and live equals batch."""
        self.asking.caught_up()
        until(lambda: self.events(self.who) == len(self.good), "every neighbour is counted, once")
        numbers = self.server.ask("GET", "/metrics")[1].decode()
        assert not re.search(r'shoal_requests_total\{[^}]*status="5', numbers)
        assert not self.server.events("child-died")
        assert not self.server.events("fault")
        proof = Workspace(self.folder).verify()
        assert proof["equal"], proof["differences"]

    def events(self, who: str) -> int:
        """How many events somebody has."""
        return int(self.asking.profile(f"user_id:{who}")["features"]["events"])


@contextmanager
def sending(folder: Path) -> Iterator[Sending]:
    write, read = workspace(folder, SETTINGS)
    (folder / "segments").mkdir()
    (folder / "segments" / "somebody.yaml").write_text("rule: events >= 1\n")
    with serving(folder) as server:
        until(lambda: server.ready()["ready"], "everything has started")
        yield Sending(server, folder, basic(write), Asking(server, read))
        assert server.end() == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sending]:
    """One server for all whom it must not matter what others send it."""
    with sending(tmp_path_factory.mktemp("rubbish") / "w") as found:
        yield found


@pytest.fixture
def sent(shared: Sending, request: pytest.FixtureRequest) -> Sending:
    """A person of the test's own."""
    return replace(shared, who=request.node.name, good=[])


def test_a_bad_message_is_told_or_quarantined_and_costs_no_neighbour(sent: Sending) -> None:
    for bad in BAD:
        status, answer = sent.between(bad.raw)
        told = [one["reason"] for one in answer.get("rejected", ())]
        assert status == 200, (bad.name, answer)
        assert (len(told) == 1 and bad.told in told[0]) if bad.told else not told, (bad.name, told)
        status, answer = sent.post("/v1/batch", b'{"batch": [%s]}' % bad.raw)
        assert status == (400 if bad.told else 200), (bad.name, answer)
    assert sent.between(*(bad.raw for bad in BAD))[0] == 200
    assert sent.between(*MENDED) == (200, {"success": True})
    sent.check()
    assert sent.events("bad") == len(MENDED)
    told_of = Workspace(sent.folder).run()
    rows = Workspace(sent.folder).table("quarantine").to_arrow().to_pylist()
    # What was refused alone was told its sender and is nowhere else; in a batch it is kept beside its neighbours.
    expected = [bad.reason for bad in BAD for _ in range(2 if bad.told else 3)]
    repeated = "duplicate"  # what another test sent twice
    assert sorted(row["reason"] for row in rows if row["reason"] != repeated) == sorted(expected)
    assert all(row["source"] == "live" and row["detail"] for row in rows)
    until(lambda: sent.asking.status()["run_id"] == told_of.run_id, "the worker has taken up the run")
    sent.check()


BODIES = {
    "not JSON": (b'{"batch": [', 400, "malformed"),
    "brackets without end": (NOBODY, 400, "malformed"),
    "nothing": (b"", 400, "empty"),
    "a number": (b"7", 400, "malformed"),
    "ten megabytes": (_track(properties={"text": "x" * 10_000_000}), 413, "too_large"),
    "an event of ten megabytes, packed": (gzip.compress(_track(properties={"t": "x" * 10_000_000})), 413, "too_large"),
    "half of a gzip": (gzip.compress(_track())[:40], 400, "broken_gzip"),
    "three thousand events": (b'{"batch": [%s]}' % b",".join([_track()] * 3_000), 413, "too_many"),
}


def test_a_bad_body_is_refused_with_a_reason_and_nothing_of_it_is_kept(sent: Sending) -> None:
    sent.between()
    for name, (body, status, code) in BODIES.items():
        found, answer = sent.post("/v1/batch", body)
        assert (found, answer["code"]) == (status, code), (name, answer)
        sent.between()
    for key in ("", "shoal_write_1_unknown", "käse", "x" * 5_000):
        found, answer = sent.post("/v1/track", _track(userId="nobody"), **basic(key))
        assert (found, answer["code"]) in {(401, "no_key"), (401, "unknown_key")}, (key, answer)
    sent.check()
    assert not sent.asking.knows("user_id:nobody")


def test_a_batch_sent_again_and_again_counts_once(sent: Sending) -> None:
    sent.between()
    body = json.dumps({"batch": [json.loads(_track(userId="ada", messageId=f"m-{one}")) for one in range(30)]})
    for _ in range(5):
        assert sent.post("/v1/batch", body.encode())[0] == 200
    sent.check()
    assert sent.events("ada") == 30


def test_slow_and_half_open_clients_hold_nobody_up(sent: Sending) -> None:
    with ExitStack() as held:
        for number in range(60):
            client = held.enter_context(socket.create_connection(("127.0.0.1", sent.server.port)))
            head = b"POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n{"
            client.sendall(head[: number * 2] if number % 3 else head)
        for _ in range(20):
            assert sent.between() == (200, {"success": True})
        sent.check()


def _named(number: int) -> dict[str, Any]:
    """A message with names that nobody has used: of an event and a property, or of a trait."""
    who: dict[str, Any] = {"userId": f"user-{number % 100}", "messageId": f"name-{number}"}
    if number % 2:
        return {**who, "type": "identify", "traits": {f"trait {number}": number}}
    return {**who, "type": "track", "event": f"Event {number}", "properties": {f"property {number}": number}}


@pytest.mark.slow
@pytest.mark.parametrize(("names", "at_once"), [(10_000, 200), (3_000, 20)])
def test_names_without_end_cost_the_worker_neither_its_speed_nor_its_memory(
    tmp_path: Path, names: int, at_once: int
) -> None:
    with sending(tmp_path / "w") as sent:
        sent.between()
        sent.asking.caught_up()
        worker = sent.server.child("live")
        before = worker.memory_info().rss
        for start in range(0, names, at_once):
            batch = [_named(number) for number in range(start, start + at_once)]
            assert sent.post("/v1/batch", json.dumps({"batch": batch}).encode())[0] == 200
            sent.between()
            if at_once < 100:  # each of them in a step of its own
                sent.asking.caught_up()
        sent.check()
        assert sent.asking.status()["counts"]["events"] == names + len(sent.good)
        assert worker.memory_info().rss - before < 100 << 20, "bytes"
        built = [line for line in sent.server.lines if "building the state" in str(line.get("said"))]
        assert len(built) <= 3, "names alone do not make everybody anew"
        assert sent.asking.get("/v1/segments")["segments"][0]["size"] == 101
